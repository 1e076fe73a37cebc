//! The largest eigenvalue of the Hessian of the validation loss with respect to the logits of a
//! search of DARTS, by power iteration: products of the Hessian with a direction are differences of
//! gradients (Zela et al. 2020, §4).

use serde::{Deserialize, Serialize};
use supernet_plugin::Path;
use supernet_shaders::random::Random;

use crate::table_policy::{CollapseMonitor, CollapseStop, LogitTable, Sampler};
use crate::{Genome, Pass, PassSamples, StepOutcome};

/// Products from which an eigenvalue is computed.
const PRODUCTS: u32 = 10;
/// How far the logits are moved to both sides, as the norm of the move.
const LENGTH: f64 = 0.05;

/// Measures the eigenvalue after every epoch that is due, and says when to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Curvature {
    monitor: CollapseMonitor,
    /// The favourite after every epoch so far: one of them is the answer if the search stops.
    favourites: Vec<Genome>,
    iteration: Option<PowerIteration>,
    stop: Option<(CollapseStop, u32)>,
}

/// A power iteration, all of whose products are on the same minibatch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PowerIteration {
    batch: u64,
    /// Of norm 1.
    direction: Vec<Vec<f64>>,
    products: u32,
    eigenvalue: f64,
}

impl Curvature {
    pub(super) fn new() -> Self {
        Self {
            monitor: CollapseMonitor::new(),
            favourites: Vec::new(),
            iteration: None,
            stop: None,
        }
    }

    /// The next passes after so many epochs; none if nothing is left to measure now.
    pub(super) fn passes(
        &mut self,
        table: &LogitTable,
        epochs: u32,
        batch: u64,
        random: &mut Random,
        favourite: impl FnOnce() -> Result<Genome, supernet_plugin::GenomeError>,
    ) -> Result<Vec<Pass>, supernet_plugin::GenomeError> {
        if self.iteration.is_none() && self.favourites.len() < epochs as usize {
            let epoch = epochs - 1;
            self.favourites.resize(epoch as usize, Vec::new());
            self.favourites.push(favourite()?);
            if self.monitor.is_due(epoch) {
                self.iteration = Some(PowerIteration::new(table, batch, random));
            }
        }
        let passes = self.iteration.as_ref().map(|of| of.passes(table));
        Ok(passes.unwrap_or_default())
    }

