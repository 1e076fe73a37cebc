use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use supernet_plugin::{Setting, nearest};

use crate::literal::{self, Literal, LiteralError};
use crate::network::Kind;
use crate::{cells, edges};

/// An architecture in the notation of the DARTS code: two cells, each as pairs of an operation and the value that it reads.
///
/// ```
/// use supernet_darts::Genotype;
///
/// let pasted = "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0)], normal_concat=range(2, 3),
///                        reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 0)], reduce_concat=[2])";
/// let genotype: Genotype = pasted.parse()?;
/// assert_eq!(genotype.pairs()?, [1, 3, 0, 2, 0, 0, 0, 0]);
/// # Ok::<(), supernet_darts::GenotypeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genotype {
    /// The cell that keeps the image's size.
    pub normal: GenotypeCell,
    /// The cell that halves it.
    pub reduce: GenotypeCell,
}

/// A cell of a [`Genotype`]. Values are counted from 0: the value two cells back, that of the cell before, then the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenotypeCell {
    /// Two for each node, which is their sum: the operation's published name, and the value that it reads.
    pub pairs: Vec<(String, u32)>,
    /// The values that make up the cell's own.
    pub concat: Vec<u32>,
}

/// Why a text is no genotype, or a genotype is none of a space's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenotypeError {
    /// Not what Python or JSON would write.
    #[error("the genotype cannot be read: {0}.")]
    Text(#[from] LiteralError),
    /// A part is missing, or is another kind of thing.
    #[error("a genotype has `{part}`, {wanted}, and this one does not.")]
    Part {
        /// Which part.
        part: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A node with one operation, or cells of different size.
    #[error(
        "the pairs of the genotype's {cell} cell number {pairs}, those of the normal cell {normal}: every node has two, and \
         both cells have as many nodes."
    )]
    Pairs {
        /// Which cell.
        cell: &'static str,
        /// How many pairs it has.
        pairs: usize,
        /// How many the normal cell has.
        normal: usize,
    },
    /// No operation of the space.
    #[error("the space `{space}` has no operation `{op}`{hint}. Its operations are: {known}.")]
    Op {
        /// The space.
        space: &'static str,
        /// The operation.
        op: String,
        /// The nearest operation, as the end of the sentence.
        hint: String,
        /// What there is.
        known: String,
    },
    /// A node that reads itself or a later one.
    #[error(
        "node {node} of the {cell} cell reads value {value}, and what stands before it are the values 0 to {}.",
        .node - 1
    )]
    Value {
        /// Which cell.
        cell: &'static str,
        /// The node, counted as values are.
        node: usize,
        /// What it reads.
        value: u32,
    },
    /// What the edge form cannot say.
    #[error(
        "two ops on one edge: node {node} of the {cell} cell has `{first}` and `{second}` on value {value}, and an edge of \
         the space `darts` has one operation; the space `cells` takes both."
    )]
    TwoOnOneEdge {
        /// Which cell.
        cell: &'static str,
        /// The node, counted as values are.
        node: usize,
        /// The value that it reads twice.
        value: u32,
        /// An operation.
        first: String,
        /// The other one.
        second: String,
    },
    /// What only the space of pairs can say.
    #[error(
        "the genotype's {cell} cell {what}, and a cell of the space `darts` is its four nodes; the space `cells` takes it."
    )]
    NotDarts {
        /// Which cell.
        cell: &'static str,
        /// What is different.
        what: String,
    },
    /// What the space of recurrent cells cannot say.
    #[error(
        "the recurrent genotype's state is the mean of its nodes {0:?}, and a space has the mean of those that no node reads, or \
         of all but the first."
    )]
    Mean(Vec<u32>),
    /// Not a genome of the space.
    #[error("{0:?} is no genome of the space `{1}`, so it is no genotype.")]
    Genome(Vec<u32>, &'static str),
}

impl Genotype {
    /// Its cells with what they are called.
    fn cells(&self) -> [(Kind, &GenotypeCell); 2] {
        [(Kind::Normal, &self.normal), (Kind::Reduce, &self.reduce)]
    }

