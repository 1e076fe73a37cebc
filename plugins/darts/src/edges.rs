use supernet_plugin::{
    BuildError, Built, Config, DecisionRef, Field, Space, SpaceEntry, Tensor, When, inventory,
};

use crate::Form;
use crate::network::{CellNetwork, Kind};
use crate::operation::operation;
use crate::partial::{Partial, Split};

/// The operations of an edge, in published order.
pub(crate) const OPS: [&str; 8] = [
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
];

/// The number of nodes that a cell computes in addition to its two inputs.
pub(crate) const NODES: usize = 4;

/// The number of edges that a node keeps.
pub(crate) const KEPT: usize = 2;

inventory::submit! {
    SpaceEntry {
        name: "darts",
        summary: "cells with an operation on each of fourteen edges, two of which each node keeps (DARTS)",
        fields: || {
            let mut fields = CellNetwork::fields();
            fields.insert(3, Field::int("partial", 1, 1..=64,
                "in the search, operations see one in so many channels, the others pass by; 4 in PC-DARTS").omit_default());
            fields
        },
        build: |config| darts(&Darts::from_config(config)?),
    }
}

/// The config of `darts`.
#[derive(Clone, Debug, PartialEq)]
pub struct Darts {
    /// The number of cells; those at a third and two thirds halve the image.
    pub cells: usize,
    /// Channels of a node in the first cells; doubled at each halving. The output of a cell has
    /// four times as many.
    pub channels: u32,
    /// Which of the two networks to build.
    pub form: Form,
    /// In the search form, operations see one in so many of the channels, and the others pass them
    /// by: 1 in DARTS, 4 in PC-DARTS (Xu et al. 2020). It must divide the channels.
    pub partial: u32,
    /// `[height, width, channels]`.
    pub image: Vec<u32>,
    /// The number of classes.
    pub classes: u32,
}

impl Darts {
    fn from_config(config: &Config) -> Result<Self, BuildError> {
        let CellNetwork {
            cells,
            channels,
            form,
            image,
            classes,
        } = CellNetwork::from_config(config)?;
        Ok(Darts {
            cells,
            channels,
            form,
            partial: config.size("partial")?,
            image,
            classes,
        })
    }
}

/// The decisions of one kind of cell: for each node, an operation per earlier value.
struct Cell<'s> {
    nodes: Vec<Vec<DecisionRef<'s>>>,
}

impl<'s> Cell<'s> {
    fn decide(s: &'s Space, kind: Kind) -> Self {
        let kind = kind.name();
        let nodes = (0..NODES).map(|n| {
            let edges: Vec<_> = (0..n + 2).map(|from| s.op(format!("{kind}.n{n}.from{from}"), &OPS)).collect();
            if edges.len() > KEPT {
                // An edge is as likely to be kept as one of `KEPT` among all edges of the node, and
                // its operations are equally likely.
                let none = 1.0 - KEPT as f32 / edges.len() as f32;
                let mut prior = [(1.0 - none) / (OPS.len() - 1) as f32; OPS.len()];
                prior[0] = none;
                edges.iter().for_each(|edge| {
                    edge.prior(&prior);
                });
            }
            s.group(format!("{kind}.n{n}"), &edges, KEPT as u32, 0);
            s.require(
                two_of(&edges),
                format!("node n{n} of the {kind} cell must keep two of its edges, and have `none` on the others"),
            );
            edges
        });
        Cell {
            nodes: nodes.collect(),
        }
    }

    /// The concatenation of the nodes. A node is the sum of its edges; every edge has separate
    /// weights.
    fn build(
        &self,
        s: &'s Space,
        kind: Kind,
        inputs: [Tensor<'s>; 2],
        form: Form,
        partial: Partial,
    ) -> Tensor<'s> {
        let stride = |from| {
            if kind == Kind::Reduce && from < 2 {
                2
            } else {
                1
            }
        };
        let mut h = inputs.to_vec();
        let mut split: Vec<Split<'s>> = Vec::new();
        for (n, edges) in self.nodes.iter().enumerate() {
            let new = h.iter().enumerate().skip(split.len());
            split.extend(new.map(|(from, x)| partial.split(*x, stride(from))));
            let parts: Vec<_> = edges
                .iter()
                .zip(&split)
                .enumerate()
                .map(|(from, (edge, Split { seen, .. }))| {
                    let stride = stride(from);
                    let ops = || {
                        s.choose(
                            *edge,
                            &OPS.map(|name| operation(s, name, *seen, stride, form)),
                        )
                    };
                    s.scope(format!("n{n}.from{from}"), ops)
                })
                .collect();
            h.push(partial.join(s, s.sum(&parts), edges, &split));
        }
        s.concat(&h[2..])
    }
}

/// The condition that exactly two of the edges are kept.
fn two_of(edges: &[DecisionRef<'_>]) -> When {
    let pairs = (0..edges.len()).flat_map(|a| (a + 1..edges.len()).map(move |b| [a, b]));
    When::any(pairs.map(|pair| {
        let kept = |i: usize| {
            if pair.contains(&i) {
                !edges[i].is(0)
            } else {
                edges[i].is(0)
            }
        };
        When::all((0..edges.len()).map(kept))
    }))
}

/// The space of DARTS: a genome is one operation per edge, those of the normal cell first, node by
/// node (28 numbers).
///
/// The structure follows sections 2.1 and 3.1.1 of the paper and its released code: a node sums one
/// operation on each of the two inputs and the nodes before it; the output of a cell is the
/// concatenation of its four nodes. Two edges of a node are kept, with an operation other than
/// `none`. Drop path and the auxiliary head, which have no weights in the network that is kept, are
/// not included.
///
/// With `partial` above 1 the network that is searched has the partial channel connections of
/// PC-DARTS: what passes by the operations of an edge is weighed, in a mixture, by the sum of the
/// weights of all operations but `none`. Its edge weights need nothing here: a policy multiplies
/// the weights of an edge's operations by that of the edge.
pub fn darts(config: &Darts) -> Built {
    let &Darts {
        cells,
        channels,
        form,
        partial,
        ref image,
        classes,
    } = config;
    let network = CellNetwork {
        cells,
        channels,
        form,
        image: image.clone(),
        classes,
    };
    network.check()?;
    let partial = Partial::new(partial, form, channels)?;
    let s = Space::new("darts");
    let decided = Kind::BOTH.map(|kind| Cell::decide(&s, kind));
    network.stack(&s, |kind, inputs| {
        decided[kind as usize].build(&s, kind, inputs, form, partial)
    })
}
