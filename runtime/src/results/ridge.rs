//! Ridge regression (Hoerl and Kennard 1970).

/// A linear model with an intercept, fitted by least squares with a penalty on the squares of its
/// coefficients; the intercept is free.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ridge {
    /// Mean of every feature over the samples of the fit.
    centre: Vec<f64>,
    /// Mean of the targets, and the prediction at the centre.
    intercept: f64,
    coefficients: Vec<f64>,
    left_out: Vec<f64>,
}

impl Ridge {
    /// Fits `targets`, one for each sample, to `features`, one list of equal length for each
    /// sample. The penalty must be above 0, which makes the fit unique however many features there
    /// are.
    pub(crate) fn fit(features: &[Vec<f64>], targets: &[f64], penalty: f64) -> Self {
        let (count, width) = (features.len(), features.first().map_or(0, Vec::len));
        let samples = (count as f64).max(1.0);
        let mut centre = vec![0.0; width];
        for row in features {
            (0..width).for_each(|i| centre[i] += row[i] / samples);
        }
        let intercept = targets.iter().sum::<f64>() / samples;
        let centred: Vec<Vec<f64>> = features
            .iter()
            .map(|row| row.iter().zip(&centre).map(|(x, mean)| x - mean).collect())
            .collect();
        let mut products = vec![vec![0.0; width]; width];
        let mut moments = vec![0.0; width];
        for (row, target) in centred.iter().zip(targets) {
            for i in 0..width {
                moments[i] += row[i] * (target - intercept);
                (0..=i).for_each(|j| products[i][j] += row[i] * row[j]);
            }
        }
        (0..width).for_each(|i| products[i][i] += penalty);
        factorise(&mut products);
        let coefficients = solve(&products, &moments);
        // A sample that is left out changes the fit by its own error divided by 1 − its leverage,
        // so that nothing is fitted again.
        let left_out = centred.iter().zip(targets).map(|(row, target)| {
            let leverage = 1.0 / samples + dot(row, &solve(&products, row));
            let error = target - intercept - dot(row, &coefficients);
            target - error / (1.0 - leverage).max(f64::EPSILON)
        });
        let left_out = left_out.collect();
        Self {
            centre,
            intercept,
            coefficients,
            left_out,
        }
    }

    /// The prediction for a sample.
    #[allow(
        dead_code,
        reason = "only tests predict for samples outside the fit so far"
    )]
    pub(crate) fn predict(&self, features: &[f64]) -> f64 {
        let deviations = features.iter().zip(&self.centre).map(|(x, mean)| x - mean);
        self.intercept
            + deviations
                .zip(&self.coefficients)
                .map(|(x, coefficient)| x * coefficient)
                .sum::<f64>()
    }

    /// For every sample of the fit, the prediction of a model that is fitted to all the others.
    pub(crate) fn leave_one_out(&self) -> &[f64] {
        &self.left_out
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Replaces the lower triangle of a positive definite matrix by its Cholesky factor.
fn factorise(matrix: &mut [Vec<f64>]) {
    for i in 0..matrix.len() {
        for j in 0..=i {
            let rest = matrix[i][j] - dot(&matrix[i][..j], &matrix[j][..j]);
            matrix[i][j] = if i == j {
                // Rounding must not make it negative.
                rest.max(f64::MIN_POSITIVE).sqrt()
            } else {
                rest / matrix[j][j]
            };
        }
    }
}

/// Solves L·Lᵀ·x = b for the factor L.
fn solve(factor: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
    let mut x = b.to_vec();
    for i in 0..x.len() {
        x[i] = (x[i] - dot(&factor[i][..i], &x[..i])) / factor[i][i];
    }
    for i in (0..x.len()).rev() {
        let above: f64 = (i + 1..x.len()).map(|j| factor[j][i] * x[j]).sum();
        x[i] = (x[i] - above) / factor[i][i];
    }
    x
}

#[cfg(test)]
mod tests {
    use supernet_shaders::random::{Random, RngStream};

    use super::*;

    fn samples(count: usize, width: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut random = Random::new(4, RngStream::Test(40));
        let mut number = || f64::from(random.normal());
        let features: Vec<Vec<f64>> = (0..count)
            .map(|_| (0..width).map(|_| number()).collect())
            .collect();
        let targets = (0..count).map(|_| number()).collect();
        (features, targets)
    }

    #[test]
    fn a_line_is_found_and_a_penalty_flattens_it() {
        let features = [vec![0.0], vec![1.0], vec![2.0]];
        let line = Ridge::fit(&features, &[1.0, 3.0, 5.0], 1e-9);
        assert!((line.predict(&[10.0]) - 21.0).abs() < 1e-6);
        // Σ(x − 1)² = 2 and Σ(x − 1)(y − 3) = 4: the slope is 4/(2 + 2).
        let flat = Ridge::fit(&features, &[1.0, 3.0, 5.0], 2.0);
        assert!((flat.predict(&[2.0]) - 4.0).abs() < 1e-12);
        assert!((flat.predict(&[1.0]) - 3.0).abs() < 1e-12);
    }

    #[test]
    fn leaving_one_out_is_fitting_the_others() {
        for (count, width) in [(12, 3), (5, 9)] {
            let (features, targets) = samples(count, width);
            let all = Ridge::fit(&features, &targets, 0.7);
            assert_eq!(all.leave_one_out().len(), count);
            for i in 0..count {
                let (mut others, mut rest) = (features.clone(), targets.clone());
                let (row, _) = (others.remove(i), rest.remove(i));
                let expected = Ridge::fit(&others, &rest, 0.7).predict(&row);
                let shortcut = all.leave_one_out()[i];
                assert!(
                    (shortcut - expected).abs() < 1e-9,
                    "{shortcut} is not {expected}"
                );
            }
        }
    }

    #[test]
    fn few_samples_and_features_of_one_hot_choices_are_no_difficulty() {
        let one_hot = [vec![1.0, 0.0, 1.0], vec![0.0, 1.0, 1.0]];
        let model = Ridge::fit(&one_hot, &[0.0, 2.0], 0.1);
        assert!(model.predict(&one_hot[0]) < model.predict(&one_hot[1]));
        assert_eq!(Ridge::fit(&[], &[], 1.0).predict(&[]), 0.0);
        assert_eq!(Ridge::fit(&[vec![1.0]], &[3.0], 1.0).predict(&[7.0]), 3.0);
    }
}
