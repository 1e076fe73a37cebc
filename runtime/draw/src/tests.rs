//! Drawings of real spaces, checked as diagrams and as documents.

mod cells;
mod xml;

use std::collections::BTreeSet;

use supernet_darts::Genotype;
use supernet_enas::{
    Macro, Micro, Recurrent, enas_macro, enas_macro_final, enas_micro, enas_recurrent,
};
use supernet_plugin::{Built, Kind, Published, Space, Supergraph, find, published};

use super::diagram::Diagram;
use super::{Caption, diagrams, svg, text};

fn graph(built: Built) -> Supergraph {
    Supergraph::new(built.expect("the space is built")).expect("the space is valid")
}

fn network(layers: usize) -> Supergraph {
    let image = if layers > 6 {
        vec![32, 32, 3]
    } else {
        vec![8, 8, 1]
    };
    graph(enas_macro(&Macro {
        layers,
        filters: 16,
        skip_target: 0.4,
        image,
        classes: 10,
    }))
}

fn cells() -> Supergraph {
    graph(enas_micro(&Micro {
        layers: 6,
        filters: 8,
        auxiliary: true,
        image: vec![16, 16, 3],
        classes: 10,
    }))
}

fn recurrent() -> Supergraph {
    graph(enas_recurrent(&Recurrent {
        nodes: 8,
        hidden: 16,
        vocabulary: 50,
        ..Recurrent::default()
    }))
}

/// A space without scopes, skips or images, and with names that XML must escape.
fn hostile() -> Supergraph {
    let s = Space::new("<hostile> & co");
    let op = s.op("op", &["a<b", "c&d \"e\""]);
    let x = s.input("row & <column>", &[4]);
    let y = s.scope(
        "<b>bold</b> & a name that is far longer than anybody would think of calling a layer",
        || {
            let x = x.linear(8, true);
            s.choose(op, &[x.relu(), x.act("tanh")])
        },
    );
    s.output(y.linear(3, false));
    graph(s.finish())
}

/// Genomes with a given probability of each skip; xorshift is random enough for drawings.
fn genomes(graph: &Supergraph, chance: u64, count: usize) -> Vec<Vec<u32>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ chance;
    let mut draw = |choices: u64, skip: bool| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let value = state >> 20;
        if skip {
            u32::from(value % 100 < chance)
        } else {
            (value % choices) as u32
        }
    };
    let mut one = || {
        let decisions = graph.space().decisions.iter();
        decisions
            .map(|d| draw(d.kind.choices() as u64, matches!(d.kind, Kind::Skip { .. })))
            .collect()
    };
    (0..count).map(|_| one()).collect()
}

fn layers(graph: &Supergraph, genome: &[u32]) -> Vec<Diagram> {
    let child = graph.child(genome).expect("the genome fits");
    let longer = graph
        .with_time(graph.time() + 1)
        .child(genome)
        .expect("the genome fits");
    diagrams(graph, genome, &child, &longer)
}

fn drawing(graph: &Supergraph, genome: &[u32]) -> String {
    let title = format!("{} on <digits> & \"more\"", graph.space().name);
    let subtitle =
        "validation accuracy 97.5 % with shared weights · 31,248 parameters · 0.9 M MACs"
            .to_owned();
    svg(graph, genome, &Caption { title, subtitle }).expect("the genome fits")
}

