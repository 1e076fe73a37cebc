//! The nodes that an op is checked on.

use std::collections::BTreeMap;
use std::sync::Arc;

use supernet_engine::program::{CustomOps, ProgramError, Sizes, Variant};
use supernet_plugin::{Child, Op};

use super::error::OpCheckError;
use crate::experiment::Experiment;

/// Batch size of the check on the smallest node: two, so that a kernel that ignores the batch
/// dimension is caught.
const BATCH: u32 = 2;
/// Minimum batch size of the check on the largest node; it differs from that of the smallest.
const MORE: u32 = 3;
/// Approximate total size of all operands in the check on the largest node, in numbers: large
/// enough not to be dominated by the download.
const NUMBERS: u64 = 1 << 20;
/// Maximum number of node sizes that are considered.
const SIZES: usize = 64;

/// An op with one set of attributes, and the nodes that use it.
pub(crate) struct CheckedOp {
    pub(crate) variant: Arc<Variant>,
    /// The distinct sizes of these nodes, smallest first.
    pub(crate) sizes: Vec<Sizes>,
}

/// Ops with the nodes to check them on, by name and attributes.
pub(crate) type Nodes = BTreeMap<(String, String), CheckedOp>;

/// Collects every op with every set of attributes.
pub(crate) fn of(experiment: &Experiment) -> Result<Nodes, OpCheckError> {
    let mut nodes = Nodes::new();
    if !experiment.custom().is_empty() {
        let mut look = |network: &Child| -> Result<(), ProgramError> {
            add(&mut nodes, experiment.custom(), network);
            Ok(())
        };
        experiment.network(&mut look).map_err(Box::new)?;
    }
    Ok(nodes)
}

/// Adds the nodes of a network.
pub(crate) fn add(nodes: &mut Nodes, custom: &CustomOps, network: &Child) {
    for i in 0..network.len() {
        let Op::Custom { name, attributes } = &network.op_node(i).op else {
            continue;
        };
        let Some(variant) = custom.get(name, attributes) else {
            continue;
        };
        let key = (name.clone(), variant.attributes().to_owned());
        let found = nodes.entry(key).or_insert_with(|| CheckedOp {
            variant: Arc::clone(variant),
            sizes: Vec::new(),
        });
        let sizes = Sizes::of(network, i, BATCH);
        if found.sizes.len() < SIZES && !found.sizes.contains(&sizes) {
            found.sizes.push(sizes);
            found.sizes.sort_by_key(|sizes| variant.elements(sizes));
        }
    }
}

impl CheckedOp {
    /// The largest node with as many samples as a search uses, or as many as can be checked
    /// quickly.
    pub(crate) fn large(&self, batch: u32) -> Option<Sizes> {
        let largest = self.sizes.last()?;
        let each = self.variant.elements(&largest.with_batch(1)).max(1);
        let quick = u32::try_from(NUMBERS / each).unwrap_or(u32::MAX);
        Some(largest.with_batch(batch.min(quick).max(MORE)))
    }
}
