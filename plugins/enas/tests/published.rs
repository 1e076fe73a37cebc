//! Counts against published and independently computed figures.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use supernet_enas::{
    Macro, Micro, Recurrent, enas_macro, enas_macro_final, enas_micro, enas_micro_final,
    enas_recurrent, flat,
};
use supernet_plugin::{Count, How, Op, Published, Role, Setting, Supergraph, find};

fn macro_graph(layers: usize, filters: u32, image: &[u32]) -> Supergraph {
    let config = Macro {
        layers,
        filters,
        skip_target: 0.4,
        image: image.to_vec(),
        classes: 10,
    };
    Supergraph::new(enas_macro(&config).unwrap()).unwrap()
}

fn micro(layers: usize, filters: u32) -> Micro {
    Micro {
        layers,
        filters,
        auxiliary: true,
        image: vec![32, 32, 3],
        classes: 10,
    }
}

fn micro_graph(layers: usize, filters: u32) -> Supergraph {
    Supergraph::new(enas_micro(&micro(layers, filters)).unwrap()).unwrap()
}

fn micro_final(layers: usize, filters: u32) -> Supergraph {
    Supergraph::new(enas_micro_final(&micro(layers, filters)).unwrap()).unwrap()
}

/// The cells of the released code.
const PUBLISHED_CELLS: [u32; 40] = [
    0, 2, 0, 0, 0, 4, 0, 1, 0, 4, 1, 1, 1, 0, 0, 1, 0, 2, 1, 1, //
    1, 0, 1, 0, 0, 3, 0, 2, 1, 1, 3, 1, 1, 0, 0, 4, 0, 3, 1, 1,
];

