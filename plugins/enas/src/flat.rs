//! Architectures in the notation of the authors' scripts: one list of numbers, which is a genome of
//! the space.

use std::fmt::Write;

use supernet_plugin::SearchSpace;

/// The text is not a list of numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{word}`, after {before} numbers, is not a whole number below 2³²: an architecture of ENAS is a list of numbers."
)]
pub struct FlatError {
    /// The word that is not a number.
    pub word: String,
    /// The number of numbers before it.
    pub before: usize,
}

/// Reads a list of numbers, separated by spaces, line breaks, commas, brackets or quotes, so that
/// it can be pasted directly from a script or a log.
///
/// # Errors
/// If the text contains anything else.
pub fn read(text: &str) -> Result<Vec<u32>, FlatError> {
    let between = |letter: char| letter.is_whitespace() || ",[](){}\"'\\".contains(letter);
    let mut numbers = Vec::new();
    for word in text.split(between).filter(|word| !word.is_empty()) {
        let number = word.parse().map_err(|_| FlatError {
            word: word.to_owned(),
            before: numbers.len(),
        })?;
        numbers.push(number);
    }
    Ok(numbers)
}

/// Writes a genome as a list, in lines like the authors': one per layer in the macro space, one per
/// cell in the micro space.
pub fn write(space: &SearchSpace, genome: &[u32]) -> String {
    // A line begins at each new layer or cell.
    let starts = |d: usize| match space.decisions.get(d).map(|decision| decision.id.as_str()) {
        Some(id) => id.starts_with("op") || id.starts_with("reduce.n0.x.in"),
        None => false,
    };
    let mut text = String::new();
    for (d, number) in genome.iter().enumerate() {
        let gap = if d == 0 {
            ""
        } else if starts(d) {
            "\n"
        } else {
            " "
        };
        let _ = write!(text, "{gap}{number}");
    }
    text
}
