//! The rooms of the house, and which of them may know which: see `runtime/docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};

use supernet_tests::sources::{code, is_test, sources, text};

/// The rooms of crate `supernet`, the lowest first, each with the rooms that it may import.
const ROOMS: &[(&str, &[&str])] = &[
    ("config", &[]),
    ("device", &[]),
    ("results", &["config"]),
    ("space", &["config", "results"]),
    ("events", &["config", "results"]),
    ("training", &["results"]),
    ("storage", &["events", "space"]),
    ("model", &["results", "space", "storage", "training"]),
    (
        "experiment",
        &[
            "config", "events", "results", "space", "storage", "training",
        ],
    ),
    (
        "search",
        &[
            "config",
            "events",
            "experiment",
            "model",
            "results",
            "space",
            "storage",
            "training",
        ],
    ),
    (
        "retrain",
        &[
            "config",
            "events",
            "experiment",
            "model",
            "results",
            "space",
            "storage",
            "training",
        ],
    ),
    ("tabular", &["config", "experiment", "results"]),
    (
        "error",
        &[
            "config",
            "experiment",
            "model",
            "results",
            "retrain",
            "search",
            "space",
            "storage",
            "tabular",
            "training",
        ],
    ),
    (
        "tools",
        &[
            "config",
            "error",
            "events",
            "experiment",
            "results",
            "search",
            "space",
            "storage",
            "training",
        ],
    ),
    (
        "runner",
        &[
            "config",
            "error",
            "events",
            "experiment",
            "results",
            "retrain",
            "search",
            "space",
            "storage",
            "training",
        ],
    ),
];

/// The crates of the workspace that are published, each with those of them that it may depend on.
const CRATES: &[(&str, &[&str])] = &[
    ("shaders", &[]),
    ("plugins/api", &[]),
    ("plugins/enas", &["supernet-plugin"]),
    ("plugins/nasbench", &["supernet-plugin"]),
    ("plugins/darts", &["supernet-plugin", "supernet-enas"]),
    ("runtime/draw", &["supernet-plugin"]),
    ("runtime/data", &["supernet-plugin", "supernet-shaders"]),
    ("runtime/strategy", &["supernet-plugin", "supernet-shaders"]),
    ("runtime/engine", &["supernet-plugin", "supernet-shaders"]),
    (
        "runtime",
        &[
            "supernet-data",
            "supernet-draw",
            "supernet-engine",
            "supernet-plugin",
            "supernet-shaders",
            "supernet-strategy",
        ],
    ),
    ("runtime/testkit", &["supernet"]),
    (
        "runtime/cli",
        &[
            "supernet",
            "supernet-enas",
            "supernet-nasbench",
            "supernet-darts",
        ],
    ),
];

fn room(file: &str) -> &str {
    file.split('/')
        .next()
        .unwrap_or(file)
        .trim_end_matches(".rs")
}

/// The words that follow `crate::` in the code of a file.
fn imported(code: &str) -> BTreeSet<String> {
    let word = |rest: &str| {
        rest.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    code.split("crate::").skip(1).map(word).collect()
}

/// Every import of a room that is not allowed, in words.
fn wrong_arrows(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, text) in files
        .iter()
        .filter(|(file, _)| *file != "lib.rs" && !is_test(file))
    {
        let from = room(file);
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == from) else {
            wrong.push(format!(
                "{file}: the room `{from}` is not in the table of tests/tests/architecture.rs"
            ));
            continue;
        };
        for to in imported(&code(text)) {
            if to != from && !allowed.contains(&to.as_str()) {
                wrong.push(format!(
                    "{file}: `{from}` imports `{to}`, which is no room below it; move what is imported down, or hand it \
                     over as an argument"
                ));
            }
        }
    }
    wrong
}

