//! Perplexity and bits per character.

use std::f64::consts::LN_2;

/// The perplexity for a mean cross-entropy of `loss` nats per token: the number of equally likely
/// tokens whose choice would be as uncertain. Infinite if it overflows an f64.
pub fn perplexity(loss: f64) -> f64 {
    loss.exp()
}

/// The bits per character for a mean cross-entropy of `loss` nats per character, for a text that is
/// read by character.
pub fn bits_per_character(loss: f64) -> f64 {
    loss / LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_choice_among_eight_has_perplexity_8_and_3_bits() {
        let loss = 8_f64.ln();
        assert!(
            (perplexity(loss) - 8.0).abs() < 1e-12
                && (bits_per_character(loss) - 3.0).abs() < 1e-12
        );
        assert_eq!((perplexity(0.0), bits_per_character(0.0)), (1.0, 0.0));
    }
}
