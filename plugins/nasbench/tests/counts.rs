//! Counts against the published tables.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use supernet_nasbench::{Nasbench201, NasbenchMacro, nasbench_macro, nasbench201};
use supernet_plugin::{Count, Facts, How, Path, Pick, SearchSpace, Setting, Supergraph, find};

fn cells(channels: u32, cells: usize, image: &[u32]) -> Supergraph {
    let config = Nasbench201 {
        channels,
        cells,
        image: image.to_vec(),
        classes: 10,
    };
    Supergraph::new(nasbench201(&config).unwrap()).unwrap()
}

fn layers(channels: u32, image: &[u32]) -> Supergraph {
    let config = NasbenchMacro {
        channels,
        image: image.to_vec(),
        classes: 10,
    };
    Supergraph::new(nasbench_macro(&config).unwrap()).unwrap()
}

/// Both spaces as in their papers.
fn published() -> [Supergraph; 2] {
    [cells(16, 5, &[32, 32, 3]), layers(32, &[32, 32, 3])]
}

/// Chosen parameters, live parameters, MACs.
fn counts(graph: &Supergraph, genome: &[u32]) -> (u64, u64, u64) {
    let count = |what| graph.count(genome, what).unwrap();
    (
        count(Count::Chosen),
        count(Count::Live),
        graph.macs(genome).unwrap(),
    )
}

/// A folder of external data, `name` in the folder that SUPERNET_DATA names. Without it the caller
/// prints `skipped: no data`; in continuous integration, a missing folder is a failure.
fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SUPERNET_DATA").map(|root| PathBuf::from(root).join(name));
    let found = folder.filter(|folder| folder.is_dir());
    if found.is_none() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "SUPERNET_DATA must name the folder that holds `{name}`"
        );
    }
    found
}

#[test]
fn supergraphs() {
    let [cells, layers] = published();
    assert_eq!(
        (cells.total_params(), cells.size().exact()),
        (1_699_546, Some(15_625))
    );
    assert_eq!(
        (layers.total_params(), layers.size().exact()),
        (4_221_386, Some(6_561))
    );
}

#[test]
fn cells_that_stand_for_others() {
    let graph = &published()[0];
    assert_eq!(counts(graph, &[3; 6]), (1_531_546, 1_531_546, 220_119_680));
    // No path from the image is left: only the head runs.
    assert_eq!(counts(graph, &[0; 6]), (73_306, 778, 640));
    // An edge that bypasses the others: what else is chosen does not run; only the layers around
    // the cells do.
    assert_eq!(
        counts(graph, &[0, 0, 0, 1, 0, 0]),
        (73_306, 73_306, 7_783_040)
    );
    assert_eq!(
        counts(graph, &[1, 0, 2, 0, 4, 0]),
        (101_306, 73_306, 7_783_040)
    );
    assert_eq!(
        counts(graph, &[0, 0, 3, 1, 0, 0]),
        (316_346, 73_306, 7_783_040)
    );
    assert_eq!(
        graph.canonical(&[0, 0, 3, 1, 0, 0]).unwrap(),
        [0, 0, 0, 1, 0, 0]
    );
}

#[test]
fn every_cell_of_nas_bench_201_has_the_parameters_of_its_row() {
    let Some(folder) = data("nasbench201") else {
        return println!("skipped: no data");
    };
    let graph = &published()[0];
    let text = fs::read_to_string(folder.join("nasbench201.csv")).unwrap();
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = rows.next().unwrap();
    let [cell, params] =
        ["cellstr", "params"].map(|name| head.iter().position(|column| *column == name).unwrap());
    let mut seen = BTreeSet::new();
    for row in rows {
        // `|op~from|+|op~from|op~from|+...`: node after node, each with its edges.
        let into = row[cell].split('+').enumerate();
        let edges = into.flat_map(|(to, ops)| {
            ops.split('|')
                .filter(|op| !op.is_empty())
                .map(move |op| (to + 1, op))
        });
        let genome: Vec<u32> = edges
            .zip(&graph.space().decisions)
            .map(|((to, edge), decision)| {
                let (op, from) = edge.split_once('~').unwrap();
                assert_eq!(decision.id, format!("edge{to}.{from}"));
                let label = |choice: &u32| decision.kind.label(*choice).unwrap() == op;
                (0..5).find(label).unwrap()
            })
            .collect();
        assert_eq!(
            graph.count(&genome, Count::Chosen).unwrap().to_string(),
            row[params],
            "{}",
            row[cell]
        );
        seen.insert(genome);
    }
    assert_eq!(seen.len(), 15_625);
}

