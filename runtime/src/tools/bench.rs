//! Benchmarks of the units of a search's work: a training step and a scoring, each with a fresh
//! random child.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use supernet_data::Dataset;
use supernet_data::text::{Text, Vocabulary};
use supernet_engine::device::{Counts, Device, Inputs, Minibatch, Samples};
use supernet_engine::program::Program;
use supernet_engine::weights::Weights;
use supernet_shaders::Step;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::random::from_prior;

use crate::config::Config;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::training::TrainingError;

/// Untimed runs at the start: they fill caches and pools.
const WARM_UP: u32 = 3;

/// Maximum size of the random data, in numbers: 4 GiB.
const MOST: u64 = 1 << 30;

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BenchPhase {
    /// A training step: forward, backward, update.
    Train,
    /// A scoring on one minibatch.
    Evaluate,
}

/// The timing of repeated work of one kind. Times are medians in milliseconds, counts are means.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Timing {
    /// The kind of work.
    pub phase: BenchPhase,
    /// The device.
    pub device: String,
    /// Number of repetitions.
    pub steps: u32,
    /// Number of parameters of the supergraph.
    pub params: u64,
    /// The total time.
    pub median_ms: f64,
    /// The shortest total time.
    pub min_ms: f64,
    /// Sampling a child and building its program.
    pub building_ms: f64,
    /// Uploading, encoding and submitting; the device is working by then.
    pub encoding_ms: f64,
    /// From submission until the results arrive.
    pub device_ms: f64,
    /// Number of dispatches.
    pub dispatches: f64,
    /// Number of submits.
    pub submits: f64,
    /// Number of bytes uploaded.
    pub uploaded: f64,
    /// Dispatches by kind of call.
    pub kinds: BTreeMap<String, f64>,
}

/// A space with one minibatch of random data.
#[derive(Debug)]
pub struct Bench {
    experiment: Experiment,
    weights: Weights,
    random: Random,
    /// Pixels, or the bits of tokens.
    images: Vec<f32>,
    /// For text only, which has no images.
    tokens: Vec<u32>,
    labels: Vec<u32>,
    step: u32,
}

impl Bench {
    /// A benchmark of `space` with `settings` (`space.KEY=VALUE`) on normally distributed images of
    /// the given height, width and channels.
    ///
    /// # Errors
    /// If there is no such space, or it does not accept such images.
    pub fn new(
        space: &str,
        settings: &[String],
        image: [u32; 3],
        classes: u32,
        batch: u32,
    ) -> Result<Self, Error> {
        // Each of the three splits must contain a minibatch.
        let numbers = 8 * u64::from(batch) * image.iter().map(|n| u64::from(*n)).product::<u64>();
        if numbers > MOST {
            return Err(Error::BenchTooLarge {
                numbers,
                most: MOST,
            });
        }
        let samples = 8 * batch;
        let mut random = Random::new(0, RngStream::Bench);
        let pixels: u32 = image.iter().product();
        let images = (0..samples * pixels).map(|_| random.normal()).collect();
        let labels = (0..samples).map(|_| random.below(classes)).collect();
        let data = Dataset::new("random", image, classes, images, labels)?;
        let mut bench = Self::on(data, space, settings, batch, random)?;
        bench.experiment.train_part().gather(
            0..batch as usize,
            &mut bench.images,
            &mut bench.labels,
        );
        Ok(bench)
    }

    /// A benchmark of `space` with `settings` (`space.KEY=VALUE`) on a window of random text:
    /// `batch` parallel streams of `window` steps each, with `vocabulary` tokens. Every window
    /// starts with a zero state.
    ///
    /// # Errors
    /// If there is no such space, or it does not accept such text.
    pub fn text(
        space: &str,
        settings: &[String],
        vocabulary: u32,
        batch: u32,
        window: u32,
    ) -> Result<Self, Error> {
        let numbers = 3 * (u64::from(batch) * u64::from(window) + 1);
        if numbers > MOST {
            return Err(Error::BenchTooLarge {
                numbers,
                most: MOST,
            });
        }
        let mut random = Random::new(0, RngStream::Bench);
        // A window, and the token after its last one.
        let [train, validation, test] = [(); 3].map(|()| {
            (0..=batch * window)
                .map(|_| random.below(vocabulary.max(1)))
                .collect()
        });
        let text = Text {
            vocabulary: Vocabulary::numbered(vocabulary),
            train,
            validation,
            test,
        };
        let settings = [settings, &[format!("text.window={window}")]].concat();
        let mut bench = Self::on(
            Dataset::from_text("random", text),
            space,
            &settings,
            batch,
            random,
        )?;
        if let Some(streams) = bench
            .experiment
            .task()
            .streams(bench.experiment.train_part(), batch)
        {
            let mut tokens = Vec::new();
            streams.window(0, &mut tokens, &mut bench.labels);
            bench.tokens = tokens;
        }
        Ok(bench)
    }

