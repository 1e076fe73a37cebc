use super::*;
use crate::random::RandomSearch;
use crate::{Score, test_spaces};

const LAYERS: usize = 4;
const SCHEDULE: Schedule = Schedule {
    epochs: 4,
    steps: 3,
    warm_up: 1,
    updates: 2,
    rollouts: 6,
    paths: 1,
};

/// A small controller for tests that are not about learning.
fn small() -> ControllerSettings {
    ControllerSettings {
        lstm: 16,
        ..ControllerSettings::short()
    }
}

fn search(seed: u64) -> Enas {
    Enas::new(test_spaces::layered(LAYERS), SCHEDULE, small(), seed).unwrap()
}

/// The toy's scores. Their noise depends on the task alone.
fn outcome(task: &Task) -> Outcome {
    let mut noise = Random::new(task.id, RngStream::Test(0));
    let difficulty = 0.03 * noise.normal();
    let mut score = |genome: &Genome| {
        let accuracy = test_spaces::accuracy(genome, LAYERS)
            + difficulty
            + test_spaces::NOISE * noise.normal();
        Score {
            reward: accuracy,
            loss: 1.0 - accuracy,
        }
    };
    match &task.work {
        Work::Train { paths, .. } => Outcome::Trained(score(&paths[0])),
        Work::Score { genomes, .. } => Outcome::Scored(genomes.iter().map(score).collect()),
        Work::Step { .. } | Work::Alone { .. } => unreachable!("it learns from scores"),
    }
}

/// Runs a search to its end, with the outcome after each task.
fn finish(search: &mut dyn Strategy) -> (Vec<Task>, Vec<StrategyStats>) {
    let (mut tasks, mut stats) = (vec![], vec![]);
    while let Some(task) = search.next().unwrap() {
        stats.extend(search.observe(&outcome(&task)));
        tasks.push(task);
    }
    (tasks, stats)
}

fn kinds(tasks: &[Task]) -> Vec<String> {
    let kind = |task: &Task| match &task.work {
        Work::Train { epoch, .. } => format!("{} train {epoch}", task.id),
        Work::Score { genomes, batch } => format!("{} score {} on {batch}", task.id, genomes.len()),
        Work::Step { .. } | Work::Alone { .. } => unreachable!("it learns from scores"),
    };
    tasks.iter().map(kind).collect()
}

#[test]
fn tasks_follow_the_schedule_and_random_search_does_the_same_ones() {
    let (tasks, stats) = finish(&mut search(1));
    assert_eq!(
        kinds(&tasks)[..6],
        [
            "0 train 0",
            "1 train 0",
            "2 train 0",
            "3 train 1",
            "4 train 1",
            "5 train 1"
        ]
    );
    assert_eq!(
        kinds(&tasks)[6..10],
        ["6 score 6 on 0", "7 score 6 on 1", "8 train 2", "9 train 2"]
    );
    assert_eq!((tasks.len(), stats.len()), (12 + 6, 6));
    assert!(
        tasks
            .iter()
            .enumerate()
            .all(|(i, task)| task.id == i as u64)
    );

    let mut random = RandomSearch::new(test_spaces::layered(LAYERS), SCHEDULE, 1);
    let (same, learnt) = finish(&mut random);
    assert_eq!(kinds(&same), kinds(&tasks));
    assert_eq!(same[..3], tasks[..3], "one seed, one warm-up");
    assert!(
        learnt.len() == 6
            && learnt
                .iter()
                .all(|stats| stats.reward == stats.baseline && stats.reward > 0.3)
    );
    assert!(random.next().unwrap().is_none());
}

#[test]
fn an_update_waits_for_its_outcome_and_training_does_not() {
    let mut search = search(2);
    let ready: Vec<Task> = std::iter::from_fn(|| search.next().unwrap()).collect();
    assert_eq!(
        kinds(&ready).last().map(String::as_str),
        Some("6 score 6 on 0")
    );
    // The trainer's outcomes change nothing: the controller has not moved.
    for task in &ready[..6] {
        assert_eq!(search.observe(&outcome(task)), None);
        assert!(search.next().unwrap().is_none());
    }
    let stats = search.observe(&outcome(&ready[6])).unwrap();
    assert!(
        stats.gradient_norm > 0.0 && stats.entropy > 5.0 && stats.skip_penalty >= 0.0,
        "{stats:?}"
    );
    assert!(
        (stats.reward - stats.baseline).abs() < 1e-6,
        "left-one-out means average to the mean"
    );
    assert_eq!(search.next().unwrap().unwrap().id, 7);
    assert!(search.next().unwrap().is_none());
}

