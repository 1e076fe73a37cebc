//! Weights moved along a gradient, for passes that ask what the loss is elsewhere. The shared
//! weights stay as they are: moving them there and back would return them only up to rounding.

use super::{Pages, Weights};

/// A virtual step of gradient descent with momentum.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LookAhead {
    /// ξ, the learning rate.
    pub rate: f32,
    /// The share of the velocity, the first moment in the optimiser's state, that is added.
    pub momentum: f32,
    /// λ of the decay λ·w of weights that decay.
    pub weight_decay: f32,
}

impl LookAhead {
    /// A step with these coefficients.
    pub fn new(rate: f32, momentum: f32, weight_decay: f32) -> Self {
        Self {
            rate,
            momentum,
            weight_decay,
        }
    }
}

impl Weights {
    /// The weights after a virtual step along `gradient` (Liu et al. 2019, §2.3): w − ξ·(momentum·b
    /// \+ g \+ λ·w), without optimiser state. The values must be on the host
    /// ([`Device::fetch`](crate::device::Device::fetch)).
    #[must_use]
    pub fn ahead(&self, gradient: &[Vec<f32>], step: LookAhead) -> Self {
        let Self { layout, pages, .. } = self;
        let Pages { values, state, .. } = pages;
        let moved = |page: usize| -> Vec<f32> {
            let decayed = &layout.decayed()[page];
            let buffer = state.first().map(|moment| &moment[page]);
            let value = |(at, (w, g)): (usize, (&f32, &f32))| {
                let block = at / supernet_shaders::catalogue::BLOCK;
                let decays = decayed[block / 32] >> (block % 32) & 1 == 1;
                let velocity = buffer.map_or(0.0, |buffer| step.momentum * buffer[at]);
                let decay = if decays { step.weight_decay * w } else { 0.0 };
                w - step.rate * (velocity + g + decay)
            };
            let pairs = values[page].iter().zip(&gradient[page]);
            pairs.enumerate().map(value).collect()
        };
        self.displaced((0..values.len()).map(moved).collect())
    }

    /// The weights moved by `by` along the direction of `gradient`: w \+ by·g/‖g‖, without optimiser
    /// state; unmoved if the gradient is zero. The values must be on the host.
    #[must_use]
    pub fn along(&self, gradient: &[Vec<f32>], by: f64) -> Self {
        let norm = gradient_norm(gradient);
        let scale = if norm > 0.0 { (by / norm) as f32 } else { 0.0 };
        let pages = self.pages.values.iter().zip(gradient);
        let moved = pages.map(|(values, gradient)| {
            let pairs = values.iter().zip(gradient);
            pairs.map(|(w, g)| w + scale * g).collect()
        });
        self.displaced(moved.collect())
    }

    /// Other values in the same layout; all gradients are zero.
    pub(super) fn displaced(&self, values: Vec<Vec<f32>>) -> Self {
        let mut weights = Self::zeros(self.layout.clone(), 0);
        weights.version = self.version;
        weights.pages.values = values;
        weights
    }
}

/// The norm of a gradient over all pages, summed in order.
pub fn gradient_norm(gradient: &[Vec<f32>]) -> f64 {
    let squares = gradient.iter().flatten().map(|g| f64::from(*g).powi(2));
    squares.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use supernet_plugin::{Space, Supergraph};

    use super::*;
    use crate::weights::Layout;

    fn weights() -> Weights {
        let s = Space::new("line");
        let x = s.input("row", &[3]);
        s.output(x.linear(2, true));
        let supergraph = Supergraph::new(s.finish().unwrap()).unwrap();
        let layout = Arc::new(Layout::new(&supergraph).unwrap());
        let mut weights = Weights::zeros(layout, 1);
        weights.parameter_mut(0).fill(2.0);
        weights.parameter_mut(1).fill(-2.0);
        weights.pages_mut().state[0][0].fill(1.0);
        weights
    }

    #[test]
    fn a_step_ahead_has_momentum_and_decay() {
        let weights = weights();
        let mut gradient = weights.pages().values.clone();
        gradient[0].fill(8.0);
        let ahead = weights.ahead(&gradient, LookAhead::new(0.1, 0.9, 3e-4));
        // The space says which parameters decay.
        let expected = 2.0 - 0.1 * (0.9 + 8.0 + 3e-4 * 2.0);
        assert!((ahead.parameter(0)[0] - expected).abs() < 1e-6);
        assert!((ahead.parameter(1)[0] - (-2.0 - 0.1 * 8.9)).abs() < 1e-3);
        assert_eq!(weights.parameter(0), [2.0; 6], "the weights stay");
        assert!(ahead.pages().state.is_empty());
    }

    #[test]
    fn a_move_has_the_length_that_is_asked_for() {
        let weights = weights();
        let mut gradient = weights.pages().values.clone();
        gradient[0].fill(0.0);
        gradient[0][..4].fill(3.0);
        assert_eq!(gradient_norm(&gradient), 6.0);
        let [plus, minus] = [0.01, -0.01].map(|by| weights.along(&gradient, by));
        assert!((plus.parameter(0)[0] - 2.005).abs() < 1e-6);
        assert!((minus.parameter(0)[0] - 1.995).abs() < 1e-6);
        assert_eq!(plus.parameter(0)[5], 2.0);
        gradient[0].fill(0.0);
        assert_eq!(
            weights.along(&gradient, 0.01).pages().values,
            weights.pages().values
        );
    }
}
