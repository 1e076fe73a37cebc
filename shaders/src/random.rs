//! Counter-based random numbers: the same bits on every device, for any step, in any order.
//!
//! Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). Integer arithmetic only, so a
//! GPU kernel and its CPU twin agree to the last bit, and any step of a search can be replayed without the steps
//! before it.

/// Ten rounds of Philox4x32: 128 random bits from a 64-bit key and a 128-bit counter.
pub fn philox(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let a = u64::from(c0) * 0xD251_1F53;
        let b = u64::from(c2) * 0xCD9E_8D57;
        (c0, c1, c2, c3) = ((b >> 32) as u32 ^ c1 ^ k0, b as u32, (a >> 32) as u32 ^ c3 ^ k1, a as u32);
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
    }
    [c0, c1, c2, c3]
}

/// The 24 high bits of `bits` as a number in [0, 1).
pub fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// A sequence of random numbers, fixed by (seed, stream) and the position in it.
///
/// Streams keep purposes apart: shuffling the data never changes what the controller samples.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Random {
    seed: u64,
    stream: u64,
    position: u64,
}

impl Random {
    /// The beginning of stream `stream` under `seed`.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self { seed, stream, position: 0 }
    }

    /// The next 32 random bits.
    pub fn bits(&mut self) -> u32 {
        let block = self.position / 4;
        let lane = (self.position % 4) as usize;
        self.position += 1;
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        let counter = [block as u32, (block >> 32) as u32, self.stream as u32, (self.stream >> 32) as u32];
        philox(key, counter)[lane]
    }

    /// A number in [0, 1), uniform.
    pub fn unit(&mut self) -> f32 {
        unit(self.bits())
    }

    /// A whole number in [0, `bound`), uniform. `bound` must not be zero.
    pub fn below(&mut self, bound: u32) -> u32 {
        // Lemire's multiplication, rejecting the few values that would make the low numbers more likely.
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.bits()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// A standard normal number (Box and Muller).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - f64::from(self.unit())).ln()).sqrt();
        let angle = std::f64::consts::TAU * f64::from(self.unit());
        (radius * angle.cos()) as f32
    }

    /// An index drawn with probability proportional to `weights`; the last one that is not zero if rounding runs over.
    pub fn weighted(&mut self, weights: &[f32]) -> usize {
        let total: f64 = weights.iter().map(|w| f64::from(*w)).sum();
        let mut left = f64::from(self.unit()) * total;
        let mut last = 0;
        for (index, weight) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
            last = index;
            left -= f64::from(*weight);
            if left < 0.0 {
                break;
            }
        }
        last
    }

    /// `items` in a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_published_vectors() {
        // Random123's known-answer file, philox4x32 with 10 rounds.
        assert_eq!(philox([0; 2], [0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 2], [u32::MAX; 4]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let digits = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        assert_eq!(philox([0xa409_3822, 0x299f_31d0], digits), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn streams_and_seeds_differ_and_repeat() {
        let draw = |seed, stream| -> Vec<u32> {
            let mut r = Random::new(seed, stream);
            (0..9).map(|_| r.bits()).collect()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    fn below_is_uniform_and_normal_is_standard() {
        let mut r = Random::new(7, 0);
        let mut seen = [0_u32; 6];
        (0..60_000).for_each(|_| seen[r.below(6) as usize] += 1);
        assert!(seen.iter().all(|n| (9_500..10_500).contains(n)), "{seen:?}");
        let drawn: Vec<f64> = (0..40_000).map(|_| f64::from(r.normal())).collect();
        let mean = drawn.iter().sum::<f64>() / 40_000.0;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 40_000.0;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }
}