    fn on(
        data: Dataset,
        space: &str,
        settings: &[String],
        batch: u32,
        random: Random,
    ) -> Result<Self, Error> {
        let mut all = vec![
            "train.paths=1".to_owned(),
            format!("train.batch={batch}"),
            format!("score.batch={batch}"),
        ];
        all.extend_from_slice(settings);
        let mut config = Config::read("", &all)?;
        config.search.space = space.to_owned();
        let experiment = Experiment::on(data, config)?;
        let weights = experiment.weights();
        Ok(Self {
            experiment,
            weights,
            random,
            images: Vec::new(),
            tokens: Vec::new(),
            labels: Vec::new(),
            step: 0,
        })
    }

    /// Times `steps` repetitions of one kind of work.
    ///
    /// # Errors
    /// If a child has no program, or the device fails.
    pub fn time(
        &mut self,
        device: &mut dyn Device,
        phase: BenchPhase,
        steps: u32,
    ) -> Result<Timing, Error> {
        device.forget();
        let (mut parts, mut samples) = ([const { Vec::new() }; 4], Samples::default());
        let mut counts = Counts::default();
        for repetition in 0..WARM_UP + steps {
            device.counts();
            let began = Instant::now();
            let program = self.build(phase)?;
            let built = began.elapsed();
            self.run(device, phase, &program, &mut samples)?;
            let whole = began.elapsed();
            if repetition >= WARM_UP {
                let spent = device.counts();
                let device = (whole - built).saturating_sub(spent.encoding);
                let times: [Duration; 4] = [whole, built, spent.encoding, device];
                parts
                    .iter_mut()
                    .zip(times)
                    .for_each(|(part, time)| part.push(1e3 * time.as_secs_f64()));
                counts.add(spent);
            }
        }
        parts
            .iter_mut()
            .for_each(|part| part.sort_by(f64::total_cmp));
        let median = |part: &Vec<f64>| rounded(part[part.len() / 2]);
        let mean = |count: u64| rounded(count as f64 / f64::from(steps));
        Ok(Timing {
            phase,
            device: device.name(),
            steps,
            params: self.experiment.supergraph().total_params(),
            median_ms: median(&parts[0]),
            min_ms: rounded(parts[0][0]),
            building_ms: median(&parts[1]),
            encoding_ms: median(&parts[2]),
            device_ms: median(&parts[3]),
            dispatches: mean(counts.dispatches),
            submits: mean(counts.submits),
            uploaded: mean(counts.uploaded),
            kinds: counts
                .kinds
                .into_iter()
                .map(|(kind, count)| (kind.to_owned(), mean(count)))
                .collect(),
        })
    }

    /// Reserves memory on a device for random children, as a search does before it starts. Returns
    /// the number of bytes: activations, a minibatch, weights with gradients and the optimiser's
    /// moments.
    ///
    /// # Errors
    /// If a child has no program, or it does not fit the device.
    pub fn reserve(&self, device: &mut dyn Device) -> Result<u64, Error> {
        device.forget();
        Ok(device
            .reserve(&self.experiment.plan()?, &self.weights)
            .map_err(TrainingError::from)?)
    }

    /// Bytes of the weights, the gradients and the optimiser's moments.
    pub fn weights(&self) -> u64 {
        self.weights.bytes()
    }

    /// Samples a child and builds its program.
    fn build(&mut self, phase: BenchPhase) -> Result<Program, Error> {
        let genome = from_prior(self.experiment.supergraph(), &mut self.random)?;
        let child = self.experiment.supergraph().child(&genome)?;
        let program = match phase {
            BenchPhase::Train => {
                let optimizer = self.experiment.config().optimizer.optimizer();
                Program::training(self.experiment.training_context(), &child, &optimizer)
            }
            BenchPhase::Evaluate => Program::scoring(self.experiment.training_context(), &child),
        };
        Ok(program.map_err(TrainingError::from)?)
    }

    fn run(
        &mut self,
        device: &mut dyn Device,
        phase: BenchPhase,
        program: &Program,
        samples: &mut Samples,
    ) -> Result<(), Error> {
        let minibatch = Minibatch {
            inputs: match self.tokens.is_empty() {
                true => Inputs::Pixels(&self.images),
                false => Inputs::Tokens(&self.tokens),
            },
            targets: &self.labels,
            mixture: &[],
        };
        let started = match phase {
            BenchPhase::Train => {
                self.step += 1;
                let step = Step {
                    rate: 0.01,
                    number: self.step,
                    update: self.step,
                    seed: 0,
                    drop_path: 0.0,
                };
                device.train(program, &mut self.weights, minibatch, &step)
            }
            BenchPhase::Evaluate => device.score(program, &self.weights, minibatch),
        };
        Ok(started
            .and_then(|()| device.samples(samples))
            .map_err(TrainingError::from)?)
    }
}

/// Rounds to a microsecond for display.
fn rounded(x: f64) -> f64 {
    (x * 1e3).round() / 1e3
}