    /// The genome of the space `darts`: an operation for each edge.
    ///
    /// # Errors
    /// If there are two operations on one edge, or what only `cells` has: other nodes, other operations, another value of a cell.
    pub fn edges(&self) -> Result<Vec<u32>, GenotypeError> {
        self.no_edge_twice()?;
        self.check("darts", &edges::OPS)?;
        let mut genome = Vec::new();
        for (kind, cell) in self.cells() {
            let other = |what| GenotypeError::NotDarts { cell: spoken(kind), what };
            let nodes = cell.pairs.len() / 2;
            if nodes != edges::NODES {
                return Err(other(format!("has {nodes} node{}", if nodes == 1 { "" } else { "s" })));
            }
            let mut concat = cell.concat.clone();
            concat.sort_unstable();
            if concat != [2, 3, 4, 5] {
                return Err(other(format!("is made up of the values {:?}", cell.concat)));
            }
            for (n, pair) in cell.pairs.chunks_exact(2).enumerate() {
                let op = |from: u32| pair.iter().find(|(_, value)| *value == from);
                let choice = |from| op(from).and_then(|(op, _)| number("darts", &edges::OPS, op).ok()).unwrap_or(0);
                if let Some((none, _)) = pair.iter().find(|(op, _)| op == edges::OPS[0]) {
                    return Err(other(format!("has `{none}` on a kept edge")));
                }
                genome.extend((0..n as u32 + 2).map(choice));
            }
        }
        Ok(genome)
    }

