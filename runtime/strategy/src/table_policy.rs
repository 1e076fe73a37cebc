//! Policies that are tables of logits, one per choice of each decision (α), and what gradient-based
//! searches do with them.
//!
//! A search of this kind repeats three things: a *sampler* turns the logits into a [`Path`], with
//! the weights of branches; a pass of the network gives the gradient of the loss with respect to
//! these weights ([`PathGradient`](supernet_plugin::PathGradient)); and a *learner* turns it into a
//! gradient with respect to the logits, and moves them.
//!
//! | method | sampler | learner |
//! |---|---|---|
//! | DARTS (Liu et al. 2019) | [`Sampler::Softmax`] | [`LogitAdamSettings::DARTS`], [`second_order`] |
//! | SNAS (Xie et al. 2019) | [`Sampler::Concrete`] | [`LogitAdamSettings::DARTS`] |
//! | GDAS (Dong and Yang 2019) | [`Sampler::StraightThrough`] | [`LogitAdamSettings::DARTS`] |
//! | ProxylessNAS (Cai et al. 2019) | [`Sampler::Gates`], [`Sampler::TwoPaths`] | [`LogitAdamSettings::PROXYLESS`] |
//! | One-Shot (Bender et al. 2018) | [`PathDropout`] | none |
//! | SPOS (Guo et al. 2020) | [`uniform`] | none |
//! | FairNAS (Chu et al. 2021) | [`permutations`] | none |
//!
//! Everything here is a pure function of its arguments and of random numbers that are passed in; it
//! knows no device, clock or thread. Logits and their gradients are in f64.
//!
//! [`Path`]: supernet_plugin::Path

mod adam;
mod collapse;
mod draw;
mod genomes;
mod gumbel;
mod latency;
mod logits;
mod path_dropout;
mod sampler;
mod schedule;
pub mod second_order;
mod softmax;
#[cfg(test)]
mod test_numbers;

pub use adam::{LogitAdam, LogitAdamSettings};
pub use collapse::{CollapseMonitor, CollapseStop};
pub use draw::DrawnPath;
pub use genomes::{permutations, uniform};
pub use gumbel::gumbel;
pub use latency::LatencyLoss;
pub use logits::LogitTable;
pub use path_dropout::PathDropout;
pub use sampler::{Sampler, StraightThroughGradient};
pub use schedule::LinearSchedule;
pub use softmax::{entropy, log_softmax, softmax, softmax_gradient};
