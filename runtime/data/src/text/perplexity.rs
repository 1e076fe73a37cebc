//! What a cross-entropy means.

use std::f64::consts::LN_2;

/// The perplexity that belongs to a mean cross-entropy of `loss` nats a token: as uncertain as a
/// choice among so many tokens that are equally likely. Infinite where it is beyond an f64.
pub fn perplexity(loss: f64) -> f64 {
    loss.exp()
}

/// The bits that a character takes at a mean cross-entropy of `loss` nats a character: of a text
/// that is read by character.
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
