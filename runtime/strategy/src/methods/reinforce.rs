//! REINFORCE on a table of logits (ProxylessNAS, Cai et al. 2019, §3.3.2).

use serde::{Deserialize, Serialize};
use supernet_plugin::{GenomeError, Path, Supergraph};
use supernet_shaders::random::Random;

use crate::table_policy::{LogitAdam, LogitAdamSettings, LogitTable};
use crate::{
    Genome, Moment, Pass, PassSamples, SearchMethod, StepOutcome, StepWork, StrategyError,
    StrategyStats,
};

/// The settings of REINFORCE on a table.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReinforceSettings {
    /// The learning rate of Adam on the logits.
    pub learning_rate: f64,
    /// Training steps from one update of the logits to the next.
    pub every: u32,
    /// Samples per update, all on one minibatch; 10 in the released code.
    pub rollouts: u32,
    /// The weight of the old baseline when a mean reward is added; 0.01 in the released code.
    pub memory: f64,
    /// Children per training step.
    pub paths: u32,
}

impl ReinforceSettings {
    /// The settings of the released code of ProxylessNAS.
    pub fn new(learning_rate: f64) -> Self {
        Self {
            learning_rate,
            every: 5,
            rollouts: 10,
            memory: 0.01,
            paths: 1,
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
}

/// Children are drawn from a table, decision by decision; their rewards on one minibatch of the
/// validation split raise or lower their probability.
pub struct Reinforce {
    space: Supergraph,
    settings: ReinforceSettings,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    table: LogitTable,
    adam: LogitAdam,
    baseline: Option<f64>,
    /// The samples whose rewards are awaited.
    drawn: Vec<Genome>,
}

impl Reinforce {
    /// The method on `space`. The noise of the first logits is a function of `seed`.
    pub fn new(space: Supergraph, settings: ReinforceSettings, seed: u64) -> Self {
        let table = LogitTable::of(&space).with_noise(0.0, 1e-3, seed);
        let adam = LogitAdamSettings::PROXYLESS.with_rate(settings.learning_rate);
        let state = State {
            adam: LogitAdam::new(&table, adam),
            table,
            baseline: None,
            drawn: Vec::new(),
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

    fn samples(&self, count: u32, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        (0..count)
            .map(|_| self.state.table.sample(&self.space, random))
            .collect()
    }

    /// −∂/∂α of Σ advantage·ln P(genome) over the decisions that the child asks, per genome.
    fn gradient(&self, advantages: &[f64]) -> Vec<Vec<f64>> {
        let State { table, drawn, .. } = &self.state;
        let p = table.probabilities();
        let mut gradient: Vec<Vec<f64>> = p.iter().map(|p| vec![0.0; p.len()]).collect();
        let share = 1.0 / drawn.len().max(1) as f64;
        for (genome, advantage) in drawn.iter().zip(advantages) {
            let Ok(child) = self.space.child(genome) else {
                continue;
            };
            for d in child.asked().iter().map(|d| *d as usize) {
                for (choice, (own, p)) in gradient[d].iter_mut().zip(&p[d]).enumerate() {
                    let hit = f64::from(u8::from(choice as u32 == genome[d]));
                    *own -= share * advantage * (hit - p);
                }
            }
        }
        gradient
    }
}

impl SearchMethod for Reinforce {
    fn training(
        &mut self,
        _moment: &Moment,
        random: &mut Random,
    ) -> Result<StepWork, StrategyError> {
        Ok(StepWork::Paths(self.samples(self.settings.paths, random)?))
    }

    fn policy_passes(
        &mut self,
        moment: &Moment,
        batch: u64,
        random: &mut Random,
    ) -> Result<Vec<Pass>, StrategyError> {
        let due = moment.step.is_multiple_of(self.settings.every.max(1));
        if moment.is_warm_up() || !due {
            return Ok(Vec::new());
        }
        self.state.drawn = self.samples(self.settings.rollouts, random)?;
        let pass = |genome: &Genome| Pass::score(Path::of(genome), PassSamples::Validation(batch));
        Ok(self.state.drawn.iter().map(pass).collect())
    }

    fn learn(&mut self, _moment: &Moment, outcome: &StepOutcome) -> StrategyStats {
        let rewards = outcome
            .passes
            .iter()
            .map(|pass| f64::from(pass.score.reward));
        let rewards: Vec<f64> = rewards.collect();
        let mean = rewards.iter().sum::<f64>() / rewards.len().max(1) as f64;
        let memory = self.settings.memory;
        let baseline = match self.state.baseline {
            Some(earlier) => memory * earlier + (1.0 - memory) * mean,
            None => mean,
        };
        self.state.baseline = Some(baseline);
        let advantages: Vec<f64> = rewards.iter().map(|reward| reward - baseline).collect();
        let gradient = self.gradient(&advantages);
        let norm = gradient.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
        let State {
            table, adam, drawn, ..
        } = &mut self.state;
        adam.descend(table, &gradient);
        drawn.clear();
        let mut stats = StrategyStats {
            reward: mean as f32,
            baseline: baseline as f32,
            gradient_norm: norm as f32,
            ..StrategyStats::default()
        };
        table.note_entropy(&mut stats);
        stats
    }

    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        (0..count)
            .map(|_| self.state.table.sample(&self.space, random))
            .collect()
    }

    fn favourite(&self) -> Result<Option<Genome>, GenomeError> {
        self.state.table.strongest(&self.space).map(Some)
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