    /// The genotype of a genome of the space `darts`; the pairs of a node stand in the order of what they read.
    ///
    /// # Errors
    /// If it is none.
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
                    pairs.push(((*edges::OPS.get(choice as usize).ok_or_else(wrong)?).to_owned(), from));
                }
                if pairs.len() != before + edges::KEPT {
                    return Err(wrong());
                }
            }
            Ok(GenotypeCell { pairs, concat: vec![2, 3, 4, 5] })
        };
        let genotype = Genotype { normal: cell()?, reduce: cell()? };
        if rest.is_empty() { Ok(genotype) } else { Err(wrong()) }
    }

    /// The genome of the space `cells`, configured with [`settings`](Self::settings).
    ///
    /// # Errors
    /// If it has an operation that the space has not, or a node reads what does not stand before it.
    pub fn pairs(&self) -> Result<Vec<u32>, GenotypeError> {
        self.check("cells", &cells::OPS)?;
        let pairs = self.cells().into_iter().flat_map(|(_, cell)| &cell.pairs);
        let numbers = pairs.map(|(op, value)| Ok([*value, number("cells", &cells::OPS, op)?]));
        Ok(numbers.collect::<Result<Vec<_>, GenotypeError>>()?.concat())
    }

    /// The genotype of a genome of the space `cells`, given what makes up the values of its cells.
    ///
    /// # Errors
    /// If it is none.
    pub fn of_pairs(genome: &[u32], normal_concat: &[u32], reduce_concat: &[u32]) -> Result<Self, GenotypeError> {
        let wrong = || GenotypeError::Genome(genome.to_vec(), "cells");
        if !genome.len().is_multiple_of(8) {
            return Err(wrong());
        }
        let (normal, reduce) = genome.split_at(genome.len() / 2);
        let cell = |half: &[u32], concat: &[u32]| -> Result<GenotypeCell, GenotypeError> {
            let pair = |pair: &[u32]| Some(((*cells::OPS.get(pair[1] as usize)?).to_owned(), pair[0]));
            let pairs = half.chunks_exact(2).map(pair).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
            Ok(GenotypeCell { pairs, concat: concat.to_vec() })
        };
        let genotype = Genotype { normal: cell(normal, normal_concat)?, reduce: cell(reduce, reduce_concat)? };
        genotype.check("cells", &cells::OPS)?;
        Ok(genotype)
    }

    /// The settings of the space `cells` that say what its genome does not: how many nodes there are, and which make up a cell's
    /// value.
    pub fn settings(&self) -> BTreeMap<String, Setting> {
        BTreeMap::from([
            ("nodes".to_owned(), Setting::Int((self.normal.pairs.len() / 2) as i64)),
            ("normal_concat".to_owned(), self.normal.concat.as_slice().into()),
            ("reduce_concat".to_owned(), self.reduce.concat.as_slice().into()),
        ])
    }

    /// The same as JSON, as it is also read.
    pub fn to_json(&self) -> String {
        let quoted = |pairs: &[(String, u32)]| {
            let pairs: Vec<_> = pairs.iter().map(|(op, value)| format!("[\"{op}\", {value}]")).collect();
            pairs.join(", ")
        };
        let Genotype { normal, reduce } = self;
        format!(
            "{{\"normal\": [{}], \"normal_concat\": {:?}, \"reduce\": [{}], \"reduce_concat\": {:?}}}",
            quoted(&normal.pairs),
            normal.concat,
            quoted(&reduce.pairs),
            reduce.concat
        )
    }

    /// Whether no node has two operations on one value.
    fn no_edge_twice(&self) -> Result<(), GenotypeError> {
        for (kind, cell) in self.cells() {
            for (n, pair) in cell.pairs.chunks_exact(2).enumerate() {
                if pair[0].1 == pair[1].1 {
                    let [first, second] = [0, 1].map(|i: usize| pair[i].0.clone());
                    let (cell, node, value) = (spoken(kind), n + 2, pair[0].1);
                    return Err(GenotypeError::TwoOnOneEdge { cell, node, value, first, second });
                }
            }
        }
        Ok(())
    }

    /// Whether the pairs make sense with these operations.
    fn check(&self, space: &'static str, ops: &[&str]) -> Result<(), GenotypeError> {
        let normal = self.normal.pairs.len();
        for (kind, GenotypeCell { pairs, .. }) in self.cells() {
            let cell = spoken(kind);
            if pairs.is_empty() || !pairs.len().is_multiple_of(2) || pairs.len() != normal {
                return Err(GenotypeError::Pairs { cell, pairs: pairs.len(), normal });
            }
            for (i, (op, value)) in pairs.iter().enumerate() {
                number(space, ops, op)?;
                let node = i / 2 + 2;
                if *value as usize >= node {
                    return Err(GenotypeError::Value { cell, node, value: *value });
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

/// Which of the operations a name is.
pub(crate) fn number(space: &'static str, ops: &[&str], op: &str) -> Result<u32, GenotypeError> {
    ops.iter().position(|known| *known == op).map(|choice| choice as u32).ok_or_else(|| GenotypeError::Op {
        space,
        op: op.to_owned(),
        hint: nearest(op, ops.iter().copied()).map_or(String::new(), |near| format!("; the nearest is `{near}`")),
        known: ops.join(", "),
    })
}

/// What a genotype consists of, by name. One that is something else lacks `first`.
pub(crate) fn fields(text: &str, first: &str) -> Result<Vec<(String, Literal)>, GenotypeError> {
    match literal::read(text)? {
        Literal::Record(fields) => Ok(fields),
        _ => Err(part(first, PAIRS)),
    }
}

const PAIRS: &str = "pairs of an operation and the value that it reads";

fn part(part: &str, wanted: &'static str) -> GenotypeError {
    GenotypeError::Part { part: part.to_owned(), wanted }
}

fn list<'a>(fields: &'a [(String, Literal)], key: &str, wanted: &'static str) -> Result<&'a [Literal], GenotypeError> {
    match fields.iter().find(|(known, _)| known == key) {
        Some((_, Literal::List(items))) => Ok(items),
        _ => Err(part(key, wanted)),
    }
}

/// The pairs of a name.
pub(crate) fn pairs(fields: &[(String, Literal)], key: &str) -> Result<Vec<(String, u32)>, GenotypeError> {
    let pair = |item: &Literal| match item {
        Literal::List(pair) => match pair.as_slice() {
            [Literal::Text(op), Literal::Number(value)] => Ok((op.clone(), *value)),
            _ => Err(part(key, PAIRS)),
        },
        _ => Err(part(key, PAIRS)),
    };
    list(fields, key, PAIRS)?.iter().map(pair).collect()
}

/// The values of a name.
pub(crate) fn values(fields: &[(String, Literal)], key: &str) -> Result<Vec<u32>, GenotypeError> {
    const WANTED: &str = "the values that make up the cell's own";
    let value = |item: &Literal| match item {
        Literal::Number(value) => Ok(*value),
        _ => Err(part(key, WANTED)),
    };
    list(fields, key, WANTED)?.iter().map(value).collect()
}

/// Pairs as Python writes them.
pub(crate) fn written(pairs: &[(String, u32)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(op, value)| format!("('{op}', {value})")).collect();
    pairs.join(", ")
}

impl FromStr for Genotype {
    type Err = GenotypeError;

    /// Reads what the DARTS code prints, or the same as JSON.
    fn from_str(text: &str) -> Result<Self, GenotypeError> {
        let fields = fields(text, "normal")?;
        let cell = |key: &str| {
            let (pairs, concat) = (pairs(&fields, key)?, values(&fields, &format!("{key}_concat"))?);
            Ok::<_, GenotypeError>(GenotypeCell { pairs, concat })
        };
        Ok(Genotype { normal: cell("normal")?, reduce: cell("reduce")? })
    }
}

impl fmt::Display for Genotype {
    /// Writes what the DARTS code prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Genotype { normal, reduce } = self;
        write!(f, "Genotype(normal=[{}], normal_concat={:?}, ", written(&normal.pairs), normal.concat)?;
        write!(f, "reduce=[{}], reduce_concat={:?})", written(&reduce.pairs), reduce.concat)
    }
}
