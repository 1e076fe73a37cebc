use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use supernet_enas as _;
use supernet_engine::device::cpu::Cpu;

use super::*;
use crate::Model;
use crate::results::Side;

const SHORT: [&str; 4] = [
    "space.layers=3",
    "space.filters=4",
    "retrain.epochs=5",
    "search.seed=3",
];
const GENOME: [u32; 6] = [0, 2, 1, 5, 0, 1];

fn experiment(settings: &[&str]) -> Experiment {
    Experiment::new(Config::read("", &[&SHORT[..], settings].concat()).unwrap()).unwrap()
}

fn place(test: &str) -> PathBuf {
    let place =
        std::env::temp_dir().join(format!("supernet-retrain-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    place
}

/// All events, and the result.
fn run(retraining: Retraining, threads: usize) -> (Vec<Event>, Retrained) {
    let mut events = Vec::new();
    let mut listen = |record: &Record| events.push(record.event.clone());
    let retrained = retraining
        .run(&mut Cpu::new(threads).unwrap(), None, &mut listen, &|| {
            false
        })
        .unwrap()
        .unwrap();
    (events, retrained)
}

#[test]
fn equal_settings_give_equal_bits_and_the_loss_falls() {
    let new = |settings: &[&str]| Retraining::new(experiment(settings), &GENOME, 2, 1).unwrap();
    let ((events, one), (again, two)) = (run(new(&[]), 1), run(new(&[]), 2));
    assert_eq!((&events, &one), (&again, &two));
    let losses: Vec<f32> = events
        .iter()
        .filter_map(|event| match event {
            Event::RetrainEpoch {
                network: 0, score, ..
            } => Some(score.loss),
            _ => None,
        })
        .collect();
    assert!(losses.len() == 5 && losses[4] < losses[0], "{losses:?}");
    let sides: Vec<_> = one
        .networks
        .iter()
        .map(|network| (network.side, network.seed))
        .collect();
    assert_eq!(
        sides,
        [(Side::Found, 3), (Side::Random, 3), (Side::Found, 4)]
    );
    assert_ne!(one.networks[0].test, one.networks[2].test);
    assert!(
        one.networks[0].test.unwrap().reward > 0.2,
        "{:?}",
        one.networks[0]
    );
    for other in [
        "retrain.average=false",
        "retrain.smoothing=0",
        "retrain.warm_up=0",
        "retrain.learning_rate=0.02",
    ] {
        assert_ne!(run(new(&[other]), 2).1.networks, one.networks, "{other}");
    }
}

#[test]
fn stopped_at_any_step_and_resumed_is_as_never_stopped() {
    let path = place("stopped");
    let new = || Retraining::new(experiment(&[]), &GENOME, 1, 1).unwrap();
    let whole_path = path.join("whole");
    let mut whole_folder = new().folder(&whole_path).unwrap();
    let mut cpu = Cpu::new(2).unwrap();
    let whole = new()
        .run(&mut cpu, Some(&mut whole_folder), &mut |_| {}, &|| false)
        .unwrap()
        .unwrap();
    let stopped_path = path.join("stopped");
    // Polled once before each step: within a pass, at the end of one, in the averaged pass, in
    // the second network.
    let mut folder = new().folder(&stopped_path).unwrap();
    let mut retraining = new();
    for steps in [5, 17, 70, 25] {
        let left = Cell::new(steps);
        let stop = || left.replace(left.get() - 1) == 0;
        let ended = retraining
            .run(&mut cpu, Some(&mut folder), &mut |_| {}, &stop)
            .unwrap();
        assert!(ended.is_none());
        drop(folder);
        assert!(Retraining::is_at(&stopped_path));
        (retraining, folder) = Retraining::resume(&stopped_path, &Spaces::linked()).unwrap();
    }
    let resumed = retraining
        .run(&mut cpu, Some(&mut folder), &mut |_| {}, &|| false)
        .unwrap()
        .unwrap();
    assert_eq!(resumed, whole);
    let events = |path: &Path| -> Vec<Event> {
        let text = fs::read_to_string(path.join("events.jsonl")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<Record>(line).unwrap().event)
            .collect()
    };
    assert_eq!(events(&stopped_path), events(&whole_path));
    for file in [
        "best/retrained.json",
        "best/genome.json",
        "best/model/model.json",
        "best/model/model.safetensors",
    ] {
        assert!(
            fs::read(stopped_path.join(file)).unwrap() == fs::read(whole_path.join(file)).unwrap(),
            "{file}"
        );
    }
    drop(folder);
    let said = Retraining::resume(&stopped_path, &Spaces::linked())
        .unwrap_err()
        .to_string();
    assert!(said.contains("is finished"), "{said}");
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_damaged_state_is_passed_over_for_the_one_before_it() {
    let path = place("damaged");
    let new = || Retraining::new(experiment(&[]), &GENOME, 2, 0).unwrap();
    let whole = run(new(), 2).1;
    let (left, mut folder) = (Cell::new(100), new().folder(&path).unwrap());
    let stop = || left.replace(left.get() - 1) == 0;
    assert!(
        new()
            .run(
                &mut Cpu::new(2).unwrap(),
                Some(&mut folder),
                &mut |_| {},
                &stop
            )
            .unwrap()
            .is_none()
    );
    drop(folder);
    let mut states: Vec<_> = fs::read_dir(path.join("retraining"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    states.sort();
    assert_eq!(states.len(), 2, "{states:?}");
    fs::write(states[1].join("tensors.safetensors"), "nothing").unwrap();
    let (retraining, mut folder) = Retraining::resume(&path, &Spaces::linked()).unwrap();
    let resumed = retraining
        .run(
            &mut Cpu::new(2).unwrap(),
            Some(&mut folder),
            &mut |_| {},
            &|| false,
        )
        .unwrap();
    assert_eq!(resumed.unwrap(), whole);
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn random_architectures_are_distinct_and_the_budget_decides_how_many() {
    let settings = [
        "search.epochs=40",
        "retrain.epochs=5",
        "retrain.seeds=5",
        "retrain.random=4",
        "retrain.same_size=0",
        "retrain.largest=0",
    ];
    let experiment = experiment(&settings);
    let plan = RetrainPlan::last_phase(&experiment, &[GENOME.to_vec()], None).unwrap();
    assert_eq!((plan.networks.len(), plan.left_out), (9, 0));
    let genomes: std::collections::BTreeSet<_> = plan
        .networks
        .iter()
        .map(|network| experiment.supergraph().canonical(&network.genome).unwrap())
        .collect();
    assert_eq!(genomes.len(), 5);
    // 22 steps of 64 samples in a pass, three forward passes each: 21,120 for a network.
    let budget = |share: f64| {
        let share = share * 21_120.0 / experiment.cost();
        let budget = format!("retrain.budget={share}");
        let other = self::experiment(&[&settings[..], &[&budget[..]]].concat());
        let plan = RetrainPlan::last_phase(&other, &[GENOME.to_vec()], None).unwrap();
        (
            plan.networks
                .iter()
                .map(|network| network.side)
                .collect::<Vec<_>>(),
            plan.left_out,
        )
    };
    assert_eq!(
        budget(3.01),
        (vec![Side::Found, Side::Random, Side::Found], 6)
    );
    assert_eq!(budget(0.9), (vec![], 9));
}

#[test]
fn opponents_of_all_kinds_stand_beside_an_architecture_without_a_search() {
    let largest = crate::space::Extremes::of(experiment(&[]).supergraph())
        .unwrap()
        .largest
        .genome;
    let sides = |genome: &[u32]| {
        let alone = Retraining::new(experiment(&[]), genome, 2, 1).unwrap();
        let plan = alone.versus(2, 1).unwrap().plan;
        assert_eq!((plan.left_out, plan.affordable), (0, None));
        let networks = plan.networks.iter();
        networks.map(|of| (of.side, of.seed)).collect::<Vec<_>>()
    };
    assert_eq!(
        sides(&GENOME),
        [
            (Side::Found, 3),
            (Side::Random, 3),
            (Side::SameSize, 3),
            (Side::Largest, 3),
            (Side::Found, 4),
            (Side::SameSize, 4),
        ]
    );
    assert!(
        sides(&largest)
            .iter()
            .all(|(side, _)| *side != Side::Largest)
    );
}

#[test]
fn the_ledger_says_how_many_networks_the_search_would_have_bought() {
    let experiment = experiment(&["search.epochs=40", "retrain.epochs=5"]);
    let plan = RetrainPlan::last_phase(&experiment, &[GENOME.to_vec()], None).unwrap();
    let alone =
        experiment.training_cost(5, experiment.schedule().steps) + experiment.evaluation_cost();
    assert_eq!(plan.affordable, Some((experiment.cost() / alone) as u32));
    assert!(plan.affordable > Some(0));
}

#[test]
fn the_same_size_and_the_largest_take_turns_with_what_was_found() {
    let settings = [
        "retrain.seeds=3",
        "retrain.random=1",
        "retrain.same_size=2",
        "retrain.largest=2",
        "retrain.budget=1000",
    ];
    let experiment = experiment(&settings);
    let supergraph = experiment.supergraph();
    let count = |genome: &[u32]| {
        supergraph
            .count(genome, supernet_plugin::Count::Live)
            .unwrap()
    };
    let runner_up = vec![1, 2, 1, 5, 0, 1];
    let plan =
        RetrainPlan::last_phase(&experiment, &[GENOME.to_vec(), runner_up.clone()], None).unwrap();
    let sides: Vec<(Side, u64)> = plan.networks.iter().map(|of| (of.side, of.seed)).collect();
    assert_eq!(
        sides,
        [
            (Side::Found, 3),
            (Side::Random, 3),
            (Side::SameSize, 3),
            (Side::Largest, 3),
            (Side::RunnerUp, 3),
            (Side::Found, 4),
            (Side::SameSize, 4),
            (Side::Largest, 4),
            (Side::Found, 5),
        ]
    );
    let of = |side| {
        let of_side = plan
            .networks
            .iter()
            .filter(move |network| network.side == side);
        of_side
            .map(|network| network.genome.clone())
            .collect::<Vec<_>>()
    };
    let found = count(&GENOME) as f64;
    for genome in of(Side::SameSize) {
        let parameters = count(&genome) as f64;
        assert!(
            (parameters / found - 1.0).abs() <= 0.1,
            "{parameters} {found}"
        );
        assert!(genome != GENOME && genome != runner_up);
    }
    assert_eq!(of(Side::RunnerUp), [runner_up]);
    let largest = crate::space::Extremes::of(supergraph)
        .unwrap()
        .largest
        .genome;
    assert_eq!(of(Side::Largest), [largest.clone(), largest.clone()]);
    // The largest has no opponent that is larger, and hardly one of its own size.
    let plan = RetrainPlan::last_phase(&experiment, std::slice::from_ref(&largest), None).unwrap();
    assert!(
        plan.networks
            .iter()
            .all(|network| network.side != Side::Largest)
    );
    let same = plan
        .networks
        .iter()
        .filter(|network| network.side == Side::SameSize);
    assert_eq!(same.count(), 2);
}

#[test]
fn a_network_that_diverges_has_no_score_and_ends_nothing() {
    let retraining = Retraining::new(
        experiment(&["retrain.learning_rate=1e30", "optimizer.clip=1e30"]),
        &GENOME,
        1,
        0,
    )
    .unwrap();
    let (events, retrained) = run(retraining, 1);
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::SetAside { .. }))
    );
    assert_eq!(retrained.networks[0].test, None);
    assert!(
        retrained
            .summary()
            .contains("no training of the architecture came to an end")
    );
}

#[test]
fn what_cannot_be_retrained_gets_a_sentence() {
    let said = |settings: &[&str], genome: &[u32]| {
        Retraining::new(experiment(settings), genome, 1, 0)
            .unwrap_err()
            .to_string()
    };
    assert!(said(&["retrain.epochs=0"], &GENOME).contains("must be at least 1"));
    assert!(!said(&[], &[0; 3]).is_empty());
}

#[test]
fn cells_of_a_search_are_trained_in_the_final_form_with_drop_path_and_an_auxiliary_head() {
    let cells = |settings: &[&str]| {
        let small = [
            "search.space=enas-micro",
            "space.layers=1",
            "space.filters=2",
            "retrain.epochs=2",
            "train.batch=128",
        ];
        Experiment::new(Config::read("", &[&small[..], settings].concat()).unwrap()).unwrap()
    };
    let genome: Vec<u32> = vec![0; cells(&[]).supergraph().genome_len()];
    let place = place("cells");
    let run = |settings: &[&str]| {
        let retraining = Retraining::new(
            cells(&[&["space.form=final"], settings].concat()),
            &genome,
            1,
            0,
        )
        .unwrap();
        let path = place.join(settings.join(","));
        let mut folder = retraining.folder(&path).unwrap();
        let mut cpu = Cpu::new(2).unwrap();
        let retrained = retraining
            .run(&mut cpu, Some(&mut folder), &mut |_| {}, &|| false)
            .unwrap()
            .unwrap();
        (
            retrained.networks,
            Model::load(&path.join("best/model")).unwrap(),
        )
    };
    let (plain, model) = run(&["retrain.drop_path=0"]);
    let names: Vec<String> = model.tensors().map(|(name, ..)| name.to_owned()).collect();
    assert!(
        !names.is_empty() && names.iter().all(|name| !name.starts_with("auxiliary")),
        "{names:?}"
    );
    assert_eq!(
        plain[0].parameters,
        cells(&["space.form=final", "space.auxiliary=false"])
            .supergraph()
            .count(&genome, supernet_plugin::Count::Live)
            .unwrap()
    );
    for other in [
        "retrain.drop_path=0.4",
        "retrain.auxiliary=0",
        "space.auxiliary=false",
    ] {
        let (networks, _) = run(&[other]);
        assert_eq!(networks[0].parameters, plain[0].parameters, "{other}");
        assert_ne!(networks[0].test, plain[0].test, "{other}");
    }
    fs::remove_dir_all(place).unwrap();
}
