//! The results of searches and trainings as plain data: candidates, comparisons, metrics, and the
//! files that present them.

mod best_of_random;
mod candidate;
mod comparison;
pub(crate) mod format;
pub(crate) mod genome_file;
mod front;
mod ledger;
mod mean;
mod metric;
mod op_shares;
mod policy_gain;
pub mod ranking;
mod retrained;
pub(crate) mod ridge;
mod selection;

pub use best_of_random::BestOfRandom;
pub use candidate::Candidate;
pub(crate) use candidate::{distinct, rank};
pub(crate) use comparison::is_same_size;
pub use comparison::{Comparison, SideComparison};
pub use format::thousands;
pub use front::{Front, FrontPoint, FrontSource};
pub use ledger::Ledger;
pub(crate) use ledger::{TRAINING, scaled};
pub(crate) use mean::Difference;
pub use mean::Mean;
pub use metric::Metric;
pub use op_shares::OpShares;
pub(crate) use policy_gain::whose;
pub use policy_gain::{InterimComparison, PolicyGain};
pub use retrained::{Retrained, Side, TrainedNetwork};
pub use selection::{
    Predictor, PredictorComparison, PredictorScore, RankAgreement, Selection, ShortTraining,
};
