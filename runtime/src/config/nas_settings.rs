use serde::{Deserialize, Serialize};

/// The settings of the strategy `nas`: the controller of `enas` without shared weights (Zoph and Le
/// 2017).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NasSettings {
    /// Networks that are trained from scratch; 0 takes as many as cost what a search by `spos` with
    /// its selection would.
    pub candidates: u32,
    /// Networks between two updates of the controller.
    pub children: u32,
    /// Passes over the training split for each, with the settings of `retrain`.
    pub epochs: u32,
    /// How many of the last passes end with a score on the whole validation split; the best of these
    /// counts.
    pub last: u32,
    /// The power of a score that is the reward; 0 takes 3 for an accuracy, and 2 for c/perplexity.
    pub power: u32,
}

impl Default for NasSettings {
    fn default() -> Self {
        Self {
            candidates: 0,
            children: 8,
            epochs: 10,
            last: 5,
            power: 0,
        }
    }
}
