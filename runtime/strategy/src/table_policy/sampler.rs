//! How paths are drawn from a table, method by method.

use serde::{Deserialize, Serialize};
use supernet_shaders::random::Random;

use super::draw::{Drawn, DrawnPath};
use super::softmax::{log_softmax, softmax};
use super::{LogitTable, gumbel};

/// How the weights of branches follow from the logits of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sampler {
    /// All choices run, weighted by softmax(α) (DARTS). Nothing is drawn.
    Softmax,
    /// All choices run, weighted by Z = softmax((α + G)/λ) with Gumbel noise G: a sample of the
    /// concrete distribution (SNAS).
    Concrete {
        /// λ, above 0.
        temperature: f64,
    },
    /// One choice runs, the largest of p = softmax((α + G)/τ); backwards, its weight counts as p
    /// (GDAS).
    StraightThrough {
        /// τ, above 0.
        temperature: f64,
        /// Whose gradients are measured.
        gradient: StraightThroughGradient,
    },
    /// One choice is drawn from softmax(α) and has the weight 1; all others run too, with the
    /// weight 0, since their gradients are needed; backwards, the weights count as softmax(α)
    /// (ProxylessNAS, `full`).
    Gates,
    /// Two choices are drawn from softmax(α) without replacement, and one of them by the softmax of
    /// their two logits; it has the weight 1, the other 0. A decision of one choice runs it
    /// (ProxylessNAS, `two`). After the update call [`DrawnPath::keep_shares`].
    TwoPaths,
}

/// Whose gradients a straight-through estimate takes into account.
///
/// The released code of GDAS runs the drawn choice alone, and lets every other contribute as if its
/// output were all ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StraightThroughGradient {
    /// That of the choice that ran; others count as zero. Costs one path.
    Ran,
    /// Those of all choices, which run with the weight 0: the true straight-through estimate.
    All,
}

impl Sampler {
    /// Draws a path.
    pub fn draw(&self, table: &LogitTable, random: &mut Random) -> DrawnPath {
        let decisions = table.logits().iter();
        DrawnPath::new(
            decisions
                .map(|logits| self.decide(logits, random))
                .collect(),
        )
    }

    fn decide(&self, logits: &[f64], random: &mut Random) -> Drawn {
        match *self {
            Self::Softmax => weighted(softmax(logits), 1.0),
            Self::Concrete { temperature } => {
                concrete(logits, &gumbel::noise(logits.len(), random), temperature)
            }
            Self::StraightThrough {
                temperature,
                gradient,
            } => {
                let noise = gumbel::noise(logits.len(), random);
                straight_through(logits, &noise, temperature, gradient)
            }
            Self::Gates => gates(logits, drawn(&softmax(logits), random)),
            Self::TwoPaths if logits.len() < 2 => gates(logits, 0),
            Self::TwoPaths => {
                let mut p = softmax(logits);
                let first = drawn(&p, random);
                p[first] = 0.0;
                let second = match drawn(&p, random) {
                    // All others underflowed.
                    again if again == first => (first + 1) % logits.len(),
                    other => other,
                };
                let pair = [first, second];
                let ran = drawn(&softmax(&pair.map(|i| logits[i])), random);
                two_paths(logits, pair, ran)
            }
        }
    }
}

fn drawn(probabilities: &[f64], random: &mut Random) -> usize {
    let weights: Vec<f32> = probabilities.iter().map(|p| *p as f32).collect();
    random.weighted(&weights)
}

fn all(choices: usize) -> Vec<u32> {
    (0..choices as u32).collect()
}

fn one_hot(choices: usize, hot: usize) -> Vec<f64> {
    (0..choices)
        .map(|i| f64::from(u8::from(i == hot)))
        .collect()
}

/// All choices, weighted by the probabilities through which the gradient flows.
fn weighted(probabilities: Vec<f64>, sharpness: f64) -> Drawn {
    Drawn {
        listed: all(probabilities.len()),
        weights: probabilities.clone(),
        over: all(probabilities.len()),
        probabilities,
        sharpness,
        shares: false,
    }
}

fn concrete(logits: &[f64], noise: &[f64], temperature: f64) -> Drawn {
    let noisy = log_softmax(logits).into_iter().zip(noise);
    let tempered: Vec<f64> = noisy.map(|(logit, g)| (logit + g) / temperature).collect();
    weighted(softmax(&tempered), 1.0 / temperature)
}

fn straight_through(
    logits: &[f64],
    noise: &[f64],
    temperature: f64,
    gradient: StraightThroughGradient,
) -> Drawn {
    let soft = concrete(logits, noise, temperature);
    let p = &soft.probabilities;
    let hot = (1..p.len()).fold(0, |best, i| if p[i] > p[best] { i } else { best });
    let (listed, weights) = match gradient {
        StraightThroughGradient::Ran => (vec![hot as u32], vec![1.0]),
        StraightThroughGradient::All => (all(p.len()), one_hot(p.len(), hot)),
    };
    Drawn {
        listed,
        weights,
        ..soft
    }
}

fn gates(logits: &[f64], hot: usize) -> Drawn {
    Drawn {
        weights: one_hot(logits.len(), hot),
        ..weighted(softmax(logits), 1.0)
    }
}

/// `ran` is the index in `pair` of the choice that counts.
fn two_paths(logits: &[f64], pair: [usize; 2], ran: usize) -> Drawn {
    let listed = pair.map(|i| i as u32).to_vec();
    Drawn {
        weights: one_hot(2, ran),
        over: listed.clone(),
        listed,
        probabilities: softmax(&pair.map(|i| logits[i])),
        sharpness: 1.0,
        shares: true,
    }
}

#[cfg(test)]
mod tests;
