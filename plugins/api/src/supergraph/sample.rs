use super::Supergraph;
use super::level::{Level, Part};
use super::walk::{Wanted, walk};
use crate::condition::Cond;
use crate::{GenomeError, Kind, ValidationError};

/// The number of samples after which sampling gives up on the constraints.
const TRIES: u32 = 1000;
/// The most steps for trying out a new space: about a second.
const MOST_STEPS: u64 = 1 << 28;

impl Supergraph {
    /// Samples a valid genome: decisions in the order of the plan, choices according to their
    /// [prior](Self::prior) and masked by the constraints; inactive decisions are 0. `draw` is
    /// given weights that need not sum to 1 and returns an index with a positive weight.
    ///
    /// With constraints, the distribution over valid genomes is not uniform.
    pub fn sample(&self, draw: &mut dyn FnMut(&[f32]) -> usize) -> Result<Vec<u32>, GenomeError> {
        let priors: Vec<Vec<f32>> = (0..self.genome_len()).map(|d| self.prior(d)).collect();
        self.sample_from(&priors, draw)
    }

    /// As [`Supergraph::sample`], but with other weights than those of the prior: `weights` has one
    /// per choice of every decision.
    pub fn sample_from(
        &self,
        weights: &[Vec<f32>],
        draw: &mut dyn FnMut(&[f32]) -> usize,
    ) -> Result<Vec<u32>, GenomeError> {
        let mut left = TRIES;
        self.sample_in(&mut left, weights, draw)
    }

    /// Samples with a limited number of tries.
    fn sample_in(
        &self,
        left: &mut u32,
        weights: &[Vec<f32>],
        draw: &mut dyn FnMut(&[f32]) -> usize,
    ) -> Result<Vec<u32>, GenomeError> {
        let mut because = String::new();
        while *left > 0 {
            *left -= 1;
            if let Some(genome) = self.attempt(weights, draw)? {
                match self.check(&genome) {
                    Ok(()) => return Ok(genome),
                    Err(GenomeError::Refused { because: reason }) => because = reason,
                    Err(error) => return Err(error),
                }
            }
        }
        if because.is_empty() {
            let mut sentences: Vec<&str> = Vec::new();
            for require in &self.space().require {
                if !sentences.contains(&require.because.as_str()) && sentences.len() < 3 {
                    sentences.push(&require.because);
                }
            }
            because = sentences.join("; ");
        }
        Err(GenomeError::Exhausted {
            tries: TRIES,
            because,
        })
    }

    /// The prior of a decision, one weight per choice: what the space states. Otherwise a skip
    /// connection is on with probability 0.4 (the target of ENAS's skip penalty), and everything
    /// else is uniform. Panics if there is no such decision.
    pub fn prior(&self, decision: usize) -> Vec<f32> {
        let described = &self.inner.space.decisions[decision];
        match (&described.prior, &described.kind) {
            (Some(weights), _) => weights.clone(),
            (None, Kind::Skip { of: Some(_) }) => vec![0.6, 0.4],
            (None, _) => vec![1.0; self.inner.choices[decision] as usize],
        }
    }

    /// One sample; `None` if the constraints leave some decision without a choice.
    fn attempt(
        &self,
        priors: &[Vec<f32>],
        draw: &mut dyn FnMut(&[f32]) -> usize,
    ) -> Result<Option<Vec<u32>>, GenomeError> {
        let mut prefix = vec![None; self.genome_len()];
        for &decision in &self.inner.order {
            let d = decision as usize;
            if !self.active(&prefix, d) {
                prefix[d] = Some(0);
                continue;
            }
            let described = &self.inner.space.decisions[d];
            let mut weights = priors[d].clone();
            for (weight, allowed) in weights.iter_mut().zip(self.allowed(&prefix, d)) {
                if !allowed {
                    *weight = 0.0;
                }
            }
            if weights.iter().all(|weight| *weight <= 0.0) {
                return Ok(None);
            }
            let value = draw(&weights);
            if weights.get(value).is_none_or(|weight| *weight <= 0.0) {
                return Err(GenomeError::Draw {
                    decision: described.id.clone(),
                    value,
                });
            }
            prefix[d] = Some(value as u32);
        }
        Ok(Some(
            prefix.into_iter().map(|value| value.unwrap_or(0)).collect(),
        ))
    }

