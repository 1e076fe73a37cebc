//! The softmax of a decision's logits.

/// The probabilities exp(αᵢ)/Σ exp(αⱼ).
pub fn softmax(logits: &[f64]) -> Vec<f64> {
    log_softmax(logits).into_iter().map(f64::exp).collect()
}

/// Their logarithms, which do not overflow.
pub fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    let shift = largest + sum.ln();
    logits.iter().map(|logit| logit - shift).collect()
}

/// The gradient with respect to the logits, given that with respect to the probabilities p:
/// pᵢ·(gᵢ − Σ pⱼ·gⱼ). It sums to zero.
pub fn softmax_gradient(probabilities: &[f64], of_probabilities: &[f64]) -> Vec<f64> {
    let pairs = || probabilities.iter().zip(of_probabilities);
    let mean: f64 = pairs().map(|(p, g)| p * g).sum();
    pairs().map(|(p, g)| p * (g - mean)).collect()
}

/// −Σ p·ln p in nats, for probabilities: 0 for one certain choice, ln n for n equal ones.
pub fn entropy(probabilities: &[f64]) -> f64 {
    let terms = probabilities.iter().filter(|p| **p > 0.0);
    -terms.map(|p| p * p.ln()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::{ALPHA, G, near};
    use super::*;

    #[test]
    fn an_edge_of_darts() {
        let p = softmax(&ALPHA);
        near(&p, &[0.337_584_538, 0.250_088_777, 0.412_326_686]);
        near(
            &softmax_gradient(&p, &G),
            &[0.258_419_996, -0.058_646_535, -0.199_773_461],
        );
    }

    #[test]
    fn a_zero_op_has_no_gradient_of_its_weight_but_one_of_its_logit() {
        let p = softmax(&[0.3, -0.2, 0.1]);
        let g = [0.0, 0.5, -1.0];
        let mean = p[1] * 0.5 - p[2];
        near(&softmax_gradient(&p, &g)[..1], &[-p[0] * mean]);
        assert!(softmax_gradient(&p, &g)[0] > 1e-2);
    }

    #[test]
    fn large_logits_do_not_overflow_and_entropy_is_in_nats() {
        near(&softmax(&[1000.0, 1000.0]), &[0.5, 0.5]);
        near(&softmax(&[-1e4, 0.0]), &[0.0, 1.0]);
        near(
            &[entropy(&[0.25; 4]), entropy(&[0.0, 1.0])],
            &[4.0_f64.ln(), 0.0],
        );
    }
}
