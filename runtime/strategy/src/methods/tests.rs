use supernet_plugin::{Pick, Space, Supergraph};

use super::*;
use crate::SearchMethod as _;
use crate::table_policy::{LinearSchedule, StraightThroughGradient};
use crate::{MethodStrategy, Outcome, PassOutcome, Schedule, Score, StepOutcome, Strategy, Work};

const SCHEDULE: Schedule = Schedule {
    epochs: 5,
    steps: 80,
    warm_up: 1,
    updates: 0,
    rollouts: 1,
    paths: 2,
};

/// Three decisions in a row.
fn space(choices: &[&str]) -> Supergraph {
    let s = Space::new("row");
    let mut x = s.input("row", &[4]);
    for id in ["x", "y", "z"] {
        let decision = s.op(id, choices);
        let branches: Vec<_> = choices
            .iter()
            .map(|choice| s.scope(format!("{id}.{choice}"), || x.linear(4, true)))
            .collect();
        x = s.choose(decision, &branches);
    }
    s.output(x);
    Supergraph::new(s.finish().unwrap()).unwrap()
}

/// The loss falls with the weight of one choice per decision: its derivative is −1 there, 0 at the
/// others; the reward of a child is the share of right choices.
fn outcome(work: &Work, right: &[u32]) -> Outcome {
    let gradient = |pick: &Pick, right: u32| match pick {
        Pick::Mix { choices, .. } => choices
            .iter()
            .map(|choice| if *choice == right { -1.0 } else { 0.0 })
            .collect(),
        Pick::One(_) => Vec::new(),
    };
    match work {
        Work::Step { passes, .. } => {
            let of = |pass: &crate::Pass| {
                let picks = pass.path.picks.iter().zip(right);
                let hits = pass.path.main_choices();
                let hits = hits.iter().zip(right).filter(|(a, b)| a == b).count();
                let score = Score {
                    reward: hits as f32 / right.len() as f32,
                    loss: 1.0,
                };
                PassOutcome::new(score)
                    .with_path_gradient(picks.map(|(pick, right)| gradient(pick, *right)).collect())
                    .with_norm(1.0)
            };
            let passes = passes.iter().map(of).collect();
            Outcome::Stepped(StepOutcome::new(passes, 0.1))
        }
        _ => Outcome::Trained(Score {
            reward: 0.5,
            loss: 1.0,
        }),
    }
}

fn run(strategy: &mut dyn Strategy, right: &[u32]) -> Vec<Work> {
    let mut all = Vec::new();
    while let Some(task) = strategy.next().unwrap() {
        strategy.observe(&outcome(&task.work, right));
        all.push(task.work);
    }
    all
}

fn differentiable(space: &Supergraph, relaxation: Relaxation, seed: u64) -> impl Strategy + use<> {
    let settings = DifferentiableSettings::new(relaxation, 0.05)
        .with_temperature(LinearSchedule::new(1.0, 0.1, 400))
        .with_paths(2);
    let method = Differentiable::new(space.clone(), settings, seed);
    MethodStrategy::new("method", space.clone(), SCHEDULE, method, seed)
}

const RELAXATIONS: [Relaxation; 7] = [
    Relaxation::Darts(Order::First),
    Relaxation::Darts(Order::Second),
    Relaxation::Snas,
    Relaxation::Gdas(StraightThroughGradient::Ran),
    Relaxation::Gdas(StraightThroughGradient::All),
    Relaxation::Gates,
    Relaxation::TwoPaths,
];

#[test]
fn every_policy_comes_to_prefer_what_lowers_the_loss() {
    let space = space(&["a", "b", "c"]);
    for relaxation in RELAXATIONS {
        for seed in 0..5 {
            let mut strategy = differentiable(&space, relaxation, seed);
            let tasks = run(&mut strategy, &[2, 0, 1]);
            let trained = tasks.iter().filter(|work| work.updates()).count();
            assert_eq!(trained, 400, "{relaxation:?}");
            assert_eq!(
                strategy.favourite().unwrap(),
                Some(vec![2, 0, 1]),
                "{relaxation:?}"
            );
        }
    }
    let settings = ReinforceSettings::new(0.05).with_period(1).with_paths(2);
    for seed in 0..5 {
        let method = Reinforce::new(space.clone(), settings, seed);
        let mut strategy = MethodStrategy::new("method", space.clone(), SCHEDULE, method, seed);
        run(&mut strategy, &[2, 0, 1]);
        assert_eq!(strategy.favourite().unwrap(), Some(vec![2, 0, 1]));
    }
}

