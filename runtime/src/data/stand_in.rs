//! Text, until its reader is here: a file, or a folder with three of them, by word or by character.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use supernet_plugin::Facts;

use super::DataError;

/// The words of a text, by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary(Vec<String>);

impl Vocabulary {
    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "no vocabulary is empty")]
    pub fn len(&self) -> u32 {
        self.0.len() as u32
    }
}

/// A text in memory, divided into three parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The words.
    pub vocabulary: Vocabulary,
    /// Trains the shared weights.
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
    /// What its words are.
    pub unit: Unit,
    /// The most words that the vocabulary has; 0 is no limit.
    pub limit: u32,
}

/// What the words of a text are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Single characters.
    Character,
    /// Whatever stands between spaces.
    Word,
}

impl Default for TextSettings {
    fn default() -> Self {
        Self { unit: Unit::Word, limit: 0 }
    }
}

impl Text {
    /// Reads the text at `path`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: &Path, settings: &TextSettings) -> Result<Self, DataError> {
        let read = |file: &Path| {
            std::fs::read_to_string(file).map_err(|source| DataError::System { path: file.to_owned(), source })
        };
        let split = |text: &str| -> Vec<String> {
            match settings.unit {
                Unit::Character => text.chars().map(String::from).collect(),
                Unit::Word => {
                    text.lines().flat_map(|line| line.split_whitespace().chain(["<eos>"])).map(String::from).collect()
                }
            }
        };
        let [train, validation, test] = match parts(path) {
            Some(files) => {
                let [a, b, c] = files;
                [split(&read(&a)?), split(&read(&b)?), split(&read(&c)?)]
            }
            None => {
                let mut train = split(&read(path)?);
                let mut rest = train.split_off(train.len() * 9 / 10);
                let test = rest.split_off(rest.len() / 2);
                [train, rest, test]
            }
        };
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        train.iter().for_each(|word| *counts.entry(word).or_default() += 1);
        let mut words: Vec<(&str, u32)> = counts.into_iter().collect();
        words.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        words.truncate(if settings.limit == 0 { usize::MAX } else { settings.limit as usize - 1 });
        let mut names = vec!["<unk>".to_owned()];
        names.extend(words.iter().map(|(word, _)| (*word).to_owned()));
        let numbers: BTreeMap<&str, u32> = (0..).zip(&names).map(|(i, word)| (word.as_str(), i)).collect();
        let number =
            |part: &[String]| part.iter().map(|word| numbers.get(word.as_str()).copied().unwrap_or(0)).collect();
        let [train, validation, test] = [number(&train), number(&validation), number(&test)];
        Ok(Self { vocabulary: Vocabulary(names), train, validation, test })
    }

    /// What a space may ask about it.
    pub fn facts(&self) -> Facts {
        Facts::text(self.vocabulary.len())
    }

    /// The blake3 of everything that a search sees of it.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for part in [&self.train, &self.validation, &self.test] {
            hasher.update(&part.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>());
            hasher.update(&(part.len() as u64).to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// The three files of a folder.
fn parts(path: &Path) -> Option<[PathBuf; 3]> {
    let files: Vec<PathBuf> = std::fs::read_dir(path).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let find =
        |word: &str| files.iter().find(|file| file.file_name().is_some_and(|n| n.to_string_lossy().contains(word)));
    Some([find("train")?.clone(), find("valid")?.clone(), find("test")?.clone()])
}

/// A text read at `batch` places at once, some words at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streams {
    tokens: Vec<u32>,
    batch: usize,
    window: usize,
    steps: usize,
}

impl Streams {
    /// Streams over a copy of `tokens`.
    pub fn new(tokens: &[u32], batch: u32, window: u32) -> Self {
        let steps = tokens.len().saturating_sub(1) / batch.max(1) as usize;
        Self { tokens: tokens.to_vec(), batch: batch as usize, window: window.max(1) as usize, steps }
    }

    /// How many windows there are.
    pub fn windows(&self) -> u32 {
        self.steps.div_ceil(self.window) as u32
    }

    /// Steps of window `i`.
    pub fn length(&self, i: u32) -> u32 {
        self.steps.saturating_sub(i as usize * self.window).min(self.window) as u32
    }

    /// Writes window `i`, time-major: the words that are read, and for each the one after it.
    pub fn window(&self, i: u32, inputs: &mut Vec<u32>, targets: &mut Vec<u32>) {
        inputs.clear();
        targets.clear();
        let start = i as usize * self.window;
        for step in start..start + self.length(i) as usize {
            for place in (0..self.batch).map(|stream| stream * self.steps + step) {
                inputs.push(self.tokens[place]);
                targets.push(self.tokens[place + 1]);
            }
        }
    }
}