#[test]
fn the_same_seed_gives_the_same_bits_and_reports_change_nothing() {
    let (tasks, stats) = finish(&mut search(3));
    let mut watched = search(3);
    let mut again = vec![];
    while let Some(task) = watched.next().unwrap() {
        let report = watched
            .sample(5, &mut Random::new(task.id, RngStream::Test(7)))
            .unwrap();
        assert_eq!(
            report,
            watched
                .sample(5, &mut Random::new(task.id, RngStream::Test(7)))
                .unwrap()
        );
        assert_ne!(
            report,
            watched
                .sample(5, &mut Random::new(task.id + 1, RngStream::Test(7)))
                .unwrap()
        );
        watched.observe(&outcome(&task));
        again.push(task);
    }
    assert_eq!(again, tasks);
    assert_eq!(finish(&mut search(3)).1, stats);
    assert_ne!(finish(&mut search(4)).0, tasks);
}

#[test]
fn a_search_continues_from_any_save_as_if_it_had_never_stopped() {
    for settings in [
        small(),
        ControllerSettings {
            lstm: 16,
            ..ControllerSettings::paper()
        },
    ] {
        let start =
            |seed| Enas::new(test_spaces::layered(LAYERS), SCHEDULE, settings, seed).unwrap();
        let (tasks, stats) = finish(&mut start(5));
        for stop in 0..tasks.len() {
            let mut first = start(5);
            for _ in 0..stop {
                let task = first.next().unwrap().unwrap();
                first.observe(&outcome(&task));
            }
            // Loaded from JSON, as from a file, into a search with a different beginning.
            let text = serde_json::to_string(&first.save()).unwrap();
            let mut second = start(77);
            second.next().unwrap();
            second.load(serde_json::from_str(&text).unwrap()).unwrap();
            let (rest, learnt) = finish(&mut second);
            assert_eq!(rest, tasks[stop..]);
            assert_eq!(learnt, stats[stats.len() - learnt.len()..]);
        }
    }
    let (tasks, stats) = finish(&mut search(5));
    // With pending tasks: they are handed out again, and then the search continues.
    let mut first = search(5);
    let out: Vec<Task> = std::iter::from_fn(|| first.next().unwrap()).collect();
    first.observe(&outcome(&out[0]));
    let mut second = search(77);
    second.load(first.save()).unwrap();
    let (rest, learnt) = finish(&mut second);
    assert_eq!((rest, learnt), (tasks[1..].to_vec(), stats));
}

#[test]
fn random_search_continues_too() {
    let start = |seed| RandomSearch::new(test_spaces::guarded(), SCHEDULE, seed);
    let mut first = start(6);
    let tasks: Vec<Task> = std::iter::from_fn(|| first.next().unwrap()).collect();
    let mut again = start(6);
    (0..5).for_each(|_| assert!(again.next().unwrap().is_some()));
    again.observe(&Outcome::Trained(Score {
        reward: 0.5,
        loss: 1.0,
    }));
    let mut second = start(7);
    second.load(again.save()).unwrap();
    let rest: Vec<Task> = std::iter::from_fn(|| second.next().unwrap()).collect();
    assert_eq!(rest, tasks[1..]);
    assert_eq!(
        second
            .sample(3, &mut Random::new(1, RngStream::Test(7)))
            .unwrap(),
        first
            .sample(3, &mut Random::new(1, RngStream::Test(7)))
            .unwrap()
    );
}

#[test]
fn what_another_strategy_or_space_saved_is_refused() {
    let random = RandomSearch::new(test_spaces::layered(LAYERS), SCHEDULE, 1);
    assert!(search(1).load(random.save()).is_err());
    assert!(
        RandomSearch::new(test_spaces::layered(LAYERS), SCHEDULE, 1)
            .load(search(1).save())
            .is_err()
    );
    let mut saved = search(1);
    saved.next().unwrap();
    let smaller = ControllerSettings { lstm: 8, ..small() };
    let mut other = Enas::new(test_spaces::layered(LAYERS), SCHEDULE, smaller, 1).unwrap();
    assert!(
        other
            .load(saved.save())
            .unwrap_err()
            .to_string()
            .contains("parameters")
    );
    // Same controller, another genome: the decisions of four layers are not those of three.
    let mut shorter = Enas::new(test_spaces::layered(3), SCHEDULE, small(), 1).unwrap();
    assert!(
        shorter
            .load(saved.save())
            .unwrap_err()
            .to_string()
            .contains("genome")
    );
    assert!(
        shorter
            .load(serde_json::json!({"strategy": "enas"}))
            .is_err()
    );
}