#[test]
fn arcs_are_the_skips_that_are_on() {
    for (count, chance) in [6, 12]
        .into_iter()
        .flat_map(|layers| [0, 20, 40, 100].map(|chance| (layers, chance)))
    {
        let graph = network(count);
        for genome in genomes(&graph, chance, 10) {
            let decisions = graph.space().decisions.iter().zip(&genome);
            let on = decisions.filter(|(d, v)| matches!(d.kind, Kind::Skip { .. }) && **v == 1);
            // `skip3.1` reads the tensor t1, the value of layer 0; t0 is the value of the stem.
            let expected: BTreeSet<(String, String)> = on
                .map(|(decision, _)| {
                    let (to, from) = decision
                        .id
                        .strip_prefix("skip")
                        .and_then(|id| id.split_once('.'))
                        .expect("two numbers");
                    let from: usize = from.parse().expect("a number");
                    (
                        from.checked_sub(1)
                            .map_or("stem".into(), |l| format!("layer {l}")),
                        format!("layer {to}"),
                    )
                })
                .collect();
            let [diagram] = &layers(&graph, &genome)[..] else {
                panic!("one column")
            };
            let name = |b: usize| diagram.blocks[b].name.clone();
            let arcs = diagram.edges.iter().filter(|edge| edge.to != edge.from + 1);
            let drawn: BTreeSet<(String, String)> =
                arcs.map(|edge| (name(edge.from), name(edge.to))).collect();
            assert_eq!(drawn, expected);
            let steps = diagram
                .edges
                .iter()
                .filter(|edge| edge.to == edge.from + 1)
                .count();
            assert_eq!(steps, count + 2, "input, stem, layers, head");

            let svg = drawing(&graph, &genome);
            let skips =
                [r#"class="skip""#, r#"class="skip many""#].map(|class| svg.matches(class).count());
            assert_eq!(skips[0] + skips[1], expected.len());
            assert_eq!(svg.matches(r#"class="step""#).count(), count + 2);
        }
    }
}

#[test]
fn layers_carry_their_op_and_reductions_their_sizes() {
    let graph = network(6);
    // Ops 0 to 5 in the order of the layers; every layer's op is followed by its skips.
    let mut genome = vec![0; graph.genome_len()];
    for (d, decision) in graph.space().decisions.iter().enumerate() {
        if let Some(layer) = decision.id.strip_prefix("op") {
            genome[d] = layer.parse().expect("a number");
        }
    }
    let diagrams = layers(&graph, &genome);
    let blocks: Vec<(&str, &str, &str)> = diagrams[0]
        .blocks
        .iter()
        .map(|b| (b.name.as_str(), b.rows[0].label.as_str(), b.note.as_str()))
        .collect();
    let expected = [
        ("", "input", "8×8×1"),
        ("stem", "conv 3×3", "8×8×16"),
        ("layer 0", "conv 3×3", "8×8×16"),
        ("layer 1", "separable 3×3", "8×8×16"),
        ("layer 2", "conv 5×5", "4×4×16"),
        ("layer 3", "separable 5×5", "4×4×16"),
        ("layer 4", "average pool 3×3", "2×2×16"),
        ("layer 5", "max pool 3×3", "2×2×16"),
        ("head", "global average · linear", "10"),
    ];
    assert_eq!(blocks, expected);
    let cuts: Vec<_> = diagrams[0]
        .blocks
        .iter()
        .filter_map(|b| Some((b.name.as_str(), b.cut.as_deref()?)))
        .collect();
    assert_eq!(cuts, [("layer 1", "8×8 → 4×4"), ("layer 3", "4×4 → 2×2")]);

    // In the network for the final training these are plain convolutions, despite their names.
    let last = Macro {
        layers: 6,
        filters: 16,
        skip_target: 0.4,
        image: vec![8, 8, 1],
        classes: 10,
    };
    let diagrams = layers(&self::graph(enas_macro_final(&last)), &genome);
    let labels: Vec<&str> = diagrams[0]
        .blocks
        .iter()
        .map(|b| b.rows[0].label.as_str())
        .collect();
    assert_eq!(
        labels[2..6],
        ["conv 3×3", "conv 3×3", "conv 5×5", "conv 5×5"]
    );
}

/// The space of a published architecture.
fn space_of(published: &Published) -> Supergraph {
    let entry = find(&published.space).expect("the space is linked");
    let config = entry
        .configure(&published.settings, &published.facts)
        .expect("the settings are right");
    graph(entry.space(&config))
}

#[test]
fn nothing_lies_over_anything_else() {
    for published in published().expect("they can be read") {
        let svg = drawing(&space_of(&published), &published.genome);
        let tags = xml::well_formed(&svg);
        let solid = |class: &str| class.starts_with("box") || class.starts_with("chip");
        let rects: Vec<_> = tags
            .iter()
            .filter(|tag| tag.name == "rect" && solid(tag.get("class")))
            .collect();
        for (i, a) in rects.iter().enumerate() {
            for b in &rects[i + 1..] {
                let apart = |at: &str, size: &str| {
                    a.number(at) + a.number(size) <= b.number(at)
                        || b.number(at) + b.number(size) <= a.number(at)
                };
                assert!(
                    apart("x", "width") || apart("y", "height"),
                    "{}: two boxes overlap",
                    published.name
                );
            }
        }
    }
}

#[test]
fn every_drawing_is_xml_with_its_text_inside() {
    let spaces = [network(6), network(12), cells(), recurrent(), hostile()];
    for (graph, chance) in spaces
        .iter()
        .flat_map(|graph| [0, 30, 100].map(|chance| (graph, chance)))
    {
        for genome in genomes(graph, chance, 6) {
            let svg = drawing(graph, &genome);
            assert_eq!(svg, drawing(graph, &genome), "the same twice");
            let tags = xml::well_formed(&svg);
            let root = &tags[0];
            let paper: Vec<f64> = root
                .get("viewBox")
                .split(' ')
                .map(|n| n.parse().expect("a number"))
                .collect();
            for tag in &tags {
                match tag.name.as_str() {
                    "text" => {
                        let class = tag.get("class");
                        let (size, bold) = match class {
                            "title" => (21.0, true),
                            "heading" => (15.0, true),
                            "label" | "label end" | "label middle" => (14.5, true),
                            "small subtitle" => (13.5, false),
                            _ => (12.0, false),
                        };
                        let wide = text::width(&tag.text, size, bold);
                        let x = tag.number("x");
                        let left = x - if class.ends_with("end") {
                            wide
                        } else if class.ends_with("middle") {
                            wide / 2.0
                        } else {
                            0.0
                        };
                        let y = tag.number("y");
                        assert!(
                            left >= -0.1 && left + wide <= paper[2] + 0.1,
                            "`{}` is outside",
                            tag.text
                        );
                        assert!(
                            y - size >= 0.0 && y + 4.0 <= paper[3],
                            "`{}` is outside",
                            tag.text
                        );
                    }
                    "rect" if tag.get("class") != "paper" => {
                        assert!(
                            tag.number("x") + tag.number("width") <= paper[2]
                                && tag.number("y") + tag.number("height") <= paper[3]
                        );
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn a_wrong_genome_is_an_error() {
    assert!(svg(&network(6), &[0], &Caption::default()).is_err());
}

#[test]
fn words_sizes_and_text() {
    let said: Vec<String> = [
        "sepconv5x5",
        "avg_pool_3x3",
        "skip_connect",
        "dil_conv_3x3",
        "nor_conv_1x1",
        "k3e6",
        "mbconv_k3_e6",
        "relu",
    ]
    .iter()
    .map(|c| super::words::choice(c))
    .collect();
    assert_eq!(
        said,
        [
            "separable 5×5",
            "average pool 3×3",
            "identity",
            "dilated 3×3",
            "nor conv 1×1",
            "k3e6",
            "mbconv k3 e6",
            "relu"
        ]
    );
    assert_eq!(
        ["layer3", "n0", "conv_7", "stem"].map(super::words::name),
        ["layer 3", "n0", "conv 7", "stem"]
    );
    assert_eq!(
        [3.0, -0.04, 2.25, 10.96].map(text::number),
        ["3", "0", "2.3", "11"]
    );
    assert_eq!(
        text::escape("a<b>&\"'\u{1}\n"),
        "a&lt;b&gt;&amp;&quot;&#39;\u{fffd} "
    );
    assert!(
        text::width(
            &text::fit("a very long label", 14.0, true, 60.0),
            14.0,
            true
        ) <= 60.1
    );
    assert_eq!(
        text::wrap("accuracy 97.5 % · 31,248 parameters", 13.5, false, 160.0),
        ["accuracy 97.5 %", "31,248 parameters"]
    );
}
