//! The second-order gradient of DARTS (Liu et al. 2019, §2.3): that of the validation loss after
//! one step of the weights, which itself depends on the logits.
//!
//! With w′ = w − ξ·(momentum·b + ∇_w L_train(w, α) + decay·w), v = ∇_w′ L_val(w′, α), R =
//! 0.01/‖v‖ and w± = w ± R·v (around w, not w′):
//! ∂α = ∂_α L_val(w′, α) − ξ·(∂_α L_train(w⁺, α) − ∂_α L_train(w⁻, α))/(2R).
//!
//! All training passes of a step take the same minibatch with the same dropout and augmentation.

/// The weight after a virtual step: w′, for one element of the weights, the momentum buffer and the
/// gradient.
pub fn look_ahead(
    weight: f64,
    buffer: f64,
    gradient: f64,
    rate: f64,
    [momentum, decay]: [f64; 2],
) -> f64 {
    weight - rate * (momentum * buffer + gradient + decay * weight)
}

/// ‖R·v‖: how far w⁺ and w⁻ are from w.
pub const LENGTH: f64 = 0.01;

/// R = 0.01/‖v‖, for the norm of v over all weights; 0 if there is no direction.
pub fn radius(norm: f64) -> f64 {
    match norm > 0.0 {
        true => LENGTH / norm,
        false => 0.0,
    }
}

/// ∂α, from the gradients with respect to α of the validation loss at w′ and of the training loss
/// at w⁺ and w⁻; `rate` is ξ. With ξ = 0 or R = 0 it is the first-order gradient, bit for bit.
pub fn gradient(
    of_validation: &[f64],
    plus: &[f64],
    minus: &[f64],
    rate: f64,
    radius: f64,
) -> Vec<f64> {
    if rate == 0.0 || radius == 0.0 {
        return of_validation.to_vec();
    }
    let differences = plus.iter().zip(minus);
    of_validation
        .iter()
        .zip(differences)
        .map(|(own, (plus, minus))| own - rate * ((plus - minus) / (2.0 * radius)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::near;
    use super::*;

    /// The example of the paper's figure 2: L_val = αw − 2α + 1, L_train = w² − 2αw + α².
    fn toy(alpha: f64, w: f64, rate: f64, buffer: f64, decay: f64) -> (f64, f64) {
        let ahead = look_ahead(w, buffer, 2.0 * (w - alpha), rate, [0.9, decay]);
        let v = alpha;
        let r = radius(v.abs());
        let of_train = |w: f64| 2.0 * (alpha - w);
        let got = gradient(
            &[ahead - 2.0],
            &[of_train(w + r * v)],
            &[of_train(w - r * v)],
            rate,
            r,
        );
        (got[0], ahead)
    }

    #[test]
    fn the_example_of_the_paper() {
        for (rate, wanted) in [(0.5, 2.0), (0.1, -2.8), (0.025, -3.7), (0.0, -4.0)] {
            assert!((toy(2.0, -2.0, rate, 0.0, 0.0).0 - wanted).abs() < 1e-9);
        }
        let (got, ahead) = toy(2.0, -2.0, 0.1, 1.0, 3e-4);
        near(&[ahead, got], &[-1.289_94, -2.889_94]);
    }

    #[test]
    fn only_the_right_rate_reaches_the_optimum() {
        for rate in [0.0, 0.1, 0.5] {
            let (mut alpha, mut w) = (2.0, -2.0);
            for _ in 0..2000 {
                let (of_alpha, _) = toy(alpha, w, rate, 0.0, 0.0);
                let of_w = 2.0 * (w - alpha);
                alpha -= 0.05 * of_alpha;
                w -= 0.05 * of_w;
            }
            let fixed = 2.0 / (1.0 + 2.0 * rate);
            assert!((alpha - fixed).abs() < 1e-6 && (w - fixed).abs() < 1e-6);
        }
    }

    #[test]
    fn a_difference_is_divided_by_the_distance() {
        // ∂²L_train/∂α∂w·v = −2v; multiplying by the distance, as NNI did (#3044), is off by its
        // square, which no result of a search would show.
        let (alpha, w, r) = (2.0, -2.0, radius(2.0));
        let of_train = |w: f64| 2.0 * (alpha - w);
        let [plus, minus] = [of_train(w + r * alpha), of_train(w - r * alpha)];
        let product = gradient(&[0.0], &[plus], &[minus], 1.0, r)[0];
        assert!((product - 2.0 * alpha).abs() < 1e-9);
        let trap = -(plus - minus) / 2.0 * r;
        assert!((trap / product - r * r).abs() < 1e-12);
    }

    #[test]
    fn no_rate_and_no_direction_are_first_order_bit_for_bit() {
        let own = [0.1, -0.3];
        assert_eq!(gradient(&own, &[1.0, 2.0], &[3.0, 4.0], 0.0, 0.01), own);
        assert_eq!(
            gradient(&own, &[1.0, 2.0], &[3.0, 4.0], 0.1, radius(0.0)),
            own
        );
    }

    /// A network of two layers, w₂·tanh(w₁·x)·α, with the loss (y − 1)²: the product of its mixed
    /// second derivative with a direction, from closed forms.
    #[test]
    fn the_difference_is_the_product_with_the_hessian() {
        let (alpha, x, w) = (0.7, 1.3, [0.4, -0.9]);
        let of_alpha = |w: [f64; 2]| {
            let h = w[1] * (w[0] * x).tanh();
            2.0 * (h * alpha - 1.0) * h
        };
        let v = [0.3_f64, -0.2];
        let r = radius((v[0] * v[0] + v[1] * v[1]).sqrt());
        let at = |sign: f64| of_alpha([w[0] + sign * r * v[0], w[1] + sign * r * v[1]]);
        let got = -gradient(&[0.0], &[at(1.0)], &[at(-1.0)], 1.0, r)[0];
        let (t, h) = ((w[0] * x).tanh(), w[1] * (w[0] * x).tanh());
        let of_h = 4.0 * alpha * h - 2.0;
        let exact = of_h * (w[1] * (1.0 - t * t) * x * v[0] + t * v[1]);
        assert!((got / exact - 1.0).abs() < 1e-4, "{got} for {exact}");
    }
}
