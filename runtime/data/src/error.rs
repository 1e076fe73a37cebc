//! What can be wrong with data, in sentences.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What can be wrong with a data set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Neither a built-in name nor a path.
    #[error(
        "there is no data set `{name}`: it is no name that is built in (`digits`, 1,797 images of 8x8) and no file or \
         folder here; give one of these names, or the path of your data ({LAYOUTS})"
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The built-in file does not read as it should.
    #[error("the built-in data set `{name}` is damaged: {reason}")]
    Damaged {
        /// Which one.
        name: &'static str,
        /// What was found.
        reason: String,
    },
    /// Arrays that do not fit together.
    #[error("the data set `{name}` does not fit together: {reason}")]
    Mismatch {
        /// Which one.
        name: String,
        /// What does not fit.
        reason: String,
    },
    /// A folder in which nothing is recognised, or too much.
    #[error("the folder {} is no data set: {reason}; a data set is one of these: {LAYOUTS}", .folder.display())]
    Layout {
        /// The folder.
        folder: PathBuf,
        /// What was found in it.
        reason: String,
    },
    /// A folder that holds no text, or more than one.
    #[error("the folder {} is no text: {reason}; a text is {TEXTS}", .folder.display())]
    NoText {
        /// The folder.
        folder: PathBuf,
        /// What was found in it.
        reason: String,
    },
    /// A file that is not what it should be.
    #[error("{}{place}: {reason}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Where in it.
        place: DataLocation,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// The system refuses.
    #[error("cannot read {}: {source}", .path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Too few samples for the batches asked for.
    #[error(
        "the {part} part of `{name}` has {samples} samples, fewer than one batch of {batch}; \
         lower `{key}`, or give that part a larger share (`data.train`, `data.validation`)"
    )]
    TooSmall {
        /// The data set.
        name: String,
        /// Which part.
        part: &'static str,
        /// Its size.
        samples: usize,
        /// Samples of a batch.
        batch: u32,
        /// The setting that gives the batch.
        key: &'static str,
    },
    /// Too few tokens for so many streams side by side.
    #[error(
        "the {part} part of `{name}` has {tokens} tokens, too few for {batch} streams side by side, which take {} at least; \
         lower `{key}`, or take a longer text", u64::from(*.batch) + 1
    )]
    TooShort {
        /// The text.
        name: String,
        /// Which part.
        part: &'static str,
        /// Its length.
        tokens: usize,
        /// Streams of a batch.
        batch: u32,
        /// The setting that gives the batch.
        key: &'static str,
    },
}

/// What can be read, for whoever gave something else.
const LAYOUTS: &str = "IDX files like train-images-idx3-ubyte.gz, CIFAR's .bin files, a folder of PNG or JPEG images for \
                       each class, or NumPy files train_images.npy and train_labels.npy";

/// What can be read as text.
const TEXTS: &str = "a folder with three files whose names say train, valid and test (ptb.train.txt, wiki.valid.tokens, \
                     test.txt), a folder with one file, or a file, which is divided by position";

/// Where in a file something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataLocation {
    /// In no place of its own.
    Whole,
    /// At this byte, counted from 0; in a compressed file, of what is compressed.
    Byte(u64),
    /// In this sample, counted from 0.
    Sample(u64),
}

impl fmt::Display for DataLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Byte(at) => write!(f, ", byte {at}"),
            Self::Sample(number) => write!(f, ", sample {number}"),
        }
    }
}

/// What is wrong with bytes whose file the reader does not know.
#[derive(Debug)]
pub(super) struct Flaw {
    place: DataLocation,
    reason: String,
}

impl Flaw {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            place: DataLocation::Whole,
            reason: reason.into(),
        }
    }

    pub(super) fn at(byte: usize, reason: impl Into<String>) -> Self {
        Self {
            place: DataLocation::Byte(byte as u64),
            reason: reason.into(),
        }
    }

    pub(super) fn sample(number: usize, reason: impl Into<String>) -> Self {
        Self {
            place: DataLocation::Sample(number as u64),
            reason: reason.into(),
        }
    }

    /// The error, now that the file is known.
    pub(super) fn of(self, file: impl Into<PathBuf>) -> DataError {
        DataError::File {
            file: file.into(),
            place: self.place,
            reason: self.reason,
        }
    }
}
