//! Methods that learn from the gradient of the loss with respect to the weights of branches: DARTS,
//! SNAS, GDAS and ProxylessNAS.

use serde::{Deserialize, Serialize};
use supernet_plugin::{GenomeError, Path, Pick, Supergraph};
use supernet_shaders::random::Random;

use super::curvature::Curvature;
use super::perturbation::Perturbation;
use crate::table_policy::{
    DrawnPath, LinearSchedule, LogitAdam, LogitAdamSettings, LogitTable, Sampler,
    StraightThroughGradient, second_order,
};
use crate::{
    Genome, Moment, Pass, PassSamples, PassWeights, SearchMethod, StepOutcome, StepWork,
    StrategyError, StrategyStats,
};

/// How a table of logits becomes the weights of branches, and how their gradient is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Relaxation {
    /// DARTS (Liu et al. 2019): all choices run, weighted by their probabilities; the logits descend
    /// the loss of the validation split.
    Darts(Order),
    /// SNAS (Xie et al. 2019): all choices run, weighted by a sample of the concrete distribution;
    /// weights and logits descend the same training loss, in one pass.
    Snas,
    /// GDAS (Dong and Yang 2019): one choice runs, the largest of a Gumbel-softmax sample; the
    /// logits descend the loss of the validation split through a fresh sample.
    Gdas(StraightThroughGradient),
    /// ProxylessNAS (Cai et al. 2019, §3.2) with gates of all choices: one choice counts, the others
    /// run forward for their gradients.
    Gates,
    /// ProxylessNAS with two paths (§3.2.1): two choices are drawn, one of them counts.
    TwoPaths,
}

/// The order of the gradient of DARTS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the paper has these two")]
pub enum Order {
    /// At the current weights.
    First,
    /// After a virtual step of the weights, which itself depends on the logits (§2.3).
    Second,
}

/// The settings of a differentiable method.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DifferentiableSettings {
    /// The relaxation.
    pub relaxation: Relaxation,
    /// The learning rate of Adam on the logits.
    pub learning_rate: f64,
    /// The temperature of SNAS and GDAS by step.
    pub temperature: LinearSchedule,
    /// Training steps from one update of the logits to the next.
    pub every: u32,
    /// Children per training step, for ProxylessNAS.
    pub paths: u32,
    /// Whether the largest eigenvalue of the Hessian of the validation loss with respect to the
    /// logits can end the search (Zela et al. 2020, §4.3), for DARTS.
    pub stops_at_collapse: bool,
    /// The minibatches of the validation split on which the answer is found by perturbation (Wang et
    /// al. 2021), for DARTS; 0 takes the most likely choices.
    pub perturbation: u32,
}

impl DifferentiableSettings {
    /// An update of the logits per training step, at a temperature of 1.
    pub fn new(relaxation: Relaxation, learning_rate: f64) -> Self {
        Self {
            relaxation,
            learning_rate,
            temperature: LinearSchedule::new(1.0, 1.0, 1),
            every: 1,
            paths: 1,
            stops_at_collapse: false,
            perturbation: 0,
        }
    }

    /// The same, but the search ends when the validation loss becomes sharp.
    #[must_use]
    pub fn stopping_at_collapse(self) -> Self {
        Self {
            stops_at_collapse: true,
            ..self
        }
    }

    /// The same, but the answer is found by perturbation, on so many minibatches.
    #[must_use]
    pub fn with_perturbation(self, perturbation: u32) -> Self {
        Self {
            perturbation,
            ..self
        }
    }

    /// The same with another temperature.
    #[must_use]
    pub fn with_temperature(self, temperature: LinearSchedule) -> Self {
        Self {
            temperature,
            ..self
        }
    }

    /// The same with an update of the logits per so many training steps.
    #[must_use]
    pub fn with_period(self, every: u32) -> Self {
        Self { every, ..self }
    }

    /// The same with so many children per training step.
    #[must_use]
    pub fn with_paths(self, paths: u32) -> Self {
        Self { paths, ..self }
    }

    fn adam(&self) -> LogitAdamSettings {
        let published = match self.relaxation {
            Relaxation::Gates | Relaxation::TwoPaths => LogitAdamSettings::PROXYLESS,
            Relaxation::Snas => LogitAdamSettings::DARTS.with_clip(10.0),
            Relaxation::Darts(_) | Relaxation::Gdas(_) => LogitAdamSettings::DARTS,
        };
        published.with_rate(self.learning_rate)
    }
}

