//! Counts against published and independently computed figures.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use supernet_darts::{Cells, Darts, Form, cells, darts};
use supernet_plugin::{Count, Facts, Path, Pick, Published, Setting, Supergraph, find, published};

fn edges(cells: usize, channels: u32, form: Form, image: &[u32]) -> Supergraph {
    let config = Darts {
        cells,
        channels,
        form,
        image: image.to_vec(),
        classes: 10,
    };
    Supergraph::new(darts(&config).unwrap()).unwrap()
}

fn pairs(cells_: usize, channels: u32, concat: [&[u32]; 2]) -> Supergraph {
    let concat = concat.map(<[u32]>::to_vec);
    let (image, form) = (vec![32, 32, 3], Form::Final);
    Supergraph::new(
        cells(&Cells {
            cells: cells_,
            channels,
            form,
            nodes: 5,
            concat,
            image,
            classes: 10,
        })
        .unwrap(),
    )
    .unwrap()
}

fn counts(graph: &Supergraph, genome: &[u32]) -> (u64, u64) {
    graph.check(genome).unwrap();
    (
        graph.count(genome, Count::Live).unwrap(),
        graph.macs(genome).unwrap(),
    )
}

/// A published architecture in a network of another size.
fn architecture(name: &str, cells: i64, channels: i64) -> (u64, u64) {
    let Published {
        space,
        mut settings,
        facts,
        genome,
        ..
    } = Published::find(name).unwrap();
    settings.insert("cells".to_owned(), Setting::Int(cells));
    settings.insert("channels".to_owned(), Setting::Int(channels));
    let entry = find(&space).unwrap();
    let space = entry
        .space(&entry.configure(&settings, &facts).unwrap())
        .unwrap();
    counts(&Supergraph::new(space).unwrap(), &genome)
}

#[test]
fn published_architectures() {
    let names: Vec<String> = published()
        .unwrap()
        .into_iter()
        .map(|published| published.name)
        .collect();
    assert_eq!(names, ["amoebanet-a", "darts-v1", "darts-v2", "nasnet-a"]);
    assert_eq!(architecture("darts-v2", 20, 36), (3_349_342, 528_359_040));
    assert_eq!(architecture("darts-v1", 20, 36).0, 3_169_414);
    assert_eq!(architecture("darts-v2", 8, 16).0, 246_106);
    assert_eq!(architecture("darts-v2", 14, 16).0, 478_394);
    assert_eq!(architecture("darts-v2", 20, 20).0, 1_082_830);
    assert_eq!(architecture("darts-v2", 8, 36).0, 1_154_926);
    assert_eq!(architecture("nasnet-a", 20, 36).0, 3_830_950);
    assert_eq!(architecture("amoebanet-a", 20, 36).0, 3_145_078);
}

#[test]
fn cells_of_pairs_are_those_of_edges() {
    for name in ["darts-v1", "darts-v2"] {
        let Published {
            notation,
            facts,
            mut settings,
            ..
        } = Published::find(name).unwrap();
        let genotype: supernet_darts::Genotype = notation.parse().unwrap();
        settings.extend(genotype.settings());
        let entry = find("cells").unwrap();
        let space = entry
            .space(&entry.configure(&settings, &facts).unwrap())
            .unwrap();
        let graph = Supergraph::new(space).unwrap();
        assert_eq!(
            counts(&graph, &genotype.pairs().unwrap()),
            architecture(name, 20, 36),
            "{name}"
        );
    }
}

#[test]
fn the_network_of_the_search() {
    let graph = edges(8, 16, Form::Search, &[32, 32, 3]);
    assert_eq!((graph.genome_len(), graph.total_params()), (28, 1_930_618));
    let all = |_| Pick::Mix {
        choices: (0..8).collect(),
        weights: vec![0.125; 8],
        rows: 1,
        gradient: true,
    };
    let everything = Path {
        picks: (0..28).map(all).collect(),
        at: Vec::new(),
    };
    let everything = graph.relaxed(&everything).unwrap();
    assert_eq!(
        (everything.network().count(), everything.network().macs()),
        (1_930_618, 300_255_744)
    );
}

