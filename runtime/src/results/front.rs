//! The front of quality and size: what each number of parameters buys.

use serde::{Deserialize, Serialize};
use supernet_strategy::Genome;

use super::mean::Mean;
use super::metric::Metric;
use super::retrained::Retrained;
use super::selection::Selection;

/// How the networks of a front were trained and scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FrontSource {
    /// Trained to the end, and scored on the test split.
    Retrained,
    /// Trained alone for a few epochs, all for equally long, and scored on the validation split.
    ShortTraining,
}

/// An architecture that none of the others beats in both quality and size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FrontPoint {
    /// Its genome.
    pub genome: Genome,
    /// Its number of parameters.
    pub parameters: u64,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
    /// Its accuracy or perplexity, over its trainings.
    pub quality: Mean,
}

/// Architectures of a search by size and quality: `best/front.json`.
///
/// After retraining, the qualities are those on the test split, of which the front chooses the
/// best: chosen by these numbers, an architecture is a little worse than it looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Front {
    /// How the networks were trained and scored.
    pub source: FrontSource,
    /// What the quality is.
    pub metric: Metric,
    /// The architectures, smallest first; each is better than all smaller ones.
    pub points: Vec<FrontPoint>,
    /// Index of the knee, beyond which further parameters buy the least: the point farthest above
    /// the line between both ends, with the parameters on a logarithmic scale. The best one if the
    /// front is a line or has fewer than three points.
    pub knee: usize,
}

impl Front {
    /// The front of the networks that were trained to the end, or, without any, of the longest
    /// short trainings; none without either.
    pub(crate) fn new(
        retrained: Option<&Retrained>,
        selection: Option<&Selection>,
        metric: Metric,
    ) -> Option<Self> {
        let full =
            retrained.map(|of| Self::among(FrontSource::Retrained, metric, of_full(of, metric)));
        let short = selection
            .map(|of| Self::among(FrontSource::ShortTraining, metric, of_short(of, metric)));
        full.flatten().or_else(|| short.flatten())
    }

    fn among(source: FrontSource, metric: Metric, mut all: Vec<FrontPoint>) -> Option<Self> {
        let gain = |point: &FrontPoint| metric.gain(point.quality.mean);
        all.sort_by(|a, b| {
            a.parameters
                .cmp(&b.parameters)
                .then(gain(b).total_cmp(&gain(a)))
                .then_with(|| a.genome.cmp(&b.genome))
        });
        let mut points: Vec<FrontPoint> = Vec::new();
        for point in all {
            if points.last().is_none_or(|last| gain(&point) > gain(last)) {
                points.push(point);
            }
        }
        let gains: Vec<(f64, f64)> = points
            .iter()
            .map(|point| ((point.parameters.max(1) as f64).ln(), gain(point)))
            .collect();
        (!points.is_empty()).then(|| Self {
            source,
            metric,
            knee: knee(&gains),
            points,
        })
    }

    /// A sentence about the knee, unless it is the best.
    pub fn summary(&self) -> Option<String> {
        let (knee, best) = (self.points.get(self.knee)?, self.points.last()?);
        (knee != best).then(|| {
            format!(
                "the knee of the front has {:.0} % of the parameters of the best, and {} instead of {}",
                100.0 * knee.parameters as f64 / best.parameters.max(1) as f64,
                self.metric.mean(knee.quality.mean),
                self.metric.mean(best.quality.mean)
            )
        })
    }
}

/// One point for every architecture that was trained to the end.
fn of_full(retrained: &Retrained, metric: Metric) -> Vec<FrontPoint> {
    let mut points: Vec<(FrontPoint, Vec<f64>)> = Vec::new();
    for network in &retrained.networks {
        let Some(score) = network.test else { continue };
        let quality = metric.quality(&score);
        match points
            .iter_mut()
            .find(|(point, _)| point.genome == network.genome)
        {
            Some((_, qualities)) => qualities.push(quality),
            None => points.push((
                FrontPoint {
                    genome: network.genome.clone(),
                    parameters: network.parameters,
                    macs: network.macs,
                    quality: Mean::of(&[]),
                },
                vec![quality],
            )),
        }
    }
    let mean = |(point, qualities): (FrontPoint, Vec<f64>)| FrontPoint {
        quality: Mean::of(&qualities),
        ..point
    };
    points.into_iter().map(mean).collect()
}

/// One point for every network of the last rung.
fn of_short(selection: &Selection, metric: Metric) -> Vec<FrontPoint> {
    let last = selection.trainings.iter().map(|of| of.rung).max();
    let of_last = selection
        .trainings
        .iter()
        .filter(|of| Some(of.rung) == last);
    of_last
        .filter_map(|training| {
            Some(FrontPoint {
                genome: training.genome.clone(),
                parameters: training.parameters,
                macs: training.macs,
                quality: Mean::of(&[metric.quality(&training.alone?)]),
            })
        })
        .collect()
}

