//! The supergraphs that several tests share.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test is a crate, and takes what it needs"
)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use supernet_enas::{
    Macro, Micro, Recurrent, enas_macro, enas_micro, enas_micro_final, enas_recurrent,
};
use supernet_plugin::{Count, Published, Setting, Supergraph, find};

pub fn macro_graph(layers: usize, filters: u32, image: &[u32]) -> Supergraph {
    let config = Macro {
        layers,
        filters,
        skip_target: 0.4,
        image: image.to_vec(),
        classes: 10,
    };
    Supergraph::new(enas_macro(&config).unwrap()).unwrap()
}

pub fn micro(layers: usize, filters: u32) -> Micro {
    Micro {
        layers,
        filters,
        auxiliary: true,
        image: vec![32, 32, 3],
        classes: 10,
    }
}

pub fn micro_graph(layers: usize, filters: u32) -> Supergraph {
    Supergraph::new(enas_micro(&micro(layers, filters)).unwrap()).unwrap()
}

pub fn micro_final(layers: usize, filters: u32) -> Supergraph {
    Supergraph::new(enas_micro_final(&micro(layers, filters)).unwrap()).unwrap()
}

pub fn recurrent_graph(nodes: usize, hidden: u32, vocabulary: u32) -> Supergraph {
    Supergraph::new(
        enas_recurrent(&Recurrent {
            nodes,
            hidden,
            vocabulary,
            ..Recurrent::default()
        })
        .unwrap(),
    )
    .unwrap()
}

/// A published architecture with other settings than the published ones.
pub fn published(name: &str, settings: &[(&str, i64)]) -> (Supergraph, Vec<u32>) {
    let Published {
        space,
        settings: mut given,
        facts,
        genome,
        ..
    } = Published::find(name).unwrap();
    given.extend(
        settings
            .iter()
            .map(|(key, n)| ((*key).to_owned(), Setting::Int(*n))),
    );
    let entry = find(&space).unwrap();
    let space = entry
        .space(&entry.configure(&given, &facts).unwrap())
        .unwrap();
    (Supergraph::new(space).unwrap(), genome)
}

pub fn counts(graph: &Supergraph, genome: &[u32]) -> (u64, u64) {
    (
        graph.count(genome, Count::Live).unwrap(),
        graph.macs(genome).unwrap(),
    )
}