/// A differentiable method over a table of logits, one per choice of each decision.
pub struct Differentiable {
    space: Supergraph,
    settings: DifferentiableSettings,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    table: LogitTable,
    adam: LogitAdam,
    /// The sample whose gradient is awaited.
    drawn: Option<DrawnPath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    curvature: Option<Curvature>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    perturbation: Option<Perturbation>,
}

impl Differentiable {
    /// A method on `space`. The noise of the first logits is a function of `seed`.
    pub fn new(space: Supergraph, settings: DifferentiableSettings, seed: u64) -> Self {
        let (mean, deviation) = match settings.relaxation {
            Relaxation::Snas => (1.0, 0.01),
            _ => (0.0, 1e-3),
        };
        let table = LogitTable::of(&space).with_noise(mean, deviation, seed);
        let state = State {
            adam: LogitAdam::new(&table, settings.adam()),
            table,
            drawn: None,
            curvature: settings.stops_at_collapse.then(Curvature::new),
            perturbation: None,
        };
        Self {
            space,
            settings,
            state,
        }
    }

    /// The logits.
    pub fn table(&self) -> &LogitTable {
        &self.state.table
    }

    fn sampler(&self, step: u32) -> Sampler {
        let temperature = self.settings.temperature.at(step);
        match self.settings.relaxation {
            Relaxation::Darts(_) => Sampler::Softmax,
            Relaxation::Snas => Sampler::Concrete { temperature },
            Relaxation::Gdas(gradient) => Sampler::StraightThrough {
                temperature,
                gradient,
            },
            Relaxation::Gates => Sampler::Gates,
            Relaxation::TwoPaths => Sampler::TwoPaths,
        }
    }

    /// Draws a path whose gradient is awaited.
    fn draw(&mut self, step: u32, random: &mut Random) -> Path {
        let drawn = self.sampler(step).draw(&self.state.table, random);
        let path = drawn.path();
        self.state.drawn = Some(drawn);
        path
    }
}

/// The same path, without the gradient of its weights.
fn without_gradient(mut path: Path) -> Path {
    for pick in &mut path.picks {
        if let Pick::Mix { gradient, .. } = pick {
            *gradient = false;
        }
    }
    path
}

/// The passes of the second-order gradient of DARTS.
fn second_order_passes(path: Path, batch: u64) -> Vec<Pass> {
    let training = |path: &Path| Pass::score(path.clone(), PassSamples::Training);
    let along = |by| training(&path).at(PassWeights::Along { of: 1, by });
    vec![
        training(&without_gradient(path.clone())).with_gradient(),
        Pass::score(path.clone(), PassSamples::Validation(batch))
            .with_gradient()
            .at(PassWeights::Ahead { of: 0 }),
        along(second_order::LENGTH),
        along(-second_order::LENGTH),
    ]
}

impl SearchMethod for Differentiable {
    fn training(
        &mut self,
        moment: &Moment,
        random: &mut Random,
    ) -> Result<StepWork, StrategyError> {
        Ok(match self.settings.relaxation {
            Relaxation::Darts(_) => {
                let drawn = Sampler::Softmax.draw(&self.state.table, random);
                StepWork::Mixture(without_gradient(drawn.path()))
            }
            Relaxation::Snas if !moment.is_warm_up() => {
                StepWork::Mixture(self.draw(moment.step, random))
            }
            Relaxation::Snas | Relaxation::Gdas(_) => {
                // One choice runs, whatever gradients the policy wants.
                let sampler = match self.sampler(moment.step) {
                    Sampler::StraightThrough { temperature, .. } => Sampler::StraightThrough {
                        temperature,
                        gradient: StraightThroughGradient::Ran,
                    },
                    other => other,
                };
                let drawn = sampler.draw(&self.state.table, random);
                StepWork::Mixture(without_gradient(drawn.path()))
            }
            Relaxation::Gates | Relaxation::TwoPaths => {
                let one = |_| self.state.table.sample(&self.space, random);
                let paths: Result<Vec<_>, GenomeError> =
                    (0..self.settings.paths).map(one).collect();
                StepWork::Paths(paths?)
            }
        })
    }

