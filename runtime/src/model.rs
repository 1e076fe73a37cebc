//! A finished network: one architecture with its own weights and frozen batch normalisation, to be
//! saved, loaded and used.
//!
//! A search normalises with the statistics of the current minibatch. A finished network cannot: a
//! prediction must not depend on the other inputs of its batch. So the statistics are estimated
//! again over training images, then frozen, and belong to the network like its weights. A model's
//! files contain everything that inference needs, including the space itself: neither the data set
//! nor the crate or plugin that provided the space is needed. (Custom ops come with their WGSL,
//! which is sufficient for a GPU; their CPU kernels must be supplied by their provider.)
//!
//! ```no_run
//! use supernet::Model;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = Model::load("runs/mine/model".as_ref())?;
//! let [height, width, channels] = model.image();
//! let pixels = vec![0_u8; (height * width * channels) as usize];
//! for (class, probability) in model.predict(&pixels)?[0].top(3) {
//!     println!("{} with a probability of {probability:.3}", model.class(class));
//! }
//! # Ok(())
//! # }
//! ```

mod error;
mod evaluation;
mod file;
mod freeze;
mod network;
mod picture;
mod predict;
mod tensors;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Mutex;

pub use error::ModelError;
pub use evaluation::Evaluation;
use network::FrozenGraph;
pub use predict::{Images, Prediction};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use supernet_data::{MAX_PIXEL, SplitSpec};
use supernet_engine::device::cpu::Cpu;
use supernet_engine::program::{MemoryPlan, Program};
use supernet_engine::weights::Weights;
use supernet_plugin::{Count, Supergraph};

/// Maximum number of bytes of one image's activations.
const MOST_BYTES: u64 = 4 << 30;
/// Target for the bytes of a batch's activations.
const FAIR_BYTES: u64 = 256 << 20;
/// Maximum number of images per batch.
const MOST_IMAGES: u64 = 128;

/// A network that is ready for inference.
pub struct Model {
    network: FrozenGraph,
    /// Its parameters, and the statistics of its batch normalisation.
    weights: Weights,
    about: About,
    /// Images per batch.
    batch: u32,
    /// The device of [`Model::predict`], created by its first call.
    cpu: Mutex<Option<Cpu>>,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("network", &self.network)
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

/// Metadata of a model in `model.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct About {
    /// Height, width, channels.
    image: [u32; 3],
    classes: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    names: Option<Vec<String>>,
    /// Of each channel, over the training split.
    mean: Vec<f32>,
    #[serde(alias = "deviation")]
    std: Vec<f32>,
    /// The value of the brightest pixels, where a picture file has 255.
    #[serde(default = "max_pixel", alias = "white")]
    max_pixel: f32,
    genome: Vec<u32>,
    provenance: Provenance,
}

/// The origin of a model. It does not affect predictions, but the evaluation of a model uses the
/// same test split by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provenance {
    /// The data set of the training.
    pub data: String,
    /// Its [`Dataset::fingerprint`](crate::data::Dataset::fingerprint); absent in models of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The split of the data set.
    pub split: SplitSpec,
    /// How the model was trained: free-form data of the trainer.
    #[serde(default)]
    pub training: Value,
}

impl Model {
    /// Assembles a model and validates it.
    fn assemble(network: FrozenGraph, weights: Weights, about: About) -> Result<Self, ModelError> {
        about.check()?;
        if let Some(tensor) = network
            .tensors()
            .iter()
            .find(|tensor| !is_finite(weights.parameter(tensor.index)))
        {
            return Err(ModelError::NotFinite {
                name: tensor.name.clone(),
            });
        }
        let mut plan = MemoryPlan::default();
        plan.add(&Program::inferring(
            network.context(&about, 1),
            network.child(),
        )?);
        let bytes = plan.bytes();
        if bytes > MOST_BYTES {
            return Err(ModelError::TooLarge {
                bytes,
                most: MOST_BYTES,
            });
        }
        let batch = (FAIR_BYTES / bytes.max(1)).clamp(1, MOST_IMAGES) as u32;
        Ok(Self {
            network,
            weights,
            about,
            batch,
            cpu: Mutex::default(),
        })
    }

    /// Sets a name for each class.
    ///
    /// # Errors
    /// If the number of names differs from the number of classes.
    pub fn with_names(mut self, names: Vec<String>) -> Result<Self, ModelError> {
        self.about.names = Some(names);
        self.about.check()?;
        Ok(self)
    }