fn recurrent_graph(nodes: usize, hidden: u32, vocabulary: u32) -> Supergraph {
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

/// A published architecture with other settings than it was published with.
fn published(name: &str, settings: &[(&str, i64)]) -> (Supergraph, Vec<u32>) {
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

/// Every operation is `op`, every skip is `skip`.
fn uniform_macro(graph: &Supergraph, op: u32, skip: u32) -> Vec<u32> {
    (0..graph.genome_len())
        .map(|d| if graph.choices(d) == 6 { op } else { skip })
        .collect()
}

fn counts(graph: &Supergraph, genome: &[u32]) -> (u64, u64) {
    (
        graph.count(genome, Count::Live).unwrap(),
        graph.macs(genome).unwrap(),
    )
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
    // In training it has the auxiliary head: five parts of 144 channels by 1x1 to 128, 2x2 to 768,
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

#[test]
fn what_others_list_is_what_comes_along() {
    let path =
        std::env::var_os("SUPERNET_DATA").map(|root| PathBuf::from(root).join("architectures"));
    let text = path
        .and_then(|path| std::fs::read_to_string(path.join("published_architectures.json")).ok());
    let Some(text) = text else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "SUPERNET_DATA must name the folder that holds `architectures`"
        );
        return println!("skipped: no data");
    };
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let genome = |name| Published::find(name).unwrap().genome;
    let read = |value: &serde_json::Value| flat::read(&value.to_string()).unwrap();
    assert_eq!(
        read(&listed["enas_macro_cifar10"]["genome"]),
        genome("enas-macro")
    );
    let micro = &listed["enas_micro_cifar10"];
    assert_eq!(
        [read(&micro["normal"]), read(&micro["reduce"])].concat(),
        genome("enas-micro")
    );
    assert_eq!(
        read(&listed["enas_rnn_ptb"]["genome"]),
        genome("enas-recurrent")
    );
}

#[test]
fn flat_lists_are_genomes() {
    for graph in [
        macro_graph(12, 4, &[32, 32, 3]),
        micro_graph(6, 4),
        recurrent_graph(12, 8, 65),
    ] {
        let mut state = 7u64;
        let mut draw = |weights: &[f32]| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % weights.len()
        };
        for _ in 0..1000 {
            let genome = graph.sample(&mut draw).unwrap();
            let text = flat::write(graph.space(), &genome);
            assert_eq!(flat::read(&text).unwrap(), genome, "{text}");
        }
    }
    for name in ["enas-macro", "enas-micro", "enas-recurrent"] {
        let (graph, genome) = published(name, &[]);
        let Published { notation, .. } = Published::find(name).unwrap();
        graph.check(&genome).unwrap();
        assert_eq!(
            flat::write(graph.space(), &genome),
            notation,
            "{name}: written as it was read"
        );
    }
    assert_eq!(
        flat::read(r#"{"[3], 'n'"#)
            .unwrap_err()
            .to_string()
            .split(',')
            .next(),
        Some("`n`")
    );
    assert_eq!(
        flat::read("fixed_arc=\"0 1\"").unwrap_err().word,
        "fixed_arc="
    );
}

#[test]
fn genome_lengths_and_sizes() {
    let twelve = macro_graph(12, 36, &[32, 32, 3]);
    assert_eq!(twelve.genome_len(), 78);
    assert_eq!(
        twelve.size().to_string(),
        "160,618,186,625,454,535,808,756,219,904"
    );
    let published = macro_graph(24, 36, &[32, 32, 3]);
    assert_eq!(published.genome_len(), 300);
    assert_eq!(published.size().exact(), None);
    assert_eq!(published.size().to_string(), "about 10^101.8");
    let micro = micro_graph(6, 20);
    assert_eq!(micro.genome_len(), 40);
    assert_eq!(
        micro.size().to_string(),
        "25,628,906,250,000,000,000,000,000"
    );
    let recurrent = recurrent_graph(12, 200, 10_000);
    assert_eq!(recurrent.genome_len(), 23);
    assert_eq!(recurrent.size().exact(), Some(669_692_775_628_800));
}

#[test]
fn plans_have_the_published_steps_and_anchors() {
    for (graph, steps, anchors) in [
        (macro_graph(12, 36, &[32, 32, 3]), 25, 13),
        (micro_graph(6, 20), 54, 14),
        (recurrent_graph(12, 200, 10_000), 23, 12),
    ] {
        assert_eq!(
            (graph.plan().steps.len(), graph.plan().anchors.len()),
            (steps, anchors),
            "{}",
            graph.space().name
        );
        // An LSTM of 64 with a start embedding; per table a softmax and embeddings; attention if
        // anything attends.
        let decided: Vec<_> = graph
            .plan()
            .steps
            .iter()
            .flat_map(|step| &step.decide)
            .collect();
        let attends = decided
            .iter()
            .any(|decided| !matches!(decided.how, How::Table { .. }));
        let tables: u32 = graph
            .plan()
            .tables
            .iter()
            .map(|table| 2 * 64 * table.choices)
            .sum();
        let size = 2 * 64 * 4 * 64 + 64 + tables + if attends { 2 * 64 * 64 + 64 } else { 0 };
        match graph.space().name.as_str() {
            "enas-macro" => assert_eq!(size, 41_856),
            "enas-micro" => assert_eq!(size, 41_728),
            _ => {}
        }
        assert_eq!(decided.len(), graph.genome_len());
    }
    let plan = macro_graph(6, 16, &[8, 8, 1]);
    let last = &plan.plan().steps[12].decide;
    assert_eq!(last.len(), 5);
    assert!(
        last.iter()
            .enumerate()
            .all(|(i, decided)| decided.how == How::Skip { anchor: i as u32 })
    );
}

/// `[genome, canonical, live params, MACs, live nodes]`, as an independent program counted them.
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
                // The oracle leaves the body's decisions out of its canonical genome, and has one
                // input more.
                assert_eq!(graph.canonical(&genome).unwrap(), genome);
            } else {
                assert_eq!(graph.canonical(&genome).unwrap(), canonical, "{name}");
                assert_eq!(child.len(), nodes, "{name} {genome:?}");
            }
        }
    }
}

