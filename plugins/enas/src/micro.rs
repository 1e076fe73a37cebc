mod final_form;

pub use final_form::enas_micro_final;

use supernet_plugin::{
    BuildError, Built, Config, DecisionRef, Fact, Field, Space, SpaceEntry, Tensor, When, inventory,
};

/// The operations of a cell, in published order.
const OPS: [&str; 5] = [
    "sepconv3x3",
    "sepconv5x5",
    "avgpool3x3",
    "maxpool3x3",
    "identity",
];

/// The number of nodes that a cell computes in addition to its two inputs.
const NODES: usize = 5;

inventory::submit! {
    SpaceEntry {
        name: "enas-micro",
        summary: "cells: one that keeps the size and one that halves it, stacked (ENAS 2.4)",
        fields: || vec![
            Field::int("layers", 6, 1..=60, "how many cells keep the size; two more halve it; 15 in the final network"),
            Field::int("filters", 20, 2..=1024, "channels of the first cells; 20 in the released code, 36 in the final network").multiple_of(2),
            crate::form(),
            Field::flag("auxiliary", true, "whether the final network has an auxiliary head, in training"),
            Field::from_data("image", Fact::Shape, "a sample's height, width and channels"),
            Field::from_data("classes", Fact::Classes, "how many classes there are"),
        ],
        build: |config| match config.text("form")? {
            "final" => enas_micro_final(&Micro::from_config(config)?),
            _ => enas_micro(&Micro::from_config(config)?),
        },
    }
}

/// The config of `enas-micro`.
#[derive(Clone, Debug, PartialEq)]
pub struct Micro {
    /// The number of cells that keep the size; two more halve it.
    pub layers: usize,
    /// Channels of the first cells; doubled at each halving. Even, since a factorised reduction has
    /// two halves.
    pub filters: u32,
    /// Whether the final form has an auxiliary head.
    pub auxiliary: bool,
    /// `[height, width, channels]`.
    pub image: Vec<u32>,
    /// The number of classes.
    pub classes: u32,
}

impl Micro {
    fn from_config(config: &Config) -> Result<Self, BuildError> {
        Ok(Micro {
            auxiliary: config.flag("auxiliary")?,
            layers: config.size("layers")? as usize,
            filters: config.size("filters")?,
            image: config.sizes("image")?,
            classes: config.size("classes")?,
        })
    }

    /// Whether layer `l` halves the size.
    fn halves(&self, l: usize) -> bool {
        let third = self.layers / 3;
        l == third || l == 2 * third + 1
    }

    /// Checks what can be checked before anything is built.
    fn check(&self) -> Result<(), BuildError> {
        if self.layers == 0 {
            return Err(BuildError::refused(
                "the network has 0 layers, and needs at least 1",
            ));
        }
        supernet_plugin::check_image(&self.image, 2)
    }
}

/// One of the two operands of a node.
#[derive(Clone, Copy)]
struct Side<'s> {
    input: DecisionRef<'s>,
    op: DecisionRef<'s>,
}

/// The decisions of one kind of cell; every layer of that kind uses the same decisions.
struct Cell<'s> {
    nodes: Vec<[Side<'s>; 2]>,
}

impl<'s> Cell<'s> {
    fn decide(s: &'s Space, kind: &str) -> Self {
        let anchors =
            ["in0", "in1", "n0", "n1", "n2", "n3", "n4"].map(|anchor| format!("{kind}.{anchor}"));
        for input in &anchors[..2] {
            s.step(&[]).keep(input);
        }
        let nodes = (0..NODES).map(|n| {
            let [x, y] = ["x", "y"].map(|side| Side {
                input: s.input_of(format!("{kind}.n{n}.{side}.in"), &anchors[..n + 2]),
                op: s.op(format!("{kind}.n{n}.{side}.op"), &OPS),
            });
            for decision in [x.input, y.input, x.op, y.op] {
                s.step(&[decision]);
            }
            s.step(&[]).keep(&anchors[n + 2]);
            [x, y]
        });
        Cell {
            nodes: nodes.collect(),
        }
    }

