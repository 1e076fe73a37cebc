use super::*;
use crate::random::RandomSearch;
use crate::{Score, test_spaces};

const LAYERS: usize = 4;
const SCHEDULE: Schedule = Schedule {
    epochs: 5,
    steps: 3,
    warm_up: 1,
    updates: 2,
    rollouts: 6,
    paths: 1,
};
const SMALL: EvolutionSettings = EvolutionSettings {
    population: 10,
    tournament: 3,
};

fn search(seed: u64) -> Evolution {
    Evolution::new(test_spaces::layered(LAYERS), SCHEDULE, SMALL, seed)
}

fn score(genome: &Genome) -> Score {
    Score {
        reward: test_spaces::accuracy(genome, LAYERS),
        loss: 1.0,
    }
}

fn outcome(task: &Task) -> Outcome {
    match &task.work {
        Work::Train { paths, .. } => Outcome::Trained(score(&paths[0])),
        Work::Score { genomes, .. } => Outcome::Scored(genomes.iter().map(score).collect()),
        Work::Step { .. } | Work::Alone { .. } => unreachable!("it learns from scores"),
    }
}

fn finish(search: &mut dyn Strategy) -> Vec<Task> {
    let mut tasks = vec![];
    while let Some(task) = search.next().unwrap() {
        search.observe(&outcome(&task));
        tasks.push(task);
    }
    tasks
}

fn differences(a: &Genome, b: &Genome) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}

#[test]
fn the_oldest_leave_and_children_differ_from_a_member_in_one_decision() {
    let mut search = search(1);
    let mut born: Vec<Genome> = vec![];
    while let Some(task) = search.next().unwrap() {
        let alive: Vec<Genome> = search
            .state
            .alive
            .iter()
            .map(|member| member.genome.clone())
            .collect();
        // The youngest are alive.
        assert_eq!(alive, born[born.len().saturating_sub(10)..]);
        match &task.work {
            Work::Train { paths, epoch } => {
                assert!(*epoch == 0 || alive.is_empty() || alive.contains(&paths[0]))
            }
            Work::Score { genomes, .. } => {
                let children = genomes.iter().skip(10_usize.saturating_sub(alive.len()));
                let one =
                    |child: &Genome| alive.iter().any(|parent| differences(parent, child) == 1);
                assert!(children.clone().all(one), "{alive:?} {genomes:?}");
                born.extend(genomes.iter().cloned());
            }
            Work::Step { .. } | Work::Alone { .. } => unreachable!("it learns from scores"),
        }
        search.observe(&outcome(&task));
    }
    assert_eq!((born.len(), search.state.alive.len()), (4 * 2 * 6, 10));
    let sampled = search
        .sample(50, &mut Random::new(1, RngStream::Test(7)))
        .unwrap();
    assert!(sampled.iter().all(|genome| {
        search
            .state
            .alive
            .iter()
            .any(|member| member.genome == *genome)
    }));
}

#[test]
fn one_seed_has_one_warm_up_and_a_short_search_a_small_population() {
    let (tasks, random) = (
        finish(&mut search(2)),
        finish(&mut RandomSearch::new(
            test_spaces::layered(LAYERS),
            SCHEDULE,
            2,
        )),
    );
    assert_eq!((&tasks[..3], tasks.len()), (&random[..3], random.len()));
    let of = |epochs, rollouts| {
        let schedule = Schedule {
            epochs,
            steps: 0,
            warm_up: 0,
            updates: 1,
            rollouts,
            paths: 1,
        };
        Evolution::new(
            test_spaces::layered(LAYERS),
            schedule,
            EvolutionSettings::default(),
            0,
        )
        .population()
    };
    assert_eq!(
        [of(25, 20), of(5, 10), of(2, 10), of(1, 1), of(0, 1)],
        [50, 25, 10, 1, 1]
    );
}

