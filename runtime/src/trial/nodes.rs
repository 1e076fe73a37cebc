//! Which nodes an op is tried on.

use std::collections::BTreeMap;
use std::sync::Arc;

use supernet_plugin::{Child, Op};

use super::TrialError;
use crate::program::{CustomOps, ProgramError, Sizes, Variant};
use crate::search::Search;

/// Samples in the trial's batch: two, so that a kernel that forgets the batch is found.
const BATCH: u32 = 2;

/// Ops with nodes to try them on, by name and attributes.
pub(super) type Nodes = BTreeMap<(String, String), (Arc<Variant>, Sizes)>;

/// Every op with every set of attributes, with the sizes of the smallest node that has it.
pub(super) fn of(search: &Search) -> Result<Nodes, TrialError> {
    let mut nodes = Nodes::new();
    if !search.custom().is_empty() {
        let mut look = |network: &Child| -> Result<(), ProgramError> {
            add(&mut nodes, search.custom(), network);
            Ok(())
        };
        search.network(&mut look).map_err(Box::new)?;
    }
    Ok(nodes)
}

/// Adds the nodes of a network where they are smaller than those that are known.
pub(super) fn add(nodes: &mut Nodes, custom: &CustomOps, network: &Child) {
    for i in 0..network.len() {
        let Op::Custom { name, attributes } = &network.op_node(i).op else { continue };
        let Some(variant) = custom.get(name, attributes) else { continue };
        let sizes = Sizes::of(network, i, BATCH);
        let key = (name.clone(), variant.attributes().to_owned());
        let (_, smallest) = nodes.entry(key).or_insert_with(|| (Arc::clone(variant), sizes.clone()));
        if variant.elements(&sizes) < variant.elements(smallest) {
            *smallest = sizes;
        }
    }
}
