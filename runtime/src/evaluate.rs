//! Scoring children with the shared weights.
//!
//! The rule is the same for every child: minibatches of one fixed size, normalised by their own statistics. Running
//! averages over a mixture of children would make rewards noise.

use std::sync::Arc;

use supernet_plugin::Supergraph;
use supernet_shaders::random::Random;

use crate::data::{Part, Splits};
use crate::device::{Device, Minibatch, Samples};
use crate::program::{Context, Program};
use crate::strategy::{Genome, Score};
use crate::stream;
use crate::train::StageError;
use crate::weights::{Layout, Weights};

/// Scores children on minibatches of the validation part, or on a whole part.
#[derive(Debug)]
pub struct Evaluator {
    supergraph: Supergraph,
    layout: Arc<Layout>,
    data: Arc<Splits>,
    image: [u32; 3],
    batch: u32,
    seed: u64,
    images: Vec<f32>,
    labels: Vec<u32>,
    samples: Samples,
}

impl Evaluator {
    /// An evaluator with minibatches of `batch` samples, shuffled under `seed`.
    pub fn new(
        supergraph: Supergraph,
        layout: Arc<Layout>,
        data: Arc<Splits>,
        image: [u32; 3],
        batch: u32,
        seed: u64,
    ) -> Self {
        let (images, labels) = Default::default();
        Self { supergraph, layout, data, image, batch, seed, images, labels, samples: Samples::default() }
    }

    /// Scores every child on the `number`-th minibatch of the validation part, counted over all passes.
    ///
    /// # Errors
    /// If a genome has no child, a child no program, or the device fails.
    pub fn minibatch(
        &mut self,
        device: &mut dyn Device,
        weights: &Weights,
        genomes: &[Genome],
        number: u64,
    ) -> Result<Vec<Score>, StageError> {
        let batch = self.batch as usize;
        let part = &self.data.validation;
        let in_pass = (part.len() / batch) as u64;
        let mut order: Vec<usize> = (0..part.len()).collect();
        let pass = number / in_pass;
        Random::new(self.seed, stream::sub(stream::SHUFFLE_VALIDATION, pass)).shuffle(&mut order);
        let from = (number % in_pass) as usize * batch;
        part.gather(order[from..from + batch].iter().copied(), &mut self.images, &mut self.labels);
        let mut scores = Vec::with_capacity(genomes.len());
        for genome in genomes {
            let program = self.program(genome)?;
            let minibatch = Minibatch { images: &self.images, labels: &self.labels };
            device.score(&program, weights, minibatch, &mut self.samples)?;
            scores.push(Score::mean(&self.samples, batch));
        }
        Ok(scores)
    }

    /// Scores a child on the whole validation part.
    ///
    /// # Errors
    /// As [`Evaluator::minibatch`].
    pub fn validation(
        &mut self,
        device: &mut dyn Device,
        weights: &Weights,
        genome: &[u32],
    ) -> Result<Score, StageError> {
        let data = Arc::clone(&self.data);
        self.whole(device, weights, genome, &data.validation)
    }

    /// Scores a child on the whole test part: for the last line of a report, never for a choice.
    ///
    /// # Errors
    /// As [`Evaluator::minibatch`].
    pub fn test(&mut self, device: &mut dyn Device, weights: &Weights, genome: &[u32]) -> Result<Score, StageError> {
        let data = Arc::clone(&self.data);
        self.whole(device, weights, genome, &data.test)
    }

    fn whole(
        &mut self,
        device: &mut dyn Device,
        weights: &Weights,
        genome: &[u32],
        part: &Part,
    ) -> Result<Score, StageError> {
        let program = self.program(genome)?;
        let batch = self.batch as usize;
        let mut all = Samples::default();
        for from in (0..part.len()).step_by(batch) {
            // The last minibatch is filled up from the beginning: every sample counts once, every batch has one size.
            part.gather((from..from + batch).map(|i| i % part.len()), &mut self.images, &mut self.labels);
            let minibatch = Minibatch { images: &self.images, labels: &self.labels };
            device.score(&program, weights, minibatch, &mut self.samples)?;
            let fresh = batch.min(part.len() - from);
            all.loss.extend_from_slice(&self.samples.loss[..fresh]);
            all.right.extend_from_slice(&self.samples.right[..fresh]);
        }
        Ok(Score::mean(&all, part.len()))
    }

    fn program(&self, genome: &[u32]) -> Result<Program, StageError> {
        let child = self.supergraph.child(genome)?;
        let context =
            Context { supergraph: &self.supergraph, layout: &self.layout, image: self.image, batch: self.batch };
        Ok(Program::scoring(context, &child)?)
    }
}