#[test]
fn a_search_continues_from_any_save_as_if_it_had_never_stopped() {
    let tasks = finish(&mut search(5));
    for stop in 0..tasks.len() {
        let mut first = search(5);
        for task in &tasks[..stop] {
            assert_eq!(first.next().unwrap().as_ref(), Some(task));
            first.observe(&outcome(task));
        }
        // Half of the time with a task pending.
        if stop % 2 == 1 {
            first.next().unwrap();
        }
        let text = serde_json::to_string(&first.save()).unwrap();
        let mut second = search(77);
        second.next().unwrap();
        second.load(serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(finish(&mut second), tasks[stop..]);
        assert_eq!(
            second
                .sample(9, &mut Random::new(0, RngStream::Test(7)))
                .unwrap(),
            {
                let mut whole = search(5);
                finish(&mut whole);
                whole
                    .sample(9, &mut Random::new(0, RngStream::Test(7)))
                    .unwrap()
            }
        );
    }
}

#[test]
fn what_another_strategy_space_or_population_saved_is_refused() {
    let random = RandomSearch::new(test_spaces::layered(LAYERS), SCHEDULE, 1);
    assert!(search(1).load(random.save()).is_err());
    let mut whole = search(1);
    finish(&mut whole);
    let mut shorter = Evolution::new(test_spaces::layered(3), SCHEDULE, SMALL, 1);
    assert!(
        shorter
            .load(whole.save())
            .unwrap_err()
            .to_string()
            .contains("genome")
    );
    let fewer = EvolutionSettings {
        population: 5,
        ..SMALL
    };
    let mut fewer = Evolution::new(test_spaces::layered(LAYERS), SCHEDULE, fewer, 1);
    assert!(
        fewer
            .load(whole.save())
            .unwrap_err()
            .to_string()
            .contains("10 genomes, and this search's at most 5")
    );
}

#[test]
fn constraints_and_inactive_decisions_hold_for_every_child() {
    let long = Schedule {
        epochs: 40,
        steps: 0,
        warm_up: 0,
        updates: 1,
        rollouts: 10,
        paths: 1,
    };
    let space = test_spaces::guarded();
    let best = [1, 1, 0, 2, 1, 0];
    let mut search = Evolution::new(space.clone(), long, SMALL, 3);
    let (mut found, mut flipped) = (0, 0);
    while let Some(task) = search.next().unwrap() {
        let Work::Score { genomes, .. } = &task.work else {
            continue;
        };
        for genome in genomes {
            space.check(genome).unwrap();
            assert!(
                genome[0] == 1 || (genome[3], genome[5]) == (0, 0),
                "inactive decisions are 0: {genome:?}"
            );
            found += u32::from(*genome == best);
            flipped += u32::from(genome[0] == 0);
        }
        let score = |genome: &Genome| Score {
            reward: 0.9 - 0.1 * differences(genome, &best.to_vec()) as f32,
            loss: 1.0,
        };
        search.observe(&Outcome::Scored(genomes.iter().map(score).collect()));
    }
    assert!(found > 20 && flipped > 5, "{found} {flipped}");
}

#[test]
fn it_ends_up_with_far_better_children_than_chance() {
    let long = Schedule {
        epochs: 25,
        steps: 0,
        warm_up: 0,
        updates: 1,
        rollouts: 20,
        paths: 1,
    };
    let mut search = Evolution::new(
        test_spaces::layered(LAYERS),
        long,
        EvolutionSettings::default(),
        8,
    );
    finish(&mut search);
    // The best is 0.62, the prior's mean about 0.48.
    assert!(search.mean().unwrap() > 0.58, "{:?}", search.mean());
}

#[test]
fn outcomes_that_do_not_fit_change_nothing() {
    let mut search = search(4);
    while search.state.alive.is_empty() {
        let task = search.next().unwrap().unwrap();
        search.observe(&outcome(&task));
    }
    let before = search.state.alive.clone();
    let task = search.next().unwrap().unwrap();
    assert!(matches!(task.work, Work::Score { .. }) && search.next().unwrap().is_none());
    assert_eq!(search.observe(&Outcome::Scored(vec![])), None);
    assert_eq!(search.state.alive, before);
    let task = search.next().unwrap().unwrap();
    let Work::Train { paths, .. } = &task.work else {
        panic!("{task:?}")
    };
    assert!(before.iter().any(|member| member.genome == paths[0]));
}
