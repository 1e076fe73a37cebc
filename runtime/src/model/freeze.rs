//! From trained weights to a finished network: the statistics of batch normalisation are estimated
//! again and frozen.
//!
//! This takes one pass over training images, as in Cai et al. 2020 (Once-for-All): every batch
//! normalisation uses the statistics of its minibatch while the statistics of all minibatches are
//! gathered. (Running averages during training lag behind the weights, and for shared weights they
//! mix architectures.)

use supernet_engine::device::{Device, Inputs};
use supernet_engine::program::{Input, Program};
use supernet_engine::weights::Weights;
use supernet_plugin::Child;
use supernet_shaders::random::{Random, RngStream};

use super::error::ModelError;
use super::network::FrozenGraph;
use super::{About, Model, Provenance};
use crate::training::TaskContext;

/// Minimum number of training images for the statistics; all images if there are fewer.
const LEAST: usize = 2000;

impl Model {
    /// Creates the child of `genome` with its part of `weights`. The statistics of its batch
    /// normalisation are estimated on `device` over training images in minibatches of `batch`: as
    /// many full minibatches as hold 2,000 images, or all images if there are fewer, where the last
    /// minibatch wraps around to the beginning. The images are standardised but not augmented, in
    /// an order that depends only on their number.
    ///
    /// # Errors
    /// If the genome has no child, the child has no program, the device fails or does not have the
    /// newest weights, or a weight is not a finite number.
    pub(crate) fn freeze(
        task: &TaskContext,
        genome: &[u32],
        weights: &mut Weights,
        device: &mut dyn Device,
        batch: u32,
        provenance: Provenance,
    ) -> Result<Self, ModelError> {
        let Input::Image(image) = task.input else {
            return Err(ModelError::Text);
        };
        let network = FrozenGraph::new(task.supergraph.clone(), task.custom.clone(), genome)?;
        device.fetch(weights)?;
        let statistics = calibrate(
            task,
            network.child(),
            network.norms(),
            weights,
            device,
            batch,
        )?;
        let mut own = Weights::zeros(network.layout().clone(), 0);
        for tensor in network.tensors() {
            let from = match (tensor.index as usize).checked_sub(task.supergraph.param_count()) {
                None => weights.parameter(tensor.index),
                Some(norm) => &statistics[norm],
            };
            own.parameter_mut(tensor.index).copy_from_slice(from);
        }
        let about = About {
            image,
            classes: task.classes,
            names: None,
            mean: task.data.mean.clone(),
            std: task.data.std.clone(),
            max_pixel: task.data.max_pixel,
            genome: genome.to_vec(),
            provenance,
        };
        Self::assemble(network, own, about)
    }
}

/// The statistics of every batch normalisation of `child`, in the format of its kernel.
fn calibrate(
    task: &TaskContext,
    child: &Child,
    norms: &[usize],
    weights: &Weights,
    device: &mut dyn Device,
    batch: u32,
) -> Result<Vec<Vec<f32>>, ModelError> {
    if norms.is_empty() {
        return Ok(Vec::new());
    }
    let program = Program::calibrating(task.context(batch), child)?;
    let mut all: Vec<Moments> = norms
        .iter()
        .map(|channels| Moments::new(*channels))
        .collect();
    for chosen in minibatches(task.data.train.len(), batch as usize) {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        task.data
            .train
            .gather(chosen.into_iter(), &mut images, &mut labels);
        let shown = device.compute(&program, weights, Inputs::Pixels(&images))?;
        all.iter_mut()
            .zip(&shown)
            .for_each(|(moments, shown)| moments.add(shown));
    }
    Ok(all.iter().map(Moments::statistics).collect())
}

/// The indices of the sampled images, in minibatches of one size.
fn minibatches(samples: usize, batch: usize) -> Vec<Vec<usize>> {
    // Shuffled, because data sorted by class would give minibatches of a single class.
    let mut order: Vec<usize> = (0..samples).collect();
    Random::new(0, RngStream::Calibration).shuffle(&mut order);
    let count = samples.min(LEAST).div_ceil(batch);
    (0..count)
        .map(|k| {
            (0..batch)
                .map(|i| order[(k * batch + i) % samples])
                .collect()
        })
        .collect()
}

