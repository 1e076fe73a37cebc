use supernet_plugin::{GenomeError, Supergraph};
use supernet_shaders::random::{Random, RngStream};

use super::layout::Layout;
use super::real::Real;
use super::settings::ControllerSettings;
use super::tape::Tape;
use crate::Genome;

/// Attempts at a rollout that runs into the constraints.
const TRIES: u32 = 100;

/// Rollouts per forward pass when many are requested.
const BATCH: usize = 64;

/// The sampler of Pham et al. 2018, §2, for any space: an LSTM that walks the space's plan.
///
/// A step of the plan is a step of the LSTM. Its decisions are sampled from the step's state: from
/// a softmax, or by attention to states kept earlier. The next input is the choice: an embedding, a
/// kept state, or the mean of the skips' states.
#[derive(Clone)]
pub(super) struct Controller<F> {
    pub(super) space: Supergraph,
    pub(super) layout: Layout,
    pub(super) settings: ControllerSettings,
    /// Flat; [`Layout`] holds the offsets.
    pub(super) parameters: Vec<F>,
}

/// The source of a rollout batch's choices.
pub(super) enum Source<'a> {
    /// Genomes that were sampled before.
    Given(&'a [Genome]),
    /// The policy.
    Policy(&'a mut Random, usize),
}

impl<F: Real> Controller<F> {
    /// All parameters uniform in ±0.1 (Pham et al. 2018, appendix A).
    pub(super) fn new(space: Supergraph, settings: ControllerSettings, seed: u64) -> Self {
        let layout = Layout::new(&space, settings.lstm as usize);
        let mut random = Random::new(seed, RngStream::Controller);
        let parameters = (0..layout.parameters)
            .map(|_| F::of(f64::from(random.unit()) * 0.2 - 0.1))
            .collect();
        Self {
            space,
            layout,
            settings,
            parameters,
        }
    }

    /// Samples genomes from the current policy.
    ///
    /// A rollout that the constraints leave without a choice, or reject at its end, is drawn again,
    /// so the distribution is the policy's, conditioned on validity where masks do not enforce it.
    ///
    /// # Errors
    /// If a rollout was drawn 100 times without success.
    pub(super) fn sample(
        &self,
        count: usize,
        random: &mut Random,
    ) -> Result<Vec<Genome>, GenomeError> {
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
            because.unwrap_or_else(|| {
                all.iter()
                    .map(|r| r.because.as_str())
                    .collect::<Vec<_>>()
                    .join("; ")
            })
        };
        found
            .into_iter()
            .collect::<Option<Vec<Genome>>>()
            .ok_or_else(|| GenomeError::Exhausted {
                tries: TRIES,
                because: sentence(),
            })
    }

    /// Repeats the forward pass for sampled genomes: bit for bit the same.
    pub(super) fn replay(&self, genomes: &[Genome]) -> Tape<F> {
        self.forward(Source::Given(genomes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enas::adam::Adam;
    use crate::enas::tape::Objective;
    use crate::test_spaces;

    fn probability(controller: &Controller<f32>, genome: &Genome) -> f32 {
        controller
            .replay(std::slice::from_ref(genome))
            .log_probabilities()[0]
            .exp()
    }

    /// The probabilities of all valid genomes of a space add up to 1, and sample frequencies agree
    /// with them.
    #[test]
    fn samples_follow_the_probabilities_that_are_learnt_from() {
        let settings = ControllerSettings {
            lstm: 8,
            ..ControllerSettings::short()
        };
        let mut controller = Controller::<f32>::new(test_spaces::layered(2), settings, 5);
        controller.parameters.iter_mut().for_each(|p| *p *= 12.0);
        let all: Vec<Genome> = (0..72).map(|i| vec![i / 12, i / 2 % 6, i % 2]).collect();
        let expected: Vec<f32> = all
            .iter()
            .map(|genome| probability(&controller, genome))
            .collect();
        assert!((expected.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(expected.iter().any(|p| *p > 0.05), "{expected:?}");
        let drawn = controller
            .sample(20_000, &mut Random::new(8, RngStream::Test(0)))
            .unwrap();
        for (genome, p) in all.iter().zip(&expected) {
            let share = drawn.iter().filter(|one| *one == genome).count() as f32 / 20_000.0;
            let deviation = (p * (1.0 - p) / 20_000.0).sqrt();
            assert!(
                (share - p).abs() < 5.0 * deviation + 1e-4,
                "{genome:?}: {share} for {p}"
            );
        }
    }

    #[test]
    fn a_rewarded_genome_becomes_likelier_and_a_punished_one_less() {
        for (space, seed) in [
            (test_spaces::layered(4), 1),
            (test_spaces::guarded(), 2),
            (test_spaces::cells(), 3),
        ] {
            for advantage in [0.3, -0.3] {
                let settings = ControllerSettings {
                    entropy: 0.0,
                    skip: 0.0,
                    learning_rate: 1e-3,
                    ..ControllerSettings::short()
                };
                let mut controller = Controller::<f32>::new(space.clone(), settings, seed);
                let genomes = controller
                    .sample(1, &mut Random::new(seed, RngStream::Test(0)))
                    .unwrap();
                let before = controller.replay(&genomes).log_probabilities()[0];
                let objective = Objective {
                    advantages: &[advantage][..],
                    entropy: 0.0,
                    skip: 0.0,
                };
                let gradient = controller.gradient(&controller.replay(&genomes), objective);
                Adam::new(gradient.len()).descend(&mut controller.parameters, &gradient, &settings);
                let after = controller.replay(&genomes).log_probabilities()[0];
                assert!(
                    (after - before) * advantage > 0.0,
                    "{advantage}: {before} to {after}"
                );
            }
        }
    }

    /// With c = 2.5 (Pham et al. 2018, §3.1) a choice of six has a probability of at most 0.967, a
    /// skip one within [0.007, 0.993].
    #[test]
    fn the_tanh_constant_bounds_what_the_policy_can_be_sure_of() {
        let settings = ControllerSettings {
            lstm: 8,
            prior: false,
            tanh: 2.5,
            ..ControllerSettings::short()
        };
        let mut controller = Controller::<f32>::new(test_spaces::layered(5), settings, 5);
        controller.parameters.iter_mut().for_each(|p| *p *= 1e4);
        let genomes = controller
            .sample(50, &mut Random::new(0, RngStream::Test(0)))
            .unwrap();
        let tape = controller.replay(&genomes);
        let (mut least, mut most) = ([1.0_f32; 7], [0.0_f32; 7]);
        for choice in tape.choices() {
            for p in (0..50).flat_map(|b| choice.probabilities(b)) {
                (least[choice.choices], most[choice.choices]) =
                    (least[choice.choices].min(p), most[choice.choices].max(p));
            }
        }
        let sure = |gap: f32, others: f32| 1.0 / (1.0 + others * (-gap).exp());
        // Logits ±c: two classes differ by at most 2c, and so does one of six from the five others.
        assert!(
            most[2] <= sure(5.0, 1.0) + 1e-6 && least[2] >= 1.0 - sure(5.0, 1.0) - 1e-6,
            "{least:?} {most:?}"
        );
        assert!(most[6] <= sure(5.0, 5.0) + 1e-6, "{most:?}");
        assert!(
            most[2] > 0.99 && most[6] > 0.6,
            "the bounds are nearly reached: {most:?}"
        );
        assert!((sure(5.0, 1.0) - 0.9933).abs() < 1e-4 && (sure(5.0, 5.0) - 0.967).abs() < 1e-3);
    }

    #[test]
    fn an_untrained_controller_samples_about_the_prior() {
        let controller =
            Controller::<f32>::new(test_spaces::layered(6), ControllerSettings::short(), 5);
        let drawn = controller
            .sample(400, &mut Random::new(0, RngStream::Test(0)))
            .unwrap();
        let skips = |genome: &Genome| {
            (0..6)
                .map(|l| genome[test_spaces::layer(l) + 1..][..l].iter().sum::<u32>())
                .sum::<u32>()
        };
        let on = drawn.iter().map(skips).sum::<u32>() as f32 / (400.0 * 15.0);
        assert!((on - 0.4).abs() < 0.05, "{on}");
        let first = drawn.iter().filter(|genome| genome[0] == 0).count();
        assert!((30..110).contains(&first), "{first} of 400");
    }

    #[test]
    fn samples_are_valid_replayed_exactly_and_do_not_depend_on_the_batch() {
        for space in [
            test_spaces::guarded(),
            test_spaces::recurrent(5),
            test_spaces::cells(),
        ] {
            let controller = Controller::<f32>::new(space.clone(), ControllerSettings::short(), 9);
            let genomes = controller
                .sample(70, &mut Random::new(1, RngStream::Test(0)))
                .unwrap();
            assert_eq!(
                genomes,
                controller
                    .sample(70, &mut Random::new(1, RngStream::Test(0)))
                    .unwrap()
            );
            genomes
                .iter()
                .for_each(|genome| space.check(genome).unwrap());
            let together = controller.replay(&genomes).log_probabilities();
            for (genome, log) in genomes.iter().zip(together) {
                assert_eq!(
                    controller
                        .replay(std::slice::from_ref(genome))
                        .log_probabilities(),
                    [log]
                );
            }
        }
    }

    #[test]
    fn inactive_decisions_are_zero_and_cost_nothing() {
        let controller =
            Controller::<f32>::new(test_spaces::guarded(), ControllerSettings::short(), 9);
        let genomes = controller
            .sample(40, &mut Random::new(1, RngStream::Test(0)))
            .unwrap();
        let tape = controller.replay(&genomes);
        let mut seen = 0;
        for (b, genome) in genomes
            .iter()
            .enumerate()
            .filter(|(_, genome)| genome[0] == 0)
        {
            seen += 1;
            assert_eq!([genome[3], genome[5]], [0, 0]);
            // The plan's order: deep, first, from, second, s0, s1.
            for place in [3, 5] {
                let choice = tape.choices().nth(place).unwrap();
                assert_eq!(
                    (choice.log_taken(b), choice.entropy(b), choice.penalised(b)),
                    (0.0, 0.0, false)
                );
            }
        }
        assert!(seen > 5);
    }

    #[test]
    fn a_policy_that_keeps_running_into_a_constraint_says_which() {
        // Only "all b" is valid, but no mask sees that before the last decision, both of whose
        // choices are then closed.
        let names: Vec<String> = (0..5).map(|i| format!("d{i}")).collect();
        let decisions = names
            .iter()
            .map(|id| test_spaces::op(id, &["a", "b"]))
            .collect();
        let is = |id: &str, choice: u32| serde_json::json!({"in": [id, [choice]]});
        let all: Vec<_> = names.iter().map(|id| is(id, 1)).collect();
        let never = serde_json::json!({"all": [is("d4", 0), is("d4", 1)]});
        let that = serde_json::json!({"any": [{"all": all}, never]});
        let space = test_spaces::space(
            decisions,
            vec![],
            vec![serde_json::json!({"that": that, "because": "only b will do"})],
        );
        let settings = ControllerSettings {
            tanh: 0.0,
            ..ControllerSettings::short()
        };
        let mut controller = Controller::<f32>::new(space, settings, 1);
        let found = controller
            .sample(20, &mut Random::new(1, RngStream::Test(0)))
            .unwrap();
        assert_eq!(found, vec![vec![1; 5]; 20]);
        // Now it is certain, but of another genome.
        controller.parameters.iter_mut().for_each(|p| *p *= 1e4);
        let refused = controller
            .sample(2, &mut Random::new(1, RngStream::Test(0)))
            .unwrap_err();
        let expected = GenomeError::Exhausted {
            tries: TRIES,
            because: "only b will do".into(),
        };
        assert_eq!(refused, expected);
    }
}
