//! Inference: from raw pixels to classes.

use std::ops::Range;
use std::sync::PoisonError;

use serde::Serialize;
use supernet_engine::device::cpu::Cpu;
use supernet_engine::device::{Device, Inputs};
use supernet_engine::program::Program;

use super::Model;
use super::error::ModelError;

/// Raw pixels of one or more images, NHWC, with the value range of the training data: from 0 to
/// [`Dataset::max_pixel`](crate::data::Dataset::max_pixel), which is 16 for the built-in digits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Images<'a> {
    /// Floating-point values.
    Floats(&'a [f32]),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl Images<'_> {
    /// The number of values of all pixels.
    fn len(self) -> usize {
        match self {
            Images::Floats(pixels) => pixels.len(),
            Images::Bytes(pixels) => pixels.len(),
        }
    }
}

impl<'a> From<&'a [f32]> for Images<'a> {
    fn from(pixels: &'a [f32]) -> Self {
        Images::Floats(pixels)
    }
}

impl<'a> From<&'a Vec<f32>> for Images<'a> {
    fn from(pixels: &'a Vec<f32>) -> Self {
        Images::Floats(pixels)
    }
}

impl<'a> From<&'a [u8]> for Images<'a> {
    fn from(pixels: &'a [u8]) -> Self {
        Images::Bytes(pixels)
    }
}

impl<'a> From<&'a Vec<u8>> for Images<'a> {
    fn from(pixels: &'a Vec<u8>) -> Self {
        Images::Bytes(pixels)
    }
}

/// The network's prediction for one image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Prediction {
    /// The most likely class; the first one of equals.
    pub class: u32,
    /// The probability of every class; they sum to 1.
    pub probabilities: Vec<f32>,
    /// The raw output for every class.
    pub logits: Vec<f32>,
}

impl Prediction {
    fn new(logits: &[f32]) -> Self {
        let (class, logs) = log_probabilities(logits);
        let probabilities = logs.iter().map(|log| log.exp() as f32).collect();
        Self {
            class,
            probabilities,
            logits: logits.to_vec(),
        }
    }

    /// The `count` most likely classes with their probabilities, most likely first.
    pub fn top(&self, count: usize) -> Vec<(u32, f32)> {
        let mut all: Vec<(u32, f32)> = (0..).zip(self.probabilities.iter().copied()).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(count);
        all
    }
}

/// The most likely class, the first one of equals, and the log-probability of every class.
pub(super) fn log_probabilities(logits: &[f32]) -> (u32, Vec<f64>) {
    let mut likeliest = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[likeliest] {
            likeliest = class;
        }
    }
    let largest = logits.get(likeliest).map_or(0.0, |logit| f64::from(*logit));
    let sum: f64 = logits
        .iter()
        .map(|logit| (f64::from(*logit) - largest).exp())
        .sum();
    let logs = logits
        .iter()
        .map(|logit| f64::from(*logit) - largest - sum.ln())
        .collect();
    (likeliest as u32, logs)
}

impl Model {
    /// Predicts the class of each image, on the CPU with one thread per core. The first call starts
    /// the threads.
    ///
    /// # Errors
    /// If the images do not fit the network, or the device fails.
    pub fn predict<'a>(
        &self,
        images: impl Into<Images<'a>>,
    ) -> Result<Vec<Prediction>, ModelError> {
        let images = images.into();
        self.on_cpu(|cpu| self.predict_on(cpu, images))
    }

    /// Predicts the class of each image, on the caller's device. The weights stay on a GPU between
    /// calls.
    ///
    /// # Errors
    /// As [`Model::predict`].
    pub fn predict_on<'a>(
        &self,
        device: &mut dyn Device,
        images: impl Into<Images<'a>>,
    ) -> Result<Vec<Prediction>, ModelError> {
        let images = images.into();
        let mut predictions = Vec::new();
        let count = self.count(images)?;
        let mut gather = |range, pixels: &mut Vec<f32>| self.gather(images, range, pixels);
        self.run(device, count, &mut gather, &mut |logits| {
            predictions.push(Prediction::new(logits))
        })?;
        Ok(predictions)
    }

    /// Calls `with` with the model's CPU device.
    pub(super) fn on_cpu<R>(
        &self,
        with: impl FnOnce(&mut Cpu) -> Result<R, ModelError>,
    ) -> Result<R, ModelError> {
        // A device whose run panicked recovers its buffers in the next run.
        let mut cpu = self.cpu.lock().unwrap_or_else(PoisonError::into_inner);
        let cpu = match &mut *cpu {
            Some(cpu) => cpu,
            none => none.insert(Cpu::new(0)?),
        };
        with(cpu)
    }

    /// The number of images.
    pub(super) fn count(&self, images: Images<'_>) -> Result<usize, ModelError> {
        let wrong = |reason: String| ModelError::Images {
            image: self.about.image,
            reason,
        };
        let (len, pixels) = (images.len(), self.about.pixels());
        if len == 0 || !len.is_multiple_of(pixels) {
            return Err(wrong(format!(
                "each has {pixels} numbers, and there are {len}"
            )));
        }
        match images {
            Images::Floats(all) => match all.iter().position(|x| !x.is_finite()) {
                Some(at) => Err(wrong(format!(
                    "a pixel of image {} is not a finite number",
                    at / pixels
                ))),
                None => Ok(len / pixels),
            },
            Images::Bytes(_) => Ok(len / pixels),
        }
    }

    /// Standardised pixels of some images.
    pub(super) fn gather(&self, images: Images<'_>, range: Range<usize>, pixels: &mut Vec<f32>) {
        let len = self.about.pixels();
        let range = range.start * len..range.end * len;
        pixels.clear();
        match images {
            Images::Floats(all) => pixels.extend_from_slice(&all[range]),
            Images::Bytes(all) => pixels.extend(all[range].iter().map(|byte| f32::from(*byte))),
        }
        self.about.standardise(pixels);
    }

    /// Runs `count` images in batches, and passes the logits of each to `take`, in order. `gather`
    /// supplies the standardised pixels of a range.
    pub(super) fn run(
        &self,
        device: &mut dyn Device,
        count: usize,
        gather: &mut dyn FnMut(Range<usize>, &mut Vec<f32>),
        take: &mut dyn FnMut(&[f32]),
    ) -> Result<(), ModelError> {
        let mut program: Option<Program> = None;
        let mut pixels = Vec::new();
        for from in (0..count).step_by(self.batch as usize) {
            let range = from..count.min(from + self.batch as usize);
            let batch = range.len() as u32;
            let program = match &mut program {
                Some(program) if program.batch == batch => program,
                place => {
                    let context = self.network.context(&self.about, batch);
                    place.insert(Program::inferring(context, self.network.child())?)
                }
            };
            gather(range, &mut pixels);
            let outputs = device.compute(program, &self.weights, Inputs::Pixels(&pixels))?;
            let logits = outputs.first().map_or(&[][..], Vec::as_slice);
            for (i, logits) in logits.chunks(self.about.classes as usize).enumerate() {
                if !super::is_finite(logits) {
                    return Err(ModelError::NoAnswer { index: from + i });
                }
                take(logits);
            }
        }
        Ok(())
    }
}
