//! Gumbel noise: argmax(α + G) is distributed as softmax(α).

use supernet_shaders::random::Random;

/// The Gumbel variable −ln(−ln u) of a uniform number u in (0, 1).
pub fn gumbel(u: f64) -> f64 {
    -(-u.ln()).ln()
}

/// Independent Gumbel variables.
pub(super) fn noise(count: usize, random: &mut Random) -> Vec<f64> {
    // The middle of each of 2³² equal intervals: neither 0 nor 1.
    let uniform = |bits: u32| (f64::from(bits) + 0.5) / 4_294_967_296.0;
    (0..count).map(|_| gumbel(uniform(random.bits()))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::{NOISE, near};
    use super::*;

    #[test]
    fn published_noise() {
        near(&[0.3, 0.7, 0.5].map(gumbel), &NOISE);
    }
}
