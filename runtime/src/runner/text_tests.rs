//! Searches of recurrent cells on text.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs, process};

use supernet_data::Dataset;
use supernet_data::text::TextSettings;
use supernet_enas as _;
use supernet_engine::device::Device;
use supernet_engine::device::cpu::Cpu;
use supernet_engine::weights::Weights;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::random::from_prior;

use crate::config::Config;
use crate::events::Event;
use crate::experiment::{Experiment, ExperimentError};
use crate::results::Predictor;
use crate::retrain::Retraining;
use crate::storage::tensors;

/// A small search of cells with four nodes on a text of 3,000 words out of 30, each of which mostly
/// determines the next. `name` separates the folders of tests.
pub(crate) fn experiment(name: &str, settings: &[&str]) -> Experiment {
    set_up(name, settings).unwrap()
}

fn set_up(name: &str, settings: &[&str]) -> Result<Experiment, ExperimentError> {
    let (mut random, mut text, mut word) = (Random::new(7, RngStream::Test(0)), String::new(), 0);
    for _ in 0..3000 {
        word = if random.unit() < 0.9 {
            (word * 7 + 3) % 30
        } else {
            random.below(30)
        };
        write!(text, "w{word} ").unwrap();
    }
    let place: PathBuf = env::temp_dir().join(format!("supernet-{}-{name}.txt", process::id()));
    fs::write(&place, text).unwrap();
    let data = Dataset::named_as(place.to_str().unwrap(), &TextSettings::default()).unwrap();
    fs::remove_file(&place).unwrap();
    let all = [&SMALL[..], settings].concat();
    Experiment::on(data, Config::read("", &all).unwrap())
}

#[test]
fn a_text_of_fewer_windows_than_paths_is_refused() {
    let settings = ["train.paths=4", "text.window=1000"];
    let said = set_up("paths", &settings).unwrap_err().to_string();
    assert!(said.contains("`train.paths`"), "{said}");
    assert!(set_up("path", &["train.paths=4"]).is_ok());
}

const SMALL: [&str; 17] = [
    "search.space=enas-recurrent",
    "space.nodes=4",
    "space.hidden=16",
    "text.window=7",
    "train.batch=16",
    "score.batch=4",
    "score.rollouts=5",
    "search.epochs=6",
    "search.strategy=enas",
    "derive.candidates=5",
    "derive.report=20",
    "optimizer.learning_rate=5",
    "optimizer.momentum=0",
    "optimizer.clip=0.25",
    "selection.share=0",
    "retrain.budget=0",
    "retrain.epochs=2",
];

#[test]
fn a_search_of_text_learns_and_repeats_itself() {
    let run = || {
        let mut events = Vec::new();
        let experiment = experiment("learns", &[]);
        let found = experiment.run(&mut Cpu::new(2).unwrap(), None, &mut |record| {
            events.push(record.event.clone())
        });
        (events, found.unwrap())
    };
    let ((events, found), (again, other)) = (run(), run());
    assert_eq!((&events, &found.weights), (&again, &other.weights));
    let losses: Vec<f32> = events
        .iter()
        .filter_map(|event| {
            if let Event::Epoch { score, .. } = event {
                Some(score.loss)
            } else {
                None
            }
        })
        .collect();
    // A uniform choice among 30 has 3.4 nats.
    assert!(losses[5] < 3.0 && losses[5] < losses[0] - 0.4, "{losses:?}");
    let best = &found.top[0].score;
    assert!(
        (best.reward - 80.0 / best.loss.exp()).abs() < 1e-3 * best.reward,
        "{best:?}"
    );
    assert!(
        found.gain.summary().contains("in the reward 80/perplexity"),
        "{}",
        found.gain.summary()
    );
    assert!(
        found
            .metric
            .describe(&found.test)
            .starts_with("perplexity ")
    );
}

#[test]
fn a_saved_state_goes_on_with_the_same_bits() {
    let experiment = experiment("saved", &[]);
    let (mut cpu, mut random) = (Cpu::new(1).unwrap(), Random::new(1, RngStream::Test(1)));
    let genomes: Vec<_> = (0..8)
        .map(|_| from_prior(experiment.supergraph(), &mut random).unwrap())
        .collect();
    let (mut weights, mut trainer) = (experiment.weights(), experiment.trainer());
    for genome in &genomes[..3] {
        trainer
            .step(&mut cpu, &mut weights, std::slice::from_ref(genome), 0)
            .unwrap();
    }
    let mut file = Vec::new();
    tensors::write(experiment.supergraph(), &weights, &mut file).unwrap();
    let (mut restored, mut other) = (experiment.weights(), experiment.trainer());
    tensors::read(experiment.supergraph(), &mut restored, &file).unwrap();
    restored.version = weights.version;
    other.resume(3);
    let state = experiment.supergraph().param_count() as u32;
    assert!(
        weights.parameter(state).iter().any(|x| *x != 0.0)
            && weights.parameter(state).len() == 16 * 16
    );
    let mut evaluator = experiment.evaluator();
    for genome in &genomes[3..] {
        let score = trainer
            .step(&mut cpu, &mut weights, std::slice::from_ref(genome), 0)
            .unwrap();
        // Scoring in between has a separate state.
        evaluator.validation(&mut cpu, &restored, genome).unwrap();
        assert_eq!(
            other
                .step(&mut cpu, &mut restored, std::slice::from_ref(genome), 0)
                .unwrap(),
            score
        );
    }
    assert_eq!(weights.pages().values, restored.pages().values);
}

