//! Text: a vocabulary, and three parts as the numbers of its tokens.
//!
//! A token is a word or a character ([`Unit`]). By word, whatever stands between spaces is a token,
//! and every line ends with the token `<eos>`, as in Penn Treebank (Mikolov et al. 2010) and
//! WikiText (Merity et al. 2017). By character, every character is a token, line ends too.
//!
//! The vocabulary is that of the training part alone, the most frequent tokens first. Where it has
//! a limit, or another part has tokens of its own, these become `<unk>`.

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

/// A text in memory, divided into three parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The tokens, by number.
    pub vocabulary: Vocabulary,
    /// Trains the shared weights: numbers of tokens, in the order of the text, as all parts are.
    pub train: Vec<u32>,
    /// Scores children.
    pub validation: Vec<u32>,
    /// Never touched by a search.
    pub test: Vec<u32>,
}

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextSettings {
    /// What its tokens are.
    pub unit: Unit,
    /// The most tokens that the vocabulary has, `<unk>` and `<eos>` counted; 0 is no limit.
    pub limit: u32,
}

/// What the tokens of a text are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Single characters (Unicode's scalar values).
    Character,
    /// Whatever stands between spaces, and the end of each line.
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

impl Text {
    /// Reads the text at `path`: a folder with three files whose names say train, valid and test,
    /// or one file, of which the first 90 % train, the next 5 % validate and the last 5 % test.
    /// What is understood is described in `runtime/docs/data.md`.
    ///
    /// # Errors
    /// If nothing there is understood, a file is not UTF-8 or empty, there is one token only, or a
    /// part is shorter than two tokens: with the file, the place in it, and the way out.
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

    /// The same, divided as `split` says: a setting below 1 is a share, from 1 on a number of
    /// tokens, and 0 is fitted. Of one file they are the first and the next tokens, fitted to 0.9
    /// and 0.05, and what they leave is the test part. Of three files they are the first tokens of
    /// the training and of the validation file, fitted to all. A text is divided by position, since
    /// shuffled tokens are none: the seed is not used.
    ///
    /// # Errors
    /// As [`Text::read`], or if there are fewer tokens than the settings ask for.
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

    /// What a space may ask about it.
    pub fn facts(&self) -> Facts {
        Facts::text(self.vocabulary.len())
    }

    /// Whether every part is long enough to be read in streams side by side: `train` of them to
    /// train (`train.batch`), `score` to score and to test (`score.batch`).
    ///
    /// # Errors
    /// Names the first part that is not, of the text that people call `name`.
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

    /// The blake3 of everything that a search sees of it: the size of the vocabulary, and the
    /// numbers of all parts. The tokens themselves are no part of it, as the names of classes are
    /// none of images.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let parts = [&self.train, &self.validation, &self.test];
        let sizes = [u64::from(self.vocabulary.len())]
            .into_iter()
            .chain(parts.map(|part| part.len() as u64));
        hasher.update(&sizes.flat_map(u64::to_le_bytes).collect::<Vec<u8>>());
        for part in parts {
            // A piece at a time, so that no part stands in memory twice.
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
