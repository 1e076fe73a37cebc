//! Counts against published and independently computed figures.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use supernet_darts::{Cells, Darts, Form, cells, darts};
use supernet_plugin::{
    Child, Count, Facts, Op, Path, Pick, Pooling, Published, Setting, Supergraph, find, published,
};

fn edges(cells: usize, channels: u32, form: Form, image: &[u32]) -> Supergraph {
    partial_edges(cells, channels, form, 1, image)
}

fn partial_edges(
    cells: usize,
    channels: u32,
    form: Form,
    partial: u32,
    image: &[u32],
) -> Supergraph {
    let config = Darts {
        cells,
        channels,
        form,
        partial,
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
    let everything = graph.relaxed(&everything(0.125)).unwrap();
    assert_eq!(
        (everything.network().count(), everything.network().macs()),
        (1_930_618, 300_255_744)
    );
}

/// All operations on every edge, each with this weight.
fn everything(weight: f32) -> Path {
    let all = |_| Pick::Mix {
        choices: (0..8).collect(),
        weights: vec![weight; 8],
        rows: 1,
        gradient: true,
    };
    Path {
        picks: (0..28).map(all).collect(),
        at: Vec::new(),
    }
}

/// Parameters and multiply-accumulates of the network of the search, operation by operation.
///
/// For c channels, the convolutions of an edge have 102c + 6c² parameters: twice 9c + c² and
/// 25c + c², and once each; a halving skip has c² more. Each is applied at every position of the
/// result.
fn by_hand(k: u64) -> [u64; 2] {
    // Stem, head and the projections of the cells' inputs, which see all channels.
    let mut counts = [99_450, 20_466_176];
    // Channels and positions of the cells, and whether they halve the image.
    let cells = [
        (16, 32 * 32, false),
        (16, 32 * 32, false),
        (32, 16 * 16, true),
        (32, 16 * 16, false),
        (32, 16 * 16, false),
        (64, 8 * 8, true),
        (64, 8 * 8, false),
        (64, 8 * 8, false),
    ];
    for (channels, positions, halves) in cells {
        let c: u64 = channels / k;
        let own = 14 * (102 * c + 6 * c * c) + if halves { 8 * c * c } else { 0 };
        counts[0] += own;
        counts[1] += own * positions;
    }
    counts
}

#[test]
fn a_quarter_of_the_channels_as_counted_by_hand() {
    for (k, expected) in [
        (1, [1_930_618, 300_255_744]),
        (4, [299_578, 56_596_992]),
        (2, [671_482, 115_272_192]),
    ] {
        let graph = partial_edges(8, 16, Form::Search, k, &[32, 32, 3]);
        let network = graph.relaxed(&everything(0.125)).unwrap();
        let (count, macs) = (network.network().count(), network.network().macs());
        assert_eq!([count, macs], expected, "K = {k}");
        assert_eq!(by_hand(k.into()), expected, "K = {k}");
        assert_eq!(graph.total_params(), count, "K = {k}");
    }
}

/// The shapes of the nodes of a child whose op is of a kind.
fn shapes(child: &Child, is: impl Fn(&Op) -> bool) -> Vec<Vec<u32>> {
    let nodes = (0..child.len()).filter(|&at| is(&child.op_node(at).op));
    nodes.map(|at| child.shape(at).to_vec()).collect()
}

/// `PC_DARTS_cifar` of Xu et al. 2020, as their code prints it.
const PC_DARTS: &str = "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), \
    ('dil_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)], \
    normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), \
    ('sep_conv_5x5', 2), ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)], \
    reduce_concat=range(2, 6))";

#[test]
fn what_partial_channels_found_has_as_many_parameters_as_published() {
    let genotype: supernet_darts::Genotype = PC_DARTS.parse().unwrap();
    let graph = edges(20, 36, Form::Final, &[32, 32, 3]);
    // 3.6 million in the paper, without the auxiliary head.
    assert_eq!(counts(&graph, &genotype.edges().unwrap()).0, 3_634_678);
}

#[test]
fn what_passes_the_operations_by_is_pooled_where_the_image_is_halved() {
    // A normal cell, then two that halve, of odd sizes; all nodes pool both inputs of their cell.
    let graph = partial_edges(3, 8, Form::Search, 4, &[9, 7, 1]);
    let pools = [1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0];
    let child = graph.child(&[pools; 2].concat()).unwrap();
    let is_passed = |op: &Op| {
        matches!(
            op,
            Op::Pool {
                kind: Pooling::Max,
                kernel: 2,
                stride: 2,
                ..
            }
        )
    };
    assert_eq!(
        shapes(&child, is_passed),
        [[5, 4, 12], [5, 4, 12], [3, 2, 24], [3, 2, 24]]
    );
    let cell = |height: u32, width: u32, c: u32| {
        let mut shapes = vec![vec![height, width, c]; 4];
        shapes.push(vec![height, width, 4 * c]);
        shapes
    };
    // The last cell also halves the result of the first one, by a factorised reduction.
    let halved = vec![vec![5, 4, 32]];
    assert_eq!(
        shapes(&child, |op| matches!(op, Op::Concat)),
        [cell(9, 7, 8), cell(5, 4, 16), halved, cell(3, 2, 32)].concat()
    );
}

#[test]
fn an_edge_that_is_not_kept_passes_nothing() {
    let graph = partial_edges(3, 8, Form::Search, 4, &[8, 8, 1]);
    let skip_then_none = [3, 3, 3, 0, 3, 3, 0, 0, 3, 3, 0, 0, 0, 3];
    let genome = [skip_then_none; 2].concat();
    let child = graph.child(&genome).unwrap();
    // Every node adds two edges, the seen channels and the others separately.
    let sums: Vec<usize> = (0..child.len())
        .filter(|&at| matches!(child.op_node(at).op, Op::Sum { .. }))
        .map(|at| child.inputs(at).len())
        .collect();
    assert_eq!(sums, vec![2; 3 * 4 * 2]);
}

#[test]
fn what_passes_by_weighs_as_much_as_the_operations_together() {
    let graph = partial_edges(1, 4, Form::Search, 4, &[8, 8, 1]);
    // The weights of an edge times those of its operations need not sum to one.
    let relaxed = graph.relaxed(&everything(0.25)).unwrap();
    let nodes = relaxed.weighted_nodes();
    let (sums, choices): (Vec<_>, Vec<_>) = nodes
        .iter()
        .partition(|node| matches!(graph.node(node.node()).op, Op::Sum { .. }));
    assert_eq!((sums.len(), choices.len()), (4, 14));
    for (sum, edges) in sums.iter().zip(2..) {
        assert_eq!(sum.mixture.weights, vec![7.0 * 0.25; edges]);
    }
}

#[test]
fn the_network_that_is_trained_in_the_end_has_no_partial_channels() {
    let space = |partial| {
        let graph = partial_edges(3, 6, Form::Final, partial, &[8, 8, 1]);
        graph.space().clone()
    };
    assert_eq!(space(4), space(1));
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
    assert_eq!(
        said("darts", &[("partial", Setting::Int(3))]),
        "`partial` is 3, and 16 channels do not divide into 3 equal parts; `channels` must be a multiple of `partial`, and a \
         `partial` of 1 shows the operations all channels."
    );
    let config = Darts {
        cells: 0,
        channels: 4,
        form: Form::Final,
        partial: 1,
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

#[test]
fn a_space_without_partial_channels_is_recorded_as_ever() {
    let recorded = |settings: &[(&str, Setting)]| {
        let given = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        let entry = find("darts").unwrap();
        let config = entry
            .configure(&given, &Facts::images(&[8, 8, 1], 10))
            .unwrap();
        entry.space(&config).unwrap().config.get("partial").cloned()
    };
    assert_eq!(recorded(&[]), None);
    assert_eq!(recorded(&[("partial", Setting::Int(1))]), None);
    assert_eq!(
        recorded(&[("partial", Setting::Int(2))]),
        Some(Setting::Int(2))
    );
}
