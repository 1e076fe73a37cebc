//! Finished networks, from a short search to predictions elsewhere, on the CPU and on every GPU.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use supernet::Model;
use supernet::data::{Dataset, SplitSpec, Splits};
use supernet::device::Cpu;
use supernet::device::Device;
use supernet::device::gpu::Gpu;
use supernet::model::Prediction;
use supernet::space::Spaces;
use supernet_tests::gpu::gpus;
use supernet_tests::plugins::built;
use supernet_tests::{place, search_of};
use {supernet_darts as _, supernet_nasbench as _};

const SPLIT: SplitSpec = SplitSpec {
    train: 0.6,
    validation: 0.2,
    seed: 0,
};

const SHORT: [&str; 9] = [
    "search.epochs=2",
    "search.warm_up=0.5",
    "score.updates=1",
    "score.rollouts=4",
    "derive.candidates=2",
    "derive.report=2",
    "train.batch=256",
    "data.train=0.6",
    "data.validation=0.2",
];

/// The distance between predictions, relative to the logits.
fn apart(a: &[Prediction], b: &[Prediction]) -> f32 {
    assert_eq!(a.len(), b.len());
    let pairs = a
        .iter()
        .zip(b)
        .flat_map(|(a, b)| a.logits.iter().zip(&b.logits));
    let (off, size) = pairs.fold((0.0_f32, 0.0_f32), |(off, size), (a, b)| {
        (off.max((a - b).abs()), size.max(a.abs()))
    });
    off / size
}

fn bits(predictions: &[Prediction]) -> Vec<u32> {
    predictions
        .iter()
        .flat_map(|prediction| &prediction.logits)
        .map(|logit| logit.to_bits())
        .collect()
}

/// Predictions for one image at a time.
fn one_by_one(model: &Model, device: &mut dyn Device, images: &[f32]) -> Vec<Prediction> {
    let each = images
        .chunks(64)
        .map(|image| model.predict_on(device, image).unwrap().swap_remove(0));
    each.collect()
}

/// Runs a short search, freezes the best network, and compares devices, batches and files.
fn hold(spaces: &Spaces, test: &str, settings: &[&str]) {
    let (_, found) = search_of(spaces, &[&SHORT[..], settings].concat(), 2).unwrap();
    let data = Dataset::named("digits").unwrap();
    let mut cpu = Cpu::new(2).unwrap();
    let model = found.to_model(&data, &SPLIT, spaces, &mut cpu).unwrap();
    let images = &data.images()[..100 * 64];
    let together = model.predict_on(&mut cpu, images).unwrap();
    let alone = one_by_one(&model, &mut cpu, &images[..20 * 64]);
    let off = apart(&alone, &together[..20]);
    assert!(off < 1e-5, "{test}: {off}");

    let place = place(test);
    model.save(&place.join("model")).unwrap();
    let loaded = Model::load_with(&place.join("model"), spaces).unwrap();
    assert_eq!(
        bits(&loaded.predict_on(&mut cpu, images).unwrap()),
        bits(&together)
    );
    for adapter in gpus() {
        let name = &adapter.info.name;
        let mut gpu = Gpu::new(&adapter).unwrap();
        // Neither the plugin nor a CPU function: the files suffice.
        let bare = Model::load_with(&place.join("model"), &Spaces::default()).unwrap();
        let there = bare.predict_on(&mut gpu, images).unwrap();
        assert_eq!(
            bits(&there),
            bits(&bare.predict_on(&mut gpu, images).unwrap()),
            "{name}"
        );
        let apart_from_cpu = apart(&there, &together);
        let among = apart(&one_by_one(&bare, &mut gpu, &images[..3 * 64]), &there[..3]);
        assert!(
            apart_from_cpu < 1e-4 && among < 1e-5,
            "{test} on {name}: {apart_from_cpu}, {among}"
        );
        let frozen = found.to_model(&data, &SPLIT, spaces, &mut gpu).unwrap();
        for ((name, _, here), (.., there)) in model.tensors().zip(frozen.tensors()) {
            let off = here
                .iter()
                .zip(there)
                .map(|(a, b)| (a - b).abs() / (1e-2 + a.abs()))
                .fold(0.0, f32::max);
            assert!(off < 1e-3, "{test}: {name} differs by {off}");
        }
    }
    std::fs::remove_dir_all(place).unwrap();
}

#[test]
fn of_the_macro_space() {
    hold(
        &Spaces::linked(),
        "model-macro",
        &["space.layers=4", "space.filters=8"],
    );
}

#[test]
fn of_the_micro_space() {
    hold(
        &Spaces::linked(),
        "model-micro",
        &[
            "search.space=enas-micro",
            "space.layers=2",
            "space.filters=4",
        ],
    );
}

#[test]
fn of_nasbench201() {
    hold(
        &Spaces::linked(),
        "model-nasbench201",
        &[
            "search.space=nasbench201",
            "space.cells=1",
            "space.channels=4",
        ],
    );
}

#[test]
fn of_darts() {
    hold(
        &Spaces::linked(),
        "model-darts",
        &["search.space=darts", "space.cells=2", "space.channels=2"],
    );
}

#[test]
fn of_a_plugin_with_its_own_ops() {
    let mut spaces = Spaces::default();
    spaces.load(&built("supernet-custom-space", &[])).unwrap();
    hold(
        &spaces,
        "model-gated",
        &["search.space=gated", "space.filters=8"],
    );
}

#[test]
fn frozen_it_is_as_good_as_the_search_said() {
    let settings = [
        "search.epochs=12",
        "train.batch=64",
        "space.layers=4",
        "space.filters=16",
    ];
    let (_, found) = search_of(&Spaces::linked(), &[&SHORT[..], &settings].concat(), 2).unwrap();
    let data = Dataset::named("digits").unwrap();
    let mut cpu = Cpu::new(2).unwrap();
    let model = found
        .to_model(&data, &SPLIT, &Spaces::linked(), &mut cpu)
        .unwrap();
    let splits = Splits::new(&data, &SPLIT).unwrap();
    let evaluation = model
        .evaluate_subsets(&mut cpu, &splits, &[&splits.test])
        .unwrap();
    assert_eq!(evaluation.samples, splits.test.len());
    assert!(
        (evaluation.accuracy - f64::from(found.test.reward)).abs() < 0.05,
        "{}",
        evaluation.accuracy
    );
}

#[test]
fn without_its_functions_a_plugins_network_says_what_the_cpu_lacks() {
    let mut spaces = Spaces::default();
    spaces.load(&built("supernet-custom-space", &[])).unwrap();
    let settings = [&SHORT[..], &["search.space=gated", "space.filters=8"]].concat();
    let (_, found) = search_of(&spaces, &settings, 2).unwrap();
    let data = Dataset::named("digits").unwrap();
    let model = found
        .to_model(&data, &SPLIT, &spaces, &mut Cpu::new(1).unwrap())
        .unwrap();
    let place = place("model-lacking");
    model.save(&place.join("model")).unwrap();
    let bare = Model::load_with(&place.join("model"), &Spaces::default());
    let said = bare
        .unwrap()
        .predict(&data.images()[..64])
        .unwrap_err()
        .to_string();
    assert!(said.contains("has no CPU function"), "{said}");
    std::fs::remove_dir_all(place).unwrap();
}
