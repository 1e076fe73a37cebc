use supernet_plugin::{Path, Pick};

use super::*;
use crate::test_spaces;
use crate::{PassOutcome, PassSamples, Score};

/// Learns in every second step, counts what it learnt.
#[derive(Default)]
struct Counting {
    learnt: u32,
    mixtures: bool,
    /// Rounds that are measured before step 2 and after the last one.
    rounds: u32,
    measured: u32,
    /// Whether the search ends once so many were measured.
    ends_at: Option<u32>,
}

fn mixture(gradient: bool) -> Path {
    let pick = Pick::Mix {
        choices: vec![0, 1],
        weights: vec![0.5, 0.5],
        rows: 1,
        gradient,
    };
    Path {
        picks: vec![pick; 2],
        at: Vec::new(),
    }
}

impl SearchMethod for Counting {
    fn training(&mut self, moment: &Moment, _: &mut Random) -> Result<StepWork, StrategyError> {
        Ok(match self.mixtures {
            true => StepWork::Mixture(mixture(!moment.is_warm_up())),
            false => StepWork::Paths(vec![vec![self.learnt % 2, 0]]),
        })
    }

    fn policy_passes(
        &mut self,
        moment: &Moment,
        batch: u64,
        _: &mut Random,
    ) -> Result<Vec<Pass>, StrategyError> {
        let due = !self.mixtures && !moment.is_warm_up() && moment.step.is_multiple_of(2);
        let pass = Pass::score(mixture(true), PassSamples::Validation(batch));
        Ok(if due { vec![pass] } else { Vec::new() })
    }

    fn learn(&mut self, _: &Moment, _: &StepOutcome) -> StrategyStats {
        self.learnt += 1;
        StrategyStats {
            reward: self.learnt as f32,
            ..StrategyStats::default()
        }
    }

    fn measuring_passes(
        &mut self,
        moment: &Moment,
        round: u32,
        batch: u64,
        _: &mut Random,
    ) -> Result<Vec<Pass>, StrategyError> {
        let due = (moment.step == 2 || moment.is_end()) && round < self.rounds;
        let pass = Pass::score(mixture(false), PassSamples::Validation(batch));
        Ok(if due { vec![pass] } else { Vec::new() })
    }

    fn measure(&mut self, _: &Moment, outcome: Option<&StepOutcome>) {
        assert!(outcome.is_some());
        self.measured += 1;
    }

    fn is_ended(&self) -> bool {
        self.ends_at.is_some_and(|at| self.measured >= at)
    }

