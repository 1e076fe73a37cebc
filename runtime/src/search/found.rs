//! What a search found.

use serde::Serialize;
use supernet_plugin::{Count, GenomeError, Supergraph};

use super::course::Finding;
use super::{Search, SearchError};
use crate::derive::Candidate;
use crate::draw::{self, Caption};
use crate::gain::Gain;
use crate::measure::Measure;
use crate::retrain::Retrained;
use crate::run_folder::RunFolder;
use crate::strategy::Score;
use crate::weights::Weights;

/// The result of a search.
#[derive(Clone, Debug)]
pub struct Found {
    /// The space.
    pub supergraph: Supergraph,
    /// The data set's name.
    pub data: String,
    /// The best architectures, best first, at most ten.
    pub top: Vec<Candidate>,
    /// The policy against random samples.
    pub gain: Gain,
    /// The best architecture on the test part, with the shared weights.
    pub test: Score,
    /// What a score's first number is.
    pub measure: Measure,
    /// The shared weights at the end.
    pub weights: Weights,
    /// The best architecture trained from scratch, beside random ones; none if the settings leave it out, or if it would
    /// have cost too much ([`RetrainSettings::budget`](crate::config::RetrainSettings::budget)).
    pub retrained: Option<Retrained>,
}

/// `best/genome.json`: values by decision, so that it loads wherever the decisions fit.
#[derive(Serialize)]
pub(crate) struct GenomeFile<'a> {
    space: &'a str,
    fingerprint: String,
    genome: &'a [u32],
    decisions: Vec<Choice<'a>>,
    /// With the shared weights: not the accuracy that the architecture will have on its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_weights: Option<SharedScore>,
    parameters: u64,
    macs: u64,
}

#[derive(Serialize)]
struct Choice<'a> {
    id: &'a str,
    value: u32,
    label: String,
}

#[derive(Serialize)]
pub(crate) struct SharedScore {
    version: u64,
    validation: Score,
    test: Score,
}

impl Search {
    pub(crate) fn found(&self, finding: Finding, weights: Weights) -> Found {
        let (supergraph, data) = (self.ground.supergraph.clone(), self.data.name().to_owned());
        let Finding { top, gain, test } = finding;
        let measure = self.ground.measure;
        Found {
            supergraph,
            data,
            top,
            gain,
            test,
            measure,
            weights,
            retrained: None,
        }
    }
}

/// What `best/genome.json` says of a genome.
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
        .map(|(decision, value)| Choice {
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

impl Found {
    /// Writes `best/genome.json`, `best/architecture.svg` and `best/top.json` into the run's folder.
    pub(crate) fn save(&self, folder: &RunFolder) -> Result<(), SearchError> {
        let Some(best) = self.top.first() else {
            return Ok(());
        };
        let space = self.supergraph.space();
        let shared = SharedScore {
            version: self.weights.version,
            validation: best.score,
            test: self.test,
        };
        folder.write_json(
            "best/genome.json",
            &genome_file(&self.supergraph, &best.genome, Some(shared))?,
        )?;
        folder.write_json("best/top.json", &self.top)?;
        let caption = Caption {
            title: format!("{} on {}", space.name, self.data),
            subtitle: format!(
                "{} with shared weights · {} parameters · {} multiply-accumulates",
                self.measure.on("validation", &best.score),
                thousands(best.parameters),
                thousands(best.macs)
            ),
        };
        let svg = draw::svg(&self.supergraph, &best.genome, &caption)?;
        folder.write("best/architecture.svg", svg.as_bytes())?;
        Ok(())
    }
}

/// A number with commas between its thousands.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A hash of the decisions: their names, choices and order. A genome fits every space with the same one.
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

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_have_commas() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