#[test]
fn scores_of_a_whole_part_depend_on_its_order_alone() {
    let experiment = experiment("scores", &[]);
    let (mut cpu, mut evaluator, weights) = (
        Cpu::new(1).unwrap(),
        experiment.evaluator(),
        experiment.weights(),
    );
    let genome = from_prior(
        experiment.supergraph(),
        &mut Random::new(2, RngStream::Test(1)),
    )
    .unwrap();
    let score = evaluator.validation(&mut cpu, &weights, &genome).unwrap();
    evaluator
        .minibatch(&mut cpu, &weights, std::slice::from_ref(&genome), 3)
        .unwrap();
    assert_eq!(
        evaluator.validation(&mut cpu, &weights, &genome).unwrap(),
        score
    );
}

#[test]
fn a_retrained_cell_has_a_perplexity() {
    let experiment = experiment(
        "retrained",
        &["retrain.average=false", "retrain.smoothing=0"],
    );
    let genome = from_prior(
        experiment.supergraph(),
        &mut Random::new(3, RngStream::Test(1)),
    )
    .unwrap();
    let retraining = Retraining::new(experiment, &genome, 1, 1).unwrap();
    let trained = retraining
        .run(&mut Cpu::new(1).unwrap(), None, &mut |_| {}, &|| false)
        .unwrap()
        .unwrap();
    assert_eq!(trained.networks.len(), 2);
    assert!(
        trained
            .networks
            .iter()
            .all(|network| network.test.unwrap().loss < 3.4),
        "{trained:?}"
    );
    assert!(
        trained.summary().starts_with("test perplexity "),
        "{}",
        trained.summary()
    );
}

#[test]
fn cells_are_selected_by_short_trainings_and_cells_of_one_size_stand_beside_them() {
    let settings = [
        "selection.share=20",
        "retrain.budget=1000",
        "retrain.seeds=2",
        "retrain.random=0",
        "retrain.same_size=2",
        "retrain.largest=0",
    ];
    let found = experiment("selects", &settings)
        .run(&mut Cpu::new(2).unwrap(), None, &mut |_| {})
        .unwrap();
    let selection = found.selection.as_ref().unwrap();
    assert_eq!(found.best().unwrap().genome, selection.top[0].genome);
    // All cells of this space have equally many parameters, so that size ranks nothing.
    let comparison = selection.predictors.as_ref().unwrap();
    assert!(comparison.of(Predictor::Parameters).is_none());
    assert!(comparison.of(Predictor::SharedLoss).is_some());
    // 30 words, of which each mostly determines the next: a uniform guess has a loss of 3.4.
    let losses = selection.trainings.iter().map(|of| of.alone.unwrap().loss);
    assert!(losses.fold(0.0, f32::max) < 3.5);
    let retrained = found.retrained.as_ref().unwrap();
    let beside = retrained.comparison.same_size.unwrap();
    assert_eq!((beside.mean.count, beside.size), (2, 1.0));
    let said = retrained.summary();
    assert!(said.contains("; random ones of the same size "), "{said}");
}

/// Runs three training steps and a score of the whole validation split.
pub(crate) fn some_steps(device: &mut dyn Device, experiment: &Experiment) -> (Vec<f32>, Weights) {
    let (mut weights, mut trainer, mut random) = (
        experiment.weights(),
        experiment.trainer(),
        Random::new(4, RngStream::Test(1)),
    );
    let mut losses = Vec::new();
    for _ in 0..3 {
        let genome = from_prior(experiment.supergraph(), &mut random).unwrap();
        losses.push(
            trainer
                .step(device, &mut weights, std::slice::from_ref(&genome), 0)
                .unwrap()
                .loss,
        );
    }
    let genome = from_prior(experiment.supergraph(), &mut random).unwrap();
    losses.push(
        experiment
            .evaluator()
            .validation(device, &weights, &genome)
            .unwrap()
            .loss,
    );
    device.fetch(&mut weights).unwrap();
    (losses, weights)
}
