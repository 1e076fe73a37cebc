//! Data sets from files: recognises what a path holds and reads it into a [`Dataset`].

mod cifar;
pub(super) mod folder;
mod idx;
mod images;
mod npy;
mod pairs;
#[cfg(test)]
pub(super) mod fuzz;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::error::Flaw;
use super::pixels::Pixels;
use super::{DataError, Dataset};
use folder::{Entry, Folder};

/// Labelled images of one split.
struct Samples {
    shape: [u32; 3],
    pixels: Pixels,
    labels: Vec<u32>,
}

/// What a reader recognises in a folder.
struct Detected {
    train: Samples,
    test: Option<Samples>,
    classes: u32,
    class_names: Vec<String>,
}

impl Dataset {
    /// Reads the data set at `path`: a folder, or one of its files, which selects the whole folder.
    /// `runtime/docs/data.md` describes the supported formats.
    ///
    /// # Errors
    /// If no format is recognised, or a file is damaged. The error names the file, the position in
    /// it, and a remedy.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let system = |source| DataError::System {
            path: path.to_owned(),
            source,
        };
        let mut place = path.canonicalize().map_err(system)?;
        if place.is_file() {
            place.pop();
        }
        let Some(name) = place.to_str().map(|_| name(&place)) else {
            return Err(Flaw::new("this path is not UTF-8, as settings are; rename it").of(place));
        };
        let folder = Folder::list(place.clone())?;
        let Detected {
            train,
            test,
            classes,
            class_names,
        } = find(&folder)?;
        if train.labels.is_empty() {
            return Err(Flaw::new("there is no image in it to train on").of(place));
        }
        if train.labels.iter().all(|label| *label == train.labels[0]) {
            let reason = "all training images have one class, so there is nothing to learn; there must be two at least";
            return Err(Flaw::new(reason).of(place));
        }
        let shape = train.shape;
        let mut data = Self::of(&name, shape, classes, train.pixels, train.labels)?;
        if let Some(test) = test {
            if test.shape != shape {
                let reason = format!(
                    "its training images have the shape {shape:?} (height, width, channels) and its test images {:?}, but \
                     all must have one; make them alike, or take the test images away",
                    test.shape
                );
                return Err(Flaw::new(reason).of(place));
            }
            data = data.tested(&test.pixels, test.labels)?;
        }
        if !class_names.is_empty() {
            data = data.with_class_names(class_names)?;
        }
        Ok(Self {
            source: Some(place),
            ..data
        })
    }
}

/// The last component of the path, for display.
fn name(path: &Path) -> String {
    path.file_name().map_or_else(
        || "data".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Reads the contents of the folder.
fn find(folder: &Folder) -> Result<Detected, DataError> {
    for reader in [idx::find, cifar::find, npy::find, images::find] {
        if let Some(found) = reader(folder)? {
            return Ok(found);
        }
    }
    Err(folder.nothing())
}

/// Applies a reader of bytes to a file.
fn parse<T>(file: &Entry, read: impl FnOnce(&[u8]) -> Result<T, Flaw>) -> Result<T, DataError> {
    read(&whole(&file.path)?).map_err(|flaw| flaw.of(&file.path))
}

/// Number of classes implied by the labels: one more than the largest.
fn classes(train: &Samples, test: Option<&Samples>) -> u32 {
    let all = train
        .labels
        .iter()
        .chain(test.iter().flat_map(|test| &test.labels));
    all.max().map_or(0, |label| label + 1)
}

/// Reads a whole file.
fn whole(file: &PathBuf) -> Result<Vec<u8>, DataError> {
    std::fs::read(file).map_err(|source| DataError::System {
        path: file.clone(),
        source,
    })
}
