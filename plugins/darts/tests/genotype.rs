//! Architectures as published by others.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;

use supernet_darts::{
    Cells, Darts, Form, Genotype, GenotypeError, RecurrentGenotype, cells, darts,
};
use supernet_enas as _;
use supernet_plugin::{Count, Facts, Published, Setting, Supergraph, find, published};

/// The pairs of each node in the order of the values that they read, as in the edge form.
fn ordered(mut genotype: Genotype) -> Genotype {
    for cell in [&mut genotype.normal, &mut genotype.reduce] {
        cell.pairs
            .chunks_exact_mut(2)
            .for_each(|pair| pair.sort_by_key(|(_, value)| *value));
    }
    genotype
}

fn samples(graph: &Supergraph) -> Vec<Vec<u32>> {
    let mut state = 11u64;
    let mut draw = |weights: &[f32]| loop {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let choice = (state >> 33) as usize % weights.len();
        if weights[choice] > 0.0 {
            return choice;
        }
    };
    (0..1000)
        .map(|_| graph.sample(&mut draw).unwrap())
        .collect()
}

#[test]
fn published_genotypes_go_there_and_back() {
    let all = published()
        .unwrap()
        .into_iter()
        .filter(|published| ["darts", "cells"].contains(&&*published.space));
    for Published {
        name,
        notation,
        space,
        genome,
        ..
    } in all
    {
        let genotype: Genotype = notation.parse().unwrap();
        assert_eq!(genotype.to_string(), notation, "{name}");
        assert_eq!(
            genotype.to_json().parse::<Genotype>().unwrap(),
            genotype,
            "{name}"
        );
        let concat = [&genotype.normal.concat, &genotype.reduce.concat];
        assert_eq!(
            Genotype::of_pairs(&genotype.pairs().unwrap(), concat[0], concat[1]).unwrap(),
            genotype,
            "{name}"
        );
        match space.as_str() {
            "darts" => assert_eq!(
                Genotype::of_edges(&genome).unwrap(),
                ordered(genotype),
                "{name}"
            ),
            _ => assert_eq!(genotype.pairs().unwrap(), genome, "{name}"),
        }
    }
}

/// A file of the folder `architectures` in the data folder that SUPERNET_DATA names; in continuous
/// integration, a missing file is a failure.
fn data(name: &str) -> Option<String> {
    let path = std::env::var_os("SUPERNET_DATA")
        .map(|root| PathBuf::from(root).join("architectures").join(name));
    let text = path.and_then(|path| std::fs::read_to_string(path).ok());
    assert!(
        text.is_some() || std::env::var("CI").as_deref() != Ok("true"),
        "SUPERNET_DATA must name the folder that holds `architectures/{name}`"
    );
    text
}

#[test]
fn what_others_list_is_what_comes_along() {
    let Some(text) = data("published_architectures.json") else {
        return println!("skipped: no data");
    };
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (key, name) in [
        ("cnn_NASNet", "nasnet-a"),
        ("cnn_AmoebaNet", "amoebanet-a"),
        ("cnn_DARTS_V1", "darts-v1"),
        ("cnn_DARTS_V2", "darts-v2"),
    ] {
        let genotype: Genotype = listed[key].to_string().parse().unwrap();
        assert_eq!(
            genotype.to_string(),
            Published::find(name).unwrap().notation,
            "{name}"
        );
    }
}

