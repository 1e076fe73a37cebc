//! Models frozen and evaluated on the CPU.

mod file_tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, process};

use supernet_data::{Dataset, Splits};
use supernet_enas as _;
use supernet_engine::program::{CustomOps, Input};
use supernet_engine::weights::Layout;
use supernet_plugin::{Space, Supergraph};
use supernet_shaders::random::{Random, RngStream};

use super::*;
use crate::config::Config;
use crate::results::Metric;
use crate::space;
use crate::space::Spaces;
use crate::training::TaskContext;

const SPLIT: SplitSpec = SplitSpec {
    train: 0.6,
    validation: 0.2,
    seed: 3,
};

fn data(image: [u32; 3], samples: u32) -> Dataset {
    let mut random = Random::new(2, RngStream::Test(0));
    let pixels = (0..samples * image.iter().product::<u32>())
        .map(|_| 100.0 + 20.0 * random.normal())
        .collect();
    Dataset::new(
        "noise",
        image,
        10,
        pixels,
        (0..samples).map(|_| random.below(10)).collect(),
    )
    .unwrap()
}

fn task(supergraph: Supergraph, data: &Dataset) -> TaskContext {
    let (image, classes) = (data.shape(), data.classes());
    let layout = Arc::new(Layout::new(&supergraph).unwrap());
    let splits = Arc::new(Splits::new(data, &SPLIT).unwrap());
    let (input, metric) = (Input::Image(image), Metric::Accuracy);
    TaskContext {
        supergraph,
        custom: CustomOps::default(),
        layout,
        data: splits,
        input,
        classes,
        metric,
    }
}

fn built(settings: &[&str], data: &Dataset) -> TaskContext {
    let mut config = Config::read("", settings).unwrap();
    task(space::build(&mut config, &data.facts()).unwrap(), data)
}

/// Freezes the child of `genome` with slightly perturbed initial weights.
fn frozen(task: &TaskContext, genome: &[u32], batch: u32) -> Model {
    let mut weights = Weights::new(&task.supergraph, task.layout.clone(), 1, 7);
    let mut random = Random::new(1, RngStream::Test(99));
    weights
        .pages_mut()
        .values
        .iter_mut()
        .flatten()
        .for_each(|x| *x += 0.1 * random.normal());
    let training = serde_json::json!({ "epochs": 3, "rate": 0.05 });
    let provenance = Provenance {
        data: "noise".to_owned(),
        fingerprint: None,
        split: SPLIT,
        training,
    };
    Model::freeze(
        task,
        genome,
        &mut weights,
        &mut Cpu::new(2).unwrap(),
        batch,
        provenance,
    )
    .unwrap()
}

fn sampled(task: &TaskContext, seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed, RngStream::Test(0));
    task.supergraph
        .sample(&mut |weights| random.weighted(weights))
        .unwrap()
}

/// A model of the macro space, with images for it.
fn model() -> (Model, Vec<f32>) {
    let data = data([6, 5, 2], 120);
    let task = built(&["space.layers=4", "space.filters=4"], &data);
    let model = frozen(&task, &sampled(&task, 3), 16);
    (model, data.images().to_vec())
}

fn place(test: &str) -> PathBuf {
    let place = env::temp_dir().join(format!("supernet-model-{}-{test}", process::id()));
    let _ = fs::remove_dir_all(&place);
    place
}

fn bits(predictions: &[Prediction]) -> Vec<u32> {
    predictions
        .iter()
        .flat_map(|prediction| &prediction.logits)
        .map(|logit| logit.to_bits())
        .collect()
}

/// The difference between two sets of predictions, relative to the size of the logits.
fn apart(a: &[Prediction], b: &[Prediction]) -> f32 {
    let pairs = a
        .iter()
        .zip(b)
        .flat_map(|(a, b)| a.logits.iter().zip(&b.logits));
    let (off, size) = pairs.fold((0.0_f32, 0.0_f32), |(off, size), (a, b)| {
        (off.max((a - b).abs()), size.max(a.abs()))
    });
    off / size
}