#[test]
fn a_config_that_cannot_work_gets_a_sentence() {
    let configure = |name: &str,
                     settings: &[(&str, Setting)],
                     facts: supernet_plugin::Facts|
     -> Result<(), String> {
        let entry = supernet_plugin::find(name).map_err(|error| error.to_string())?;
        let given = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        let config = entry
            .configure(&given, &facts)
            .map_err(|error| error.to_string())?;
        let space = entry.space(&config).map_err(|error| error.to_string())?;
        assert_eq!(&space.config, config.values());
        Supergraph::new(space)
            .map(|_| ())
            .map_err(|problems| problems[0].to_string())
    };
    let images = || supernet_plugin::Facts::images(&[8, 8, 1], 10);
    let text = || supernet_plugin::Facts::text(65);
    let sentence =
        |name, settings: &[(&str, Setting)], facts| configure(name, settings, facts).unwrap_err();

    for layers in 1..=12 {
        configure("enas-macro", &[("layers", Setting::Int(layers))], images()).unwrap();
        configure(
            "enas-micro",
            &[
                ("layers", Setting::Int(layers)),
                ("filters", Setting::Int(2)),
            ],
            images(),
        )
        .unwrap();
        configure("enas-recurrent", &[("nodes", Setting::Int(layers))], text()).unwrap();
    }
    configure("enas-macro", &[("skip_target", Setting::Int(1))], images()).unwrap_err();
    assert_eq!(
        sentence("enas-macro", &[("layers", Setting::Int(0))], images()),
        "space `enas-macro`: `layers` is 0, and must be between 1 and 64."
    );
    assert_eq!(
        sentence("enas-macro", &[("filters", Setting::Int(17))], images()),
        "space `enas-macro`: `filters` is 17, and must be a multiple of 2."
    );
    assert_eq!(
        sentence("enas-macro", &[("fitlers", Setting::Int(16))], images()),
        "space `enas-macro` has no setting `fitlers`; the nearest is `filters`. \
         Its settings are: layers, filters, skip_target, form, image, classes."
    );
    assert_eq!(
        sentence(
            "enas-macro",
            &[],
            supernet_plugin::Facts::images(&[3, 8, 1], 10)
        ),
        "images of 3 x 8 are too small: the network halves them 2 times, so both sides need at least 4."
    );
    assert_eq!(
        sentence(
            "enas-micro",
            &[],
            supernet_plugin::Facts::images(&[8, 8], 10)
        ),
        "the samples have the shape [8, 8], and must be images [height, width, channels]."
    );
    assert_eq!(
        sentence("enas-recurrent", &[], images()),
        "space `enas-recurrent` needs a data set with a vocabulary, as texts have it, for its setting `vocabulary`, and this one \
         has none: choose other data, or a space that takes these (`supernet spaces` lists them)."
    );
    assert_eq!(
        sentence("enas-marco", &[], images()),
        "there is no search space `enas-marco`; the nearest is `enas-macro`. \
         There are: enas-macro, enas-micro, enas-recurrent, lstm."
    );
    // Called from code, without the registry's checks.
    let odd = Macro {
        layers: 6,
        filters: 17,
        skip_target: 0.4,
        image: vec![8, 8, 1],
        classes: 10,
    };
    assert_eq!(
        enas_macro(&odd).unwrap_err().to_string(),
        "in scope `layer1/reduce`: a factorised reduction to 17 filters: it makes two halves, so the number must be even."
    );
    enas_macro(&Macro {
        layers: 0,
        ..odd.clone()
    })
    .unwrap_err();
    enas_macro(&Macro { filters: 0, ..odd }).unwrap_err();
    for build in [enas_micro, enas_micro_final] {
        build(&micro(6, u32::MAX)).unwrap_err();
        build(&micro(6, u32::MAX - 1)).unwrap_err();
    }
    enas_recurrent(&Recurrent {
        nodes: 0,
        hidden: 1,
        vocabulary: 1,
        ..Recurrent::default()
    })
    .unwrap_err();
    enas_recurrent(&Recurrent {
        nodes: 2,
        hidden: u32::MAX,
        vocabulary: 1,
        ..Recurrent::default()
    })
    .unwrap_err();
}
