//! A minimal XML reader, enough to check that a drawing is XML.

pub(super) struct Tag {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
}

impl Tag {
    pub(super) fn get(&self, key: &str) -> &str {
        self.attributes
            .iter()
            .find(|(known, _)| known == key)
            .map_or("", |(_, value)| value)
    }

    pub(super) fn number(&self, key: &str) -> f64 {
        self.get(key).parse().expect("a number")
    }
}

/// The tags of a document, which must use the subset of XML that drawings need: elements,
/// attributes in double quotes, the five entities.
pub(super) fn well_formed(document: &str) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut rest = document.trim_end();
    while let Some(start) = rest.find('<') {
        if let Some(&top) = open.last() {
            let text = plain(&rest[..start]);
            tags[top].text.push_str(&text);
        } else {
            assert!(rest[..start].is_empty(), "text outside the root");
        }
        let end = rest[start..].find('>').expect("a tag ends") + start;
        let inner = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = inner.strip_prefix('/') {
            let top = open.pop().expect("a tag to close");
            assert_eq!(tags[top].name, name, "tags nest");
            continue;
        }
        assert!(tags.is_empty() || !open.is_empty(), "one root");
        let (inner, closed) = inner
            .strip_suffix('/')
            .map_or((inner, false), |inner| (inner, true));
        let (name, mut more) = inner.split_once(' ').unwrap_or((inner, ""));
        assert!(
            name.chars().all(|c| c.is_ascii_alphabetic()),
            "`{name}` is not a name"
        );
        let mut attributes: Vec<(String, String)> = Vec::new();
        while !more.is_empty() {
            let (key, value) = more.split_once("=\"").expect("an attribute");
            let (value, after) = value.split_once('"').expect("a closing quote");
            assert!(
                attributes.iter().all(|(known, _)| known != key),
                "`{key}` twice"
            );
            attributes.push((key.to_owned(), plain(value)));
            more = after.strip_prefix(' ').unwrap_or(after);
        }
        tags.push(Tag {
            name: name.to_owned(),
            attributes,
            text: String::new(),
        });
        if !closed {
            open.push(tags.len() - 1);
        }
    }
    assert!(open.is_empty() && rest.is_empty(), "everything is closed");
    tags
}

/// Text with its entities replaced.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (entity, after) = part.split_once(';').expect("an entity ends");
        let letter = match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => panic!("`{other}` is not an entity"),
        };
        out.push(letter);
        out.push_str(after);
    }
    out
}
