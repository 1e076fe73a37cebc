//! The gradient of a path's weights in the spaces that are shipped, against finite differences.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../api/tests/differences/mod.rs"]
mod differences;

use differences::{hold, mixed};
use supernet_darts as _;
use supernet_enas as _;
use supernet_plugin::{Facts, Setting, Supergraph};

fn space(name: &str, settings: &[(&str, i64)], facts: &Facts) -> Supergraph {
    let settings = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Setting::Int(*value)))
        .collect();
    let entry = supernet_plugin::find(name).unwrap();
    let config = entry.configure(&settings, facts).unwrap();
    Supergraph::new(entry.space(&config).unwrap()).unwrap()
}

#[test]
fn every_kind_of_decision_of_the_shipped_spaces() {
    let images = Facts::images(&[16, 16, 3], 10);
    for (name, settings) in [
        ("darts", [("cells", 3), ("channels", 4)].as_slice()),
        ("darts", &[("cells", 3), ("channels", 4), ("partial", 2)]),
        ("enas-macro", &[("layers", 4), ("filters", 4)]),
        ("enas-micro", &[("layers", 1), ("filters", 4)]),
    ] {
        let graph = space(name, settings, &images);
        hold(&graph, &mixed(&graph, 1, 1), 60);
        hold(&graph, &mixed(&graph, 2, 2), 30);
    }
    let cell = space("enas-recurrent", &[("nodes", 4)], &Facts::text(50));
    hold(&cell, &mixed(&cell, 1, 1), 60);
}
