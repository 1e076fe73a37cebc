//! Scoring of children with the shared weights.
//!
//! The rule is the same for every child: minibatches of one fixed size, normalised by their own
//! statistics. Running averages over a mixture of children would make rewards noise. A window of
//! text that is scored by itself starts with an empty state; a whole split is read from its
//! beginning, and the state is carried from one window to the next.

use std::sync::Arc;

use supernet_data::Subset;
use supernet_data::text::Streams;
use supernet_engine::device::{Device, Inputs, Minibatch, Samples};
use supernet_engine::program::{Context, Input, Program, Start};
use supernet_engine::weights::Weights;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::{Genome, Score};

use super::error::TrainingError;
use super::job::{JobKind, JobResult};
use super::task_context::TaskContext;

/// Scores children on minibatches of the validation split, or on a whole split.
#[derive(Debug)]
pub(crate) struct Evaluator {
    task: TaskContext,
    batch: u32,
    seed: u64,
    /// The last pass over the validation split that was requested, and its order.
    pass: Option<(u64, Vec<usize>)>,
    images: Vec<f32>,
    labels: Vec<u32>,
    samples: Samples,
    /// The validation split, if it is a text.
    streams: Option<Streams>,
    tokens: Vec<u32>,
}

impl Evaluator {
    /// An evaluator with minibatches of `batch` samples, shuffled under `seed`.
    pub(crate) fn new(task: TaskContext, batch: u32, seed: u64) -> Self {
        let (images, labels, tokens) = Default::default();
        let streams = task.streams(&task.data.validation, batch);
        Self {
            task,
            batch,
            seed,
            pass: None,
            images,
            labels,
            samples: Samples::default(),
            streams,
            tokens,
        }
    }

    /// The results of a job.
    ///
    /// # Errors
    /// If a genome has no child, a child has no program, or the device fails.
    pub(crate) fn results(
        &mut self,
        device: &mut dyn Device,
        weights: &Weights,
        kind: &JobKind,
    ) -> Result<Vec<JobResult>, TrainingError> {
        let scores = match kind {
            JobKind::Score { genomes, batch } => {
                self.minibatch(device, weights, genomes, *batch)?
            }
            JobKind::Validate { genome } => vec![self.validation(device, weights, genome)?],
            JobKind::Test { genome } => vec![self.test(device, weights, genome)?],
            JobKind::Train { .. }
            | JobKind::Step { .. }
            | JobKind::Skip
            | JobKind::Alone { .. } => Vec::new(),
        };
        Ok(scores.into_iter().map(Ok).collect())
    }

    /// Scores every child on the `number`-th minibatch of the validation split, counted over all
    /// passes.
    ///
    /// # Errors
    /// If a genome has no child, a child has no program, or the device fails.
    pub(crate) fn minibatch(
        &mut self,
        device: &mut dyn Device,
        weights: &Weights,
        genomes: &[Genome],
        number: u64,
    ) -> Result<Vec<Score>, TrainingError> {
        let length = self.load(number);
        let mut scores = Vec::with_capacity(genomes.len());
        for (started, genome) in genomes.iter().enumerate() {
            if started - scores.len() == device.depth() {
                device.samples(&mut self.samples)?;
                scores.push(
                    self.task
                        .metric
                        .score(&self.samples, self.samples.loss.len()),
                );
            }
            let program = self.program(genome, length.map(|length| (length, Start::Alone)))?;
            device.score(&program, weights, self.minibatch_at_hand(&[]))?;
        }
        while scores.len() < genomes.len() {
            device.samples(&mut self.samples)?;
            scores.push(
                self.task
                    .metric
                    .score(&self.samples, self.samples.loss.len()),
            );
        }
        Ok(scores)
    }

    /// Samples in a minibatch.
    pub(crate) fn batch(&self) -> u32 {
        self.batch
    }

    /// Gathers the `number`-th minibatch of the validation split. For a text returns the length of
    /// its window.
    pub(crate) fn load(&mut self, number: u64) -> Option<u32> {
        let streams = self.streams.as_ref();
        let window = streams.map(|streams| (number % u64::from(streams.windows())) as u32);
        self.gather(number, window);
        Some(self.streams.as_ref()?.length(window?))
    }

    /// The minibatch that was gathered last, with the weights of a program's mixtures.
    pub(crate) fn minibatch_at_hand<'a>(&'a self, mixture: &'a [f32]) -> Minibatch<'a> {
        let inputs = match self.streams.is_some() {
            true => Inputs::Tokens(&self.tokens),
            false => Inputs::Pixels(&self.images),
        };
        Minibatch {
            inputs,
            targets: &self.labels,
            mixture,
        }
    }