#[test]
fn rooms_know_what_is_below_them_alone() {
    let wrong = wrong_arrows(&sources("runtime/src"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_arrow_up() {
    for (at, (room, allowed)) in ROOMS.iter().enumerate() {
        for to in *allowed {
            let below = ROOMS[..at].iter().any(|(name, _)| name == to);
            assert!(
                below,
                "`{room}` may import `{to}`, which does not stand before it"
            );
        }
    }
}

#[test]
fn an_arrow_up_is_found() {
    let file = |text: &str| BTreeMap::from([("storage/recorder.rs".to_owned(), text.to_owned())]);
    assert_eq!(wrong_arrows(&file("use crate::events::Event;")), [""; 0]);
    let up = wrong_arrows(&file("use crate::search::Scheduler;"));
    assert!(
        up.len() == 1 && up[0].contains("`storage` imports `search`"),
        "{up:?}"
    );
    let in_an_expression = wrong_arrows(&file("fn f() { crate::runner::handle::g() }"));
    assert_eq!(in_an_expression.len(), 1, "{in_an_expression:?}");
    let strange = wrong_arrows(&BTreeMap::from([("utils.rs".to_owned(), String::new())]));
    assert!(strange[0].contains("not in the table"), "{strange:?}");
    assert_eq!(wrong_arrows(&file("// crate::search is above")), [""; 0]);
}

#[test]
fn crates_depend_on_what_is_below_them_alone() {
    for (folder, allowed) in CRATES {
        let manifest = text(&format!("{folder}/Cargo.toml"));
        let mut section = "";
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line;
            }
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if section == "[dependencies]" && name.starts_with("supernet") {
                assert!(
                    allowed.contains(&name),
                    "{folder} depends on {name}, which is not below it"
                );
            }
        }
    }
}

#[test]
fn what_decides_knows_no_clock_no_thread_and_no_gpu() {
    // Where, and what must not be named there.
    let rules: &[(&str, &[&str], &[&str])] = &[
        ("shaders/src", &[""], &["wgpu"]),
        (
            "runtime/strategy/src",
            &[""],
            &[
                "Instant",
                "SystemTime",
                "std::env",
                "std::thread",
                "tokio",
                "ractor",
                "wgpu",
            ],
        ),
        (
            "runtime/src",
            &[
                "search",
                "training",
                "results",
                "events",
                "config",
                "experiment",
                "model",
                "tabular",
                "space",
            ],
            &["std::env", "std::thread", "tokio", "ractor", "wgpu"],
        ),
        ("runtime/src", &["search"], &["Instant", "SystemTime"]),
        ("runtime/engine/src", &[""], &["tokio", "ractor"]),
        ("runtime/data/src", &[""], &["tokio", "ractor", "wgpu"]),
    ];
    for (folder, rooms, words) in rules {
        for (file, text) in sources(folder).iter().filter(|(file, _)| !is_test(file)) {
            if rooms
                .iter()
                .any(|name| name.is_empty() || *name == room(file))
            {
                let code = code(text);
                for word in *words {
                    assert!(!code.contains(word), "{folder}/{file} names `{word}`");
                }
            }
        }
    }
}

#[test]
fn streams_for_tests_serve_tests_alone() {
    for folder in [
        "runtime/engine/src",
        "runtime/data/src",
        "runtime/strategy/src",
        "runtime/src",
    ] {
        for (file, text) in sources(folder).iter().filter(|(file, _)| !is_test(file)) {
            let used = code(text).contains("RngStream::Test(");
            let of_tests = file.ends_with("policy_tests.rs");
            assert!(
                !used || of_tests,
                "{folder}/{file} draws from a stream for tests"
            );
        }
    }
}

/// Names of the public types that are defined in files.
fn public_types(files: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut types = Vec::new();
    for (file, text) in files.iter().filter(|(file, _)| !is_test(file)) {
        for line in text.lines() {
            let of_kind = ["pub struct ", "pub enum ", "pub trait ", "pub type "]
                .iter()
                .find_map(|kind| line.strip_prefix(kind));
            if let Some(rest) = of_kind {
                let name = rest
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                types.push((name, file.clone()));
            }
        }
    }
    types
}

#[test]
fn no_public_type_name_is_defined_twice() {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for folder in [
        "runtime/src",
        "runtime/data/src",
        "runtime/strategy/src",
        "runtime/draw/src",
    ] {
        for (name, file) in public_types(&sources(folder)) {
            let file = format!("{folder}/{file}");
            if let Some(first) = known.insert(name.clone(), file.clone()) {
                panic!(
                    "`{name}` is defined in {first} and in {file}: give one of them a name that tells them apart"
                );
            }
        }
    }
    assert!(
        known.contains_key("Experiment") && known.contains_key("Dataset"),
        "{known:?}"
    );
}

#[test]
fn the_pages_name_every_room_and_every_word_of_the_front() {
    let page = |name: &str| text(&format!("runtime/docs/{name}"));
    let architecture = page("architecture.md");
    for (room, _) in ROOMS {
        assert!(
            architecture.contains(&format!("`{room}")),
            "architecture.md does not name the room `{room}`"
        );
    }
    let glossary = page("glossary.md");
    let front = text("runtime/src/lib.rs");
    for line in front.lines().filter(|line| line.starts_with("pub use ")) {
        let items = line
            .rsplit("::")
            .next()
            .unwrap_or(line)
            .trim_matches(['{', '}', ';', ' ']);
        for item in items
            .split(',')
            .map(str::trim)
            .filter(|item| item.starts_with(char::is_uppercase))
        {
            assert!(
                glossary.contains(&format!("`{item}`")),
                "glossary.md does not explain `{item}`"
            );
        }
    }
}
