use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use supernet_plugin::Setting;

use crate::GenotypeError;
use crate::genotype::notation::{fields, pairs, values, written};
use crate::genotype::number;

/// The space of the genomes, which `supernet-enas` registers.
const SPACE: &str = "enas-recurrent";

/// The activations of that space, in its order.
const ACTIVATIONS: [&str; 4] = ["tanh", "relu", "identity", "sigmoid"];

/// A recurrent cell in the notation of the DARTS code. Its nodes are counted from 0; node 0 reads
/// the word and the previous state, and is tanh.
///
/// ```
/// use supernet_darts::RecurrentGenotype;
///
/// let pasted = "Genotype(
///     recurrent=[('relu', 0), ('sigmoid', 1), ('identity', 1)], concat=range(1, 4))";
/// let genotype: RecurrentGenotype = pasted.parse()?;
/// assert_eq!(genotype.genome()?, [0, 0, 1, 1, 3, 1, 2]);
/// # Ok::<(), supernet_darts::GenotypeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecurrentGenotype {
    /// For each node except the first, its activation and the node that it reads.
    pub recurrent: Vec<(String, u32)>,
    /// The nodes whose mean is the next state.
    pub concat: Vec<u32>,
}

impl RecurrentGenotype {
    /// The genome of the space `enas-recurrent`, configured with [`settings`](Self::settings).
    ///
    /// # Errors
    /// If an activation is not one of the space, or a node reads a node that does not precede it.
    pub fn genome(&self) -> Result<Vec<u32>, GenotypeError> {
        let mut genome = vec![0];
        for (node, (activation, value)) in (1..).zip(&self.recurrent) {
            if *value as usize >= node {
                return Err(GenotypeError::Value {
                    cell: "recurrent",
                    node,
                    value: *value,
                });
            }
            genome.extend([*value, number(SPACE, &ACTIVATIONS, activation)?]);
        }
        Ok(genome)
    }

    /// The genotype of a genome of the space `enas-recurrent` whose first node is tanh. If `all` is
    /// true, the next state is the mean of all nodes except the first, otherwise that of the nodes
    /// that no node reads.
    ///
    /// # Errors
    /// If the genome does not belong to the space.
    pub fn of(genome: &[u32], all: bool) -> Result<Self, GenotypeError> {
        let wrong = || GenotypeError::Genome(genome.to_vec(), SPACE);
        let Some((0, rest)) = genome.split_first() else {
            return Err(wrong());
        };
        if rest.is_empty() || !rest.len().is_multiple_of(2) {
            return Err(wrong());
        }
        let pair = |pair: &[u32]| Some(((*ACTIVATIONS.get(pair[1] as usize)?).to_owned(), pair[0]));
        let recurrent = rest
            .chunks_exact(2)
            .map(pair)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(wrong)?;
        let mut genotype = RecurrentGenotype {
            recurrent,
            concat: Vec::new(),
        };
        genotype.genome()?;
        genotype.concat = if all {
            genotype.all()
        } else {
            genotype.loose()
        };
        Ok(genotype)
    }

    /// The settings of the space that are not part of its genome: the number of nodes, and the
    /// nodes whose mean is the next state.
    ///
    /// # Errors
    /// If the mean is neither that of all nodes except the first nor that of the nodes that no node
    /// reads.
    pub fn settings(&self) -> Result<BTreeMap<String, Setting>, GenotypeError> {
        let mut concat = self.concat.clone();
        concat.sort_unstable();
        let mean = match concat {
            concat if concat == self.loose() => "loose-ends",
            concat if concat == self.all() => "all-but-first",
            _ => return Err(GenotypeError::Mean(self.concat.clone())),
        };
        let nodes = Setting::Int(1 + self.recurrent.len() as i64);
        Ok(BTreeMap::from([
            ("nodes".to_owned(), nodes),
            ("mean".to_owned(), mean.into()),
        ]))
    }

    /// The nodes except the first.
    fn all(&self) -> Vec<u32> {
        (1..=self.recurrent.len() as u32).collect()
    }

    /// The nodes that no node reads.
    fn loose(&self) -> Vec<u32> {
        let read = |node: &u32| self.recurrent.iter().any(|(_, value)| value == node);
        (0..=self.recurrent.len() as u32)
            .filter(|node| !read(node))
            .collect()
    }
}

impl FromStr for RecurrentGenotype {
    type Err = GenotypeError;

    /// Reads the output of the DARTS code, or the same as JSON.
    fn from_str(text: &str) -> Result<Self, GenotypeError> {
        let fields = fields(text, "recurrent")?;
        Ok(RecurrentGenotype {
            recurrent: pairs(&fields, "recurrent")?,
            concat: values(&fields, "concat")?,
        })
    }
}

impl fmt::Display for RecurrentGenotype {
    /// Writes the same text as the DARTS code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Genotype(recurrent=[{}], concat={:?})",
            written(&self.recurrent),
            self.concat
        )
    }
}
