//! What a search computed, counted and never timed: the base on which methods can be compared on
//! any machine.

use serde::{Deserialize, Serialize};

/// Multiply-adds by purpose: the samples times the multiply-adds of the network, once for a forward
/// pass and three times for one with gradients. Branches that run forward only count once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Ledger {
    /// Updates of the shared weights.
    pub shared: f64,
    /// Scores and path gradients from which a policy learnt.
    pub policy: f64,
    /// Scores of candidates and of the report after the last epoch.
    pub derivation: f64,
    /// Networks that were trained from scratch as a part of the search: by its strategy, or to select
    /// among its candidates.
    pub scratch: f64,
    /// Networks that were trained from scratch and tested after the search.
    pub retraining: f64,
}

/// Passes that a training pass counts as: forward, and twice as much backward.
pub(crate) const TRAINING: f64 = 3.0;

impl Ledger {
    /// The sum over all purposes.
    pub fn total(&self) -> f64 {
        self.shared + self.policy + self.derivation + self.scratch + self.retraining
    }

    /// Adds what another phase computed.
    pub(crate) fn add(&mut self, other: Self) {
        self.shared += other.shared;
        self.policy += other.policy;
        self.derivation += other.derivation;
        self.scratch += other.scratch;
        self.retraining += other.retraining;
    }

    /// How many networks of so many multiply-adds per sample the same sum trains from scratch, each
    /// on so many samples in all.
    pub fn stand_alone(&self, macs: u64, samples: f64) -> f64 {
        let one = TRAINING * macs as f64 * samples;
        if one > 0.0 { self.total() / one } else { 0.0 }
    }

    /// The ledger in a sentence.
    pub fn summary(&self) -> String {
        let total = self.total();
        if total == 0.0 {
            return "nothing was computed".to_owned();
        }
        let parts = [
            (self.shared, "training the shared weights"),
            (self.policy, "teaching the policy"),
            (self.derivation, "scoring candidates"),
            (self.scratch, "training candidates from scratch"),
            (self.retraining, "the trainings after the search"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(part, _)| *part > 0.0)
            .map(|(part, what)| format!("{:.0} % for {what}", 100.0 * part / total))
            .collect();
        format!("{} multiply-adds, {}", scaled(total), parts.join(", "))
    }
}

/// A large number with its unit.
pub(crate) fn scaled(number: f64) -> String {
    let units = [(1e15, "quadrillion"), (1e12, "trillion"), (1e9, "billion")];
    match units.iter().find(|(unit, _)| number >= *unit) {
        Some((unit, name)) => format!("{:.3} {name}", number / unit),
        None => format!("{:.1} million", number / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published ratio by counting samples: 12,800 networks of 50 epochs on 45,000 images, and
    /// ENAS's 310 epochs with 1,000 rollouts of 128 images each (Zoph and Le 2017; Pham et al. 2018).
    #[test]
    fn nas_costs_a_thousand_times_as_much_as_enas() {
        let nas = Ledger {
            scratch: TRAINING * 12_800.0 * 50.0 * 45_000.0,
            ..Ledger::default()
        };
        let enas = Ledger {
            shared: TRAINING * 310.0 * 45_000.0,
            policy: 310.0 * 1000.0 * 128.0,
            ..Ledger::default()
        };
        assert_eq!((nas.total() / enas.total()).round(), 1060.0);
        assert_eq!((nas.total() / enas.shared).round(), 2065.0);
        // What ENAS costs trains twelve of these networks.
        assert_eq!(enas.stand_alone(1, 50.0 * 45_000.0).round(), 12.0);
    }

    #[test]
    fn a_ledger_is_said_by_purpose() {
        let ledger = Ledger {
            shared: 3e9,
            policy: 1e9,
            ..Ledger::default()
        };
        assert_eq!(
            ledger.summary(),
            "4.000 billion multiply-adds, 75 % for training the shared weights, 25 % for teaching the policy"
        );
        assert_eq!(Ledger::default().summary(), "nothing was computed");
    }
}
