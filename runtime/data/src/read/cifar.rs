//! CIFAR-10 and CIFAR-100 in their binary format (Krizhevsky 2009): records of one or two labels
//! and three colour planes.

use super::folder::{Entry, Folder};
use super::{Detected, Samples, whole};
use crate::DataError;
use crate::error::Flaw;
use crate::pixels::Pixels;

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;

/// CIFAR-10 or CIFAR-100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One label.
    Cifar10,
    /// A coarse label, which is ignored, and a fine one.
    Cifar100,
}

impl Kind {
    const BOTH: [Self; 2] = [Self::Cifar10, Self::Cifar100];

    fn labels(self) -> usize {
        if self == Self::Cifar10 { 1 } else { 2 }
    }

    fn record(self) -> usize {
        self.labels() + 3 * PLANE
    }

    fn classes(self) -> u32 {
        if self == Self::Cifar10 { 10 } else { 100 }
    }

    fn name(self) -> &'static str {
        if self == Self::Cifar10 {
            "CIFAR-10"
        } else {
            "CIFAR-100"
        }
    }

    /// Whether every label is in the range of this kind.
    fn fits(self, bytes: &[u8]) -> bool {
        let label = |record: &[u8]| u32::from(record[self.labels() - 1]) < self.classes();
        bytes
            .chunks_exact(self.record())
            .all(|record| label(record) && (self == Self::Cifar10 || record[0] < 20))
    }

    /// The file of class names that comes with it.
    fn names(self) -> &'static str {
        if self == Self::Cifar10 {
            "batches.meta.txt"
        } else {
            "fine_label_names.txt"
        }
    }
}

/// Reads the folder if it has files of this format.
pub(super) fn find(folder: &Folder) -> Result<Option<Detected>, DataError> {
    let is_train = |entry: &Entry| entry.says("train") || entry.says("data_batch");
    let bins: Vec<&Entry> = folder
        .files
        .iter()
        .filter(|entry| entry.ends(".bin"))
        .collect();
    let test: Vec<&Entry> = bins
        .iter()
        .copied()
        .filter(|entry| entry.is_test())
        .collect();
    let train: Vec<&Entry> = bins
        .iter()
        .copied()
        .filter(|entry| is_train(entry) && !entry.is_test())
        .collect();
    let Some(first) = train.first() else {
        return Ok(None);
    };
    let mut files = Vec::new();
    for entry in train.iter().chain(&test) {
        files.push((*entry, whole(&entry.path)?));
    }
    let hinted = Kind::BOTH
        .into_iter()
        .find(|kind| folder.path.join(kind.names()).is_file());
    let all: Vec<(&Entry, &[u8])> = files
        .iter()
        .map(|(entry, bytes)| (*entry, &bytes[..]))
        .collect();
    let kind = kind(&all, hinted).map_err(|(entry, flaw)| flaw.of(&entry.unwrap_or(first).path))?;
    let samples = |files: &[(&Entry, Vec<u8>)]| -> Result<Samples, DataError> {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for (entry, bytes) in files {
            read(bytes, kind, &mut pixels, &mut labels).map_err(|flaw| flaw.of(&entry.path))?;
        }
        Ok(Samples {
            shape: [SIDE as u32, SIDE as u32, 3],
            pixels: Pixels::Bytes(pixels),
            labels,
        })
    };
    let (of_train, of_test) = files.split_at(train.len());
    let test = if of_test.is_empty() {
        None
    } else {
        Some(samples(of_test)?)
    };
    let class_names = folder.names(kind.names(), kind.classes());
    Ok(Some(Detected {
        train: samples(of_train)?,
        test,
        classes: kind.classes(),
        class_names,
    }))
}

/// The kind of all files: by their lengths; if these allow both, by their labels; then by their
/// names.
fn kind<'a>(
    files: &[(&'a Entry, &[u8])],
    hinted: Option<Kind>,
) -> Result<Kind, (Option<&'a Entry>, Flaw)> {
    if let Some((entry, _)) = files.iter().find(|(_, bytes)| bytes.is_empty()) {
        return Err((
            Some(entry),
            Flaw::new("it is empty; take it away, or get it again"),
        ));
    }
    let whole: Vec<Kind> = Kind::BOTH
        .into_iter()
        .filter(|kind| files.iter().all(|(_, b)| b.len() % kind.record() == 0))
        .collect();
    if let [kind] = whole[..] {
        return Ok(kind);
    }
    if whole.is_empty() {
        // A file whose length fits neither kind, otherwise the first that differs from the first
        // file.
        let fits = |kind: Kind, bytes: &[u8]| bytes.len().is_multiple_of(kind.record());
        let like = hinted.or_else(|| Kind::BOTH.into_iter().find(|kind| fits(*kind, files[0].1)));
        let odd = files
            .iter()
            .find(|(_, bytes)| like.is_none_or(|kind| !fits(kind, bytes)));
        let (entry, bytes) = odd.unwrap_or(&files[0]);
        let kind = like.unwrap_or(Kind::Cifar10);
        let (len, record) = (bytes.len(), kind.record());
        let reason = format!(
            "it ends within a record: {len} bytes are no multiple of {record}, a record of {} (3074 in CIFAR-100, 3073 in \
             CIFAR-10); it is cut off or of the other kind, so get it again",
            kind.name()
        );
        return Err((Some(entry), Flaw::at(len - len % record, reason)));
    }
    let fitting: Vec<Kind> = whole
        .into_iter()
        .filter(|kind| files.iter().all(|(_, bytes)| kind.fits(bytes)))
        .collect();
    let named = hinted.or_else(|| {
        files
            .iter()
            .any(|(e, _)| e.name.contains("data_batch"))
            .then_some(Kind::Cifar10)
    });
    match (&fitting[..], named) {
        ([kind], _) => Ok(*kind),
        (_, Some(kind)) => Ok(kind),
        _ => {
            let reason = "its length fits records of CIFAR-10 and of CIFAR-100, and so do its labels, or neither do; put \
                          batches.meta.txt (CIFAR-10) or fine_label_names.txt (CIFAR-100) beside it to say which it is";
            Err((None, Flaw::new(reason)))
        }
    }
}

/// Appends the images of whole records as NHWC, and their labels.
pub(super) fn read(
    bytes: &[u8],
    kind: Kind,
    pixels: &mut Vec<u8>,
    labels: &mut Vec<u32>,
) -> Result<(), Flaw> {
    let record = kind.record();
    if !bytes.len().is_multiple_of(record) {
        let whole = bytes.len() - bytes.len() % record;
        return Err(Flaw::at(
            whole,
            format!("the file ends within a record of {record} bytes; get it again"),
        ));
    }
    pixels.reserve(bytes.len() / record * 3 * PLANE);
    for (number, bytes) in bytes.chunks_exact(record).enumerate() {
        let (head, planes) = bytes.split_at(kind.labels());
        let label = u32::from(head[head.len() - 1]);
        if label >= kind.classes() {
            let (most, name) = (kind.classes() - 1, kind.name());
            let reason = format!(
                "the label of record {number} is {label}, but {name} has the classes 0 to {most}; the file is damaged or no \
                 {name}, so get it again"
            );
            return Err(Flaw::at(number * record + head.len() - 1, reason));
        }
        labels.push(label);
        pixels.extend(
            (0..PLANE).flat_map(|at| [planes[at], planes[PLANE + at], planes[2 * PLANE + at]]),
        );
    }
    Ok(())
}
