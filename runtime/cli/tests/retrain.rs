//! Training from scratch after a search.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use support::{command, json, misused, place, printed, refused, said, searched};

/// A search without retraining, by this version or an earlier one, ends with a command that works.
#[test]
fn the_printed_command_retrains() {
    let place = place("retrain-printed");
    let small = [
        "--set=space.layers=2",
        "--set=space.filters=4",
        "--set=derive.candidates=2",
    ];
    let search = [
        "search",
        "--epochs=1",
        "--device=cpu",
        "--set=derive.generations=0",
    ];
    for (run, option) in [("a", "--no-retrain"), ("b", "--set=retrain.epochs=0")] {
        let run = format!("--run={run}");
        let output = said(&place, &[&search[..], &small, &[option, &run]].concat());
        let next = printed(&output, "To train the architecture from scratch: ");
        let next: Vec<&str> = next.iter().map(String::as_str).collect();
        let trained = said(
            &place,
            &[&next[..], &["--device=cpu", "--set=space.filters=8"]].concat(),
        );
        assert!(
            trained.contains("Trained from scratch for 10 epochs"),
            "{trained}"
        );
    }
}

#[test]
fn what_a_run_found_is_retrained_beside_random_ones_and_in_a_wider_space() {
    let place = searched("retrain");
    let retrain = [
        "retrain",
        "a",
        "--epochs=2",
        "--seeds=2",
        "--versus-random=2",
        "--device=cpu",
    ];
    let printed = said(&place, &retrain);
    assert!(
        printed.contains("random architectures") && printed.contains("(2 seeds)"),
        "{printed}"
    );
    let result = json(&place.join("a/retrained-1/best/retrained.json"));
    let sides: Vec<_> = result["networks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["side"].clone())
        .collect();
    assert_eq!(sides, ["found", "random", "found", "random"]);
    assert_eq!(
        result["networks"][0]["genome"],
        json(&place.join("a/best/genome.json"))["genome"]
    );
    assert!(
        place
            .join("a/retrained-1/best/model/model.safetensors")
            .is_file()
    );
    assert!(!place.join("a/retrained-1/retraining").exists());
    // The same bits again, and others with another seed.
    said(&place, &retrain);
    said(&place, &[&retrain[..], &["--seed=7"]].concat());
    let read = |number: u32| {
        fs::read(place.join(format!("a/retrained-{number}/best/retrained.json"))).unwrap()
    };
    assert!(read(1) == read(2) && read(1) != read(3));

    let wide = [
        "retrain",
        "a",
        "--epochs=1",
        "--set=space.filters=8",
        "--run=wide",
        "--device=cpu",
    ];
    assert!(said(&place, &wide).contains("test accuracy after training from scratch (1 seed)"));
    let parameters = |path: &str| {
        json(&place.join(path))["networks"][0]["parameters"]
            .as_u64()
            .unwrap()
    };
    assert!(
        parameters("wide/best/retrained.json")
            > 2 * parameters("a/retrained-1/best/retrained.json")
    );
    let why = refused(&place, &["retrain", "a", "--set=space.layers=5"]);
    assert!(
        why.contains("the architecture has 6 decisions, and `enas-macro` with layers=5 has 15"),
        "{why}"
    );
    assert!(
        why.contains("keep `space.layers`, or run a search in this space"),
        "{why}"
    );

    let beside = [
        "retrain",
        "a",
        "--epochs=1",
        "--versus-same-size=1",
        "--versus-largest=1",
        "--run=beside",
        "--device=cpu",
    ];
    let printed = said(&place, &beside);
    assert!(printed.contains("to the largest"), "{printed}");
    let networks = json(&place.join("beside/best/retrained.json"))["networks"].clone();
    let sides: Vec<_> = networks
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["side"].clone())
        .collect();
    assert_eq!(sides, ["found", "same_size", "largest"]);

    // From a file, without its run.
    let file = [
        "retrain",
        "--genome=a/best/genome.json",
        "--config=a/config.toml",
        "--epochs=1",
        "--json",
        "--run=file",
    ];
    let events = said(&place, &[&file[..], &["--device=cpu"]].concat());
    assert!(
        events.lines().last().unwrap().contains("\"saved\"") || events.contains("retrain_compared"),
        "{events}"
    );
    fs::write(place.join("numbers.json"), "[1, 0]").unwrap();
    let why = refused(
        &place,
        &["retrain", "--genome=numbers.json", "--set=space.layers=3"],
    );
    assert!(
        why.contains("has 2 numbers, and `enas-macro` with layers=3 has 6 decisions"),
        "{why}"
    );
    let why = refused(&place, &["retrain", "--genome=a/config.toml"]);
    assert!(why.contains("holds no architecture"), "{why}");
    assert!(refused(&place, &["retrain", "nowhere"]).contains("is not a run folder"));
    assert!(misused(&place, &["retrain", "a", "--epochs=0"]).contains("must be at least 1"));
}

#[cfg(unix)]
#[test]
fn an_interrupted_retraining_goes_on_as_if_it_never_was() {
    let place = searched("retrain-interrupted");
    let retrain = ["retrain", "a", "--epochs=30", "--seeds=2", "--device=cpu"];
    said(&place, &[&retrain[..], &["--run=whole"]].concat());
    let mut child = command(
        &place,
        &[&retrain[..], &["--run=stopped", "--json"]].concat(),
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("retrain_epoch")));
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert!(lines.last().unwrap().unwrap().contains("\"stopped\""));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!place.join("stopped/best/retrained.json").exists());
    assert!(said(&place, &["resume", "stopped"]).contains("Retrained: "));
    for file in ["best/retrained.json", "best/model/model.safetensors"] {
        let read = |run: &str| fs::read(place.join(run).join(file)).unwrap();
        assert!(read("stopped") == read("whole"), "{file}");
    }
    assert!(refused(&place, &["resume", "stopped"]).contains("is finished"));
}
