//! The numbers of all images, as small as their source has them.

use std::borrow::Cow;

/// Pixels of all images, NHWC. Bytes stay bytes: 60,000 images of 32x32x3 take 184 MB and not 737.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pixels {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

impl Pixels {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Floats(floats) => floats.len(),
        }
    }

    pub(super) fn floats(&self) -> Cow<'_, [f32]> {
        match self {
            Self::Bytes(bytes) => Cow::Owned(bytes.iter().map(|byte| f32::from(*byte)).collect()),
            Self::Floats(floats) => Cow::Borrowed(floats),
        }
    }

    /// These and then those.
    pub(super) fn and(self, more: &Self) -> Self {
        match (self, more) {
            (Self::Bytes(bytes), Self::Bytes(more)) => Self::Bytes([bytes, more.clone()].concat()),
            (first, more) => Self::Floats([first.floats(), more.floats()].concat()),
        }
    }

    /// The first number that is none.
    pub(super) fn not_finite(&self) -> Option<usize> {
        match self {
            Self::Bytes(_) => None,
            Self::Floats(floats) => floats.iter().position(|pixel| !pixel.is_finite()),
        }
    }

    /// Adds the numbers to a hash, apart from equal bytes of another kind.
    pub(super) fn hash(&self, hasher: &mut blake3::Hasher) {
        match self {
            Self::Bytes(bytes) => hasher.update(b"u8").update(bytes),
            // Little endian on every machine, in pieces that need no second copy of all.
            Self::Floats(floats) => {
                floats
                    .chunks(4096)
                    .fold(hasher.update(b"f32"), |hasher, chunk| {
                        hasher.update(
                            &chunk
                                .iter()
                                .flat_map(|x| x.to_le_bytes())
                                .collect::<Vec<u8>>(),
                        )
                    })
            }
        };
    }
}
