//! `best/genome.json`: an architecture, decision by decision.

use serde::Serialize;
use supernet_plugin::{Count, GenomeError, Supergraph};
use supernet_strategy::Score;

use super::ShortTraining;

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
    /// The short training by which it was selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    trained_alone: Option<AloneScore>,
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
    /// None if the test split was not read for this architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test: Option<Score>,
}

#[derive(Serialize)]
struct AloneScore {
    epochs: u32,
    validation: Option<Score>,
}

impl GenomeFile<'_> {
    /// Adds the short training by which the architecture was selected.
    pub(crate) fn trained_alone(self, training: Option<&ShortTraining>) -> Self {
        let alone = training.map(|training| AloneScore {
            epochs: training.epochs,
            validation: training.alone,
        });
        Self {
            trained_alone: alone,
            ..self
        }
    }
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
        trained_alone: None,
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
