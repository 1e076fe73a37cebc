//! Single networks, trained from scratch without a search.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod support;

use std::fs;
use std::path::Path;

use support::{json, refused, said};

#[test]
fn a_space_of_one_network_is_trained_and_not_searched() {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lstm");
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    fs::write(
        place.join("sheep.txt"),
        "How many sheep are there? One sheep, two sheep, three sheep. ".repeat(40),
    )
    .unwrap();
    let batch = [
        "--set=train.batch=16",
        "--set=score.batch=16",
        "--set=space.hidden=16",
        "--set=text.window=8",
    ];
    let data = [
        "--space=lstm",
        "--data=sheep.txt",
        "--set=text.unit=character",
        "--device=cpu",
    ];
    let one = refused(&place, &[&["search"], &data[..], &batch].concat());
    let wanted = "the space `lstm` has no decisions, so there is nothing to search in it; `supernet retrain --space lstm`";
    assert!(one.contains(wanted), "{one}");
    assert!(!place.join("runs").exists());
    let many = refused(&place, &["retrain", "--space=enas-macro", "--device=cpu"]);
    let wanted = "the space `enas-macro` has more than one architecture: name one with `--genome ARCHITECTURE`";
    assert!(many.contains(wanted), "{many}");
    fs::write(place.join("none.json"), "[]").unwrap();
    let none = refused(
        &place,
        &[
            "retrain",
            "--genome=none.json",
            "--set=space.layers=3",
            "--device=cpu",
        ],
    );
    assert!(
        none.contains("has 0 numbers, and `enas-macro` with layers=3 has 6 decisions"),
        "{none}"
    );
    let no_others = refused(
        &place,
        &[&["retrain", "--versus-random=2"], &data[..], &batch].concat(),
    );
    assert!(
        no_others.contains("there are no random architectures of it: ask for none"),
        "{no_others}"
    );

    let trained = said(
        &place,
        &[
            &["retrain", "--run=r", "--epochs=3", "--seeds=2"],
            &data[..],
            &batch,
        ]
        .concat(),
    );
    assert!(trained.contains("bits per character"), "{trained}");
    assert!(
        trained.ends_with("Result in r/best/retrained.json\n"),
        "a network of text is not kept: {trained}"
    );
    let networks = json(&place.join("r/best/retrained.json"));
    assert_eq!(networks["networks"][1]["genome"], serde_json::json!([]));
    assert_ne!(
        networks["networks"][0]["test"], networks["networks"][1]["test"],
        "two seeds, two networks"
    );

    // A file of settings may name the space.
    said(
        &place,
        &[
            "retrain",
            "--config=r/config.toml",
            "--run=again",
            "--epochs=3",
            "--device=cpu",
        ],
    );
    assert_eq!(
        json(&place.join("again/best/retrained.json"))["networks"][0],
        networks["networks"][0]
    );
}

/// CIFAR-10 is published with a file of class names next to the images, which must not make it a
/// text.
#[test]
fn a_published_architecture_is_trained_on_a_folder_in_the_layout_of_cifar() {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cifar");
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(place.join("images")).unwrap();
    let records = |count: u32| -> Vec<u8> {
        let record = |i: u32| {
            let pixels = (0..3072).map(move |at: u32| (at * (i % 10 + 1) + 7 * i) as u8);
            std::iter::once((i % 10) as u8).chain(pixels)
        };
        (0..count).flat_map(record).collect()
    };
    fs::write(place.join("images/data_batch_1.bin"), records(60)).unwrap();
    fs::write(place.join("images/test_batch.bin"), records(20)).unwrap();
    let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n";
    fs::write(place.join("images/batches.meta.txt"), names).unwrap();
    fs::write(place.join("images/readme.txt"), "Where it is from.").unwrap();

    let small = [
        "--set=space.cells=3",
        "--set=space.channels=2",
        "--set=train.batch=10",
        "--set=score.batch=10",
    ];
    let retrain = [
        "retrain",
        "--architecture=darts-v2",
        "--data=images",
        "--epochs=1",
        "--device=cpu",
        "--run=r",
    ];
    said(&place, &[&retrain[..], &small].concat());
    let result = json(&place.join("r/best/retrained.json"));
    assert_eq!(result["networks"].as_array().unwrap().len(), 1);
    let evaluated = said(&place, &["evaluate", "r/best/model", "--device=cpu"]);
    assert!(
        evaluated.contains("of 20 images correct") && evaluated.ends_with(", 8 ship, 9 truck\n"),
        "{evaluated}"
    );

    // With one image less the splits differ, and the training images may be in any of them.
    fs::write(place.join("images/data_batch_1.bin"), records(59)).unwrap();
    let changed = refused(&place, &["evaluate", "r/best/model", "--device=cpu"]);
    assert!(
        changed.contains("are not what they were when the network was trained"),
        "{changed}"
    );
    assert!(
        said(
            &place,
            &["evaluate", "r/best/model", "--part=all", "--device=cpu"]
        )
        .contains("of 79 images correct")
    );
}
