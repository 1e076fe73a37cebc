use std::collections::BTreeMap;

use supernet_plugin::{Setting, nearest};

use crate::network::Kind;
use crate::{cells, edges};

mod error;
pub(crate) mod notation;

pub use error::GenotypeError;

/// An architecture in the notation of the DARTS code: two cells, each given by pairs of an
/// operation and the value that it reads.
///
/// ```
/// use supernet_darts::Genotype;
///
/// let pasted = "Genotype(
///     normal=[('sep_conv_3x3', 1), ('skip_connect', 0)], normal_concat=range(2, 3),
///     reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 0)], reduce_concat=[2])";
/// let genotype: Genotype = pasted.parse()?;
/// assert_eq!(genotype.pairs()?, [1, 3, 0, 2, 0, 0, 0, 0]);
/// # Ok::<(), supernet_darts::GenotypeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genotype {
    /// The cell that keeps the size of the image.
    pub normal: GenotypeCell,
    /// The cell that halves the image.
    pub reduce: GenotypeCell,
}

/// A cell of a [`Genotype`]. Values are counted from 0: the output of the cell before the previous
/// one, the output of the previous cell, then the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenotypeCell {
    /// Two pairs for each node, which is their sum: the published name of the operation, and the
    /// value that it reads.
    pub pairs: Vec<(String, u32)>,
    /// The values that make up the output of the cell.
    pub concat: Vec<u32>,
}

impl Genotype {
    /// The two cells with their kinds.
    fn cells(&self) -> [(Kind, &GenotypeCell); 2] {
        [(Kind::Normal, &self.normal), (Kind::Reduce, &self.reduce)]
    }

    /// The genome of the space `darts`: one operation per edge.
    ///
    /// # Errors
    /// If two operations are on one edge, or the genotype has something that only `cells` supports:
    /// another number of nodes, other operations, another output of a cell.
    pub fn edges(&self) -> Result<Vec<u32>, GenotypeError> {
        self.no_edge_twice()?;
        self.check("darts", &edges::OPS)?;
        let mut genome = Vec::new();
        for (kind, cell) in self.cells() {
            let other = |what| GenotypeError::NotDarts {
                cell: spoken(kind),
                what,
            };
            let nodes = cell.pairs.len() / 2;
            if nodes != edges::NODES {
                return Err(other(format!(
                    "has {nodes} node{}",
                    if nodes == 1 { "" } else { "s" }
                )));
            }
            let mut concat = cell.concat.clone();
            concat.sort_unstable();
            if concat != [2, 3, 4, 5] {
                return Err(other(format!("is made up of the values {:?}", cell.concat)));
            }
            for (n, pair) in cell.pairs.chunks_exact(2).enumerate() {
                let op = |from: u32| pair.iter().find(|(_, value)| *value == from);
                let choice = |from| {
                    op(from)
                        .and_then(|(op, _)| number("darts", &edges::OPS, op).ok())
                        .unwrap_or(0)
                };
                if let Some((none, _)) = pair.iter().find(|(op, _)| op == edges::OPS[0]) {
                    return Err(other(format!("has `{none}` on a kept edge")));
                }
                genome.extend((0..n as u32 + 2).map(choice));
            }
        }
        Ok(genome)
    }

    /// The genotype of a genome of the space `darts`; the pairs of a node are in the order of the
    /// values that they read.
    ///
    /// # Errors
    /// If the genome does not belong to the space.
    pub fn of_edges(genome: &[u32]) -> Result<Self, GenotypeError> {
        let wrong = || GenotypeError::Genome(genome.to_vec(), "darts");
        let mut rest = genome;
        let mut cell = || -> Result<GenotypeCell, GenotypeError> {
            let mut pairs = Vec::new();
            for n in 0..edges::NODES {
                let (edges, after) = rest.split_at_checked(n + 2).ok_or_else(wrong)?;
                rest = after;
                let before = pairs.len();
                for (from, &choice) in (0..).zip(edges).filter(|(_, choice)| **choice > 0) {
                    pairs.push((
                        (*edges::OPS.get(choice as usize).ok_or_else(wrong)?).to_owned(),
                        from,
                    ));
                }
                if pairs.len() != before + edges::KEPT {
                    return Err(wrong());
                }
            }
            Ok(GenotypeCell {
                pairs,
                concat: vec![2, 3, 4, 5],
            })
        };
        let genotype = Genotype {
            normal: cell()?,
            reduce: cell()?,
        };
        if rest.is_empty() {
            Ok(genotype)
        } else {
            Err(wrong())
        }
    }