#[test]
fn every_network_of_nas_bench_macro_has_the_counts_of_its_row() {
    let Some(folder) = data("nas-bench-macro") else {
        return println!("skipped: no data");
    };
    let graph = &published()[1];
    let text = fs::read_to_string(folder.join("nas-bench-macro_cifar10.json")).unwrap();
    let table: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(table.len(), 6_561);
    for (key, row) in &table {
        let genome: Vec<u32> = key
            .chars()
            .map(|digit| digit.to_digit(3).unwrap())
            .collect();
        let (params, flops) = (
            row["params"].as_u64().unwrap(),
            row["flops"].as_u64().unwrap(),
        );
        assert_eq!(counts(graph, &genome), (params, params, flops), "{key}");
    }
}

#[test]
fn every_child_scores_the_classes() {
    for graph in published() {
        let mut children = 0;
        for genome in graph.enumerate(20_000).unwrap() {
            let child = graph.child(&genome).unwrap();
            let &[output] = child.outputs() else {
                panic!("{genome:?} has {} outputs", child.outputs().len())
            };
            assert_eq!(child.shape(output as usize), [10], "{genome:?}");
            assert_eq!(
                child.count(),
                graph.count(&genome, Count::Live).unwrap(),
                "{genome:?}"
            );
            children += 1;
        }
        assert_eq!(Some(children), graph.size().exact());
    }
}

#[test]
fn every_weight_can_be_reached() {
    for graph in published() {
        let mix = |d: usize| {
            let choices = graph.choices(d);
            let weights = vec![1.0 / choices as f32; choices as usize];
            Pick::Mix {
                choices: (0..choices).collect(),
                weights,
                rows: 1,
                gradient: true,
            }
        };
        let path = Path {
            picks: (0..graph.genome_len()).map(mix).collect(),
            at: Vec::new(),
        };
        assert_eq!(
            graph.relaxed(&path).unwrap().network().count(),
            graph.total_params()
        );
    }
}

#[test]
fn a_controller_decides_one_by_one_with_one_table() {
    for (graph, labels) in published().iter().zip([
        [
            "none",
            "skip_connect",
            "nor_conv_1x1",
            "nor_conv_3x3",
            "avg_pool_3x3",
        ]
        .as_slice(),
        &["identity", "mb3_k3", "mb6_k5"],
    ]) {
        let plan = graph.plan();
        assert_eq!(plan.tables.len(), 1);
        assert_eq!(plan.tables[0].choices as usize, labels.len());
        for (d, step) in (0..).zip(&plan.steps) {
            assert_eq!((step.decide.len(), step.decide[0].decision), (1, d));
            assert_eq!(step.decide[0].how, How::Table { table: 0 });
            let decision = &graph.space().decisions[d as usize];
            let own: Vec<String> = (0..)
                .map_while(|choice| decision.kind.label(choice))
                .collect();
            assert_eq!(own, labels);
        }
        assert_eq!(plan.steps.len(), graph.genome_len());
    }
    let ids = |graph: &Supergraph| {
        graph
            .space()
            .decisions
            .iter()
            .map(|d| d.id.clone())
            .collect::<Vec<_>>()
    };
    let [cells, layers] = published();
    assert_eq!(
        ids(&cells),
        [
            "edge1.0", "edge2.0", "edge2.1", "edge3.0", "edge3.1", "edge3.2"
        ]
    );
    assert_eq!(
        ids(&layers),
        (0..8).map(|l| format!("layer{l}")).collect::<Vec<_>>()
    );
}

