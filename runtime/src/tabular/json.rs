//! A table in JSON: an object of rows by genome, or a list of rows.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::error::Fault;
use super::sheet::{Row, Sheet};

/// The content of a file, in order: a map would lose all but the last of equal keys.
enum Entries {
    Keyed(Vec<(String, Value)>),
    Listed(Vec<Value>),
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of rows by genome, or a list of rows")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries::Keyed(entries))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = list.next_element()? {
                    entries.push(entry);
                }
                Ok(Entries::Listed(entries))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

pub(crate) fn sheet(text: &str) -> Result<Sheet, Fault> {
    let entries = serde_json::from_str(text).map_err(|error| Fault::Json(error.to_string()))?;
    let (keys, values): (Vec<Option<String>>, Vec<Value>) = match entries {
        Entries::Keyed(entries) => entries
            .into_iter()
            .map(|(key, value)| (Some(key), value))
            .unzip(),
        Entries::Listed(entries) => entries.into_iter().map(|value| (None, value)).unzip(),
    };
    let keyed = keys.iter().any(Option::is_some);
    let mut names = BTreeSet::new();
    for (i, value) in values.iter().enumerate() {
        let Value::Object(row) = value else {
            return Err(Fault::NotARow {
                at: format!("entry {}", i + 1),
                given: kind(value),
            });
        };
        names.extend(
            row.keys()
                .filter(|name| !names.contains(*name))
                .cloned()
                .collect::<Vec<_>>(),
        );
    }
    let row = |(i, (key, value)): (usize, (Option<String>, Value))| {
        let cells = names
            .iter()
            .map(|name| value.get(name).map_or_else(String::new, plain));
        Row {
            at: i + 1,
            cells: key.into_iter().chain(cells).collect(),
        }
    };
    let rows = keys.into_iter().zip(values).enumerate().map(row).collect();
    let columns = keyed
        .then(String::new)
        .into_iter()
        .chain(names.iter().cloned())
        .collect();
    Ok(Sheet {
        unit: "entry",
        columns,
        keyed,
        rows,
    })
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_lists_of_rows_are_read_in_their_order() {
        let keyed =
            sheet(r#"{"10": {"acc": 0.5, "n": [1, 2]}, "01": {"acc": 1e-3}, "10": {"acc": null}}"#)
                .unwrap();
        assert_eq!(
            (keyed.columns.clone(), keyed.keyed),
            (vec![String::new(), "acc".to_owned(), "n".to_owned()], true)
        );
        let cells: Vec<String> = keyed.rows.iter().map(|row| row.cells.join("|")).collect();
        assert_eq!(cells, ["10|0.5|[1,2]", "01|0.001|", "10||"]);
        let listed = sheet(r#"[{"g": [0, 1], "acc": 1}]"#).unwrap();
        assert_eq!(
            (listed.rows[0].cells.join("|"), listed.keyed, listed.at(0)),
            ("1|[0,1]".into(), false, "entry 1".into())
        );
    }

    #[test]
    fn other_json_gets_a_sentence() {
        let said = |text| sheet(text).unwrap_err().to_string();
        assert!(said(r#"{"10": 0.5}"#).starts_with("entry 1 is a number; a table in JSON is"));
        assert!(said("[[1]]").contains("entry 1 is a list"));
        assert!(said("3").contains("an object of rows by genome, or a list of rows"));
        assert!(said("{").contains("not valid JSON: EOF"));
    }
}