    fn policy_passes(
        &mut self,
        moment: &Moment,
        batch: u64,
        random: &mut Random,
    ) -> Result<Vec<Pass>, StrategyError> {
        let due = moment.step.is_multiple_of(self.settings.every.max(1));
        if moment.is_warm_up() || !due || self.settings.relaxation == Relaxation::Snas {
            return Ok(Vec::new());
        }
        let path = self.draw(moment.step, random);
        Ok(match self.settings.relaxation {
            Relaxation::Darts(Order::Second) => second_order_passes(path, batch),
            _ => vec![Pass::score(path, PassSamples::Validation(batch))],
        })
    }

    fn learn(&mut self, _moment: &Moment, outcome: &StepOutcome) -> StrategyStats {
        let State {
            table, adam, drawn, ..
        } = &mut self.state;
        let mut stats = StrategyStats::default();
        let (Some(drawn), Some(measured)) = (drawn.take(), outcome.passes.first()) else {
            return stats;
        };
        let (score, of_weights) = match outcome.passes.as_slice() {
            [_, validation, plus, minus] => {
                let radius = second_order::radius(validation.norm);
                let gradients = plus.gradient.iter().zip(&minus.gradient);
                let of_decision = |(own, (plus, minus)): (&Vec<f64>, (&Vec<f64>, &Vec<f64>))| {
                    second_order::gradient(own, plus, minus, outcome.rate.into(), radius)
                };
                let own = validation.gradient.iter();
                let of_weights = own.zip(gradients).map(of_decision).collect();
                (validation.score, of_weights)
            }
            _ => (measured.score, measured.gradient.clone()),
        };
        let gradient = drawn.logit_gradient(table, &of_weights);
        let norm = gradient.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
        let before = table.clone();
        adam.descend(table, &gradient);
        drawn.keep_shares(&before, table);
        (stats.reward, stats.baseline) = (score.reward, score.reward);
        stats.gradient_norm = norm as f32;
        table.note_entropy(&mut stats);
        stats
    }

    fn measuring_passes(
        &mut self,
        moment: &Moment,
        _round: u32,
        batch: u64,
        random: &mut Random,
    ) -> Result<Vec<Pass>, StrategyError> {
        let Self {
            space,
            settings,
            state,
        } = self;
        if let Some(curvature) = &mut state.curvature {
            let table = &state.table;
            let favourite = || table.strongest(space);
            let passes = curvature.passes(table, moment.epoch, batch, random, favourite)?;
            if !passes.is_empty() || curvature.is_stopped() {
                return Ok(passes);
            }
        }
        if !moment.is_end() || settings.perturbation == 0 {
            return Ok(Vec::new());
        }
        let table = &state.table;
        let perturbation = state
            .perturbation
            .get_or_insert_with(|| Perturbation::new(space, table, random));
        Ok(perturbation.passes(batch, settings.perturbation))
    }

    fn measure(&mut self, _moment: &Moment, outcome: Option<&StepOutcome>) {
        let decay = self.settings.adam().weight_decay;
        let state = &mut self.state;
        if let Some(perturbation) = &mut state.perturbation {
            perturbation.answer(outcome, self.settings.perturbation);
        } else if let Some(curvature) = &mut state.curvature {
            curvature.measure(&state.table, outcome, decay);
        }
    }

    fn is_ended(&self) -> bool {
        let curvature = self.state.curvature.as_ref();
        curvature.is_some_and(Curvature::is_stopped)
    }

    fn verdict(&self) -> Option<String> {
        self.state.curvature.as_ref()?.verdict()
    }

    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        (0..count)
            .map(|_| self.state.table.sample(&self.space, random))
            .collect()
    }

    fn favourite(&self) -> Result<Option<Genome>, GenomeError> {
        let State {
            table,
            curvature,
            perturbation,
            ..
        } = &self.state;
        if let Some(answer) = curvature.as_ref().and_then(Curvature::answer) {
            return Ok(Some(answer));
        }
        if let Some(perturbation) = perturbation
            && let Some(answer) = perturbation.favourite(&self.space)?
        {
            return Ok(Some(answer));
        }
        table.strongest(&self.space).map(Some)
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!(self.state)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error> {
        let state: State = serde_json::from_value(saved)?;
        state.table.check_fits(&self.space)?;
        self.state = state;
        Ok(())
    }
}