#[test]
fn noisy_rewards_lead_to_far_better_children_than_chance() {
    let long = Schedule {
        epochs: 1,
        steps: 0,
        warm_up: 0,
        updates: 120,
        rollouts: 20,
        paths: 1,
    };
    let mut search = Enas::new(
        test_spaces::layered(LAYERS),
        long,
        ControllerSettings::short(),
        8,
    )
    .unwrap();
    let mean = |search: &Enas| {
        let genomes = search
            .sample(200, &mut Random::new(1, RngStream::Test(7)))
            .unwrap();
        genomes
            .iter()
            .map(|genome| test_spaces::accuracy(genome, LAYERS))
            .sum::<f32>()
            / 200.0
    };
    let (before, (_, stats)) = (mean(&search), finish(&mut search));
    // The best is 0.4 + 4 * 0.05 + 2 * 0.01 = 0.62, the prior's mean about 0.48.
    let gained = (mean(&search) - before) / (0.62 - before);
    assert!(gained > 0.5, "{before} {gained}");
    let (first, last) = (stats[0], stats[119]);
    assert!(
        last.entropy < 0.8 * first.entropy && last.entropy > 0.5,
        "it learns without collapsing: {last:?}"
    );
}

#[test]
fn a_known_optimum_is_found() {
    let long = Schedule {
        epochs: 1,
        steps: 0,
        warm_up: 0,
        updates: 150,
        rollouts: 20,
        paths: 1,
    };
    let mut search =
        Enas::new(test_spaces::guarded(), long, ControllerSettings::short(), 3).unwrap();
    // Deep, y, from a, z, first skip: valid, with 0.9; every decision that differs costs 0.1.
    let best = [1, 1, 0, 2, 1, 0];
    while let Some(task) = search.next().unwrap() {
        let Work::Score { genomes, .. } = &task.work else {
            continue;
        };
        let score = |genome: &Genome| {
            let wrong = genome.iter().zip(best).filter(|(a, b)| **a != *b).count();
            Score {
                reward: 0.9 - 0.1 * wrong as f32,
                loss: 1.0,
            }
        };
        search.observe(&Outcome::Scored(genomes.iter().map(score).collect()));
    }
    let found = search
        .sample(100, &mut Random::new(0, RngStream::Test(7)))
        .unwrap()
        .into_iter()
        .filter(|genome| *genome == best)
        .count();
    assert!(found > 60, "{found} of 100");
}

/// The controller without shared weights: two updates of four children each.
fn from_scratch(power: u32) -> Enas {
    let schedule = Schedule {
        epochs: 2,
        updates: 1,
        rollouts: 4,
        ..SCHEDULE
    };
    let settings = ControllerSettings {
        baseline: Baseline::MovingAverage,
        entropy: 0.0,
        skip: 0.0,
        ..small()
    };
    Enas::new(test_spaces::layered(LAYERS), schedule, settings, 1)
        .unwrap()
        .from_scratch(FromScratch::new(50, power))
}

#[test]
fn without_shared_weights_children_are_trained_and_nothing_else_is() {
    let mut search = from_scratch(3);
    let task = search.next().unwrap().unwrap();
    let Work::Alone {
        genomes,
        epochs: 50,
        first: 0,
    } = &task.work
    else {
        panic!("{task:?}");
    };
    assert_eq!((genomes.len(), task.id), (4, 0));
    assert!(
        search.next().unwrap().is_none(),
        "the controller learns first"
    );
    // Accuracies whose largest is 0.92, as the best of five epochs.
    let score = |reward| Score { reward, loss: 1.0 };
    let stats = search
        .observe(&Outcome::Scored(vec![score(0.92); 4]))
        .unwrap();
    assert!((stats.reward - 0.778_688).abs() < 1e-6);
    let second = search.next().unwrap().unwrap();
    assert!(matches!(second.work, Work::Alone { first: 4, .. }));
    // The baseline is now these rewards, and equal ones leave the policy as it is.
    let before = search.controller.parameters.clone();
    let stats = search
        .observe(&Outcome::Scored(vec![score(0.92); 4]))
        .unwrap();
    assert_eq!(stats.gradient_norm, 0.0);
    assert!(search.next().unwrap().is_none());
    let moved = search.controller.parameters.iter().zip(&before);
    assert!(moved.clone().all(|(a, b)| (a - b).abs() < 0.02));
}

#[test]
fn a_saved_search_without_shared_weights_hands_out_the_same_trainings() {
    let mut search = from_scratch(2);
    let task = search.next().unwrap().unwrap();
    let mut again = from_scratch(2);
    again.load(search.save()).unwrap();
    assert_eq!(again.next().unwrap().unwrap(), task);
    assert!(again.next().unwrap().is_none());
}
