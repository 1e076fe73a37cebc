use serde::{Deserialize, Serialize};

/// The baseline of a reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Baseline {
    /// The mean reward of the other rollouts of the group. They share a minibatch, so its
    /// difficulty cancels. A group of one has no others and is compared with the moving average.
    LeaveOneOut,
    /// A moving average of the groups' mean rewards, as published. It starts at the first group's
    /// mean (started at 0, as in the released code, every early advantage is positive) and includes
    /// a group only after judging it.
    MovingAverage,
}

/// The architecture and training of the controller.
///
/// The default is [`ControllerSettings::short`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ControllerSettings {
    /// Size of the LSTM's state.
    pub lstm: u32,
    /// Divisor of the logits.
    pub temperature: f32,
    /// c in c·tanh(z / temperature): shaped logits stay within ±c, which bounds the confidence of
    /// the policy. 0 leaves the logits unbounded.
    pub tanh: f32,
    /// Whether a decision's log prior is added to its shaped logits, so that an untrained
    /// controller samples approximately what warm-up trained. The paper has no such term.
    pub prior: bool,
    /// Adam's step size.
    #[serde(alias = "rate")]
    pub learning_rate: f32,
    /// Decay of Adam's mean of gradients.
    pub beta1: f32,
    /// Decay of Adam's mean of squared gradients.
    pub beta2: f32,
    /// Added to the root of Adam's mean square.
    pub epsilon: f32,
    /// Weight of the policy's entropy (nats, summed over decisions) in the loss.
    pub entropy: f32,
    /// Weight of the skip penalty (nats, mean over skips) in the loss.
    pub skip: f32,
    /// The baseline of rewards.
    pub baseline: Baseline,
    /// Decay of the moving average.
    pub decay: f32,
    /// Whether advantages are divided by their root mean square over the group.
    pub standardise: bool,
    /// Maximum gradient norm (Euclidean, over all parameters); a longer gradient is scaled down to
    /// it.
    pub clip: f32,
}

impl ControllerSettings {
    /// For searches of fewer than some 20,000 rollouts.
    ///
    /// Found by experiment; `runtime/docs/controller.md` has the numbers. At the published 3.5e-4
    /// the policy hardly moves within 1000 rollouts. Twice this rate is faster if rewards have no
    /// noise, but gets stuck early if they are as noisy as accuracies on minibatches; from 2e-2 it
    /// collapses. Standardised advantages make it collapse too: as rewards converge, their noise is
    /// amplified relative to the entropy and the penalty, which keep the policy open. Adam already
    /// compensates for the scale of the rewards.
    pub fn short() -> Self {
        Self {
            lstm: 64,
            temperature: 1.0,
            tanh: 2.5,
            prior: true,
            learning_rate: 5e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            entropy: 2e-3,
            skip: 0.1,
            baseline: Baseline::LeaveOneOut,
            decay: 0.95,
            standardise: false,
            clip: 5.0,
        }
    }

    /// As published for CIFAR-10.
    ///
    /// Pham et al. 2018, §2 and §3.2 (LSTM of 100, temperature 5, tanh constant 2.5, Adam at 3.5e-4
    /// with Kingma and Ba's β and ε, entropy weight 0.1, skip weight 0.8, moving-average baseline).
    /// The paper does not give the average's decay; 0.95 is that of carpedm20/ENAS-pytorch.
    pub fn paper() -> Self {
        Self {
            lstm: 100,
            temperature: 5.0,
            tanh: 2.5,
            prior: false,
            learning_rate: 3.5e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            entropy: 0.1,
            skip: 0.8,
            baseline: Baseline::MovingAverage,
            decay: 0.95,
            standardise: false,
            clip: 5.0,
        }
    }

    /// Whether a controller can be built and trained with these settings.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        let positive = |x: f32| x.is_finite() && x > 0.0;
        let weight = |x: f32| x.is_finite() && x >= 0.0;
        let share = |x: f32| (0.0..1.0).contains(&x);
        let rules = [
            (
                "lstm",
                self.lstm as f32,
                (1..=4096).contains(&self.lstm),
                "from 1 to 4096",
            ),
            (
                "temperature",
                self.temperature,
                positive(self.temperature),
                "above 0",
            ),
            (
                "tanh",
                self.tanh,
                weight(self.tanh),
                "0 (no bound) or above",
            ),
            (
                "learning_rate",
                self.learning_rate,
                positive(self.learning_rate),
                "above 0",
            ),
            ("beta1", self.beta1, share(self.beta1), "from 0 to below 1"),
            ("beta2", self.beta2, share(self.beta2), "from 0 to below 1"),
            ("epsilon", self.epsilon, positive(self.epsilon), "above 0"),
            ("entropy", self.entropy, weight(self.entropy), "0 or above"),
            ("skip", self.skip, weight(self.skip), "0 or above"),
            ("decay", self.decay, share(self.decay), "from 0 to below 1"),
            ("clip", self.clip, positive(self.clip), "above 0"),
        ];
        match rules.into_iter().find(|(_, _, holds, _)| !holds) {
            Some((key, value, _, range)) => Err(SettingError { key, value, range }),
            None => Ok(()),
        }
    }
}

impl Default for ControllerSettings {
    fn default() -> Self {
        Self::short()
    }
}

/// A setting of the controller is out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the controller's `{key}` is {value}, but it must be {range}")]
pub struct SettingError {
    /// The setting.
    pub key: &'static str,
    /// Its value.
    pub value: f32,
    /// The accepted values.
    pub range: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_settings_are_sound_and_a_wrong_value_gets_a_sentence() {
        ControllerSettings::short().check().unwrap();
        ControllerSettings::paper().check().unwrap();
        let wrong = ControllerSettings {
            beta1: 1.0,
            ..ControllerSettings::short()
        };
        let said = wrong.check().unwrap_err().to_string();
        assert_eq!(
            said,
            "the controller's `beta1` is 1, but it must be from 0 to below 1"
        );
        assert!(
            ControllerSettings {
                learning_rate: f32::NAN,
                ..wrong
            }
            .check()
            .is_err()
        );
    }

    #[test]
    fn a_partial_config_keeps_the_defaults_and_a_misspelt_one_is_refused() {
        let read = |text| toml::from_str::<ControllerSettings>(text);
        let some = read("learning_rate = 0.01\nbaseline = \"moving_average\"").unwrap();
        let expected = ControllerSettings {
            learning_rate: 0.01,
            baseline: Baseline::MovingAverage,
            ..ControllerSettings::short()
        };
        assert_eq!(some, expected);
        assert!(read("learn_rate = 0.01").is_err());
    }
}