    fn sample(&self, count: usize, _: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        Ok(vec![vec![0, 0]; count])
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!([self.learnt, self.measured])
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error> {
        [self.learnt, self.measured] = serde_json::from_value(saved)?;
        Ok(())
    }
}

const SCHEDULE: Schedule = Schedule {
    epochs: 3,
    steps: 2,
    warm_up: 1,
    updates: 9,
    rollouts: 9,
    paths: 1,
};

fn strategy(mixtures: bool) -> MethodStrategy<Counting> {
    let method = Counting {
        mixtures,
        ..Counting::default()
    };
    counting(method)
}

fn counting(method: Counting) -> MethodStrategy<Counting> {
    let op = |id| test_spaces::op(id, &["a", "b"]);
    let steps = ["x", "y"].map(|id| test_spaces::step(&[id.to_owned()], None));
    let space = test_spaces::space(vec![op("x"), op("y")], steps.to_vec(), vec![]);
    MethodStrategy::new("counting", space, SCHEDULE, method, 1)
}

fn outcome(work: &Work) -> Outcome {
    let score = Score {
        reward: 0.5,
        loss: 1.0,
    };
    match work {
        Work::Train { .. } => Outcome::Trained(score),
        Work::Step { passes, .. } => {
            let passes = passes.iter().map(|_| PassOutcome::new(score)).collect();
            Outcome::Stepped(StepOutcome::new(passes, 0.1))
        }
        Work::Score { genomes, .. } | Work::Alone { genomes, .. } => {
            Outcome::Scored(vec![score; genomes.len()])
        }
    }
}

/// A letter per task, and what was learnt in brackets.
fn walk(strategy: &mut MethodStrategy<Counting>) -> String {
    let mut order = String::new();
    while let Some(task) = strategy.next().unwrap() {
        order += match &task.work {
            Work::Train { .. } => "t",
            Work::Step { .. } if task.work.updates() => "m",
            Work::Step { .. } | Work::Alone { .. } => "p",
            Work::Score { .. } => "s",
        };
        if let Some(stats) = strategy.observe(&outcome(&task.work)) {
            order += &format!("({})", stats.reward);
        }
    }
    order
}

#[test]
fn a_method_learns_before_training_steps_after_the_warm_up() {
    assert_eq!(walk(&mut strategy(false)), "ttp(1)ttp(2)tt");
}

#[test]
fn a_method_measures_round_by_round_and_may_end_the_search() {
    let measuring = |ends_at| {
        counting(Counting {
            rounds: 2,
            ends_at,
            ..Counting::default()
        })
    };
    // Twice before step 2, after what the policy learns from, and twice at the end.
    assert_eq!(walk(&mut measuring(None)), "ttp(1)ppttp(2)ttpp");
    assert_eq!(walk(&mut measuring(Some(1))), "ttp(1)p");
    // Saved between two rounds.
    let mut strategy = measuring(None);
    for _ in 0..4 {
        let task = strategy.next().unwrap().unwrap();
        strategy.observe(&outcome(&task.work));
    }
    let mut again = measuring(None);
    again.load(strategy.save()).unwrap();
    assert_eq!(walk(&mut again), "pttp(2)ttpp");
}

#[test]
fn a_mixture_that_asks_for_gradients_is_learnt_from() {
    assert_eq!(walk(&mut strategy(true)), "mmm(1)m(2)m(3)m(4)");
}

#[test]
fn nothing_is_handed_out_while_the_policy_learns() {
    let mut strategy = strategy(false);
    for _ in 0..3 {
        strategy.next().unwrap().unwrap();
    }
    assert!(strategy.next().unwrap().is_none());
    let trained = Outcome::Trained(Score::WORST);
    assert!(strategy.observe(&trained).is_none() && strategy.observe(&trained).is_none());
    assert!(strategy.next().unwrap().is_none(), "its outcome is awaited");
    // A step that failed ends without any learning.
    assert!(strategy.observe(&trained).is_none());
    assert_eq!(strategy.method.learnt, 0);
    assert!(strategy.next().unwrap().is_some());
}

#[test]
fn what_is_not_a_number_teaches_nothing() {
    let mut strategy = strategy(false);
    let tasks: Vec<Task> = (0..3).map(|_| strategy.next().unwrap().unwrap()).collect();
    strategy.observe(&outcome(&tasks[0].work));
    strategy.observe(&outcome(&tasks[1].work));
    let score = Score {
        reward: 0.5,
        loss: 1.0,
    };
    let pass = PassOutcome::new(score).with_path_gradient(vec![vec![f64::NAN, 0.0]]);
    let outcome = Outcome::Stepped(StepOutcome::new(vec![pass], 0.1));
    assert!(strategy.observe(&outcome).is_none());
    assert_eq!(strategy.method.learnt, 0);
}

#[test]
fn a_save_at_any_task_goes_on_with_the_same_tasks() {
    for mixtures in [false, true] {
        let whole = walk(&mut strategy(mixtures));
        for stop in 0..8 {
            let mut first = strategy(mixtures);
            for _ in 0..stop {
                let Some(task) = first.next().unwrap() else {
                    break;
                };
                first.observe(&outcome(&task.work));
            }
            // One more is pending.
            let pending = first.next().unwrap();
            let mut second = strategy(mixtures);
            second
                .load(serde_json::from_str(&first.save().to_string()).unwrap())
                .unwrap();
            if let Some(pending) = pending {
                let again = second.next().unwrap().unwrap();
                assert_eq!(again, pending);
                second.observe(&outcome(&again.work));
            }
            let rest = walk(&mut second);
            assert!(whole.ends_with(&rest), "{whole} does not end with {rest}");
        }
    }
}

#[test]
fn another_method_is_not_loaded() {
    let saved = strategy(false).save();
    let mut other = strategy(false);
    other.name = "other".to_owned();
    let said = other.load(saved).unwrap_err().to_string();
    assert!(said.contains("`counting`, and this is `other`"), "{said}");
}
