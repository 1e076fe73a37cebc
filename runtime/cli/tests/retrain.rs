//! What comes after a search: training from scratch, and questions to its shared weights.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_supernet"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("NODEVICE_SELECT", "1");
    command
}

fn supernet(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments)
        .output()
        .expect("the command starts")
}

/// An empty folder of this test's own, with a run in it, `a`.
fn searched(test: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    let small = [
        "--set=space.layers=3",
        "--set=space.filters=4",
        "--set=derive.candidates=6",
        "--set=derive.report=6",
    ];
    let output = supernet(
        &place,
        &[
            &[
                "search",
                "--epochs=3",
                "--no-retrain",
                "--run=a",
                "--device=cpu",
            ],
            &small[..],
        ]
        .concat(),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("To train the architecture from scratch: supernet retrain a")
    );
    place
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// What a command that succeeds prints.
fn said(place: &Path, arguments: &[&str]) -> String {
    let output = supernet(place, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// The sentence of a command that fails.
fn refused(place: &Path, arguments: &[&str]) -> String {
    let output = supernet(place, arguments);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{arguments:?}: {}",
        text(&output.stdout)
    );
    text(&output.stderr)
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
        why.contains(
            "the architecture answers 6 decisions, and `enas-macro` with layers=5 asks 15"
        ),
        "{why}"
    );
    assert!(
        why.contains("keep `space.layers`, or search with it"),
        "{why}"
    );

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
        why.contains("has 2 numbers, and `enas-macro` with layers=3 asks 6 decisions"),
        "{why}"
    );
    let why = refused(&place, &["retrain", "--genome=a/config.toml"]);
    assert!(why.contains("holds no architecture"), "{why}");
    assert!(refused(&place, &["retrain", "nowhere"]).contains("is no run folder"));
    assert!(refused(&place, &["retrain", "a", "--epochs=0"]).contains("must be at least 1"));
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
    assert!(child.wait().unwrap().success());
    assert!(!place.join("stopped/best/retrained.json").exists());
    assert!(said(&place, &["resume", "stopped"]).contains("Retrained: "));
    for file in ["best/retrained.json", "best/model/model.safetensors"] {
        let read = |run: &str| fs::read(place.join(run).join(file)).unwrap();
        assert!(read("stopped") == read("whole"), "{file}");
    }
    assert!(refused(&place, &["resume", "stopped"]).contains("is finished"));
}

#[test]
fn a_runs_shared_weights_answer_what_if_questions() {
    let place = searched("what-if");
    let best = json(&place.join("a/best/genome.json"));
    let numbers: Vec<String> = best["genome"]
        .as_array()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    let score = [
        "score",
        "a",
        "--device=cpu",
        "--json",
        "--genome=a/best/genome.json",
        "--genome",
        &numbers.join(" "),
    ];
    let scores: Vec<Value> = said(&place, &score)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // As the search itself judged it.
    assert_eq!(
        (scores.len(), &scores[0], &scores[1]),
        (2, &json(&place.join("a/best/top.json"))[0], &scores[0])
    );
    assert!(refused(&place, &["score", "a", "--genome=1 2"]).contains("asks 6 decisions"));
    assert!(refused(&place, &["score", "a", "--genome=9 9 9 9 9 9"]).starts_with("error: "));

    let top = |more: &[&str]| -> Vec<Value> {
        let arguments = [&["top", "a", "--device=cpu", "--json"], more].concat();
        serde_json::from_str(&said(&place, &arguments)).unwrap()
    };
    let all = top(&["--k=30", "--samples=10"]);
    assert!(all.len() > 10);
    assert!(
        all.is_sorted_by(|a, b| a["score"]["accuracy"].as_f64() >= b["score"]["accuracy"].as_f64())
    );
    assert!(all[0]["score"]["accuracy"].as_f64() >= scores[0]["score"]["accuracy"].as_f64());
    let mut sizes: Vec<u64> = all
        .iter()
        .map(|one| one["parameters"].as_u64().unwrap())
        .collect();
    sizes.sort_unstable();
    let limit = sizes[sizes.len() / 2].to_string();
    let small = top(&["--samples=10", "--max-params", &limit]);
    assert!(
        !small.is_empty()
            && small
                .iter()
                .all(|one| one["parameters"].as_u64() <= limit.parse().ok())
    );
    let why = refused(&place, &["top", "a", "--samples=10", "--max-params=1"]);
    assert!(
        why.contains("at most 1 parameters; the smallest has "),
        "{why}"
    );

    said(&place, &["retrain", "a", "--epochs=1", "--device=cpu"]);
    let why = refused(&place, &["top", "a/retrained-1"]);
    assert!(
        why.contains("the run a/retrained-1 has no shared weights to ask"),
        "{why}"
    );
    fs::create_dir(place.join("begun")).unwrap();
    fs::copy(place.join("a/config.toml"), place.join("begun/config.toml")).unwrap();
    let why = refused(&place, &["retrain", "begun"]);
    assert!(
        why.contains("the run begun has found nothing yet; go on with it: `supernet resume begun`"),
        "{why}"
    );

    // Data that have changed are divided otherwise.
    let (path, mut profile) = (place.join("a/data.json"), json(&place.join("a/data.json")));
    profile["fingerprint"] = "0123456789abcdef".into();
    fs::write(&path, profile.to_string()).unwrap();
    for arguments in [
        &["score", "a", "--genome=0 0 0 0 0 0"][..],
        &["top", "a"],
        &["retrain", "a"],
    ] {
        let why = refused(&place, &[arguments, &["--device=cpu"]].concat());
        assert!(
            why.contains("the data `digits` have changed since the run a began"),
            "{why}"
        );
    }
}

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
    let wanted = "the space `lstm` decides nothing, so there is nothing to search in it; `supernet retrain --space lstm`";
    assert!(one.contains(wanted), "{one}");
    assert!(!place.join("runs").exists());
    let many = refused(&place, &["retrain", "--space=enas-macro", "--device=cpu"]);
    let wanted =
        "the space `enas-macro` has more than one architecture: name one with `--genome FILE`";
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
        none.contains("has 0 numbers, and `enas-macro` with layers=3 asks 6 decisions"),
        "{none}"
    );
    let beside = refused(
        &place,
        &[&["retrain", "--versus-random=2"], &data[..], &batch].concat(),
    );
    assert!(
        beside.contains("there are no random architectures of it: leave out `--versus-random`"),
        "{beside}"
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

/// CIFAR-10 as it was published has a file with the names of its classes beside the images, which
/// makes it no text.
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
        evaluated.contains("of 20 images right") && evaluated.ends_with(", 8 ship, 9 truck\n"),
        "{evaluated}"
    );

    // With one image less the parts are others, and what was trained on may be in any of them.
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
        .contains("of 79 images right")
    );
}