    /// The conditions under which tensor `i` is read inside the cell.
    fn reads(&self, i: usize) -> impl Iterator<Item = When> + '_ {
        let later = self
            .nodes
            .iter()
            .enumerate()
            .filter(move |(n, _)| n + 2 > i);
        later
            .flat_map(|(_, sides)| sides)
            .map(move |side| side.input.is(i))
    }

    /// The output of the cell: the sum of the values that nothing inside reads, each after ReLU and
    /// a 1x1 convolution, which equals a 1x1 convolution of their concatenation.
    fn build(&self, s: &'s Space, inputs: [Tensor<'s>; 2], filters: u32) -> Tensor<'s> {
        let separable = |x: Tensor<'s>, k| {
            let once = |x: Tensor<'s>| x.relu().separable(k, filters).norm();
            once(once(x))
        };
        let mut h = inputs.to_vec();
        for (n, sides) in self.nodes.iter().enumerate() {
            let parts = [0, 1].map(|i| {
                s.scope(format!("n{n}.{}", ["x", "y"][i]), || {
                    let Side { input, op } = sides[i];
                    let from_each = |k: u32| {
                        s.scope(format!("sep{k}"), || {
                            s.choose_of(input, &h, |t| separable(t, k))
                        })
                    };
                    let x = s.choose(input, &h);
                    s.choose(
                        op,
                        &[from_each(3), from_each(5), x.avg_pool(3), x.max_pool(3), x],
                    )
                })
            });
            h.push(s.sum(&parts));
        }
        s.scope("merge", || {
            let loose = h
                .iter()
                .enumerate()
                .map(|(i, t)| (t.relu().conv(1, filters), When::none(self.reads(i))));
            s.sum_when(loose).norm()
        })
    }
}

/// The micro space: a genome is two cells of five nodes, each node being `input, op, input, op` (40
/// numbers), as in section 2.4 of Pham et al. 2018 and their released code. Reduction cells are at
/// a third and at two thirds.
///
/// This is the network that is searched: separable convolutions are applied twice, with separate
/// weights for each layer, node, side and possible input; the output of a layer is a 1x1
/// convolution of its cell's loose ends; a reduction is a factorised reduction before a cell that
/// keeps the size. Dropout is applied in training only (in the released code, in rewards too).
pub fn enas_micro(config: &Micro) -> Built {
    config.check()?;
    let &Micro {
        layers,
        mut filters,
        ref image,
        classes,
        ..
    } = config;
    let s = Space::new("enas-micro");
    let (normal, reduce) = (Cell::decide(&s, "normal"), Cell::decide(&s, "reduce"));
    let stem = s.scope("stem", || {
        s.input("image", image)
            .conv(3, filters.saturating_mul(3))
            .norm()
    });
    let (mut before, mut last) = (stem, stem);
    for l in 0..layers + 2 {
        s.scope(format!("layer{l}"), || {
            if config.halves(l) {
                filters = filters.saturating_mul(2);
                (before, last) = (
                    last,
                    s.scope("reduce", || last.factorized_reduction(filters)),
                );
            }
            let same_size = before.height() == last.height();
            let a = s.scope("in0", || {
                if same_size {
                    fit(before, filters)
                } else {
                    before.relu().factorized_reduction(filters)
                }
            });
            let b = s.scope("in1", || fit(last, filters));
            let cell = if config.halves(l) { &reduce } else { &normal };
            (before, last) = (last, cell.build(&s, [a, b], filters));
        });
    }
    s.scope("head", || {
        s.output(
            last.relu()
                .global_avg_pool()
                .dropout(0.1)
                .linear(classes, false),
        )
    });
    s.finish()
}

/// An input, projected to the number of channels of the layer.
fn fit(t: Tensor<'_>, filters: u32) -> Tensor<'_> {
    if t.channels() == filters {
        t
    } else {
        t.relu().conv(1, filters).norm()
    }
}
