//! Lists of `f32` in JSON as one string, with eight hexadecimal digits for the bits of each: exact,
//! and a third of the size of decimal numbers. A controller with its optimiser has some 125,000
//! numbers.

use std::fmt::Write as _;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(numbers: &[f32], to: S) -> Result<S::Ok, S::Error> {
    let mut text = String::with_capacity(8 * numbers.len());
    for number in numbers {
        // Writing to a String cannot fail.
        let _ = write!(text, "{:08x}", number.to_bits());
    }
    to.serialize_str(&text)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f32>, D::Error> {
    let text = String::deserialize(from)?;
    let number = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        let number = f32::from_bits(u32::from_str_radix(digits, 16).ok()?);
        (digits.len() == 8 && number.is_finite()).then_some(number)
    };
    let numbers = text
        .as_bytes()
        .chunks(8)
        .map(number)
        .collect::<Option<Vec<f32>>>();
    numbers.ok_or_else(|| {
        D::Error::custom("a list of numbers is damaged: it is not finite numbers of 8 digits each")
    })
}

#[cfg(test)]
mod tests {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Holder(#[serde(with = "super")] Vec<f32>);

    #[test]
    fn numbers_come_back_bit_for_bit_and_damage_is_named() {
        let list = Holder(vec![0.1, -0.0, f32::MIN_POSITIVE / 3.0, 1e38, -7.25]);
        let text = serde_json::to_string(&list).unwrap();
        let back: Holder = serde_json::from_str(&text).unwrap();
        assert!(
            list.0
                .iter()
                .zip(&back.0)
                .all(|(a, b)| a.to_bits() == b.to_bits())
                && list == back
        );
        for damaged in [
            "\"3f80\"",
            "\"zzzzzzzz\"",
            "\"7fc00000\"",
            "\"3f8000003\"",
            "\"3f8000é0\"",
        ] {
            assert!(
                serde_json::from_str::<Holder>(damaged).is_err(),
                "{damaged}"
            );
        }
    }
}