/// Mean and variance of every channel over minibatches of one size.
#[derive(Debug)]
struct Moments {
    batches: f64,
    /// Each channel's mean in the first minibatch. Means are taken relative to it, so that their
    /// squares do not cancel.
    provenance: Vec<f64>,
    mean: Vec<f64>,
    square: Vec<f64>,
    /// Variance + eps within minibatches.
    within: Vec<f64>,
}

impl Moments {
    fn new(channels: usize) -> Self {
        let zeros = || vec![0.0; channels];
        Self {
            batches: 0.0,
            provenance: zeros(),
            mean: zeros(),
            square: zeros(),
            within: zeros(),
        }
    }

    /// Adds the statistics of a minibatch: means, then 1/√(variance + eps).
    fn add(&mut self, shown: &[f32]) {
        let (means, inverses) = shown.split_at(shown.len() / 2);
        if self.batches == 0.0 {
            self.provenance = means.iter().map(|mean| f64::from(*mean)).collect();
        }
        self.batches += 1.0;
        for (c, (mean, inverse)) in means.iter().zip(inverses).enumerate() {
            let off = f64::from(*mean) - self.provenance[c];
            self.mean[c] += off;
            self.square[c] += off * off;
            self.within[c] += f64::from(*inverse).powi(-2);
        }
    }

    /// The statistics over all minibatches, in the format of the kernel. The variance is exact: the
    /// mean of the variances within minibatches plus the variance of their means.
    fn statistics(&self) -> Vec<f32> {
        let off = |c: usize| self.mean[c] / self.batches;
        let channels = 0..self.provenance.len();
        let means = channels
            .clone()
            .map(|c| (self.provenance[c] + off(c)) as f32);
        let inverses = channels.map(|c| {
            let between = (self.square[c] / self.batches - off(c).powi(2)).max(0.0);
            (self.within[c] / self.batches + between).sqrt().recip() as f32
        });
        means.chain(inverses).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_minibatches_are_those_of_all_numbers_together() {
        let (mut random, eps) = (Random::new(5, RngStream::Test(0)), 1e-3_f64);
        // Far from zero, with drifting means, so that squares cancel quickly.
        let numbers: Vec<f32> = (0..600)
            .map(|i| 1000.0 + (i / 100) as f32 + random.normal())
            .collect();
        let moments_of = |numbers: &[f32]| {
            let mean = numbers.iter().map(|x| f64::from(*x)).sum::<f64>() / numbers.len() as f64;
            let variance = numbers
                .iter()
                .map(|x| (f64::from(*x) - mean).powi(2))
                .sum::<f64>()
                / numbers.len() as f64;
            (mean, (variance + eps).sqrt().recip())
        };
        let mut moments = Moments::new(1);
        for batch in numbers.chunks(100) {
            let (mean, inverse) = moments_of(batch);
            moments.add(&[mean as f32, inverse as f32]);
        }
        let (mean, inverse) = moments_of(&numbers);
        let [got_mean, got_inverse] = *moments.statistics() else {
            panic!("one channel")
        };
        assert!(
            (f64::from(got_mean) - mean).abs() < 1e-4,
            "{got_mean} for {mean}"
        );
        assert!(
            (f64::from(got_inverse) / inverse - 1.0).abs() < 1e-5,
            "{got_inverse} for {inverse}"
        );
    }

    #[test]
    fn minibatches_have_one_size_and_hold_two_thousand_images_or_all() {
        let count = |samples, batch| {
            let chosen = minibatches(samples, batch);
            assert!(chosen.iter().all(|minibatch| minibatch.len() == batch));
            let distinct: std::collections::BTreeSet<usize> =
                chosen.into_iter().flatten().collect();
            distinct.len()
        };
        assert_eq!(count(50_000, 64), 2048);
        assert_eq!(count(2_000, 100), 2000);
        assert_eq!(count(1_078, 100), 1078);
        assert_eq!(count(7, 100), 7);
        assert_eq!(minibatches(1_078, 100), minibatches(1_078, 100));
    }
}