#[test]
fn sides_may_be_odd_and_sizes_small() {
    for image in [[28, 28, 1], [8, 8, 1], [9, 15, 2]] {
        for graph in [cells(1, 1, &image), cells(4, 2, &image), layers(1, &image)] {
            let most: Vec<u32> = (0..graph.genome_len())
                .map(|d| graph.choices(d) - 1)
                .collect();
            let child = graph.child(&most).unwrap();
            assert_eq!(child.shape(child.outputs()[0] as usize), [10]);
        }
    }
}

#[test]
fn json_gives_the_same_space() {
    for graph in published() {
        let json = graph.space().to_json().unwrap();
        assert_eq!(SearchSpace::from_json(&json).unwrap(), *graph.space());
    }
}

#[test]
fn both_are_registered() {
    let configure =
        |name: &str, settings: &[(&str, i64)], shape: &[u32]| -> Result<Supergraph, String> {
            let entry = find(name).map_err(|error| error.to_string())?;
            let given = settings
                .iter()
                .map(|(key, n)| ((*key).to_owned(), Setting::Int(*n)))
                .collect();
            let config = entry
                .configure(&given, &Facts::images(shape, 10))
                .map_err(|error| error.to_string())?;
            let space = entry.space(&config).map_err(|error| error.to_string())?;
            assert_eq!(&space.config, config.values());
            Supergraph::new(space).map_err(|problems| problems[0].to_string())
        };
    let total = |name, settings| {
        configure(name, settings, &[32, 32, 3])
            .unwrap()
            .total_params()
    };
    assert_eq!(total("nasbench201", &[]), 1_699_546);
    assert_eq!(total("nasbench-macro", &[]), 4_221_386);
    assert_eq!(
        total("nasbench201", &[("channels", 4), ("cells", 1)]),
        cells(4, 1, &[32, 32, 3]).total_params()
    );
    assert_eq!(
        total("nasbench-macro", &[("channels", 4)]),
        layers(4, &[32, 32, 3]).total_params()
    );
    configure(
        "nasbench201",
        &[("channels", 1024), ("cells", 32)],
        &[32, 32, 3],
    )
    .unwrap();
    configure("nasbench-macro", &[("channels", 1024)], &[32, 32, 3]).unwrap();

    let sentence =
        |name, settings, shape: &[u32]| configure(name, settings, shape).map(|_| ()).unwrap_err();
    assert_eq!(
        sentence("nasbench201", &[("cells", 0)], &[32, 32, 3]),
        "space `nasbench201`: `cells` is 0, and must be between 1 and 32."
    );
    assert_eq!(
        sentence("nasbench201", &[], &[3, 8, 1]),
        "images of 3 x 8 are too small: the network halves them 2 times, so both sides need at least 4."
    );
    assert_eq!(
        sentence("nasbench-macro", &[], &[8, 7, 1]),
        "images of 8 x 7 are too small: the network halves them 3 times, so both sides need at least 8."
    );
    assert_eq!(
        sentence("nasbench-macro", &[], &[8, 8]),
        "the samples have the shape [8, 8], and must be images [height, width, channels]."
    );
}

#[test]
fn a_config_from_code_that_cannot_work_is_refused() {
    let sound = |space| {
        Supergraph::new(space)
            .map(|_| ())
            .map_err(|problems| problems[0].to_string())
    };
    let cells = |channels, cells| {
        let space = nasbench201(&Nasbench201 {
            channels,
            cells,
            image: vec![32, 32, 3],
            classes: 10,
        });
        space.map_err(|mistake| mistake.to_string()).and_then(sound)
    };
    let layers = |channels, image: &[u32]| {
        let space = nasbench_macro(&NasbenchMacro {
            channels,
            image: image.to_vec(),
            classes: 10,
        });
        space.map_err(|mistake| mistake.to_string()).and_then(sound)
    };
    assert_eq!(
        cells(16, 0).unwrap_err(),
        "a stage has 0 cells, and needs at least 1."
    );
    assert_eq!(
        layers(32, &[32, 32, 0]).unwrap_err(),
        "the images have no channels."
    );
    for channels in [0, u32::MAX] {
        cells(channels, 1).unwrap_err();
        layers(channels, &[32, 32, 3]).unwrap_err();
    }
}
