use serde::{Deserialize, Serialize};

use super::packed;
use super::settings::ControllerSettings;

/// Adam (Kingma and Ba 2015, algorithm 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Adam {
    step: u32,
    #[serde(with = "packed")]
    mean: Vec<f32>,
    #[serde(with = "packed")]
    square: Vec<f32>,
}

impl Adam {
    pub(super) fn new(parameters: usize) -> Self {
        Self {
            step: 0,
            mean: vec![0.0; parameters],
            square: vec![0.0; parameters],
        }
    }

    /// Whether the moments belong to this number of parameters.
    pub(super) fn fits(&self, parameters: usize) -> bool {
        self.mean.len() == parameters && self.square.len() == parameters
    }

    /// Moves the parameters against the gradient, clipped to the maximum norm of the settings.
    /// Returns the norm before clipping.
    pub(super) fn descend(
        &mut self,
        parameters: &mut [f32],
        gradient: &[f32],
        settings: &ControllerSettings,
    ) -> f32 {
        let norm = gradient
            .iter()
            .map(|g| f64::from(*g) * f64::from(*g))
            .sum::<f64>()
            .sqrt();
        let scale = (f64::from(settings.clip) / norm.max(f64::MIN_POSITIVE)).min(1.0) as f32;
        self.step = self.step.saturating_add(1);
        let correction =
            |beta: f32| 1.0 - f64::from(beta).powi(self.step.min(i32::MAX as u32) as i32);
        let rate = (f64::from(settings.learning_rate) / correction(settings.beta1)) as f32;
        let root = (1.0 / correction(settings.beta2).sqrt()) as f32;
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((parameter, gradient), (mean, square)) in
            parameters.iter_mut().zip(gradient).zip(moments)
        {
            let gradient = gradient * scale;
            *mean += (1.0 - settings.beta1) * (gradient - *mean);
            *square += (1.0 - settings.beta2) * (gradient * gradient - *square);
            *parameter -= rate * *mean / (square.sqrt() * root + settings.epsilon);
        }
        norm as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_is_the_rate_and_a_long_gradient_is_clipped() {
        let settings = ControllerSettings {
            learning_rate: 0.1,
            clip: 5.0,
            ..ControllerSettings::short()
        };
        let mut parameters = [1.0, 1.0, 1.0];
        let mut adam = Adam::new(3);
        assert_eq!(
            adam.descend(&mut parameters, &[30.0, -40.0, 0.0], &settings),
            50.0
        );
        for (got, expected) in parameters.iter().zip([0.9, 1.1, 1.0]) {
            assert!((got - expected).abs() < 1e-6, "{parameters:?}");
        }
        // Clipped to length 5: (3, -4, 0).
        assert!((adam.mean[0] - 0.3).abs() < 1e-6 && (adam.square[1] - 0.016).abs() < 1e-6);
    }

    #[test]
    fn a_bowl_is_descended() {
        let settings = ControllerSettings {
            learning_rate: 0.05,
            ..ControllerSettings::short()
        };
        let mut at = [3.0_f32, -2.0];
        let mut adam = Adam::new(2);
        for _ in 0..600 {
            let gradient = [2.0 * (at[0] - 1.0), 20.0 * at[1]];
            adam.descend(&mut at, &gradient, &settings);
        }
        assert!((at[0] - 1.0).abs() < 1e-2 && at[1].abs() < 1e-2, "{at:?}");
    }
}
