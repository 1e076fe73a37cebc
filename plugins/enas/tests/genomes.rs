//! Genomes in their published notation, and the sizes and plans of their spaces.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::PathBuf;

use supernet_enas::flat;
use supernet_plugin::{How, Published};

use support::{macro_graph, micro_graph, published, recurrent_graph};

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
        // An LSTM of 64 units with a start embedding; per table, a softmax and embeddings;
        // attention if any decision attends.
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