/// Parameters of the supergraph, if they were counted; `[genome, live params, MACs]`, as counted by
/// an independent program. That program treats all kernels as square when it counts MACs, so MACs
/// are left out where a kernel is not.
type Oracle = (u64, Vec<(Vec<u32>, u64, Option<u64>)>);

#[test]
fn random_genomes_match_the_oracle() {
    let oracle: BTreeMap<String, Oracle> =
        serde_json::from_str(include_str!("fixtures/oracle.json")).unwrap();
    for (name, (total, children)) in oracle {
        let graph = match name.as_str() {
            "darts_search_8x4" => edges(4, 8, Form::Search, &[32, 32, 3]),
            "darts_final_8x8" => edges(8, 8, Form::Final, &[32, 32, 3]),
            "darts_final_6x5" => edges(5, 6, Form::Final, &[17, 13, 1]),
            "cells_8x6" => pairs(6, 8, [&[2, 4, 6], &[3, 4, 5, 6]]),
            other => panic!("no space for {other}"),
        };
        assert!(total == 0 || graph.total_params() == total, "{name}");
        for (genome, params, macs) in children {
            let (ours, our_macs) = counts(&graph, &genome);
            assert_eq!(
                (ours, macs.unwrap_or(our_macs)),
                (params, our_macs),
                "{name} {genome:?}"
            );
        }
    }
}

fn draw(state: &mut u64) -> impl FnMut(&[f32]) -> usize {
    move |weights: &[f32]| {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mut at = (*state >> 40) as f32 / (1 << 24) as f32 * weights.iter().sum::<f32>();
        for (i, weight) in weights.iter().enumerate() {
            at -= weight;
            if at < 0.0 {
                return i;
            }
        }
        weights.len() - 1
    }
}

#[test]
fn a_node_keeps_two_edges_and_any_two() {
    let graph = edges(3, 4, Form::Search, &[8, 8, 1]);
    let mut state = 3;
    let mut kept = BTreeMap::new();
    for _ in 0..500 {
        let genome = graph.sample(&mut draw(&mut state)).unwrap();
        graph.check(&genome).unwrap();
        // The last node of the normal cell reads any two of five values.
        *kept
            .entry(genome[9..14].iter().map(|op| *op > 0).collect::<Vec<_>>())
            .or_insert(0) += 1;
    }
    assert_eq!(kept.len(), 10, "every pair of edges is met");
    assert!(kept.values().all(|count| *count >= 15), "{kept:?}");
    let said = graph.check(&[4; 28]).unwrap_err().to_string();
    assert_eq!(
        said,
        "the space refuses this genome: node n0 of the reduce cell must keep two of its edges, and have `none` on the others."
            .replace("n0 of the reduce", "n1 of the normal")
    );
}

#[test]
fn both_forms_decide_the_same() {
    let [search, last] =
        [Form::Search, Form::Final].map(|form| edges(3, 4, form, &[8, 8, 1]).space().clone());
    assert_eq!(
        (search.decisions, search.require, search.groups),
        (last.decisions, last.require, last.groups)
    );
}

#[test]
fn a_config_that_cannot_work_gets_a_sentence() {
    let said = |name: &str, settings: &[(&str, Setting)]| {
        let given = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        let entry = find(name).unwrap();
        let config = entry
            .configure(&given, &Facts::images(&[8, 8, 1], 10))
            .unwrap();
        entry.space(&config).map(|_| ()).unwrap_err().to_string()
    };
    let list = |values: &[u32]| Setting::from(values);
    assert_eq!(
        said(
            "cells",
            &[("nodes", Setting::Int(4)), ("normal_concat", list(&[2, 6]))]
        ),
        "`normal_concat` names 6, and a cell of 4 nodes has 2 to 5."
    );
    assert_eq!(
        said("cells", &[("reduce_concat", list(&[3, 3]))]),
        "`reduce_concat` names 3 twice."
    );
    let config = Darts {
        cells: 0,
        channels: 4,
        form: Form::Final,
        image: vec![8, 8, 1],
        classes: 10,
    };
    darts(&config).unwrap_err();
    darts(&Darts {
        cells: 1,
        channels: u32::MAX,
        ..config.clone()
    })
    .unwrap_err();
    for cells in 1..=9 {
        Supergraph::new(
            darts(&Darts {
                cells,
                ..config.clone()
            })
            .unwrap(),
        )
        .unwrap();
    }
}