#[test]
fn random_genotypes_go_there_and_back() {
    let (image, form) = (vec![8, 8, 1], Form::Final);
    let edges = darts(&Darts {
        cells: 2,
        channels: 2,
        form,
        partial: 1,
        image: image.clone(),
        classes: 10,
    })
    .unwrap();
    for genome in samples(&Supergraph::new(edges).unwrap()) {
        let genotype = Genotype::of_edges(&genome).unwrap();
        for text in [genotype.to_string(), genotype.to_json()] {
            let again: Genotype = text.parse().unwrap();
            assert_eq!(again, genotype);
            assert_eq!(again.edges().unwrap(), genome, "{text}");
        }
    }
    let concat = [vec![3, 6], vec![4, 5, 6]];
    let config = Cells {
        cells: 2,
        channels: 2,
        form,
        nodes: 5,
        concat: concat.clone(),
        image,
        classes: 10,
    };
    for genome in samples(&Supergraph::new(cells(&config).unwrap()).unwrap()) {
        let genotype = Genotype::of_pairs(&genome, &concat[0], &concat[1]).unwrap();
        for text in [genotype.to_string(), genotype.to_json()] {
            let again: Genotype = text.parse().unwrap();
            assert_eq!(again, genotype);
            assert_eq!(again.pairs().unwrap(), genome, "{text}");
        }
    }
}

/// The network of a recurrent genotype, with this many hidden units.
fn recurrent(genotype: &RecurrentGenotype, hidden: i64) -> Supergraph {
    let mut settings = genotype.settings().unwrap();
    settings.insert("hidden".to_owned(), Setting::Int(hidden));
    let entry = find("enas-recurrent").unwrap();
    let config = entry.configure(&settings, &Facts::text(10_000)).unwrap();
    Supergraph::new(entry.space(&config).unwrap()).unwrap()
}

#[test]
fn recurrent_genotypes_go_there_and_back() {
    let Some(text) = data("published_architectures.json") else {
        return println!("skipped: no data");
    };
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    // DARTS's cells have 850 units: 8.5 M weights for the words, 4 · 850² for the first node, 2 ·
    // 850² for each of eight others.
    for (key, all, hidden, params) in [
        ("rnn_ENAS", false, 200, 3_040_000),
        ("rnn_DARTS_V1", true, 850, 22_950_000),
        ("rnn_DARTS_V2", true, 850, 22_950_000),
    ] {
        let genotype: RecurrentGenotype = listed[key].to_string().parse().unwrap();
        let genome = genotype.genome().unwrap();
        assert_eq!(
            RecurrentGenotype::of(&genome, all).unwrap(),
            genotype,
            "{key}"
        );
        assert_eq!(
            genotype.to_string().parse::<RecurrentGenotype>().unwrap(),
            genotype,
            "{key}"
        );
        assert_eq!(
            recurrent(&genotype, hidden)
                .count(&genome, Count::Live)
                .unwrap(),
            params,
            "{key}"
        );
    }
}

#[test]
fn random_recurrent_genotypes_go_there_and_back() {
    let some: RecurrentGenotype =
        "G(recurrent=[('tanh', 0), ('relu', 1), ('relu', 1)], concat=[2, 3])"
            .parse()
            .unwrap();
    for (i, mut genome) in samples(&recurrent(&some, 8)).into_iter().enumerate() {
        genome[0] = 0;
        let genotype = RecurrentGenotype::of(&genome, i % 2 == 0).unwrap();
        let again: RecurrentGenotype = genotype.to_string().parse().unwrap();
        assert_eq!((again.genome().unwrap(), &again), (genome, &genotype));
        recurrent_mean(&genotype, i % 2 == 0);
    }
    let other: RecurrentGenotype = "G(recurrent=[('tanh', 0), ('relu', 1)], concat=[0])"
        .parse()
        .unwrap();
    assert_eq!(
        other.settings().unwrap_err().to_string(),
        "the recurrent genotype's state is the mean of its nodes [0], and a space has the mean of those that no node reads, or \
         of all but the first."
    );
}

/// The setting is the requested one, unless both are equivalent.
fn recurrent_mean(genotype: &RecurrentGenotype, all: bool) {
    let mean = &genotype.settings().unwrap()["mean"];
    let loose = genotype
        .concat
        .iter()
        .all(|node| genotype.recurrent.iter().all(|(_, value)| value != node));
    let wanted = if all && !loose {
        "all-but-first"
    } else {
        "loose-ends"
    };
    assert_eq!(*mean, Setting::from(wanted), "{genotype}");
}

