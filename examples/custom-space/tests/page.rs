//! The page `plugins/WRITING.md` quotes this crate and, for published architectures, which this
//! crate does not have, the ENAS spaces. Its quotes must match the source, and the space that it
//! shows must be valid.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use supernet_plugin::{SearchSpace, Supergraph};

/// A file of the repository.
fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap()
}

/// The code blocks of the page in one language.
fn blocks(language: &str) -> Vec<String> {
    let page = read("plugins/WRITING.md");
    let fence = format!("```{language}\n");
    page.split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn what_it_quotes_is_here() {
    let here = ["src/lib.rs", "src/cpu.rs", "ops/mish.wgsl", "ops/gate.wgsl"];
    let here = here.map(|file| read(&format!("examples/custom-space/{file}")));
    let here = [&here[..], &[read("plugins/enas/src/lib.rs")]].concat();
    let quoted = [blocks("rust"), blocks("wgsl")].concat();
    assert!(quoted.len() >= 10);
    for block in quoted {
        assert!(
            here.iter().any(|text| text.contains(&block)),
            "not in the example:\n{block}"
        );
    }
}

#[test]
fn its_json_is_a_space() {
    let [json] = blocks("json").try_into().unwrap();
    let graph = Supergraph::new(SearchSpace::from_json(&json).unwrap()).unwrap();
    assert_eq!(graph.size().to_string(), "2");
}
