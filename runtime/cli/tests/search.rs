//! `supernet search`: its files, its log, and its data.

mod support;

use std::fs;

use support::{place, supernet, text};

const SHORT: [&str; 12] = [
    "search",
    "--epochs",
    "3",
    "--set",
    "derive.candidates=4",
    "--set",
    "derive.report=4",
    "--set",
    "selection.share=0",
    "--set",
    "retrain.budget=0.1",
    "--threads=2",
];

#[test]
fn a_search_leaves_its_result_in_a_fresh_folder_each_time() {
    let place = place("fresh");
    for number in 1..=2 {
        let output = supernet(&place, &SHORT);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let run = place.join(format!("runs/enas-macro-digits-{number}"));
        for file in [
            "best/genome.json",
            "best/architecture.svg",
            "best/top.json",
            "events.jsonl",
            "config.toml",
        ] {
            assert!(fs::metadata(run.join(file)).unwrap().len() > 0, "{file}");
        }
        let said = text(&output.stdout);
        let place = format!("runs/enas-macro-digits-{number}");
        for words in [
            "it is not their final accuracy",
            "random architectures",
            &place,
            "shared weights",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        // Standard error is not a terminal here, so there is no live line.
        let said = text(&output.stderr);
        let lines: Vec<&str> = said.lines().collect();
        assert!(
            lines[0].starts_with("On ") && lines[0].ends_with("MiB for weights and values."),
            "{said}"
        );
        let left_out = "training from scratch: 0 of 11 networks, as many as `retrain.budget` pays";
        assert!(lines.len() == 2 && lines[1].starts_with(left_out), "{said}");
    }
}

#[test]
fn evolution_searches_with_shared_weights_too() {
    let place = place("evolution");
    let evolution = [
        "--strategy=evolution",
        "--set=evolution.population=12",
        "--set=score.rollouts=6",
    ];
    let output = supernet(
        &place,
        &[
            &SHORT[..],
            &evolution,
            &["--set=score.updates=3", "--run=a", "--json"],
        ]
        .concat(),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let events: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["strategy"], "evolution");
    assert_eq!(
        events
            .iter()
            .filter(|event| event["event"] == "update")
            .count(),
        6
    );
    assert!(
        fs::metadata(place.join("a/best/genome.json"))
            .unwrap()
            .len()
            > 0
    );
    let config = fs::read_to_string(place.join("a/config.toml")).unwrap();
    assert!(
        config.contains("strategy = \"evolution\"") && config.contains("population = 12"),
        "{config}"
    );
}

#[test]
fn the_log_is_what_json_streams_and_the_config_repeats_the_search() {
    let place = place("json");
    let first = supernet(&place, &[&SHORT[..], &["--json", "--run", "a"]].concat());
    assert!(first.status.success(), "{}", text(&first.stderr));
    let log = fs::read_to_string(place.join("a/events.jsonl")).unwrap();
    // Incidents, such as a checkpoint, have their own log.
    let incidents = fs::read_to_string(place.join("a/incidents.jsonl")).unwrap();
    let streamed = text(&first.stdout);
    let (noted, did): (Vec<&str>, Vec<&str>) = streamed
        .lines()
        .partition(|line| line.contains("\"event\":\"saved\""));
    assert_eq!(
        (noted, did),
        (incidents.lines().collect(), log.lines().collect())
    );
    let events: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["event"], "started");
    let last: Vec<_> = events[events.len() - 3..]
        .iter()
        .map(|event| &event["event"])
        .collect();
    assert_eq!(last, ["ledger", "tested", "retrain_started"]);
    let config = fs::read_to_string(place.join("a/config.toml")).unwrap();
    let again = supernet(
        &place,
        &[
            "search",
            "--config",
            "a/config.toml",
            "--json",
            "--run",
            "b",
        ],
    );
    let without_times = |text: &str| -> Vec<serde_json::Value> {
        let mut events: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        events
            .iter_mut()
            .for_each(|event| drop(event.as_object_mut().unwrap().remove("at")));
        events
    };
    assert!(again.status.success(), "{}", text(&again.stderr));
    let repeated = fs::read_to_string(place.join("b/events.jsonl")).unwrap();
    assert_eq!(without_times(&repeated), without_times(&log));
    assert_eq!(
        fs::read_to_string(place.join("b/config.toml")).unwrap(),
        config
    );
    assert!(
        config.contains("epochs = 3")
            && config.contains("layers = 6")
            && !config.contains("updates = 0"),
        "{config}"
    );
}

#[test]
fn data_are_read_from_files_and_told_about() {
    let place = place("data");
    // A folder whose name is a number is a path nevertheless.
    fs::create_dir(place.join("7")).unwrap();
    let write = |name: &str, shape: &str, numbers: Vec<u8>| {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
        let begin = [
            b"\x93NUMPY\x01\0",
            &(header.len() as u16).to_le_bytes()[..],
            header.as_bytes(),
        ]
        .concat();
        fs::write(place.join("7").join(name), [begin, numbers].concat()).unwrap();
    };
    // Images of the second class are brighter.
    write(
        "images.npy",
        "(80, 4, 4)",
        (0..80 * 16)
            .map(|i| (i % 50 + i / 640 * 150) as u8)
            .collect(),
    );
    write("labels.npy", "(80,)", (0..80).map(|i| i / 40).collect());
    let small = [
        "--data",
        "7",
        "--set",
        "train.batch=8",
        "--set",
        "score.batch=8",
        "--set",
        "space.layers=2",
    ];
    let output = supernet(&place, &[&SHORT[..], &small].concat());
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.starts_with("reading 7 ... 80 images of 4x4x1, 2 classes, in "),
        "{said}"
    );
    let config = fs::read_to_string(place.join("runs/enas-macro-7-1/config.toml")).unwrap();
    assert!(
        config.contains("train = 0.6") && config.contains("/7\""),
        "{config}"
    );
    assert!(
        fs::metadata(place.join("runs/enas-macro-7-1/data.json"))
            .unwrap()
            .len()
            > 0
    );
    let one = supernet(&place, &["spaces", "--space", "enas-macro", "--data", "7"]);
    assert!(
        text(&one.stdout).contains("[4, 4, 1]") || text(&one.stdout).contains("[4,4,1]"),
        "{one:?}"
    );
    fs::write(place.join("7/labels.npy"), "").unwrap();
    let output = supernet(&place, &["search", "--data", "7"]);
    let said = text(&output.stderr);
    assert!(
        output.status.code() == Some(1)
            && said.contains("labels.npy, byte 0: a NumPy file begins with"),
        "{said}"
    );
}