#[test]
fn frozen_statistics_are_those_of_all_training_images_in_f64() {
    let data = data([4, 3, 2], 250);
    let s = Space::new("small");
    let x = s.input("image", &data.shape()).norm_plain();
    s.output(x.global_avg_pool().linear(10, true));
    let task = task(Supergraph::new(s.finish().unwrap()).unwrap(), &data);
    // 150 training images in minibatches of 50: each once.
    let model = frozen(&task, &[], 50);
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    task.data
        .train
        .gather(0..task.data.train.len(), &mut images, &mut labels);
    let (name, shape, statistics) = model
        .tensors()
        .find(|(name, ..)| name.ends_with("/statistics"))
        .unwrap();
    assert_eq!(
        (name.contains("norm"), shape),
        (true, &[2, 2][..]),
        "{name}"
    );
    for channel in 0..2 {
        let all = || {
            images
                .iter()
                .skip(channel)
                .step_by(2)
                .map(|x| f64::from(*x))
        };
        let count = all().count() as f64;
        let mean = all().sum::<f64>() / count;
        let variance = all().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let inverse = (variance + 1e-5).sqrt().recip();
        let (got_mean, got_inverse) = (
            f64::from(statistics[channel]),
            f64::from(statistics[2 + channel]),
        );
        assert!((got_mean - mean).abs() < 1e-6, "{got_mean} for {mean}");
        assert!(
            (got_inverse / inverse - 1.0).abs() < 1e-6,
            "{got_inverse} for {inverse}"
        );
    }
}

#[test]
fn an_image_gets_the_same_answer_alone_and_among_a_hundred() {
    let small = ["space.layers=4", "space.filters=4"];
    let micro = [
        "search.space=enas-micro",
        "space.layers=2",
        "space.filters=4",
    ];
    let images = data([16, 16, 3], 170);
    for settings in [&small[..], &micro] {
        let task = built(settings, &images);
        let model = frozen(&task, &sampled(&task, 5), 32);
        let pixels = &images.images()[..100 * 16 * 16 * 3];
        let together = model.predict(pixels).unwrap();
        let alone: Vec<Prediction> = pixels
            .chunks(16 * 16 * 3)
            .map(|image| model.predict(image).unwrap().swap_remove(0))
            .collect();
        assert_eq!((together.len(), alone.len()), (100, 100));
        let off = apart(&together, &alone);
        assert!(off < 1e-5, "{settings:?}: {off}");
        assert!(
            together
                .iter()
                .any(|prediction| prediction.class != together[0].class)
        );
    }
}

#[test]
fn bytes_and_numbers_are_the_same_pixels() {
    let (model, _) = model();
    let bytes: Vec<u8> = (0..120).map(|i| (i * 7 % 256) as u8).collect();
    let numbers: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte)).collect();
    assert_eq!(
        bits(&model.predict(&bytes).unwrap()),
        bits(&model.predict(&numbers).unwrap())
    );
}

