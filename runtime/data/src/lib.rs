//! Labelled images and text: their sources, splits and minibatches.

#![warn(clippy::exhaustive_enums)]

mod augment;
mod dataset;
mod digits;
mod fashion;
mod error;
mod named;
mod subset;
pub mod picture;
mod pixels;
mod summary;
mod read;
mod split;
pub mod text;

pub use augment::AugmentSettings;
pub use dataset::Dataset;
pub use error::{DataError, DataLocation};
pub use split::{SplitSpec, Splits};
pub use subset::Subset;
pub use summary::DatasetSummary;

/// Value of the brightest pixels of a picture.
pub const MAX_PIXEL: f32 = 255.0;