    /// Samples a few genomes to find what no static check sees: constraints that nothing satisfies,
    /// and decisions that matter although they are declared inactive.
    pub(crate) fn try_out(&self) -> Vec<ValidationError> {
        let guarded = self.inner.active_if.iter().any(Option::is_some);
        let rounds = match (guarded, self.inner.require.is_empty()) {
            (true, _) => 64,
            (false, false) => 1,
            (false, true) => return Vec::new(),
        };
        // A space that is too large for a thousand samples is sampled less, or not at all.
        let affordable = u32::try_from(MOST_STEPS / self.steps_of_a_sample()).unwrap_or(u32::MAX);
        let mut left = affordable.min(rounds * TRIES);
        let priors: Vec<Vec<f32>> = (0..self.genome_len()).map(|d| self.prior(d)).collect();
        // A linear congruential generator suffices here and needs no dependency.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut draw = |weights: &[f32]| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let open: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
            open[(state >> 33) as usize % open.len()]
        };
        for _ in 0..rounds {
            let granted = left.min(TRIES);
            let mut tries = granted;
            let genome = match self.sample_in(&mut tries, &priors, &mut draw) {
                Ok(genome) => genome,
                // Failing with fewer tries than a real search would make proves nothing.
                Err(GenomeError::Exhausted { .. }) if granted < TRIES => return Vec::new(),
                Err(error) => {
                    return vec![ValidationError::new(
                        "the constraints",
                        error.to_string().trim_end_matches('.'),
                    )];
                }
            };
            left -= granted - tries;
            let prefix: Vec<Option<u32>> = genome.iter().copied().map(Some).collect();
            let asked = walk(&self.inner, genome.as_slice(), Wanted::Training).asked;
            if let Some(&d) = asked.iter().find(|&&d| !self.active(&prefix, d as usize)) {
                let id = &self.inner.space.decisions[d as usize].id;
                let reason = format!(
                    "it is inactive under the genome {genome:?}, but the network depends on it there; widen its active_if"
                );
                return vec![ValidationError::new(format!("decision `{id}`"), reason)];
            }
        }
        Vec::new()
    }

    /// The approximate number of steps of one try and a walk.
    fn steps_of_a_sample(&self) -> u64 {
        let size = |conditions: &[Cond]| {
            conditions
                .iter()
                .map(Cond::size)
                .fold(0, u64::saturating_add)
        };
        let inner = &self.inner;
        let choices = inner
            .choices
            .iter()
            .map(|&choices| u64::from(choices))
            .fold(1, u64::saturating_add);
        // Every choice of every decision is tested against every constraint.
        let constraints = choices.saturating_mul(1 + size(&inner.require));
        let activity = inner
            .active_if
            .iter()
            .flatten()
            .map(Cond::size)
            .fold(0, u64::saturating_add);
        let levels = || std::iter::once(&inner.outer).chain(&inner.bodies);
        let walk = |level: &Level| {
            let when = |part: &Part| match part {
                Part::Sum(Some(when)) | Part::Mean(Some(when)) => size(&when.conditions),
                _ => 0,
            };
            let parts = level.parts.iter().map(when).fold(0, u64::saturating_add);
            parts.saturating_add(
                (level.inputs.items().len() + level.len() + inner.choices.len()) as u64,
            )
        };
        let walked = levels().map(walk).fold(0, u64::saturating_add);
        constraints
            .saturating_add(activity.saturating_mul(2))
            .saturating_add(walked)
    }
}