    /// Sets the class names of a data set, if it has any.
    pub(crate) fn called(self, names: &[String]) -> Result<Self, ModelError> {
        if names.is_empty() {
            Ok(self)
        } else {
            self.with_names(names.to_vec())
        }
    }

    /// Sets the fingerprint of the training data.
    pub(crate) fn trained_on(mut self, fingerprint: String) -> Self {
        self.about.provenance.fingerprint = Some(fingerprint);
        self
    }

    /// Height, width and channels of the input images.
    pub fn image(&self) -> [u32; 3] {
        self.about.image
    }

    /// Number of classes.
    pub fn classes(&self) -> u32 {
        self.about.classes
    }

    /// The names of the classes, if they are known.
    pub fn names(&self) -> Option<&[String]> {
        self.about.names.as_deref()
    }

    /// The display name of a class: its name, or its number if it has none.
    pub fn class(&self, class: u32) -> String {
        let name = self.names().and_then(|names| names.get(class as usize));
        name.cloned().unwrap_or_else(|| class.to_string())
    }

    /// Mean of each channel, which is subtracted from raw pixels.
    pub fn mean(&self) -> &[f32] {
        &self.about.mean
    }

    /// Standard deviation of each channel, by which raw pixels are then divided; a channel with
    /// deviation 0 is left undivided.
    pub fn std(&self) -> &[f32] {
        &self.about.std
    }

    /// The space that the architecture belongs to.
    pub fn supergraph(&self) -> &Supergraph {
        self.network.supergraph()
    }

    /// The genome.
    pub fn genome(&self) -> &[u32] {
        &self.about.genome
    }

    /// The origin of the model.
    pub fn provenance(&self) -> &Provenance {
        &self.about.provenance
    }

    /// Number of parameters, without the statistics of batch normalisation.
    pub fn parameters(&self) -> u64 {
        self.supergraph()
            .count(self.genome(), Count::Live)
            .unwrap_or(0)
    }

    /// Multiply-accumulates for one image.
    pub fn macs(&self) -> u64 {
        self.network.child().macs()
    }

    /// Every tensor: its name, its shape and its values. Parameters have the names that the space
    /// gave them. The statistics of a batch normalisation have shape `[2, channels]` (mean, and
    /// 1/√(variance + eps)) and the name of its node, followed by `/statistics`.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[u32], &[f32])> {
        let whole = |tensor: &network::Tensor| self.weights.parameter(tensor.index);
        self.network
            .tensors()
            .iter()
            .map(move |tensor| (&*tensor.name, &*tensor.shape, whole(tensor)))
    }
}

impl About {
    fn check(&self) -> Result<(), ModelError> {
        let wrong = |reason: String| Err(ModelError::Wrong { reason });
        let channels = self.image[2] as usize;
        let pixels = self
            .image
            .iter()
            .try_fold(1_u32, |product, n| product.checked_mul(*n));
        if pixels.is_none_or(|pixels| pixels == 0) {
            return wrong(format!("there are no images of shape {:?}", self.image));
        }
        if [self.mean.len(), self.std.len()] != [channels; 2] {
            let [mean, std] = [self.mean.len(), self.std.len()];
            return wrong(format!(
                "its images have {channels} channels, with {mean} means and {std} deviations"
            ));
        }
        if !is_finite(&self.mean) || !self.std.iter().all(|x| x.is_finite() && *x >= 0.0) {
            return wrong("the mean or deviation of a channel is not a finite number".to_owned());
        }
        if !(self.max_pixel > 0.0 && self.max_pixel.is_finite()) {
            return wrong(format!(
                "its brightest pixels have the number {}, which must be above 0",
                self.max_pixel
            ));
        }
        match &self.names {
            Some(names) if names.len() != self.classes as usize => wrong(format!(
                "it tells {} classes apart, and has names for {}",
                self.classes,
                names.len()
            )),
            _ => Ok(()),
        }
    }

    /// Number of pixels times channels of one image.
    fn pixels(&self) -> usize {
        self.image.iter().map(|n| *n as usize).product()
    }

    /// Standardises raw pixels in the same way as the training data.
    fn standardise(&self, pixels: &mut [f32]) {
        let channels = self.mean.len();
        for (i, x) in pixels.iter_mut().enumerate() {
            let std = self.std[i % channels];
            *x = (*x - self.mean[i % channels]) / if std > 0.0 { std } else { 1.0 };
        }
    }
}

fn max_pixel() -> f32 {
    MAX_PIXEL
}

fn is_finite(numbers: &[f32]) -> bool {
    numbers.iter().all(|x| x.is_finite())
}
