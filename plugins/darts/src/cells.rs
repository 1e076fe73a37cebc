use supernet_plugin::{
    BuildError, Built, Config, DecisionRef, Field, Space, SpaceEntry, Tensor, inventory,
};

use crate::Form;
use crate::network::{CellNetwork, Kind};
use crate::operation::operation;

/// The operations of a cell.
pub(crate) const OPS: [&str; 9] = [
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "conv_7x1_1x7",
];

/// The most nodes that a cell may have.
pub(crate) const MOST: i64 = 12;

inventory::submit! {
    SpaceEntry {
        name: "cells",
        summary: "cells whose nodes add up two operations on earlier values (NASNet, AmoebaNet, DARTS)",
        fields: || {
            let mut fields = CellNetwork::fields();
            let last = 1 + MOST;
            let value = |kind| format!("the nodes whose values make up that of the {kind} cell, counted from 2 [all]");
            fields.insert(3, Field::int("nodes", 5, 1..=MOST, "how many nodes a cell computes; 5 in NASNet, 4 in DARTS"));
            fields.insert(4, Field::ints("normal_concat", &[], 2..=last, &value("normal")));
            fields.insert(5, Field::ints("reduce_concat", &[], 2..=last, &value("reduction")));
            fields
        },
        build: |config| cells(&Cells::from_config(config)?),
    }
}

/// The config of `cells`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cells {
    /// The number of cells; those at a third and two thirds halve the image.
    pub cells: usize,
    /// Channels of a node in the first cells; doubled at each halving.
    pub channels: u32,
    /// Which of the two networks to build.
    pub form: Form,
    /// The number of nodes that a cell computes in addition to its two inputs.
    pub nodes: usize,
    /// For the normal and the reduction cell, the values that make up its output, counted as in the
    /// published notation: 0 and 1 are the inputs, 2 is the first node. `None` means every node.
    pub concat: [Vec<u32>; 2],
    /// `[height, width, channels]`.
    pub image: Vec<u32>,
    /// The number of classes.
    pub classes: u32,
}

impl Cells {
    fn from_config(config: &Config) -> Result<Self, BuildError> {
        let CellNetwork {
            cells,
            channels,
            form,
            image,
            classes,
        } = CellNetwork::from_config(config)?;
        let nodes = config.size("nodes")? as usize;
        let concat = [
            config.sizes("normal_concat")?,
            config.sizes("reduce_concat")?,
        ];
        Ok(Cells {
            cells,
            channels,
            form,
            nodes,
            concat,
            image,
            classes,
        })
    }

    /// The values that a kind of cell concatenates.
    fn concat(&self, kind: Kind) -> Result<Vec<usize>, BuildError> {
        let (stated, last) = (&self.concat[kind as usize], self.nodes + 1);
        let key = format!("{}_concat", kind.name());
        for (i, &value) in stated.iter().enumerate() {
            if !(2..=last).contains(&(value as usize)) {
                let nodes = self.nodes;
                return Err(BuildError::refused(format!(
                    "`{key}` names {value}, and a cell of {nodes} nodes has 2 to {last}"
                )));
            }
            if stated[..i].contains(&value) {
                return Err(BuildError::refused(format!("`{key}` names {value} twice")));
            }
        }
        Ok(if stated.is_empty() {
            (2..=last).collect()
        } else {
            stated.iter().map(|&value| value as usize).collect()
        })
    }
}

/// One of the two operations whose results a node adds.
#[derive(Clone, Copy)]
struct Side<'s> {
    input: DecisionRef<'s>,
    op: DecisionRef<'s>,
}

/// The decisions of one kind of cell; every cell of that kind uses the same decisions.
struct Cell<'s> {
    nodes: Vec<[Side<'s>; 2]>,
    concat: Vec<usize>,
}

impl<'s> Cell<'s> {
    fn decide(s: &'s Space, kind: Kind, nodes: usize, concat: Vec<usize>) -> Self {
        let kind = kind.name();
        let node = |n| format!("{kind}.n{n}");
        let mut anchors = [format!("{kind}.in0"), format!("{kind}.in1")].to_vec();
        for input in &anchors {
            s.step(&[]).keep(input);
        }
        let mut decided = Vec::new();
        for n in 0..nodes {
            let [x, y] = ["x", "y"].map(|side| Side {
                input: s.input_of(format!("{}.{side}.in", node(n)), &anchors),
                op: s.op(format!("{}.{side}.op", node(n)), &OPS),
            });
            for decision in [x.input, y.input, x.op, y.op] {
                s.step(&[decision]);
            }
            s.step(&[]).keep(node(n));
            anchors.push(node(n));
            decided.push([x, y]);
        }
        Cell {
            nodes: decided,
            concat,
        }
    }

    /// The concatenation of some of the nodes. In the search form, every operation has separate
    /// weights for each possible input; in the final form, it has a single input, and only
    /// operations that halve need to know which.
    fn build(&self, s: &'s Space, kind: Kind, inputs: [Tensor<'s>; 2], form: Form) -> Tensor<'s> {
        let each = kind == Kind::Reduce || form == Form::Search;
        let mut h = inputs.to_vec();
        for (n, sides) in self.nodes.iter().enumerate() {
            let part = |Side { input, op }: Side<'s>| {
                if !each {
                    let x = s.choose(input, &h);
                    return s.choose(op, &OPS.map(|name| operation(s, name, x, 1, form)));
                }
                let from_each = |name: &str| {
                    let branches = h.iter().enumerate().take(n + 2).map(|(i, &x)| {
                        let stride = if kind == Kind::Reduce && i < 2 { 2 } else { 1 };
                        s.scope(format!("from{i}"), || operation(s, name, x, stride, form))
                    });
                    s.choose(input, &branches.collect::<Vec<_>>())
                };
                s.choose(op, &OPS.map(from_each))
            };
            let parts =
                [0, 1].map(|i| s.scope(format!("n{n}.{}", ["x", "y"][i]), || part(sides[i])));
            h.push(s.sum(&parts));
        }
        s.concat(&self.concat.iter().map(|&i| h[i]).collect::<Vec<_>>())
    }
}

/// Cells of pairs: a genome is `input, op, input, op` for each node of the normal cell, then of the
/// reduction cell (40 numbers for five nodes).
///
/// The cells of NASNet-A and AmoebaNet-A, and those of DARTS, in the network in which the released
/// DARTS code trains them. Which nodes make up the output of a cell is part of the config, since
/// the published cells state it: it is not always the nodes that no node reads.
pub fn cells(config: &Cells) -> Built {
    let &Cells {
        cells,
        channels,
        form,
        nodes,
        ref image,
        classes,
        ..
    } = config;
    let network = CellNetwork {
        cells,
        channels,
        form,
        image: image.clone(),
        classes,
    };
    network.check()?;
    if nodes == 0 {
        return Err(BuildError::refused(
            "a cell has 0 nodes, and needs at least 1",
        ));
    }
    let [normal, reduce] = Kind::BOTH.map(|kind| config.concat(kind));
    let concat = [normal?, reduce?];
    let s = Space::new("cells");
    let decided =
        Kind::BOTH.map(|kind| Cell::decide(&s, kind, nodes, concat[kind as usize].clone()));
    network.stack(&s, |kind, inputs| {
        decided[kind as usize].build(&s, kind, inputs, form)
    })
}
