//! What-if questions to the shared weights of a run: `supernet score` and `supernet top`.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod support;

use std::fs;

use serde_json::Value;
use support::{json, refused, said, searched};

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
    // The same score as in the search.
    assert_eq!(
        (scores.len(), &scores[0], &scores[1]),
        (2, &json(&place.join("a/best/top.json"))[0], &scores[0])
    );
    assert!(
        refused(&place, &["score", "a", "--genome=1 2"])
            .contains("the architecture has 2 decisions, and the space of this run has 6")
    );
    assert!(refused(&place, &["score", "a", "--genome=9 9 9 9 9 9"]).starts_with("error: "));

    let top = |more: &[&str]| -> Vec<Value> {
        let arguments = [&["top", "a", "--device=cpu", "--json"], more].concat();
        serde_json::from_str(&said(&place, &arguments)).unwrap()
    };
    let all = top(&["--k=30", "--samples=10"]);
    assert!(all.len() > 10);
    let loss = |one: &Value| one["score"]["loss"].as_f64().unwrap();
    assert!(all.is_sorted_by(|a, b| loss(a) <= loss(b)));
    assert!(loss(&all[0]) <= loss(&scores[0]));
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

    // An architecture has the same names everywhere.
    let top = json(&place.join("a/best/top.json"));
    let second = top[1]["genome"].clone();
    let numbers: Vec<String> = (second.as_array().unwrap().iter())
        .map(ToString::to_string)
        .collect();
    let numbers = numbers.join(" ");
    let score = |genome: &str| {
        let genome = format!("--genome={genome}");
        said(&place, &["score", "a", "--device=cpu", &genome])
    };
    for name in ["a#2", "a/best/top.json#2"] {
        assert_eq!(score(name), score(&numbers), "{name}");
    }
    assert_eq!(score("a"), score("a/best/genome.json"));
    let why = refused(&place, &["score", "a", "--genome=a#11"]);
    assert!(
        why.contains("`a#11` names no architecture: a/best/top.json has "),
        "{why}"
    );
    let drawing = ["draw", "--genome=a#2", "--output=second.svg"];
    assert_eq!(said(&place, &drawing), "second.svg\n");
    let retrain = ["retrain", "--epochs=1", "--device=cpu"];
    let genome = format!("--genome={numbers}");
    for (run, names) in [
        ("--run=b", &["a#2"][..]),
        ("--run=c", &["a", &genome]),
        ("--run=d", &["--genome=a#2"]),
    ] {
        said(&place, &[&retrain[..], names, &[run]].concat());
        let result = json(&place.join(&run[6..]).join("best/retrained.json"));
        assert_eq!(result["networks"][0]["genome"], second, "{names:?}");
    }
    let why = refused(&place, &["retrain", "a", "--genome=1 2", "--device=cpu"]);
    assert!(
        why.contains(
            "the space of this run has 6: name one of that space, as `supernet top a` lists them"
        ),
        "{why}"
    );
    let model = said(&place, &["evaluate", "b/best/model", "--device=cpu"]);
    assert_eq!(said(&place, &["evaluate", "b", "--device=cpu"]), model);

    said(&place, &["retrain", "a", "--epochs=1", "--device=cpu"]);
    let why = refused(&place, &["top", "a/retrained-1"]);
    assert!(
        why.contains("the run a/retrained-1 has no shared weights"),
        "{why}"
    );
    fs::create_dir(place.join("begun")).unwrap();
    fs::copy(place.join("a/config.toml"), place.join("begun/config.toml")).unwrap();
    let why = refused(&place, &["retrain", "begun"]);
    assert!(
        why.contains("the run begun has found nothing yet; continue it: `supernet resume begun`"),
        "{why}"
    );

    // Changed data would be split differently.
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