/// The index of the point farthest above the line between the first and the last, whose
/// coordinates increase; the last if none is above it.
fn knee(points: &[(f64, f64)]) -> usize {
    let last = points.len().saturating_sub(1);
    let (Some(from), Some(to)) = (points.first(), points.last()) else {
        return 0;
    };
    let mut knee = (0.0, last);
    for (index, point) in points.iter().enumerate() {
        // Each axis is scaled to the distance of the ends.
        let along = (point.0 - from.0) / (to.0 - from.0).max(f64::MIN_POSITIVE);
        let up = (point.1 - from.1) / (to.1 - from.1).max(f64::MIN_POSITIVE);
        if up - along > knee.0 + 1e-9 {
            knee = (up - along, index);
        }
    }
    knee.1
}

#[cfg(test)]
mod tests {
    use supernet_strategy::Score;

    use super::super::retrained::{Side, TrainedNetwork};
    use super::super::selection::ShortTraining;
    use super::*;

    fn network(genome: u32, parameters: u64, accuracy: f32) -> TrainedNetwork {
        TrainedNetwork {
            side: Side::Found,
            genome: vec![genome],
            seed: 0,
            parameters,
            macs: 1,
            train: None,
            test: Some(Score {
                reward: accuracy,
                loss: 1.0 - accuracy,
            }),
        }
    }

    fn front(networks: Vec<TrainedNetwork>) -> Front {
        let retrained = Retrained::new(3, networks, None, Metric::Accuracy);
        Front::new(Some(&retrained), None, Metric::Accuracy).unwrap()
    }

    #[test]
    fn dominated_points_are_left_out_and_the_knee_is_where_it_bends() {
        let front = front(vec![
            network(0, 100, 0.5),
            network(1, 1000, 0.9),
            network(2, 10_000, 0.92),
            // Larger and worse, and equally large and worse.
            network(3, 20_000, 0.8),
            network(4, 1000, 0.7),
            // A second seed.
            network(1, 1000, 0.8),
        ]);
        let genomes: Vec<u32> = front.points.iter().map(|point| point.genome[0]).collect();
        assert_eq!((genomes, front.knee), (vec![0, 1, 2], 1));
        assert!((front.points[1].quality.mean - 0.85).abs() < 1e-6);
        assert_eq!(front.points[1].quality.count, 2);
        assert_eq!(
            front.summary().unwrap(),
            "the knee of the front has 10 % of the parameters of the best, and 85.00 % instead of 92.00 %"
        );
        // What comes back from the file is the same.
        let text = serde_json::to_string(&front).unwrap();
        assert_eq!(serde_json::from_str::<Front>(&text).unwrap(), front);
    }

    #[test]
    fn few_points_and_a_line_have_their_knee_at_the_best() {
        let one = front(vec![network(0, 10, 0.5)]);
        assert_eq!((one.knee, one.summary()), (0, None));
        let two = front(vec![network(0, 10, 0.5), network(1, 20, 0.6)]);
        assert_eq!((two.points.len(), two.knee), (2, 1));
        let bent_down = front(vec![
            network(0, 100, 0.5),
            network(1, 1000, 0.51),
            network(2, 10_000, 0.9),
        ]);
        assert_eq!(bent_down.knee, 2);
    }

    #[test]
    fn without_retraining_it_is_of_the_longest_short_trainings() {
        let short = |rung, genome, parameters, loss: f32| ShortTraining {
            rung,
            epochs: 2 << rung,
            seed: 0,
            genome: vec![genome],
            parameters,
            macs: 1,
            shared: Some(Score::WORST),
            alone: (loss > 0.0).then_some(Score {
                reward: 1.0 / loss.exp(),
                loss,
            }),
        };
        let selection = Selection {
            trainings: vec![
                short(0, 0, 1, 0.1),
                short(1, 1, 10, 0.5),
                short(1, 2, 20, 0.4),
                short(1, 3, 30, 0.0),
            ],
            predictors: None,
            top: Vec::new(),
        };
        let text = Metric::Perplexity {
            reward: 80.0,
            by_character: false,
        };
        let front = Front::new(None, Some(&selection), text).unwrap();
        assert_eq!(front.source, FrontSource::ShortTraining);
        let genomes: Vec<u32> = front.points.iter().map(|point| point.genome[0]).collect();
        assert_eq!(genomes, [1, 2]);
        assert!((front.points[1].quality.mean - 0.4_f64.exp()).abs() < 1e-6);
        assert_eq!(Front::new(None, None, text), None);
    }
}
