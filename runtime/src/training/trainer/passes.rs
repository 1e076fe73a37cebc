//! General steps: passes of networks with several branches at once, on the shared weights or on
//! weights moved from there, and at most one update.

use supernet_engine::device::{Device, Inputs, Minibatch};
use supernet_engine::program::{Context, Input, Method, Optimizer, Program, Start};
use supernet_engine::weights::{LookAhead, Weights, gradient_norm};
use supernet_plugin::{Path, PathError, Pick, Relaxed, Supergraph};
use supernet_shaders::Step;
use supernet_strategy::{Pass, PassOutcome, PassSamples, PassWeights, StepOutcome, Wanted};

use super::Trainer;
use crate::training::error::TrainingError;

/// Programs that are kept: a step of second-order DARTS has four.
const KEPT: usize = 6;

/// The programs of the latest passes. A program depends on which branches run, not on their
/// weights, so that a search in which all branches run compiles once.
#[derive(Debug, Default)]
pub(super) struct Programs {
    latest: Vec<(Key, Program)>,
}

/// What a program depends on.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    /// The path, with 1 for every weight; where a branch of weight 0 runs forward only, with 0 for
    /// those.
    skeleton: Path,
    wanted: Wanted,
    batch: u32,
    /// Of a window of text: its length and initial state.
    window: Option<(u32, Start)>,
}

impl Programs {
    fn get(
        &mut self,
        key: Key,
        compile: impl FnOnce() -> Result<Program, TrainingError>,
    ) -> Result<&Program, TrainingError> {
        let at = match self.latest.iter().position(|(own, _)| *own == key) {
            Some(at) => at,
            None => {
                let program = compile()?;
                self.latest.truncate(KEPT - 1);
                self.latest.insert(0, (key, program));
                0
            }
        };
        self.latest[..=at].rotate_right(1);
        Ok(&self.latest[0].1)
    }
}

/// A path without its weights.
fn skeleton(path: &Path, wanted: Wanted) -> Path {
    let blank = |pick: &mut Pick| {
        if let Pick::Mix { weights, .. } = pick {
            for weight in weights {
                let zero = wanted == Wanted::Score && *weight == 0.0;
                *weight = if zero { 0.0 } else { 1.0 };
            }
        }
    };
    let mut skeleton = path.clone();
    skeleton.picks.iter_mut().for_each(blank);
    skeleton.at.iter_mut().for_each(|(_, pick)| blank(pick));
    skeleton
}

/// The gradient of the weights, page by page.
type Gradient = Vec<Vec<f32>>;
/// The gradients of a step's passes, of those that computed one.
type Gradients = Vec<Option<Gradient>>;

impl Trainer {
    /// Runs the passes of a step in order. Training steps in flight are finished before.
    ///
    /// # Errors
    /// If a path does not fit the space, a network has no program, the device fails, or the loss
    /// of an update is not a number.
    pub(crate) fn passes(
        &mut self,
        device: &mut dyn Device,
        weights: &mut Weights,
        passes: &[Pass],
        epoch: u32,
    ) -> Result<StepOutcome, TrainingError> {
        while self.running > 0 {
            self.take(device)?;
        }
        let rate = self.settings.rate.at(epoch, self.done);
        let mut gradients: Gradients = Vec::with_capacity(passes.len());
        let mut outcomes = Vec::with_capacity(passes.len());
        for pass in passes {
            let (outcome, gradient) = self.pass(device, weights, pass, rate, &gradients)?;
            if pass.wanted == Wanted::Update {
                self.done += 1;
                if outcome.score.loss == f32::MAX || !outcome.score.loss.is_finite() {
                    let step = self.done;
                    return Err(TrainingError::Diverged { step, rate });
                }
            }
            gradients.push(gradient);
            outcomes.push(outcome);
        }
        Ok(StepOutcome::new(outcomes, rate))
    }

