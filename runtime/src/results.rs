//! The results of searches and trainings as plain data: candidates, comparisons, metrics, and the
//! files that present them.

mod candidate;
pub(crate) mod format;
pub(crate) mod genome_file;
mod mean;
mod metric;
mod op_shares;
mod policy_gain;
pub mod ranking;
mod retrained;
pub(crate) mod ridge;

pub use candidate::Candidate;
pub(crate) use candidate::{distinct, rank};
pub use format::thousands;
pub(crate) use mean::Difference;
pub use mean::Mean;
pub use metric::Metric;
pub use op_shares::OpShares;
pub(crate) use policy_gain::whose;
pub use policy_gain::{InterimComparison, PolicyGain};
pub use retrained::{Comparison, Retrained, Side, TrainedNetwork};
