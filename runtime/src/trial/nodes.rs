//! Which nodes an op is tried on.

use std::collections::BTreeMap;
use std::sync::Arc;

use supernet_plugin::{Child, Op};

use super::TrialError;
use crate::program::{ProgramError, Sizes, Variant};
use crate::search::Search;

/// Samples in the trial's batch: two, so that a kernel that forgets the batch is found.
const BATCH: u32 = 2;

/// Every op with every set of attributes, with the sizes of the smallest node that has it.
pub(super) fn of(search: &Search) -> Result<Vec<(Arc<Variant>, Sizes)>, TrialError> {
    let mut smallest: BTreeMap<(String, String), (Arc<Variant>, Sizes)> = BTreeMap::new();
    if search.custom().is_empty() {
        return Ok(Vec::new());
    }
    search
        .network(&mut |network: &Child| -> Result<(), ProgramError> {
            for i in 0..network.len() {
                let Op::Custom { name, attributes } = &network.op_node(i).op else { continue };
                let Some(variant) = search.custom().get(name, attributes) else { continue };
                let sizes = Sizes::of(network, i, BATCH);
                let key = (name.clone(), variant.attributes().to_owned());
                let entry = smallest.entry(key).or_insert_with(|| (Arc::clone(variant), sizes.clone()));
                if variant.elements(&sizes) < variant.elements(&entry.1) {
                    entry.1 = sizes;
                }
            }
            Ok(())
        })
        .map_err(Box::new)?;
    Ok(smallest.into_values().collect())
}
