//! A part of Fashion-MNIST, built in: images on which architectures differ, without a download.
//!
//! "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms", H. Xiao, K.
//! Rasul and R. Vollgraf, 2017. Copyright 2017 Zalando SE, MIT licence (see `fashion.license`).
//!
//! The first 500 images of every class of its training part and the first 200 of every class of its
//! test part, in the order of the source. Each pixel is the mean of four, so that an image has
//! 14x14. `fashion.bin.gz` holds the pixels and then the labels of the former, a byte each, followed
//! by those of the latter.

use std::io::Read;

use super::{DataError, Dataset};

const FILE: &[u8] = include_bytes!("fashion.bin.gz");
const SIZE: usize = 14;
const EXPLORED: usize = 5000;
const TEST: usize = 2000;
const CLASSES: [&str; 10] = [
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot",
];

pub(super) fn load() -> Result<Dataset, DataError> {
    let damaged = |reason: String| DataError::Damaged {
        name: "fashion",
        reason,
    };
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(FILE)
        .read_to_end(&mut bytes)
        .map_err(|error| damaged(error.to_string()))?;
    let pixels = SIZE * SIZE;
    if bytes.len() != (EXPLORED + TEST) * (pixels + 1) {
        return Err(damaged(format!("it has {} bytes", bytes.len())));
    }
    let test = bytes.split_off(EXPLORED * (pixels + 1));
    let parted = |mut bytes: Vec<u8>, count: usize| {
        let labels = bytes.split_off(count * pixels);
        (bytes, labels.into_iter().map(u32::from).collect())
    };
    let (images, labels) = parted(bytes, EXPLORED);
    let (test_images, test_labels) = parted(test, TEST);
    let side = SIZE as u32;
    Dataset::from_bytes("fashion", [side, side, 1], 10, images, labels)?
        .with_test_bytes(test_images, test_labels)?
        .with_class_names(CLASSES.map(str::to_owned).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_of_clothing_is_there() {
        let fashion = load().unwrap();
        assert_eq!((fashion.labels.len(), fashion.own_test()), (7000, 2000));
        assert_eq!(fashion.images().len(), 7000 * 14 * 14);
        let of = |labels: &[u32], class| labels.iter().filter(|label| **label == class).count();
        let (explored, test) = fashion.labels.split_at(5000);
        assert!((0..10).all(|class| of(explored, class) == 500 && of(test, class) == 200));
        // Sums of all pixels, and some of the first image, computed when the file was made.
        let sum = |images: &[f32]| images.iter().map(|x| f64::from(*x)).sum::<f64>();
        let images = fashion.images();
        let (explored, test) = images.split_at(5000 * 196);
        assert_eq!((sum(explored), sum(test)), (71_881_051.0, 28_547_248.0));
        assert_eq!(images[90..94], [159.0, 225.0, 222.0, 216.0]);
    }
}
