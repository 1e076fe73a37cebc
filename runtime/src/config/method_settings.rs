use serde::{Deserialize, Serialize};

/// The settings of the methods that followed ENAS: `darts`, `snas`, `gdas`, `proxyless`, `one-shot`
/// and `fairnas`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MethodSettings {
    /// The learning rate of Adam on the policy's logits, one per choice; 0 takes the rate at which a
    /// logit can move as far as in the published search of DARTS, whose 19,500 updates have 3e-4.
    pub learning_rate: f64,
    /// Training steps from one update of the logits to the next; 0 takes 1, and 2 for `proxyless`.
    pub every: u32,
    /// For `darts`: 1, the gradient at the current weights, or 2, after a virtual step of them.
    pub order: u32,
    /// For `snas` and `gdas`: the temperature of the first step; 0 takes the published one, 1 and
    /// 10.
    pub temperature: f64,
    /// The temperature of the last step, which it reaches linearly; 0 takes the published one, 0.03
    /// and 0.1.
    pub final_temperature: f64,
    /// For `gdas`: whose gradients are measured.
    pub gradient: GradientOf,
    /// For `proxyless`: how the policy learns.
    pub gates: Gates,
    /// For `one-shot`: the rate r at the end of the search, with which all inputs of a node are
    /// dropped.
    pub dropout: f64,
    /// For `one-shot` on images: slices of a minibatch, each with inputs and batch normalisation of
    /// its own; 0 takes slices of 16 samples.
    pub slices: u32,
    /// For `darts`: whether the search ends when the largest eigenvalue of the Hessian of the
    /// validation loss with respect to the logits grows, with the answer of some epochs before (Zela et
    /// al. 2020, §4.3). It needs 17 epochs at least.
    pub stop_at_collapse: bool,
    /// For `fairnas`: whether the largest child, the smallest and two random ones are trained in
    /// every step, instead of every choice once.
    pub sandwich: bool,
}

/// Whose gradients a straight-through estimate takes into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GradientOf {
    /// That of the choice that ran; others count as zero. It costs one path.
    Ran,
    /// Those of all choices, which run forward.
    All,
}

/// How ProxylessNAS learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Gates {
    /// By the gradients of two choices of each decision (Cai et al. 2019, §3.2.1).
    Two,
    /// By the gradients of all of them (§3.2).
    Full,
    /// By the rewards of samples (§3.3.2).
    Reinforce,
}

impl Default for MethodSettings {
    fn default() -> Self {
        Self {
            learning_rate: 0.0,
            every: 0,
            order: 1,
            temperature: 0.0,
            final_temperature: 0.0,
            gradient: GradientOf::Ran,
            gates: Gates::Two,
            dropout: 0.1,
            slices: 0,
            stop_at_collapse: false,
            sandwich: false,
        }
    }
}
