//! Counts against published and independently computed figures.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;

use supernet_enas::{Macro, Micro, enas_macro, enas_macro_final, enas_micro, enas_micro_final};
use supernet_plugin::{Count, Op, Role, Supergraph};

use support::{counts, macro_graph, micro, micro_final, micro_graph, published, recurrent_graph};

/// The cells of the released code.
const PUBLISHED_CELLS: [u32; 40] = [
    0, 2, 0, 0, 0, 4, 0, 1, 0, 4, 1, 1, 1, 0, 0, 1, 0, 2, 1, 1, //
    1, 0, 1, 0, 0, 3, 0, 2, 1, 1, 3, 1, 1, 0, 0, 4, 0, 3, 1, 1,
];

/// Every operation is `op`, every skip is `skip`.
fn uniform_macro(graph: &Supergraph, op: u32, skip: u32) -> Vec<u32> {
    (0..graph.genome_len())
        .map(|d| if graph.choices(d) == 6 { op } else { skip })
        .collect()
}

#[test]
fn macro_supergraphs() {
    assert_eq!(macro_graph(12, 36, &[32, 32, 3]).total_params(), 697_860);
    assert_eq!(macro_graph(24, 36, &[32, 32, 3]).total_params(), 1_391_652);
    assert_eq!(macro_graph(6, 16, &[32, 32, 3]).total_params(), 72_784);
    assert_eq!(macro_graph(6, 16, &[8, 8, 1]).total_params(), 72_496);
}

#[test]
fn macro_children() {
    let graph = macro_graph(12, 36, &[32, 32, 3]);
    assert_eq!(
        counts(&graph, &uniform_macro(&graph, 0, 0)),
        (162_180, 71_083_368)
    );
    assert_eq!(
        counts(&graph, &uniform_macro(&graph, 0, 1)),
        (178_596, 73_074_024)
    );
    assert_eq!(
        counts(&graph, &uniform_macro(&graph, 3, 0)),
        (48_564, 20_183_400)
    );
    assert_eq!(
        counts(&graph, &uniform_macro(&graph, 5, 0)),
        (21_348, 8_377_704)
    );

    let graph = macro_graph(6, 16, &[8, 8, 1]);
    assert_eq!(
        counts(&graph, &uniform_macro(&graph, 0, 0)),
        (16_816, 444_576)
    );
    assert_eq!(
        counts(&graph, &uniform_macro(&graph, 2, 1)),
        (43_120, 1_144_992)
    );
    let mut genome = uniform_macro(&graph, 0, 0);
    (0..genome.len())
        .filter(|&d| graph.choices(d) == 6)
        .enumerate()
        .for_each(|(op, d)| genome[d] = op as u32);
    assert_eq!(counts(&graph, &genome), (12_688, 343_456));
}

#[test]
fn micro_supergraphs_and_children() {
    assert_eq!(micro_graph(3, 8).total_params(), 757_480);
    assert_eq!(micro_graph(15, 36).total_params(), 31_587_228);
    let graph = micro_graph(6, 20);
    assert_eq!(graph.total_params(), 5_373_140);
    assert_eq!(counts(&graph, &[0; 40]), (748_340, 107_029_280));
    assert_eq!(counts(&graph, &PUBLISHED_CELLS), (529_300, 81_101_600));
}

