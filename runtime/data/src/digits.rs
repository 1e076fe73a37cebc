//! The UCI optical digits, built in so that the first search needs no download.
//!
//! "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, 1998, UCI Machine
//! Learning Repository, CC BY 4.0. These are the 1,797 images of its test set, 8x8 pixels with
//! values from 0 to 16, as scikit-learn distributes them. Each row of `digits.csv.gz` holds 64
//! pixels and then the label.

use std::io::Read;

use super::{DataError, Dataset};

const FILE: &[u8] = include_bytes!("digits.csv.gz");

pub(super) fn load() -> Result<Dataset, DataError> {
    let damaged = |reason: String| DataError::Damaged {
        name: "digits",
        reason,
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(FILE)
        .read_to_string(&mut text)
        .map_err(|error| damaged(error.to_string()))?;
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (row, line) in text.lines().enumerate() {
        let numbers: Result<Vec<u32>, _> = line.split(',').map(str::parse).collect();
        let numbers = numbers.map_err(|error| damaged(format!("row {row}: {error}")))?;
        let (label, pixels) = numbers
            .split_last()
            .ok_or_else(|| damaged(format!("row {row} is empty")))?;
        images.extend(pixels.iter().map(|pixel| *pixel as f32));
        labels.push(*label);
    }
    Dataset::new("digits", [8, 8, 1], 10, images, labels)?.with_white(16.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_there() {
        let digits = load().unwrap();
        assert_eq!(
            (digits.labels.len(), digits.images().len()),
            (1797, 1797 * 64)
        );
        assert_eq!(digits.labels[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(
            digits.images()[..8],
            [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0]
        );
        assert!((0..10).all(|class| {
            digits
                .labels
                .iter()
                .filter(|label| **label == class)
                .count()
                > 170
        }));
    }
}
