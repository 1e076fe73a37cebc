//! Text sources: one file or three, first as bytes and then as tokens.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Unit;
use crate::error::Flaw;
use crate::read::folder::{Entry, Folder};
use crate::split::count;
use crate::{DataError, SplitSpec};

/// End-of-line token, used when a text is read by word.
const END: &str = "<eos>";

/// The largest file in bytes, so that tokens can be counted in 32 bits.
const MOST: u64 = u32::MAX as u64;

/// Files with their text.
pub(super) enum Source {
    /// A single file, still to be split.
    One(File),
    /// Training, validation and test file.
    Three([File; 3]),
}

/// A file and its text.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// A text as indices into a list of tokens, which is ordered by first occurrence.
pub(super) struct Numbers<'t> {
    pub(super) words: Vec<&'t str>,
    pub(super) parts: [Vec<u32>; 3],
}

impl Source {
    /// Finds the text at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, DataError> {
        let system = |source| DataError::System {
            path: path.to_owned(),
            source,
        };
        let place = path.canonicalize().map_err(system)?;
        if !place.is_dir() {
            return Ok(Self::One(File::read(place)?));
        }
        let folder = Folder::list(place)?;
        match find(&folder)? {
            Some([train, validation, test]) => {
                let read = |entry: &Entry| File::read(entry.path.clone());
                Ok(Self::Three([read(train)?, read(validation)?, read(test)?]))
            }
            None => match &folder.files[..] {
                [only] => Ok(Self::One(File::read(only.path.clone())?)),
                _ => Err(no_text(&folder, folder.holds())),
            },
        }
    }

    /// The training file.
    pub(super) fn file(&self) -> &Path {
        match self {
            Self::One(file) | Self::Three([file, ..]) => &file.path,
        }
    }

    /// The tokens, split as `split` says.
    pub(super) fn numbers(&self, unit: Unit, split: &SplitSpec) -> Result<Numbers<'_>, DataError> {
        let mut lexicon = Lexicon::default();
        let parts = match self {
            Self::One(file) => {
                let train = lexicon.number(&file.text, unit);
                divide(train, split).map_err(|flaw| flaw.of(&file.path))?
            }
            Self::Three([train, validation, test]) => [
                shortened(lexicon.number(&train.text, unit), split.train, "data.train")
                    .map_err(|flaw| flaw.of(&train.path))?,
                shortened(
                    lexicon.number(&validation.text, unit),
                    split.validation,
                    "data.validation",
                )
                .map_err(|flaw| flaw.of(&validation.path))?,
                shortened(lexicon.number(&test.text, unit), 0.0, "")
                    .map_err(|flaw| flaw.of(&test.path))?,
            ],
        };
        Ok(Numbers {
            words: lexicon.words,
            parts,
        })
    }
}

impl File {
    fn read(path: PathBuf) -> Result<Self, DataError> {
        let system = |source| DataError::System {
            path: path.clone(),
            source,
        };
        let length = fs::metadata(&path).map_err(system)?.len();
        if length > MOST {
            let reason = format!(
                "it has {length} bytes, and a text is read up to {MOST}; take a piece of it"
            );
            return Err(Flaw::new(reason).of(path));
        }
        let text = text(fs::read(&path).map_err(system)?).map_err(|flaw| flaw.of(&path))?;
        Ok(Self { path, text })
    }
}

/// Decodes bytes as text, without a byte order mark.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, Flaw> {
    if bytes.is_empty() {
        return Err(Flaw::new(
            "it is empty, but a text has two tokens at least; get it again",
        ));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let byte = error.as_bytes()[at];
        let reason = format!(
            "the byte {byte:#04x} is no UTF-8; if the file is packed, unpack it, and if it is text in another encoding, \
             convert it (iconv -f LATIN1 -t UTF-8)"
        );
        Flaw::at(at, reason)
    })?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

/// Assigns numbers to tokens, in order of first occurrence.
#[derive(Default)]
pub(super) struct Lexicon<'t> {
    words: Vec<&'t str>,
    numbers: HashMap<&'t str, u32>,
}

impl<'t> Lexicon<'t> {
    /// A text as token numbers.
    fn number(&mut self, text: &'t str, unit: Unit) -> Vec<u32> {
        match unit {
            Unit::Character => {
                let places = text.char_indices();
                places
                    .map(|(at, character)| self.of(&text[at..at + character.len_utf8()]))
                    .collect()
            }
            Unit::Word => {
                let lines = text.lines();
                lines
                    .flat_map(|line| line.split_whitespace().chain([END]))
                    .map(|word| self.of(word))
                    .collect()
            }
        }
    }

