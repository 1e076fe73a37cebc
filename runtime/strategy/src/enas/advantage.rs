use serde::{Deserialize, Serialize};

use super::settings::{Baseline, ControllerSettings};

/// The moving average of rewards; `None` before the first group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct MovingAverage(Option<f32>);

/// The advantages of a group of rollouts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Advantages {
    /// One per rollout: reward minus baseline, scaled as the settings say.
    pub(super) advantages: Vec<f32>,
    /// Mean reward.
    pub(super) reward: f32,
    /// Mean over the rollouts of each one's baseline.
    pub(super) baseline: f32,
}

impl MovingAverage {
    /// Compares each reward with the baseline of the settings, then adds the group to the moving
    /// average.
    pub(super) fn advantages(
        &mut self,
        rewards: &[f32],
        settings: &ControllerSettings,
    ) -> Advantages {
        let count = rewards.len();
        let total: f64 = rewards.iter().map(|r| f64::from(*r)).sum();
        let mean = total / count.max(1) as f64;
        let average = f64::from(self.0.unwrap_or(mean as f32));
        let others = settings.baseline == Baseline::LeaveOneOut && count > 1;
        let compared = |reward: f64| {
            if others {
                (total - reward) / (count - 1) as f64
            } else {
                average
            }
        };
        let mut advantages: Vec<f64> = rewards
            .iter()
            .map(|r| f64::from(*r) - compared(f64::from(*r)))
            .collect();
        if settings.standardise {
            let square = advantages.iter().map(|a| a * a).sum::<f64>() / count.max(1) as f64;
            // A group whose rewards all agree carries no information; what rounding leaves of it
            // must not be amplified.
            let scale = if square.sqrt() > 1e-6 {
                1.0 / square.sqrt()
            } else {
                0.0
            };
            advantages.iter_mut().for_each(|a| *a *= scale);
        }
        self.0 = Some((average + (1.0 - f64::from(settings.decay)) * (mean - average)) as f32);
        Advantages {
            advantages: advantages.into_iter().map(|a| a as f32).collect(),
            reward: mean as f32,
            baseline: if others { mean } else { average } as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: &[f32], expected: &[f32]) -> bool {
        got.len() == expected.len() && got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-6)
    }

    #[test]
    fn a_reward_is_compared_with_the_others_of_its_group() {
        let settings = ControllerSettings {
            standardise: false,
            ..ControllerSettings::short()
        };
        let group = MovingAverage::default().advantages(&[0.1, 0.2, 0.6], &settings);
        assert!(near(&group.advantages, &[-0.3, -0.15, 0.45]), "{group:?}");
        assert!(near(&[group.reward, group.baseline], &[0.3, 0.3]));
        let standard = ControllerSettings {
            standardise: true,
            ..settings
        };
        let scaled = MovingAverage::default()
            .advantages(&[0.1, 0.2, 0.6], &standard)
            .advantages;
        assert!((scaled.iter().map(|a| a * a).sum::<f32>() - 3.0).abs() < 1e-5 && scaled[0] < 0.0);
        assert!(near(
            &MovingAverage::default()
                .advantages(&[0.7; 4], &standard)
                .advantages,
            &[0.0; 4]
        ));
    }

    #[test]
    fn the_moving_average_starts_at_the_first_mean_and_follows() {
        let settings = ControllerSettings {
            baseline: Baseline::MovingAverage,
            decay: 0.9,
            ..ControllerSettings::paper()
        };
        let mut average = MovingAverage::default();
        assert!(near(
            &average.advantages(&[0.4, 0.6], &settings).advantages,
            &[-0.1, 0.1]
        ));
        let second = average.advantages(&[1.0, 1.0], &settings);
        assert!(near(&second.advantages, &[0.5, 0.5]) && near(&[second.baseline], &[0.5]));
        assert!(near(
            &[average.advantages(&[0.0], &settings).baseline],
            &[0.55]
        ));
    }

    #[test]
    fn a_group_of_one_has_the_moving_average() {
        let settings = ControllerSettings {
            standardise: false,
            ..ControllerSettings::short()
        };
        let mut average = MovingAverage::default();
        assert!(near(
            &average.advantages(&[0.4], &settings).advantages,
            &[0.0]
        ));
        assert!(near(
            &average.advantages(&[0.6], &settings).advantages,
            &[0.2]
        ));
        assert!(average.advantages(&[], &settings).advantages.is_empty());
    }
}