#[test]
fn an_evaluation_counts_what_predictions_say() {
    let data = data([6, 5, 2], 300);
    let task = built(&["space.layers=4", "space.filters=4"], &data);
    let model = frozen(&task, &sampled(&task, 3), 16);
    let evaluation = model.evaluate(&*data.images(), data.labels()).unwrap();
    let predictions = model.predict(&*data.images()).unwrap();
    let right = predictions
        .iter()
        .zip(data.labels())
        .filter(|(said, label)| said.class == **label)
        .count();
    assert_eq!(
        (evaluation.samples, evaluation.accuracy),
        (300, right as f64 / 300.0)
    );
    let loss =
        |(said, label): (&Prediction, &u32)| -f64::from(said.probabilities[*label as usize]).ln();
    let loss = predictions.iter().zip(data.labels()).map(loss).sum::<f64>() / 300.0;
    assert!(
        (evaluation.loss - loss).abs() < 1e-4,
        "{} for {loss}",
        evaluation.loss
    );
    for label in 0..10 {
        let row: u64 = evaluation.confusion[label].iter().sum();
        assert_eq!(
            row,
            data.labels()
                .iter()
                .filter(|known| **known as usize == label)
                .count() as u64
        );
    }
    let diagonal: u64 = (0..10)
        .map(|class| evaluation.confusion[class][class])
        .sum();
    assert_eq!(diagonal, right as u64);
    // Another split of the same data: its mean and deviation are reverted.
    let other = Splits::new(&data, &SplitSpec { seed: 9, ..SPLIT }).unwrap();
    let mut cpu = Cpu::new(1).unwrap();
    let parts = model
        .evaluate_subsets(
            &mut cpu,
            &other,
            &[&other.train, &other.validation, &other.test],
        )
        .unwrap();
    assert_eq!(parts.samples, 300);
    assert!(
        (parts.loss - evaluation.loss).abs() < 1e-5,
        "{} for {}",
        parts.loss,
        evaluation.loss
    );
    let own = model
        .evaluate_subsets(&mut cpu, &task.data, &[&task.data.test])
        .unwrap();
    assert_eq!(own.samples, 60);
    assert!(
        evaluation.to_string().contains("cross-entropy"),
        "{evaluation}"
    );
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let (model, images) = model();
    let said = |error: ModelError| error.to_string();
    let short = said(model.predict(&images[..59]).unwrap_err());
    assert!(
        short.contains("6x5 with 2 channels: each has 60 numbers, and there are 59"),
        "{short}"
    );
    assert!(said(model.predict(&[][..] as &[f32]).unwrap_err()).contains("there are 0"));
    let mut hostile = images[..120].to_vec();
    hostile[70] = f32::NAN;
    assert!(
        said(model.predict(&hostile).unwrap_err())
            .contains("a pixel of image 1 is not a finite number")
    );
    let labels = said(model.evaluate(&images[..120], &[1]).unwrap_err());
    assert!(labels.contains("2 images and 1 labels"), "{labels}");
    let labels = said(model.evaluate(&images[..60], &[10]).unwrap_err());
    assert!(
        labels.contains("a label 10, and the network tells 10 classes apart"),
        "{labels}"
    );
    let mut huge = self::model().0;
    huge.weights
        .pages_mut()
        .values
        .iter_mut()
        .flatten()
        .for_each(|x| *x *= 1e30);
    assert!(
        said(huge.predict(&images[..60]).unwrap_err())
            .contains("answer to image 0 is not a number")
    );
    let names = said(model.with_names(vec!["one".to_owned()]).unwrap_err());
    assert!(
        names.contains("10 classes apart, and has names for 1"),
        "{names}"
    );
    let missing = said(Model::load(Path::new("/nowhere/model")).unwrap_err());
    assert!(
        missing.starts_with("there is no model at /nowhere/model: "),
        "{missing}"
    );
}

#[test]
fn weights_that_diverged_are_not_frozen() {
    let data = data([6, 5, 2], 60);
    let task = built(&["space.layers=2", "space.filters=4"], &data);
    let mut weights = Weights::new(&task.supergraph, task.layout.clone(), 1, 7);
    weights
        .pages_mut()
        .values
        .iter_mut()
        .flatten()
        .for_each(|x| *x = f32::NAN);
    let provenance = Provenance {
        data: "noise".to_owned(),
        fingerprint: None,
        split: SPLIT,
        training: Value::Null,
    };
    let genome = sampled(&task, 1);
    let frozen = Model::freeze(
        &task,
        &genome,
        &mut weights,
        &mut Cpu::new(1).unwrap(),
        16,
        provenance,
    );
    assert!(
        frozen
            .unwrap_err()
            .to_string()
            .contains("not a finite number")
    );
}