#[test]
fn two_ops_on_one_edge_are_refused() {
    for (name, node) in [
        (
            "nasnet-a",
            "node 3 of the normal cell has `sep_conv_5x5` and `sep_conv_3x3` on value 0",
        ),
        (
            "amoebanet-a",
            "node 5 of the normal cell has `sep_conv_3x3` and `skip_connect` on value 1",
        ),
    ] {
        let genotype: Genotype = Published::find(name).unwrap().notation.parse().unwrap();
        let sentence = format!(
            "two ops on one edge: {node}, and an edge of the space `darts` has one operation; the space `cells` takes both."
        );
        assert_eq!(genotype.edges().unwrap_err().to_string(), sentence);
    }
    let twice = "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 0), ('skip_connect', 0), ('skip_connect', 1),
        ('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)], normal_concat=range(2, 6),
        reduce=[('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1),
        ('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)], reduce_concat=range(2, 6))";
    let genotype: Genotype = twice.parse().unwrap();
    assert_eq!(
        genotype.edges().unwrap_err().to_string(),
        "two ops on one edge: node 2 of the normal cell has `sep_conv_3x3` and `skip_connect` on value 0, and an edge of the \
         space `darts` has one operation; the space `cells` takes both."
    );
    genotype.pairs().unwrap();
}

#[test]
fn what_is_pasted_may_be_written_in_many_ways() {
    let compact: Genotype = Published::find("darts-v2")
        .unwrap()
        .notation
        .parse()
        .unwrap();
    let pasted = "# the second order\nDARTS_V2 = Genotype(\n  normal=[(\"sep_conv_3x3\", 0), ('sep_conv_3x3', 1),\
        ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0),\
        ('dil_conv_3x3', 2),], normal_concat=range(2, 6), # all\n  reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1),\
        ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2),\
        ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5],\n)\n";
    assert_eq!(pasted.parse::<Genotype>().unwrap(), compact);
}

#[test]
fn what_is_no_genotype_gets_a_sentence() {
    let said = |text: &str| {
        text.parse::<Genotype>()
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        said("Genotype(normal=[('sep', 1)"),
        "the genotype cannot be read: line 1, column 28: expected `,` or `]`, and found the end."
    );
    assert_eq!(
        said("{\"normal\": [[\"sep\", 1]]}"),
        "a genotype has `normal_concat`, the values that make up the cell's own, and this one does not."
    );
    assert!(said(&"[".repeat(100_000)).contains("nests less deeply"));
    assert!(said("Genotype(normal=range(0, 4000000000))").contains("at most 1000 long"));
    assert!(said("{\"a\": 1} 2").ends_with("expected nothing more, and found `2`."));
    assert!(said("{\"a\": 99999999999}").contains("expected a number below 2³²"));
    assert!(said("'unfinished").contains("expected a quote at the text's end, and found the end"));
    assert!(
        said("").contains("expected a list, a text, a number or a genotype, and found the end")
    );
    let cell = |pairs: &str| {
        format!("G(normal=[{pairs}], normal_concat=[2], reduce=[{pairs}], reduce_concat=[2])")
    };
    let genome = |text: &str| text.parse::<Genotype>().unwrap().pairs().unwrap_err();
    assert_eq!(
        genome(&cell("('skip_connect', 0)")).to_string(),
        "the pairs of the genotype's normal cell number 1, those of the normal cell 1: every node has two, and both cells have \
         as many nodes."
    );
    assert_eq!(
        genome(&cell("('skip_connect', 0), ('skip_connect', 2)")).to_string(),
        "node 2 of the normal cell reads value 2, and what stands before it are the values 0 to 1."
    );
    assert!(matches!(
        genome(&cell("('none', 0), ('none', 1)")),
        GenotypeError::Op { .. }
    ));
    let shallow: Genotype = cell("('skip_connect', 0), ('skip_connect', 1)")
        .parse()
        .unwrap();
    assert_eq!(
        shallow.edges().unwrap_err().to_string(),
        "the genotype's normal cell has 1 node, and a cell of the space `darts` is its four nodes; the space `cells` takes it."
    );
}