    /// Gathers the `number`-th minibatch of the validation split, which is a window of a text.
    fn gather(&mut self, number: u64, window: Option<u32>) {
        if let (Some(streams), Some(window)) = (&self.streams, window) {
            return streams.window(window, &mut self.tokens, &mut self.labels);
        }
        let batch = self.batch as usize;
        let split = &self.task.data.validation;
        let in_pass = (split.len() / batch) as u64;
        let (pass, seed) = (number / in_pass, self.seed);
        let (_, order) = match self.pass.take().filter(|(of, _)| *of == pass) {
            Some(known) => self.pass.insert(known),
            None => {
                let mut order: Vec<usize> = (0..split.len()).collect();
                Random::new(seed, RngStream::ShuffleValidation { pass: pass as u32 })
                    .shuffle(&mut order);
                self.pass.insert((pass, order))
            }
        };
        let from = (number % in_pass) as usize * batch;
        split.gather(
            order[from..from + batch].iter().copied(),
            &mut self.images,
            &mut self.labels,
        );
    }

    /// Scores a child on the whole validation split.
    ///
    /// # Errors
    /// As [`Evaluator::minibatch`].
    pub(crate) fn validation(
        &mut self,
        device: &mut dyn Device,
        weights: &Weights,
        genome: &[u32],
    ) -> Result<Score, TrainingError> {
        let data = Arc::clone(&self.task.data);
        self.whole(device, weights, genome, &data.validation)
    }

    /// Scores a child on the whole test split: for the last line of a report, never for a
    /// selection.
    ///
    /// # Errors
    /// As [`Evaluator::minibatch`].
    pub(crate) fn test(
        &mut self,
        device: &mut dyn Device,
        weights: &Weights,
        genome: &[u32],
    ) -> Result<Score, TrainingError> {
        let data = Arc::clone(&self.task.data);
        self.whole(device, weights, genome, &data.test)
    }

    fn whole(
        &mut self,
        device: &mut dyn Device,
        weights: &Weights,
        genome: &[u32],
        split: &Subset,
    ) -> Result<Score, TrainingError> {
        if let Some(streams) = self.task.streams(split, self.batch) {
            return self.read(device, weights, genome, &streams);
        }
        let program = self.program(genome, None)?;
        let batch = self.batch as usize;
        let mut all = Samples::default();
        let mut take =
            |device: &mut dyn Device, samples: &mut Samples| -> Result<(), TrainingError> {
                device.samples(samples)?;
                let fresh = batch.min(split.len() - all.loss.len());
                all.loss.extend_from_slice(&samples.loss[..fresh]);
                all.correct.extend_from_slice(&samples.correct[..fresh]);
                Ok(())
            };
        let mut in_flight = 0;
        for from in (0..split.len()).step_by(batch) {
            if in_flight == device.depth() {
                take(device, &mut self.samples)?;
                in_flight -= 1;
            }
            // The last minibatch wraps around to the beginning, so that every sample counts once
            // and all batches have one size.
            split.gather(
                (from..from + batch).map(|i| i % split.len()),
                &mut self.images,
                &mut self.labels,
            );
            let minibatch = Minibatch {
                inputs: Inputs::Pixels(&self.images),
                targets: &self.labels,
                mixture: &[],
            };
            device.score(&program, weights, minibatch)?;
            in_flight += 1;
        }
        for _ in 0..in_flight {
            take(device, &mut self.samples)?;
        }
        Ok(self.task.metric.score(&all, split.len()))
    }

    /// Scores a child on a text from beginning to end.
    fn read(
        &mut self,
        device: &mut dyn Device,
        weights: &Weights,
        genome: &[u32],
        streams: &Streams,
    ) -> Result<Score, TrainingError> {
        let (mut all, mut in_flight, mut last) = (Samples::default(), 0, None);
        let mut take =
            |device: &mut dyn Device, samples: &mut Samples| -> Result<(), TrainingError> {
                device.samples(samples)?;
                all.loss.extend_from_slice(&samples.loss);
                all.correct.extend_from_slice(&samples.correct);
                Ok(())
            };
        for window in 0..streams.windows() {
            if in_flight == device.depth() {
                take(device, &mut self.samples)?;
                in_flight -= 1;
            }
            let kind = (
                streams.length(window),
                if window == 0 {
                    Start::First
                } else {
                    Start::Next
                },
            );
            let program = match last.take().filter(|(of, _)| *of == kind) {
                Some((_, program)) => program,
                None => self.program(genome, Some(kind))?,
            };
            streams.window(window, &mut self.tokens, &mut self.labels);
            let minibatch = Minibatch {
                inputs: Inputs::Tokens(&self.tokens),
                targets: &self.labels,
                mixture: &[],
            };
            device.score(&program, weights, minibatch)?;
            last = Some((kind, program));
            in_flight += 1;
        }
        for _ in 0..in_flight {
            take(device, &mut self.samples)?;
        }
        Ok(self.task.metric.score(&all, all.loss.len()))
    }

    /// The program of a child; for text, of a window with this number of steps and this initial
    /// state.
    fn program(
        &self,
        genome: &[u32],
        window: Option<(u32, Start)>,
    ) -> Result<Program, TrainingError> {
        let context = self.task.context(self.batch);
        let Some((length, start)) = window else {
            return Ok(Program::scoring(
                context,
                &self.task.supergraph.child(genome)?,
            )?);
        };
        let supergraph = self.task.supergraph.with_time(length);
        let context = Context {
            supergraph: &supergraph,
            input: Input::Tokens(start),
            ..context
        };
        Ok(Program::scoring(context, &supergraph.child(genome)?)?)
    }
}
