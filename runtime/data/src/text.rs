//! Text: a vocabulary, and three splits as token numbers.
//!
//! A token is a word or a character ([`Unit`]). By word, tokens are separated by spaces, and every
//! line ends with the token `<eos>`, as in Penn Treebank (Mikolov et al. 2010) and WikiText (Merity
//! et al. 2017). By character, every character is a token, including line ends.
//!
//! The vocabulary is taken from the training split alone, most frequent tokens first. Tokens beyond
//! its limit, and tokens that occur only in another split, become `<unk>`.

mod perplexity;
mod source;
mod streams;
mod vocabulary;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

pub use perplexity::{bits_per_character, perplexity};
pub use streams::Streams;
pub use vocabulary::Vocabulary;

use std::path::Path;

use serde::{Deserialize, Serialize};
use supernet_plugin::Facts;

use super::{DataError, SplitSpec};
use source::{Numbers, Source};

/// A text in memory, divided into three splits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The tokens, by number.
    pub vocabulary: Vocabulary,
    /// The training split: token numbers in the order of the text, as in all splits. Trains the
    /// shared weights.
    pub train: Vec<u32>,
    /// The validation split. Scores children.
    pub validation: Vec<u32>,
    /// The test split. Never touched by a search.
    pub test: Vec<u32>,
}

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TextSettings {
    /// What a token is.
    pub unit: Unit,
    /// The largest size of the vocabulary, including `<unk>` and `<eos>`; 0 means no limit.
    pub limit: u32,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// A single character (a Unicode scalar value).
    Character,
    /// A sequence of characters between spaces; the end of each line is a token too.
    Word,
}

impl Default for TextSettings {
    fn default() -> Self {
        Self {
            unit: Unit::Word,
            limit: 0,
        }
    }
}

impl TextSettings {
    /// Tokens of this unit, and a vocabulary of this size at most; 0 means no limit.
    pub const fn new(unit: Unit, limit: u32) -> Self {
        Self { unit, limit }
    }
}

impl Text {
    /// Reads the text at `path`: a folder with three files whose names say train, valid and test,
    /// or one file, of which the first 90 % are for training, the next 5 % for validation and the
    /// last 5 % for testing. `runtime/docs/data.md` describes the supported formats.
    ///
    /// # Errors
    /// If no text is recognised, a file is empty or not UTF-8, there is only one distinct token, or
    /// a split is shorter than two tokens. The error names the file, the position in it, and a
    /// remedy.
    pub fn read(path: &Path, settings: &TextSettings) -> Result<Self, DataError> {
        Self::divided(
            path,
            settings,
            &SplitSpec {
                train: 0.0,
                validation: 0.0,
                seed: 0,
            },
        )
    }

    /// Like [`Text::read`], but split as `split` says: a setting below 1 is a share, from 1 on a
    /// number of tokens, and 0 chooses a default. With one file, the settings take the first and
    /// the next tokens (by default 0.9 and 0.05), and the rest is the test split. With three files,
    /// they take the first tokens of the training and of the validation file (by default all). A
    /// text is split by position, since shuffled tokens are not a text: the seed is not used.
    ///
    /// # Errors
    /// The same as for [`Text::read`], or if there are fewer tokens than the settings ask for.
    pub fn divided(
        path: &Path,
        settings: &TextSettings,
        split: &SplitSpec,
    ) -> Result<Self, DataError> {
        Self::of(&Source::read(path)?, settings, split)
    }

    fn of(source: &Source, settings: &TextSettings, split: &SplitSpec) -> Result<Self, DataError> {
        let Numbers {
            words,
            parts: [train, validation, test],
        } = source.numbers(settings.unit, split)?;
        let (vocabulary, numbers) =
            Vocabulary::new(&words, &train, &[&validation, &test], settings.limit)
                .map_err(|flaw| flaw.of(source.file()))?;
        let [train, validation, test] = [train, validation, test].map(|part| numbers.of(part));
        Ok(Self {
            vocabulary,
            train,
            validation,
            test,
        })
    }

    /// The facts that a space may ask about the text.
    pub fn facts(&self) -> Facts {
        Facts::text(self.vocabulary.len())
    }

    /// Whether every split is long enough to be read as parallel streams: `train` of them for
    /// training (`train.batch`), `score` for scoring and testing (`score.batch`).
    ///
    /// # Errors
    /// Names the first split that is too short, for the text with the display name `name`.
    pub fn fits(&self, name: &str, train: u32, score: u32) -> Result<(), DataError> {
        let parts = [
            ("training", &self.train, train, "train.batch"),
            ("validation", &self.validation, score, "score.batch"),
            ("test", &self.test, score, "score.batch"),
        ];
        for (part, tokens, batch, key) in parts {
            if tokens.len() <= batch as usize {
                return Err(DataError::TooShort {
                    name: name.to_owned(),
                    part,
                    tokens: tokens.len(),
                    batch,
                    key,
                });
            }
        }
        Ok(())
    }

    /// The BLAKE3 hash of everything that a search sees of the text: the size of the vocabulary and
    /// the token numbers of all splits. The tokens themselves are not included, just as class names
    /// are not included for images.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let parts = [&self.train, &self.validation, &self.test];
        let sizes = [u64::from(self.vocabulary.len())]
            .into_iter()
            .chain(parts.map(|part| part.len() as u64));
        hasher.update(&sizes.flat_map(u64::to_le_bytes).collect::<Vec<u8>>());
        for part in parts {
            // One chunk at a time, so that no split is held in memory twice.
            for piece in part.chunks(1 << 14) {
                hasher.update(
                    &piece
                        .iter()
                        .flat_map(|number| number.to_le_bytes())
                        .collect::<Vec<u8>>(),
                );
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}