#[test]
fn a_virtual_step_of_length_zero_is_the_first_order_bit_for_bit() {
    let space = space(&["a", "b", "c"]);
    let mut first = Differentiable::new(
        space.clone(),
        DifferentiableSettings::new(RELAXATIONS[0], 0.01),
        3,
    );
    let mut second =
        Differentiable::new(space, DifferentiableSettings::new(RELAXATIONS[1], 0.01), 3);
    let moment = moment();
    let mut random =
        supernet_shaders::random::Random::new(1, supernet_shaders::random::RngStream::Test(0));
    let gradient = vec![vec![0.3, -0.1, 0.7]; 3];
    let measured = |gradient: Vec<Vec<f64>>| {
        PassOutcome::new(Score {
            reward: 0.1,
            loss: 2.0,
        })
        .with_path_gradient(gradient)
        .with_norm(2.0)
    };
    for step in 0..5 {
        let scale = |gradient: &[Vec<f64>]| -> Vec<Vec<f64>> {
            gradient
                .iter()
                .map(|g| g.iter().map(|g| g * f64::from(step + 1)).collect())
                .collect()
        };
        assert_eq!(
            first.policy_passes(&moment, 0, &mut random).unwrap().len(),
            1
        );
        assert_eq!(
            second.policy_passes(&moment, 0, &mut random).unwrap().len(),
            4
        );
        let own = measured(scale(&gradient));
        let side = |by: f64| measured(vec![vec![by, 0.0, 0.0]; 3]);
        first.learn(&moment, &StepOutcome::new(vec![own.clone()], 0.0));
        let passes = vec![side(0.0), own, side(1.0), side(-1.0)];
        second.learn(&moment, &StepOutcome::new(passes, 0.0));
        assert_eq!(first.table(), second.table());
    }
}

fn moment() -> crate::Moment {
    crate::Moment {
        epoch: 1,
        step: 80,
        steps: 400,
        warm_up: 80,
    }
}

#[test]
fn two_paths_of_two_choices_are_all_gates() {
    let space = space(&["a", "b"]);
    let table = |relaxation| {
        let mut strategy = differentiable(&space, relaxation, 4);
        run(&mut strategy, &[1, 0, 1]);
        let saved = strategy.save();
        let table = saved["method"]["table"]["logits"].clone();
        serde_json::from_value::<Vec<Vec<f64>>>(table).unwrap()
    };
    let [full, two] = [Relaxation::Gates, Relaxation::TwoPaths].map(table);
    // The gradients are the same; two paths also keep the sum of the two exponentials.
    for (full, two) in full.iter().zip(&two) {
        let differ = (full[1] - full[0]) - (two[1] - two[0]);
        assert!(differ.abs() < 1e-9, "{full:?} and {two:?}");
    }
}

#[test]
fn every_choice_is_trained_once_in_a_fair_step() {
    let space = space(&["a", "b", "c", "d"]);
    assert_eq!(Fair::paths(&space), 4);
    let prior = crate::TrainingPrior::of(&space);
    let method = Fair::new(space.clone(), Fairness::Permutations, prior);
    let mut strategy = MethodStrategy::new("fair", space, SCHEDULE, method, 1);
    for work in run(&mut strategy, &[0, 0, 0]) {
        let Work::Train { paths, .. } = work else {
            panic!("{work:?}");
        };
        for d in 0..3 {
            let mut choices: Vec<u32> = paths.iter().map(|genome| genome[d]).collect();
            choices.sort_unstable();
            assert_eq!(choices, [0, 1, 2, 3]);
        }
    }
}

#[test]
fn a_sandwich_has_both_ends() {
    let space = space(&["a", "b", "c"]);
    let fairness = Fairness::Sandwich {
        largest: vec![2, 2, 2],
        smallest: vec![0, 0, 0],
        random: 2,
    };
    let prior = crate::TrainingPrior::of(&space);
    let method = Fair::new(space.clone(), fairness, prior);
    let mut strategy = MethodStrategy::new("fair", space, SCHEDULE, method, 1);
    for work in run(&mut strategy, &[0, 0, 0]) {
        let Work::Train { paths, .. } = work else {
            panic!("{work:?}");
        };
        assert_eq!(paths.len(), 4);
        assert_eq!(paths[..2], [vec![2, 2, 2], vec![0, 0, 0]]);
    }
}

#[test]
fn a_logit_can_move_as_far_as_in_the_published_search() {
    assert_eq!(fitted_rate(19_500), 3e-4);
    assert_eq!(fitted_rate(1 << 20), 3e-4);
    assert!((fitted_rate(600) - 9.75e-3).abs() < 1e-12);
    assert_eq!(fitted_rate(0), 0.1);
}

#[test]
fn a_saved_table_of_another_space_is_refused() {
    let settings = DifferentiableSettings::new(RELAXATIONS[0], 0.01);
    let saved = Differentiable::new(space(&["a", "b"]), settings, 1).save();
    let mut other = Differentiable::new(space(&["a", "b", "c"]), settings, 1);
    let said = other.load(saved).unwrap_err().to_string();
    assert!(said.contains("other decisions"), "{said}");
}
