/// The most letters of a word.
const MOST_LETTERS: usize = 100;
const MOST_CANDIDATES: usize = 10_000;

/// The candidate nearest to `word`, if it is near enough for a typo.
///
/// Near enough is an edit distance (insert, delete, replace, swap neighbours) of at most a third of
/// the length of the word, and at least one. On a tie, the earlier candidate wins. Words of more
/// than 100 letters have no nearest candidate, and at most 10,000 candidates are examined: a hint
/// is not worth more time.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = word.chars().take(MOST_LETTERS + 1).count();
    if letters > MOST_LETTERS {
        return None;
    }
    let limit = (letters / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates.into_iter().take(MOST_CANDIDATES) {
        if candidate
            .chars()
            .take(letters + limit + 1)
            .count()
            .abs_diff(letters)
            > limit
        {
            continue;
        }
        let away = distance(word, candidate);
        if away <= limit && best.is_none_or(|(least, _)| away < least) {
            best = Some((away, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// "; the nearest is `x`", or nothing.
pub(crate) fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates)
        .map(|near| format!("; the nearest is `{near}`"))
        .unwrap_or_default()
}

fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (
        a.to_lowercase().chars().collect(),
        b.to_lowercase().chars().collect(),
    );
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        let keys = ["layers", "filters", "skip_target"];
        assert_eq!(nearest("layer", keys), Some("layers"));
        assert_eq!(nearest("fitlers", keys), Some("filters"));
        assert_eq!(nearest("Layers", keys), Some("layers"));
        assert_eq!(nearest("dropout", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}