    /// Takes their outcome. `decay` is the weight decay of the logits, whose Hessian is added.
    pub(super) fn measure(
        &mut self,
        table: &LogitTable,
        outcome: Option<&StepOutcome>,
        decay: f64,
    ) {
        let Some(iteration) = &mut self.iteration else {
            return;
        };
        let Some(outcome) = outcome else {
            // Without a number there is no eigenvalue.
            self.iteration = None;
            return;
        };
        iteration.multiply(table, outcome);
        if iteration.products < PRODUCTS {
            return;
        }
        let stop = self.monitor.measure(iteration.eigenvalue + decay);
        self.iteration = None;
        if self.stop.is_none() {
            self.stop = stop.map(|stop| (stop, self.favourites.len() as u32));
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// The answer of a search that was stopped.
    pub(super) fn answer(&self) -> Option<Genome> {
        let (stop, _) = self.stop?;
        self.favourites.get(stop.answer as usize).cloned()
    }

    pub(super) fn verdict(&self) -> Option<String> {
        let (CollapseStop { answer, ratio, .. }, epochs) = self.stop?;
        Some(format!(
            "the largest eigenvalue of the Hessian of the validation loss grew {ratio:.2} times within eight epochs, which \
             is how collapse to ops without weights begins (Zela et al. 2020, §4.3): the search ended after epoch {epochs}, \
             and its answer is that of epoch {}",
            answer + 1
        ))
    }
}

impl PowerIteration {
    fn new(table: &LogitTable, batch: u64, random: &mut Random) -> Self {
        let one = |logits: &Vec<f64>| -> Vec<f64> {
            logits.iter().map(|_| f64::from(random.normal())).collect()
        };
        let mut direction: Vec<Vec<f64>> = table.logits().iter().map(one).collect();
        normalise(&mut direction);
        Self {
            batch,
            direction,
            products: 0,
            eigenvalue: 0.0,
        }
    }

    /// The table, moved along the direction.
    fn moved(&self, table: &LogitTable, by: f64) -> LogitTable {
        let mut moved = table.clone();
        for (logits, direction) in moved.logits_mut().iter_mut().zip(&self.direction) {
            let pairs = logits.iter_mut().zip(direction);
            pairs.for_each(|(logit, d)| *logit += by * d);
        }
        moved
    }

    fn passes(&self, table: &LogitTable) -> Vec<Pass> {
        let pass = |by| {
            let path = softmax_path(&self.moved(table, by));
            Pass::score(path, PassSamples::Validation(self.batch))
        };
        vec![pass(LENGTH), pass(-LENGTH)]
    }

    /// One product: the direction becomes that of the Hessian times the direction.
    fn multiply(&mut self, table: &LogitTable, outcome: &StepOutcome) {
        self.products += 1;
        let [plus, minus] = outcome.passes.as_slice() else {
            return;
        };
        let gradient = |by, of_weights| {
            let moved = self.moved(table, by);
            let drawn = Sampler::Softmax.draw(&moved, &mut unused());
            drawn.logit_gradient(&moved, of_weights)
        };
        let plus = gradient(LENGTH, &plus.gradient);
        let minus = gradient(-LENGTH, &minus.gradient);
        let difference = |(plus, minus): (&Vec<f64>, &Vec<f64>)| -> Vec<f64> {
            let pairs = plus.iter().zip(minus);
            pairs.map(|(p, m)| (p - m) / (2.0 * LENGTH)).collect()
        };
        let mut product: Vec<Vec<f64>> = plus.iter().zip(&minus).map(difference).collect();
        let pairs = product
            .iter()
            .flatten()
            .zip(self.direction.iter().flatten());
        self.eigenvalue = pairs.map(|(a, b)| a * b).sum();
        if normalise(&mut product) {
            self.direction = product;
        }
    }
}

/// All choices, weighted by their probabilities, whose gradient is wanted.
fn softmax_path(table: &LogitTable) -> Path {
    Sampler::Softmax.draw(table, &mut unused()).path()
}

/// The softmax draws nothing.
fn unused() -> Random {
    Random::new(0, supernet_shaders::random::RngStream::Strategy)
}

/// Scales to a norm of 1. False if there is no direction.
fn normalise(vector: &mut [Vec<f64>]) -> bool {
    let norm = vector.iter().flatten().map(|x| x * x).sum::<f64>().sqrt();
    if norm == 0.0 || !norm.is_finite() {
        return false;
    }
    vector.iter_mut().flatten().for_each(|x| *x /= norm);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PassOutcome, Score};
    use supernet_plugin::Pick;
    use supernet_shaders::random::RngStream;

    /// A loss Σ c_i·p_i² / 2 of the weights p of two decisions of two choices, whose gradient is c·p.
    fn outcome(passes: &[Pass], curvature: f64) -> StepOutcome {
        let gradient = |pick: &Pick| match pick {
            Pick::Mix { weights, .. } => {
                let of = |(i, p): (usize, &f32)| curvature * (1.0 + i as f64) * f64::from(*p);
                weights.iter().enumerate().map(of).collect()
            }
            Pick::One(_) => Vec::new(),
        };
        let score = Score {
            reward: 0.5,
            loss: 1.0,
        };
        let of = |pass: &Pass| {
            let picks = pass.path.picks.iter().map(gradient).collect();
            PassOutcome::new(score).with_path_gradient(picks)
        };
        StepOutcome::new(passes.iter().map(of).collect(), 0.1)
    }

    /// The Hessian of that loss with respect to the logits (a, b) of one decision, by finite
    /// differences of the loss itself.
    fn exact(table: &LogitTable, curvature: f64) -> f64 {
        let loss = |a: f64| {
            let p = crate::table_policy::softmax(&[a, 0.0]);
            curvature * (p[0] * p[0] + 2.0 * p[1] * p[1]) / 2.0
        };
        let of = |logits: &Vec<f64>| {
            let (a, h) = (logits[0] - logits[1], 1e-3);
            // The loss depends on the difference alone: the eigenvector is (1, −1)/√2.
            2.0 * (loss(a + h) - 2.0 * loss(a) + loss(a - h)) / (h * h)
        };
        let each = table.logits().iter().map(of);
        each.fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn the_eigenvalue_is_that_of_the_hessian() {
        let mut table = LogitTable::uniform(&[2, 2]);
        table.logits_mut()[0][0] = 0.7;
        let mut random = Random::new(1, RngStream::Strategy);
        let mut iteration = PowerIteration::new(&table, 3, &mut random);
        for _ in 0..40 {
            let passes = iteration.passes(&table);
            assert!(
                passes
                    .iter()
                    .all(|pass| pass.samples == PassSamples::Validation(3))
            );
            iteration.multiply(&table, &outcome(&passes, 2.0));
        }
        let exact = exact(&table, 2.0);
        assert!(
            (iteration.eigenvalue - exact).abs() < 2e-3 * exact.abs(),
            "{} {exact}",
            iteration.eigenvalue
        );
    }

    #[test]
    fn a_sharpening_loss_stops_with_an_earlier_favourite() {
        let table = LogitTable::uniform(&[2, 2]);
        let mut random = Random::new(1, RngStream::Strategy);
        let mut curvature = Curvature::new();
        let mut stopped = None;
        for epochs in 1..=50_u32 {
            // The eigenvalue is proportional to it. It grows a little less than in the test of the monitor,
            // where a ratio is exactly at the limit.
            let grown = 0.2 + 0.029 * f64::from((epochs - 1).max(24) - 24) / 2.0;
            let mut products = 0;
            loop {
                let favourite = || Ok(vec![epochs, 0]);
                let passes = curvature
                    .passes(&table, epochs, 7, &mut random, favourite)
                    .unwrap();
                if passes.is_empty() {
                    break;
                }
                products += 1;
                curvature.measure(&table, Some(&outcome(&passes, grown)), 0.0);
            }
            assert_eq!(products, if epochs % 2 == 1 { PRODUCTS } else { 0 });
            if curvature.is_stopped() {
                stopped = Some(epochs);
                break;
            }
        }
        // After epoch 34, counted from 0; the answer is that of epoch 22.
        assert_eq!((stopped, curvature.answer()), (Some(35), Some(vec![23, 0])));
        let said = curvature.verdict().unwrap();
        assert!(
            said.contains("grew 1.39 times") && said.contains("after epoch 35"),
            "{said}"
        );
        assert!(said.ends_with("its answer is that of epoch 23"), "{said}");
    }
}