#[test]
fn the_published_micro_network_has_the_published_size() {
    let graph = micro_final(15, 36);
    assert_eq!(counts(&graph, &PUBLISHED_CELLS), (3_894_372, 620_907_552));
    // For training it has the auxiliary head: five parts of 144 channels by 1x1 to 128, 2x2 to 768,
    // both normalised, ten classes.
    let (used, trained) = (
        graph.child(&PUBLISHED_CELLS).unwrap(),
        graph.child_in_training(&PUBLISHED_CELLS).unwrap(),
    );
    let head = 5 * 144 * 128 + 2 * 128 + 4 * 128 * 768 + 2 * 768 + 768 * 10;
    assert_eq!(trained.count() - used.count(), head);
    assert_eq!([used.outputs().len(), trained.outputs().len()], [1, 2]);
    let outputs = |role| trained.outputs_as(role).collect::<Vec<_>>();
    assert_eq!(
        (outputs(Role::Logits).len(), outputs(Role::Auxiliary).len()),
        (1, 1)
    );
    // Drop-path on all ops but the two identities of the normal cell and the one of the reduction
    // cell.
    let depths: Vec<f32> = (0..used.len())
        .filter_map(|i| {
            if let Op::DropPath { depth } = used.op_node(i).op {
                Some(depth)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(depths.len(), 15 * 8 + 2 * 9);
    assert_eq!((depths[0], depths[depths.len() - 1]), (1.0 / 17.0, 1.0));
}

#[test]
fn both_forms_of_micro_ask_the_same() {
    let (search, last) = (micro_graph(6, 20), micro_final(15, 36));
    assert_eq!(search.space().decisions, last.space().decisions);
    assert_eq!(search.plan(), last.plan());
    for auxiliary in [false, true] {
        for layers in 1..=4 {
            for image in [vec![4, 4, 1], vec![5, 9, 2], vec![28, 28, 1]] {
                let config = Micro {
                    layers,
                    filters: 4,
                    auxiliary,
                    image,
                    classes: 3,
                };
                let graph = Supergraph::new(enas_micro_final(&config).unwrap()).unwrap();
                assert_eq!(
                    graph.child_in_training(&[0; 40]).unwrap().outputs().len(),
                    1 + usize::from(auxiliary)
                );
            }
        }
    }
}

#[test]
fn recurrent_supergraphs_and_children() {
    for (nodes, hidden, vocabulary, total) in [
        (12, 200, 10_000, 7_440_000),
        (4, 16, 65, 5_136),
        (2, 8, 65, 904),
    ] {
        let graph = recurrent_graph(nodes, hidden, vocabulary);
        assert_eq!(graph.total_params(), total);
        let (n, h, v) = (nodes as u64, u64::from(hidden), u64::from(vocabulary));
        let child = graph
            .count(&vec![0; graph.genome_len()], Count::Live)
            .unwrap();
        assert_eq!(child, v * h + 4 * h * h + (n - 1) * 2 * h * h);
    }
    let graph = recurrent_graph(12, 200, 10_000).with_time(35);
    assert_eq!(counts(&graph, &[0; 23]), (3_040_000, 106_400_000));
    let child = |nodes, hidden| {
        let graph = recurrent_graph(nodes, hidden, 10_000);
        graph
            .count(&vec![0; graph.genome_len()], Count::Live)
            .unwrap()
    };
    assert_eq!(child(12, 748), 22_027_104);
    assert_eq!(child(9, 800), 20_800_000);
}

#[test]
fn final_networks_of_the_released_scripts() {
    for (filters, params) in [(96, 42_559_392), (64, 18_927_552), (36, 5_997_852)] {
        let (graph, genome) = published("enas-macro", &[("filters", filters)]);
        assert_eq!(counts(&graph, &genome).0, params, "{filters} filters");
    }
    let (graph, genome) = published("enas-macro", &[]);
    assert_eq!(counts(&graph, &genome), (42_559_392, 5_646_094_080));
    let (graph, genome) = published("enas-micro", &[]);
    assert_eq!(counts(&graph, &genome), (3_894_372, 620_907_552));
    let (graph, genome) = published("enas-recurrent", &[]);
    assert_eq!(counts(&graph, &genome).0, 22_027_104);
}

#[test]
fn random_genomes_of_the_final_macro_network_match_the_oracle() {
    let (total, children): (u64, Vec<(Vec<u32>, u64, u64)>) =
        serde_json::from_str(include_str!("fixtures/macro_final.json")).unwrap();
    let config = Macro {
        layers: 7,
        filters: 8,
        skip_target: 0.4,
        image: vec![16, 16, 3],
        classes: 10,
    };
    let graph = Supergraph::new(enas_macro_final(&config).unwrap()).unwrap();
    assert_eq!(graph.total_params(), total);
    for (genome, params, macs) in children {
        assert_eq!(counts(&graph, &genome), (params, macs), "{genome:?}");
    }
}

#[test]
fn both_forms_decide_the_same() {
    let config = Macro {
        layers: 5,
        filters: 4,
        skip_target: 0.4,
        image: vec![8, 8, 1],
        classes: 10,
    };
    let micro = micro(3, 4);
    for (search, last) in [
        (enas_macro(&config), enas_macro_final(&config)),
        (enas_micro(&micro), enas_micro_final(&micro)),
    ] {
        let (search, last) = (search.unwrap(), last.unwrap());
        assert_eq!(
            (&search.decisions, &search.plan),
            (&last.decisions, &last.plan),
            "{}",
            search.name
        );
        assert_eq!(search.name, last.name);
        let graph = Supergraph::new(last).unwrap();
        for genome in [0, 1].map(|choice| vec![choice; graph.genome_len()]) {
            graph.child(&genome).unwrap();
        }
    }
}

/// `[genome, canonical, live params, MACs, live nodes]`, as counted by an independent program.
type Row = (Vec<u32>, Vec<u32>, u64, u64, usize);

/// Parameters of the supergraph, genomes, children.
type Oracle = (u64, String, Vec<Row>);

#[test]
fn random_genomes_match_the_oracle() {
    let oracle: BTreeMap<String, Oracle> =
        serde_json::from_str(include_str!("fixtures/oracle.json")).unwrap();
    for (name, (total, raw, children)) in oracle {
        let graph = match name.as_str() {
            "macro_6x16" => macro_graph(6, 16, &[8, 8, 1]),
            "macro_12x36" => macro_graph(12, 36, &[32, 32, 3]),
            "micro_6x20" => micro_graph(6, 20),
            "micro_3x8" => micro_graph(3, 8),
            "recurrent_12x200" => recurrent_graph(12, 200, 10_000).with_time(35),
            "recurrent_4x16" => recurrent_graph(4, 16, 65).with_time(35),
            other => panic!("no space for {other}"),
        };
        assert_eq!(graph.total_params(), total, "{name}");
        assert_eq!(
            graph.size().exact().map(|size| size.to_string()),
            Some(raw),
            "{name}"
        );
        for (genome, canonical, params, macs, nodes) in children {
            assert_eq!(counts(&graph, &genome), (params, macs), "{name} {genome:?}");
            let child = graph.child(&genome).unwrap();
            assert_eq!(
                (child.count(), child.macs()),
                (params, macs),
                "{name} {genome:?}"
            );
            if name.starts_with("recurrent") {
                // The oracle leaves the decisions of the body out of its canonical genome, and has
                // one more input.
                assert_eq!(graph.canonical(&genome).unwrap(), genome);
            } else {
                assert_eq!(graph.canonical(&genome).unwrap(), canonical, "{name}");
                assert_eq!(child.len(), nodes, "{name} {genome:?}");
            }
        }
    }
}