    fn pass(
        &mut self,
        device: &mut dyn Device,
        weights: &mut Weights,
        pass: &Pass,
        rate: f32,
        gradients: &Gradients,
    ) -> Result<(PassOutcome, Option<Gradient>), TrainingError> {
        let (batch, window) = self.load(pass)?;
        let supergraph = match window {
            Some((length, _)) => self.task.supergraph.with_time(length),
            None => self.task.supergraph.clone(),
        };
        let relaxed = network(&supergraph, pass)?;
        let key = Key {
            skeleton: skeleton(&pass.path, pass.wanted),
            wanted: pass.wanted,
            batch,
            window,
        };
        let context = Context {
            supergraph: &supergraph,
            input: window.map_or(self.task.input, |(_, start)| Input::Tokens(start)),
            ..self.task.context(batch)
        };
        let optimizer = &self.settings.optimizer;
        let compile = || compile(context, pass, &relaxed, optimizer);
        let program = self.programs.get(key, compile)?;
        let mixture = program.mixture.weights(&relaxed)?;
        let minibatch = match (&pass.samples, &self.validation) {
            (PassSamples::Validation(_), Some(validation)) => {
                validation.minibatch_at_hand(&mixture)
            }
            _ => Minibatch {
                inputs: match self.streams.is_some() {
                    true => Inputs::Tokens(&self.tokens),
                    false => Inputs::Pixels(&self.images),
                },
                targets: &self.labels,
                mixture: &mixture,
            },
        };
        let step = Step {
            rate,
            number: self.done * self.settings.paths + 1,
            update: self.done + 1,
            seed: self.settings.seed,
            drop_path: self.settings.drop_path.at(self.done),
        };
        let mut moved = match pass.weights {
            PassWeights::Shared if pass.wanted == Wanted::Gradient => {
                device.fetch(weights)?;
                Some(weights.scratch())
            }
            PassWeights::Shared => None,
            PassWeights::Ahead { of } => {
                device.fetch(weights)?;
                let along =
                    LookAhead::new(rate, momentum(optimizer.method), optimizer.weight_decay);
                Some(weights.ahead(gradient(gradients, of)?, along))
            }
            PassWeights::Along { of, by } => {
                device.fetch(weights)?;
                Some(weights.along(gradient(gradients, of)?, by))
            }
        };
        match (&mut moved, pass.wanted) {
            (None, Wanted::Update) => device.train(program, weights, minibatch, &step)?,
            (Some(moved), Wanted::Gradient) => device.train(program, moved, minibatch, &step)?,
            (Some(moved), Wanted::Score) => device.score(program, moved, minibatch)?,
            (None, Wanted::Score) => device.score(program, weights, minibatch)?,
            (Some(_), Wanted::Update) | (None, Wanted::Gradient) => {
                return Err(TrainingError::Step {
                    reason: "an update is made of the shared weights, not of weights moved from there",
                });
            }
        }
        device.samples(&mut self.samples)?;
        let samples = &self.samples;
        let score = self.task.metric.score(samples, samples.loss.len());
        let mut outcome = PassOutcome::new(score);
        if !samples.mixture.is_empty() {
            let of_factors = program.mixture.gradient(&samples.mixture);
            let gradient = supergraph.pull_back(&pass.path, &relaxed, &of_factors)?;
            outcome = outcome.with_path_gradient(gradient.picks);
        }
        let mut gradient = None;
        if let (Some(moved), Wanted::Gradient) = (&mut moved, pass.wanted) {
            device.fetch(moved)?;
            let found = std::mem::take(&mut moved.pages_mut().gradients);
            outcome = outcome.with_norm(gradient_norm(&found));
            gradient = Some(found);
        }
        Ok((outcome, gradient))
    }

    /// Gathers the samples of a pass. Returns their number, and for text the window's length and
    /// initial state: only an update goes on from the states of the window before.
    fn load(&mut self, pass: &Pass) -> Result<(u32, Option<(u32, Start)>), TrainingError> {
        if let PassSamples::Validation(number) = pass.samples {
            let Some(validation) = &mut self.validation else {
                let reason = "this trainer has no validation split";
                return Err(TrainingError::Step { reason });
            };
            let length = validation.load(number);
            return Ok((
                validation.batch(),
                length.map(|length| (length, Start::Alone)),
            ));
        }
        let within = self.done % self.steps() * self.settings.paths;
        self.gather(within);
        if let Input::Image(image) = self.task.input {
            self.settings.augment.apply(
                self.settings.seed,
                self.done * self.settings.paths + 1,
                image,
                &mut self.images,
                &mut self.spare,
            );
        }
        let start = match (pass.wanted, within) {
            (Wanted::Update, 0) => Start::First,
            (Wanted::Update, _) => Start::Next,
            _ => Start::Alone,
        };
        let window = self
            .streams
            .as_ref()
            .map(|streams| (streams.length(within), start));
        Ok((self.settings.batch, window))
    }
}

/// The program of a pass, whose network is `relaxed`.
pub(crate) fn compile(
    context: Context<'_>,
    pass: &Pass,
    relaxed: &Relaxed,
    optimizer: &Optimizer,
) -> Result<Program, TrainingError> {
    Ok(match pass.wanted {
        Wanted::Update => Program::mixed(context, relaxed, optimizer)?,
        Wanted::Gradient => Program::weight_gradient(context, relaxed)?,
        Wanted::Score if wants_gradient(&pass.path) => Program::path_gradient(context, relaxed)?,
        Wanted::Score => Program::mixed_scoring(context, relaxed)?,
    })
}

/// The network of a pass. A branch of weight 0 runs forward only where no update depends on it.
pub(crate) fn network(supergraph: &Supergraph, pass: &Pass) -> Result<Relaxed, PathError> {
    let relaxed = supergraph.relaxed(&pass.path)?;
    Ok(match pass.wanted {
        Wanted::Score => relaxed.zeros_forward_only(),
        Wanted::Gradient | Wanted::Update => relaxed,
    })
}

/// The share of the velocity in a virtual step.
fn momentum(method: Method) -> f32 {
    match method {
        Method::Sgd { momentum, .. } => momentum,
        Method::Adam { .. } => 0.0,
    }
}

fn gradient(gradients: &Gradients, of: usize) -> Result<&Gradient, TrainingError> {
    let found = gradients.get(of).and_then(Option::as_ref);
    found.ok_or(TrainingError::Step {
        reason: "weights are moved along the gradient of an earlier pass, and that pass computes none",
    })
}

fn wants_gradient(path: &Path) -> bool {
    let asks = |pick: &Pick| matches!(pick, Pick::Mix { gradient: true, .. });
    path.picks
        .iter()
        .chain(path.at.iter().map(|(_, pick)| pick))
        .any(asks)
}
