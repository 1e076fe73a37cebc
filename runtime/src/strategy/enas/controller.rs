use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::Random;

use super::layout::Layout;
use super::real::Real;
use super::settings::ControllerSettings;
use super::tape::Tape;
use crate::strategy::Genome;
use crate::stream;

/// How often a rollout that runs into the constraints is drawn again.
const TRIES: u32 = 100;

/// How many rollouts go forward together when many are asked for.
const BATCH: usize = 64;

/// The sampler of Pham et al. 2018, §2, for any space: an LSTM that walks the space's plan.
///
/// A step of the plan is a step of the LSTM. Its decisions are sampled from the step's state: from a softmax, or by
/// attention to states kept earlier. The next input is what was chosen: an embedding, a kept state, the mean of the
/// skips' states.
#[derive(Clone)]
pub(crate) struct Controller<F> {
    pub(super) space: Supergraph,
    pub(super) layout: Layout,
    pub(super) settings: ControllerSettings,
    /// Flat; [`Layout`] says what lies where.
    pub(super) parameters: Vec<F>,
}

/// Where a batch of rollouts takes its choices from.
pub(super) enum Source<'a> {
    /// Genomes that were sampled before.
    Given(&'a [Genome]),
    /// The policy.
    Policy(&'a mut Random, usize),
}

impl<F: Real> Controller<F> {
    /// All parameters uniform in ±0.1 (Pham et al. 2018, appendix A).
    pub(crate) fn new(space: Supergraph, settings: ControllerSettings, seed: u64) -> Self {
        let layout = Layout::new(&space, settings.lstm as usize);
        let mut random = Random::new(seed, stream::CONTROLLER);
        let parameters = (0..layout.parameters).map(|_| F::of(f64::from(random.unit()) * 0.2 - 0.1)).collect();
        Self { space, layout, settings, parameters }
    }

    /// Genomes from the policy as it is.
    ///
    /// A rollout that the constraints leave without a choice, or refuse at its end, is drawn again, so the distribution is
    /// the policy's, given validity as far as masks do not see it.
    ///
    /// # Errors
    /// If a rollout was drawn 100 times without success.
    pub(crate) fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        let mut genomes = Vec::with_capacity(count);
        while genomes.len() < count {
            genomes.extend(self.batch((count - genomes.len()).min(BATCH), random)?);
        }
        Ok(genomes)
    }

    fn batch(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        let mut found: Vec<Option<Genome>> = vec![None; count];
        let mut because = None;
        for _ in 0..TRIES {
            let missing: Vec<usize> = (0..count).filter(|b| found[*b].is_none()).collect();
            if missing.is_empty() {
                break;
            }
            let Tape { genomes, stuck, .. } = self.forward(Source::Policy(random, missing.len()));
            for ((b, genome), stuck) in missing.into_iter().zip(genomes).zip(stuck) {
                match self.space.check(&genome) {
                    Ok(()) if !stuck => found[b] = Some(genome),
                    Ok(()) => {}
                    Err(GenomeError::Refused { because: sentence }) => because = Some(sentence),
                    Err(error) => return Err(error),
                }
            }
        }
        let sentence = || {
            let all = &self.space.space().require;
            because.unwrap_or_else(|| all.iter().map(|r| r.because.as_str()).collect::<Vec<_>>().join("; "))
        };
        found
            .into_iter()
            .collect::<Option<Vec<Genome>>>()
            .ok_or_else(|| GenomeError::Exhausted { tries: TRIES, because: sentence() })
    }

    /// The way forward again, for genomes that were sampled: bit for bit what it was then.
    pub(crate) fn replay(&self, genomes: &[Genome]) -> Tape<F> {
        self.forward(Source::Given(genomes))
    }
}
