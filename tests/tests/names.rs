//! Names that must be unique, explained, or used by tests alone.

use std::collections::BTreeMap;

use supernet_tests::sources::{code, text, without_tests};

#[test]
fn streams_for_tests_serve_tests_alone() {
    for folder in [
        "runtime/engine/src",
        "runtime/data/src",
        "runtime/strategy/src",
        "runtime/src",
    ] {
        for (file, text) in &without_tests(folder) {
            let used = code(text).contains("RngStream::Test(");
            assert!(!used, "{folder}/{file} draws from a stream for tests");
        }
    }
}

/// Names of the public types that are defined in files.
fn public_types(files: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut types = Vec::new();
    for (file, text) in files {
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

/// Names that crate `supernet` shares with its module `plugin`, where they stand for the same idea
/// of a space, and for the tables of the binary interface and of a benchmark.
const SHARED: &[&str] = &["Config", "ConfigError", "Table"];

#[test]
fn no_public_type_name_is_defined_twice() {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for folder in [
        "runtime/src",
        "runtime/data/src",
        "runtime/strategy/src",
        "runtime/draw/src",
        "runtime/engine/src/device",
        "plugins/api/src",
    ] {
        for (name, file) in public_types(&without_tests(folder)) {
            let file = format!("{folder}/{file}");
            let shared = SHARED.contains(&name.as_str()) && folder == "plugins/api/src";
            if let Some(first) = known.insert(name.clone(), file.clone())
                && !shared
            {
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
fn the_glossary_explains_the_names_at_the_root() {
    let glossary = text("runtime/docs/glossary.md");
    let front = text("runtime/src/lib.rs");
    let (_, names) = glossary
        .split_once("Names at the root")
        .expect("the glossary has a table of the names at the root");
    for row in names.lines().filter_map(|line| line.strip_prefix("| `")) {
        let name = row.split('`').next().unwrap_or_default();
        let at_the_root = front.lines().any(|line| {
            let line = line
                .strip_prefix("pub mod ")
                .or(line.strip_prefix("pub use "));
            line.is_some_and(|line| {
                line.split(|c: char| !c.is_alphanumeric() && c != '_')
                    .any(|word| word == name)
            })
        });
        assert!(
            at_the_root,
            "glossary.md says that `{name}` stands at the root"
        );
    }
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
