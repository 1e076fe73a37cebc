//! `best/genome.json`: an architecture, decision by decision.

use serde::Serialize;
use supernet_plugin::{Count, GenomeError, Supergraph};
use supernet_strategy::Score;

/// `best/genome.json`: values by decision, so that it loads in any space with matching decisions.
#[derive(Serialize)]
pub(crate) struct GenomeFile<'a> {
    space: &'a str,
    fingerprint: String,
    genome: &'a [u32],
    decisions: Vec<DecisionRecord<'a>>,
    /// The score with the shared weights, which does not predict the one after training alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_weights: Option<SharedScore>,
    parameters: u64,
    macs: u64,
}

#[derive(Serialize)]
struct DecisionRecord<'a> {
    id: &'a str,
    value: u32,
    label: String,
}

#[derive(Serialize)]
pub(crate) struct SharedScore {
    pub(crate) version: u64,
    pub(crate) validation: Score,
    pub(crate) test: Score,
}

/// The content of `best/genome.json` for a genome.
pub(crate) fn genome_file<'a>(
    supergraph: &'a Supergraph,
    genome: &'a [u32],
    shared_weights: Option<SharedScore>,
) -> Result<GenomeFile<'a>, GenomeError> {
    let space = supergraph.space();
    let decisions = space
        .decisions
        .iter()
        .zip(genome)
        .map(|(decision, value)| DecisionRecord {
            id: &decision.id,
            value: *value,
            label: decision.kind.label(*value).unwrap_or_default(),
        });
    Ok(GenomeFile {
        space: &space.name,
        fingerprint: fingerprint(supergraph),
        genome,
        decisions: decisions.collect(),
        shared_weights,
        parameters: supergraph.count(genome, Count::Live)?,
        macs: supergraph.macs(genome)?,
    })
}

/// A hash of the decisions: their names, choices and order. A genome fits every space with the same
/// hash.
fn fingerprint(supergraph: &Supergraph) -> String {
    let mut hasher = blake3::Hasher::new();
    for decision in &supergraph.space().decisions {
        hasher.update(decision.id.as_bytes());
        for choice in 0..decision.kind.choices() as u32 {
            hasher.update(b"\n\t");
            hasher.update(decision.kind.label(choice).unwrap_or_default().as_bytes());
        }
        hasher.update(b"\n");
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
