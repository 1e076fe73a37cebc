//! Pairs of image files and label files, matched by name.

use super::folder::{Entry, Folder};
use crate::DataError;

/// A file of images and the file of their labels.
pub(super) struct Pair<'a> {
    pub(super) images: &'a Entry,
    pub(super) labels: &'a Entry,
}

/// The pairs found in a folder.
pub(super) struct Pairs<'a> {
    pub(super) train: Pair<'a>,
    pub(super) test: Option<Pair<'a>>,
}

const IMAGES: [&str; 3] = ["images", "image", "x"];
const LABELS: [&str; 4] = ["labels", "label", "y", "targets"];
const TEST: [&str; 2] = ["test", "t10k"];
/// Names of splits that a search makes by itself.
const OTHER: [&str; 4] = ["val", "valid", "validation", "extra"];

/// The pairs among `files`; `None` if no file name mentions images or labels.
///
/// # Errors
/// If two files have the same role, or half of a pair is missing.
pub(super) fn find<'a>(
    folder: &Folder,
    files: &[&'a Entry],
) -> Result<Option<Pairs<'a>>, DataError> {
    // Training images and labels, test images and labels.
    let mut roles: [Option<&Entry>; 4] = [None; 4];
    for file in files {
        let Some(role) = role(&file.name) else {
            continue;
        };
        match roles[role] {
            None => roles[role] = Some(file),
            // An unpacked file next to its packed copy, which sorts after it.
            Some(first) if file.name == format!("{}.gz", first.name) => {}
            Some(first) => {
                let reason = format!(
                    "{} and {} could both be its {}; leave one of them in it",
                    first.name, file.name, WORDS[role]
                );
                return Err(DataError::Layout {
                    folder: folder.path.clone(),
                    reason,
                });
            }
        }
    }
    let pair = |first: usize| match (roles[first], roles[first + 1]) {
        (Some(images), Some(labels)) => Ok(Some(Pair { images, labels })),
        (None, None) => Ok(None),
        (Some(has), None) => Err(lacks(folder, has, WORDS[first + 1])),
        (None, Some(has)) => Err(lacks(folder, has, WORDS[first])),
    };
    match (pair(0)?, pair(2)?) {
        (Some(train), test) => Ok(Some(Pairs { train, test })),
        (None, Some(test)) => Err(lacks(folder, test.images, WORDS[0])),
        (None, None) => Ok(None),
    }
}

const WORDS: [&str; 4] = [
    "training images",
    "training labels",
    "test images",
    "test labels",
];

fn lacks(folder: &Folder, has: &Entry, lacks: &str) -> DataError {
    let reason = format!(
        "it has {}, but no file whose name says that it has the {lacks}",
        has.name
    );
    DataError::Layout {
        folder: folder.path.clone(),
        reason,
    }
}

fn role(name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let says = |any: &[&str]| words.iter().any(|word| any.contains(word));
    let role = match (says(&IMAGES), says(&LABELS)) {
        (true, false) => 0,
        (false, true) => 1,
        _ => return None,
    };
    (!says(&OTHER)).then_some(if says(&TEST) { role + 2 } else { role })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_file_has() {
        let roles = [
            ("train-images-idx3-ubyte.gz", Some(0)),
            ("train-labels.idx1-ubyte", Some(1)),
            ("t10k-images-idx3-ubyte", Some(2)),
            ("emnist-digits-test-labels-idx1-ubyte.gz", Some(3)),
            ("X_train.npy", Some(0)),
            ("test_y.npy", Some(3)),
            ("labels.npy", Some(1)),
            ("x_val.npy", None),
            ("notes.npy", None),
        ];
        for (name, expected) in roles {
            assert_eq!(role(name), expected, "{name}");
        }
    }
}