    fn of(&mut self, word: &'t str) -> u32 {
        *self.numbers.entry(word).or_insert_with(|| {
            self.words.push(word);
            self.words.len() as u32 - 1
        })
    }
}

/// Splits a single text by position.
fn divide(mut train: Vec<u32>, split: &SplitSpec) -> Result<[Vec<u32>; 3], Flaw> {
    let or = |given: f64, fitted: f64| if given == 0.0 { fitted } else { given };
    let words = train.len();
    let [first, second] =
        [or(split.train, 0.9), or(split.validation, 0.05)].map(|setting| count(setting, words));
    let left = words.saturating_sub(first.saturating_add(second));
    if [first, second, left].iter().any(|tokens| *tokens < 2) {
        let fitted = split.train == 0.0 && split.validation == 0.0;
        let way = match fitted {
            true => "a longer text, or a folder with a file for each split",
            false => {
                "a longer text, or set `data.train` and `data.validation` (below 1 a share, from 1 on a number of tokens, 0 \
                 for 0.9 and 0.05)"
            }
        };
        let reason = format!(
            "of its {words} tokens {first} were to train and {second} to validate, and {left} are left to test, but each \
             split needs 2 at least; take {way}"
        );
        return Err(Flaw::new(reason));
    }
    let mut validation = train.split_off(first);
    let test = validation.split_off(second);
    Ok([train, validation, test])
}

/// The beginning of a split that has a file of its own, as long as the setting `key` asks for.
fn shortened(mut part: Vec<u32>, setting: f64, key: &str) -> Result<Vec<u32>, Flaw> {
    let words = part.len();
    let wanted = if setting == 0.0 {
        words
    } else {
        count(setting, words)
    };
    if words < 2 {
        return Err(Flaw::new(
            "it has fewer than the 2 tokens that a split needs; take a longer text",
        ));
    }
    if !(2..=words).contains(&wanted) {
        let reason = format!(
            "`{key}` = {setting} takes {wanted} of its {words} tokens, but it can take 2 to all of them; below 1 it is a share, \
             from 1 on a number of tokens, and 0 is all"
        );
        return Err(Flaw::new(reason));
    }
    part.truncate(wanted);
    Ok(part)
}

/// The words in file names that identify each split.
const PARTS: [(&str, &[&str]); 3] = [
    ("train", &["train", "training"]),
    ("valid", &["valid", "validation", "val", "dev"]),
    ("test", &["test"]),
];

/// Training, validation and test file; `None` if no file name mentions training or validation.
fn find(folder: &Folder) -> Result<Option<[&Entry; 3]>, DataError> {
    let mut found: [Option<&Entry>; 3] = [None; 3];
    for file in &folder.files {
        let Some(part) = part(&file.name) else {
            continue;
        };
        if let Some(first) = found[part].replace(file) {
            let reason = format!(
                "{} and {} could both be its {} file; leave one of them in it",
                first.name, file.name, PARTS[part].0
            );
            return Err(no_text(folder, reason));
        }
    }
    match found {
        [Some(train), Some(validation), Some(test)] => Ok(Some([train, validation, test])),
        [None, None, _] => Ok(None),
        _ => {
            let lacks = found.iter().position(Option::is_none).unwrap_or_default();
            let reason = format!(
                "{}, but no file whose name says {}; add it, or give one file alone, which is divided by position",
                folder.holds(),
                PARTS[lacks].0
            );
            Err(no_text(folder, reason))
        }
    }
}

/// The split that a file name refers to. Penn Treebank is published with a second, character-level
/// copy of each split, such as ptb.char.train.txt; these are ignored.
fn part(name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    if words.contains(&"char") {
        return None;
    }
    words
        .iter()
        .find_map(|word| PARTS.iter().position(|(_, says)| says.contains(word)))
}

fn no_text(folder: &Folder, reason: String) -> DataError {
    DataError::NoText {
        folder: folder.path.clone(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_file_has() {
        let parts = [
            ("ptb.train.txt", Some(0)),
            ("ptb.valid.txt", Some(1)),
            ("wiki.test.tokens", Some(2)),
            ("train.txt", Some(0)),
            ("VALID", Some(1)),
            ("val.txt", Some(1)),
            ("dev-set.txt", Some(1)),
            ("contest.txt", None),
            ("ptb.char.train.txt", None),
            ("PROVENANCE.txt", None),
        ];
        for (name, expected) in parts {
            assert_eq!(part(name), expected, "{name}");
        }
    }
}