    /// The genome of the space `cells`, configured with [`settings`](Self::settings).
    ///
    /// # Errors
    /// If an operation is not one of the space, or a node reads a value that does not precede it.
    pub fn pairs(&self) -> Result<Vec<u32>, GenotypeError> {
        self.check("cells", &cells::OPS)?;
        let pairs = self.cells().into_iter().flat_map(|(_, cell)| &cell.pairs);
        let numbers = pairs.map(|(op, value)| Ok([*value, number("cells", &cells::OPS, op)?]));
        Ok(numbers.collect::<Result<Vec<_>, GenotypeError>>()?.concat())
    }

    /// The genotype of a genome of the space `cells`, given the values that make up the outputs of
    /// its cells.
    ///
    /// # Errors
    /// If the genome does not belong to the space.
    pub fn of_pairs(
        genome: &[u32],
        normal_concat: &[u32],
        reduce_concat: &[u32],
    ) -> Result<Self, GenotypeError> {
        let wrong = || GenotypeError::Genome(genome.to_vec(), "cells");
        if !genome.len().is_multiple_of(8) {
            return Err(wrong());
        }
        let (normal, reduce) = genome.split_at(genome.len() / 2);
        let cell = |half: &[u32], concat: &[u32]| -> Result<GenotypeCell, GenotypeError> {
            let pair =
                |pair: &[u32]| Some(((*cells::OPS.get(pair[1] as usize)?).to_owned(), pair[0]));
            let pairs = half
                .chunks_exact(2)
                .map(pair)
                .collect::<Option<Vec<_>>>()
                .ok_or_else(wrong)?;
            Ok(GenotypeCell {
                pairs,
                concat: concat.to_vec(),
            })
        };
        let genotype = Genotype {
            normal: cell(normal, normal_concat)?,
            reduce: cell(reduce, reduce_concat)?,
        };
        genotype.check("cells", &cells::OPS)?;
        Ok(genotype)
    }

    /// The settings of the space `cells` that are not part of its genome: the number of nodes, and
    /// the values that make up the output of a cell.
    pub fn settings(&self) -> BTreeMap<String, Setting> {
        BTreeMap::from([
            (
                "nodes".to_owned(),
                Setting::Int((self.normal.pairs.len() / 2) as i64),
            ),
            (
                "normal_concat".to_owned(),
                self.normal.concat.as_slice().into(),
            ),
            (
                "reduce_concat".to_owned(),
                self.reduce.concat.as_slice().into(),
            ),
        ])
    }

    /// Checks that no node has two operations on one value.
    fn no_edge_twice(&self) -> Result<(), GenotypeError> {
        for (kind, cell) in self.cells() {
            for (n, pair) in cell.pairs.chunks_exact(2).enumerate() {
                if pair[0].1 == pair[1].1 {
                    let [first, second] = [0, 1].map(|i: usize| pair[i].0.clone());
                    let (cell, node, value) = (spoken(kind), n + 2, pair[0].1);
                    return Err(GenotypeError::TwoOnOneEdge {
                        cell,
                        node,
                        value,
                        first,
                        second,
                    });
                }
            }
        }
        Ok(())
    }

    /// Checks the pairs against a list of operations.
    fn check(&self, space: &'static str, ops: &[&str]) -> Result<(), GenotypeError> {
        let normal = self.normal.pairs.len();
        for (kind, GenotypeCell { pairs, .. }) in self.cells() {
            let cell = spoken(kind);
            if pairs.is_empty() || !pairs.len().is_multiple_of(2) || pairs.len() != normal {
                return Err(GenotypeError::Pairs {
                    cell,
                    pairs: pairs.len(),
                    normal,
                });
            }
            for (i, (op, value)) in pairs.iter().enumerate() {
                number(space, ops, op)?;
                let node = i / 2 + 2;
                if *value as usize >= node {
                    return Err(GenotypeError::Value {
                        cell,
                        node,
                        value: *value,
                    });
                }
            }
        }
        Ok(())
    }
}

fn spoken(kind: Kind) -> &'static str {
    match kind {
        Kind::Normal => "normal",
        Kind::Reduce => "reduction",
    }
}

/// The index of an operation in a list.
pub(crate) fn number(space: &'static str, ops: &[&str], op: &str) -> Result<u32, GenotypeError> {
    ops.iter()
        .position(|known| *known == op)
        .map(|choice| choice as u32)
        .ok_or_else(|| GenotypeError::Op {
            space,
            op: op.to_owned(),
            hint: nearest(op, ops.iter().copied())
                .map_or(String::new(), |near| format!("; the nearest is `{near}`")),
            known: ops.join(", "),
        })
}
