//! Labelled images, or text: where they come from, how they are split, how they become minibatches.

mod augment;
mod dataset;
mod digits;
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

/// The number of a picture's brightest pixels.
pub const MAX_PIXEL: f32 = 255.0;
