//! Errors of data sets.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What can be wrong with a data set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Neither a built-in name nor a path.
    #[error(
        "there is no data set `{name}`: it is not a built-in name (`digits`, 1,797 images of 8x8, or `fashion`, 7,000 of 14x14) and no file or \
         folder here; give one of these names, or the path of your data ({LAYOUTS})"
    )]
    Unknown {
        /// The requested name.
        name: String,
    },
    /// The built-in file is damaged.
    #[error("the built-in data set `{name}` is damaged: {reason}")]
    Damaged {
        /// The data set.
        name: &'static str,
        /// What was found.
        reason: String,
    },
    /// Arrays that do not fit together.
    #[error("the data set `{name}` does not fit together: {reason}")]
    Mismatch {
        /// The data set.
        name: String,
        /// What does not fit.
        reason: String,
    },
    /// A folder in which no format, or more than one, is recognised.
    #[error("the folder {} is not a data set: {reason}; a data set is one of these: {LAYOUTS}", .folder.display())]
    Layout {
        /// The folder.
        folder: PathBuf,
        /// What was found in it.
        reason: String,
    },
    /// A folder that holds no text, or more than one.
    #[error("the folder {} is not a text: {reason}; a text is {TEXTS}", .folder.display())]
    NoText {
        /// The folder.
        folder: PathBuf,
        /// What was found in it.
        reason: String,
    },
    /// A damaged or unsupported file.
    #[error("{}{place}: {reason}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The position in it.
        place: DataLocation,
        /// What is wrong, and a remedy.
        reason: String,
    },
    /// An error of the file system.
    #[error("cannot read {}: {source}", .path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Fewer samples than the batch size.
    #[error(
        "the {part} split of `{name}` has {samples} samples, fewer than one batch of {batch}; \
         lower `{key}`, or give that split a larger share (`data.train`, `data.validation`)"
    )]
    TooSmall {
        /// The data set.
        name: String,
        /// The split.
        part: &'static str,
        /// Its number of samples.
        samples: usize,
        /// Samples in a batch.
        batch: u32,
        /// The setting of the batch size.
        key: &'static str,
    },
    /// Too few tokens for the number of parallel streams.
    #[error(
        "the {part} split of `{name}` has {tokens} tokens, too few for {batch} streams side by side, which take {} at least; \
         lower `{key}`, or take a longer text", u64::from(*.batch) + 1
    )]
    TooShort {
        /// The text.
        name: String,
        /// The split.
        part: &'static str,
        /// Its length in tokens.
        tokens: usize,
        /// Streams in a batch.
        batch: u32,
        /// The setting of the batch size.
        key: &'static str,
    },
}

/// The supported formats, for error messages.
const LAYOUTS: &str = "IDX files like train-images-idx3-ubyte.gz, CIFAR's .bin files, a folder of PNG or JPEG images for \
                       each class, or NumPy files train_images.npy and train_labels.npy";

/// The supported forms of text.
const TEXTS: &str = "a folder with three files whose names say train, valid and test (ptb.train.txt, wiki.valid.tokens, \
                     test.txt), a folder with one file, or a file, which is divided by position";

/// A position in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataLocation {
    /// No particular position.
    Whole,
    /// At this byte, counted from 0; in a compressed file, of the compressed bytes.
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

/// An error in bytes whose file the reader does not know.
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

    /// Adds the file to the error.
    pub(super) fn of(self, file: impl Into<PathBuf>) -> DataError {
        DataError::File {
            file: file.into(),
            place: self.place,
            reason: self.reason,
        }
    }
}
