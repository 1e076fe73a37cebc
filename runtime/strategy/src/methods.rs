//! The methods that followed ENAS, each a sampler and a learner in the one loop of
//! [`MethodStrategy`](crate::MethodStrategy).

mod curvature;
mod differentiable;
mod fair;
mod one_shot;
mod perturbation;
mod reinforce;

pub use differentiable::{Differentiable, DifferentiableSettings, Order, Relaxation};
pub use fair::{Fair, Fairness};
pub use one_shot::OneShot;
pub use reinforce::{Reinforce, ReinforceSettings};

/// How far Adam can move a logit in the published search of DARTS: 19,500 steps at a rate of 3e-4.
const PUBLISHED_TRAVEL: f64 = 5.85;

/// The learning rate with which a logit can move as far in `steps` updates as in the published
/// search of DARTS (Liu et al. 2019), at least the published 3e-4 and at most 0.1: with the
/// published rate, a policy of a few hundred steps is still where it began.
pub fn fitted_rate(steps: u32) -> f64 {
    (PUBLISHED_TRAVEL / f64::from(steps.max(1))).clamp(3e-4, 0.1)
}

#[cfg(test)]
mod tests;
