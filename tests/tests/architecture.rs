//! The rooms of the house, and which of them may know which: see `runtime/docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};

use supernet_tests::sources::{code, text, without_tests};

/// The rooms of crate `supernet`, the lowest first, each with the rooms that it may import.
const ROOMS: &[(&str, &[&str])] = &[
    ("config", &[]),
    ("device", &[]),
    ("results", &["config"]),
    ("space", &["config", "results"]),
    ("events", &["config", "results"]),
    ("training", &["results"]),
    ("storage", &["events", "space"]),
    ("model", &["space", "storage", "training"]),
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
    (
        "tools",
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
            "tabular",
            "training",
        ],
    ),
];

/// The crates of the workspace below its tests and examples, each with those that it may depend on.
const CRATES: &[(&str, &[&str])] = &[
    ("shaders", &[]),
    ("plugins/api", &[]),
    ("plugins/enas", &["supernet-plugin"]),
    ("plugins/enas/dylib", &["supernet-plugin", "supernet-enas"]),
    ("plugins/nasbench", &["supernet-plugin"]),
    (
        "plugins/nasbench/dylib",
        &["supernet-plugin", "supernet-nasbench"],
    ),
    ("plugins/darts", &["supernet-plugin"]),
    (
        "plugins/darts/dylib",
        &["supernet-plugin", "supernet-darts"],
    ),
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

/// The crates that the unit tests of any crate may use besides: the search spaces.
const FOR_TESTS: &[&str] = &["supernet-enas", "supernet-nasbench", "supernet-darts"];

fn room(file: &str) -> &str {
    file.split('/')
        .next()
        .unwrap_or(file)
        .trim_end_matches(".rs")
}

/// The modules at the root of the crate that the code of a file names: those that follow `crate::`,
/// or as many `super::` as lead out of the file's room.
fn imported(file: &str, code: &str) -> BTreeSet<String> {
    let word = |rest: &str| {
        rest.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let up = "super::".repeat(file.split('/').count());
    code.split("crate::")
        .skip(1)
        .chain(code.split(up.as_str()).skip(1))
        .map(word)
        .collect()
}

/// The arrows between rooms that files draw, each with one of its files.
fn arrows(files: &BTreeMap<String, String>) -> BTreeMap<(String, String), String> {
    let mut arrows = BTreeMap::new();
    for (file, text) in files.iter().filter(|(file, _)| *file != "lib.rs") {
        for to in imported(file, &code(text)) {
            if to != room(file) {
                arrows.insert((room(file).to_owned(), to), file.clone());
            }
        }
    }
    arrows
}

/// Every import of a room that is not allowed, in words.
fn wrong_arrows(files: &BTreeMap<String, String>) -> Vec<String> {
    let known = |name: &str| ROOMS.iter().find(|(room, _)| *room == name);
    let strange = files
        .keys()
        .filter(|file| *file != "lib.rs" && known(room(file)).is_none())
        .map(|file| {
            format!(
                "{file}: the room `{}` is not in the table of tests/tests/architecture.rs",
                room(file)
            )
        });
    let wrong = arrows(files)
        .into_iter()
        .filter(|((from, to), _)| {
            known(from).is_some_and(|(_, allowed)| !allowed.contains(&to.as_str()))
        })
        .map(|((from, to), file)| {
            format!(
                "{file}: `{from}` imports `{to}`, which is not a room below it; move what is imported down, or hand it over \
                 as an argument"
            )
        });
    strange.chain(wrong).collect()
}

#[test]
fn rooms_know_what_is_below_them_alone() {
    let files = without_tests("runtime/src");
    let wrong = wrong_arrows(&files);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The table allows nothing that is not needed.
    let drawn = arrows(&files);
    for (from, allowed) in ROOMS {
        for to in *allowed {
            assert!(
                drawn.contains_key(&((*from).to_owned(), (*to).to_owned())),
                "`{from}` imports nothing from `{to}` any more: take it out of the table"
            );
        }
    }
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
    let by_steps = wrong_arrows(&file("use super::super::search::Scheduler;"));
    assert_eq!(by_steps.len(), 1, "{by_steps:?}");
    assert_eq!(wrong_arrows(&file("use super::search::S;")), [""; 0]);
}

#[test]
fn crates_depend_on_what_is_below_them_alone() {
    let mut members: BTreeSet<String> = text("Cargo.toml")
        .lines()
        .find_map(|line| line.strip_prefix("members = "))
        .expect("the workspace has members")
        .split('"')
        .filter(|word| word.starts_with(char::is_alphabetic))
        .filter(|folder| !folder.starts_with("tests") && !folder.starts_with("examples"))
        .map(str::to_owned)
        .collect();
    for (folder, allowed) in CRATES {
        assert!(members.remove(*folder), "{folder} is not a member");
        let manifest = text(&format!("{folder}/Cargo.toml"));
        let mut section = "";
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']']);
            }
            // The table of a dependency, or its line in a table of dependencies.
            let name = match section.rsplit_once("dependencies.") {
                Some((_, name)) => name,
                None if section.ends_with("dependencies") => {
                    line.split(['.', ' ', '=']).next().unwrap_or_default()
                }
                None => continue,
            };
            let of_tests = section.contains("dev-dependencies");
            // The tests of the program share the helpers of the tests of everything.
            let helpers = (*folder, name) == ("runtime/cli", "supernet-tests");
            assert!(
                !name.starts_with("supernet")
                    || allowed.contains(&name)
                    || of_tests && (FOR_TESTS.contains(&name) || helpers),
                "{folder} depends on {name}, which is not below it"
            );
        }
    }
    assert!(members.is_empty(), "{members:?} are not in the table");
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
        for (file, text) in &without_tests(folder) {
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
fn the_page_names_the_rooms_in_their_order() {
    let architecture = text("runtime/docs/architecture.md");
    let mut before = 0;
    for (room, _) in ROOMS {
        let at = architecture
            .find(&format!("\n| `{room}`"))
            .unwrap_or_else(|| panic!("architecture.md does not name the room `{room}`"));
        assert!(at > before, "`{room}` stands too early in architecture.md");
        before = at;
    }
}
