//! Counter-based random numbers: the same bits on every device, for any step, in any order.
//!
//! Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). It uses
//! integer arithmetic only, so GPU and CPU kernels agree to the last bit, and any step of a search
//! can be replayed without the steps before it.

/// Ten rounds of Philox4x32: 128 random bits from a 64-bit key and a 128-bit counter.
pub fn philox(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let a = u64::from(c0) * 0xD251_1F53;
        let b = u64::from(c2) * 0xCD9E_8D57;
        (c0, c1, c2, c3) = (
            (b >> 32) as u32 ^ c1 ^ k0,
            b as u32,
            (a >> 32) as u32 ^ c3 ^ k1,
            a as u32,
        );
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
    }
    [c0, c1, c2, c3]
}

/// The 24 high bits of `bits` as a number in [0, 1).
pub fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// The purpose of a sequence of random numbers. Every purpose has a separate stream, so that
/// drawing for one never changes what another draws: shuffling the data does not change what the
/// controller samples.
///
/// All purposes are listed here, so that no two can share a stream by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RngStream {
    /// Divides a data set into training, validation and test samples.
    DataSplit,
    /// Shuffles the training samples of a pass.
    ShuffleTraining {
        /// The pass, from 0.
        pass: u32,
    },
    /// Shuffles the validation samples that rewards are computed on.
    ShuffleValidation {
        /// The pass over the validation samples, from 0.
        pass: u32,
    },
    /// Initialises one parameter.
    Parameter {
        /// 64 bits of a hash of the parameter's name.
        hash: u64,
    },
    /// Samples what a strategy trains and scores.
    Strategy,
    /// Initialises the parameters of the controller.
    Controller,
    /// Augments the training images of a step.
    Augmentation {
        /// The number of the step.
        step: u32,
    },
    /// Samples the children for which the memory and the time of a search are planned.
    MemoryPlan,
    /// Samples the candidates from which the result is chosen.
    Candidates,
    /// Breeds a generation of candidates in the final evaluation.
    Generation {
        /// Counts from 0.
        number: u32,
    },
    /// Samples the policy for its comparison with random architectures.
    PolicySamples,
    /// Samples the prior for the comparison with the policy.
    PriorSamples,
    /// Samples the random architectures that are trained from scratch for comparison with the
    /// result.
    RetrainedPrior,
    /// Samples the policy of a finished search for its best architectures.
    TopSamples,
    /// Samples the prior for an interim comparison.
    InterimPrior {
        /// The update, from 1; it counts modulo 2^31.
        update: u64,
    },
    /// Chooses the samples for estimating the statistics of batch normalisation.
    Calibration,
    /// Samples the prior for the usual proportions of ops in a space.
    UsualComposition,
    /// Samples the children that represent all others where choices cannot be mixed.
    Rehearsal,
    /// Samples small and large children of a space.
    Extremes,
    /// Generates the inputs for checking a custom op.
    OpCheckInputs,
    /// Generates the larger inputs for checking a custom op.
    OpCheckLargeInputs,
    /// Samples the children that a report on a space draws.
    ReportChildren,
    /// Samples the children that a report on a space trains.
    ReportTraining,
    /// Generates the stand-in data that a report on a space uses.
    StandInData,
    /// Generates the data and samples the children of a benchmark.
    Bench,
    /// Samples the children for checking a device.
    SelfTest,
    /// Draws networks and seeds for standard errors of ranking statistics.
    Bootstrap,
    /// Samples the networks of a ranking laboratory.
    RankedNetworks,
    /// Shuffles the scores of a ranking laboratory, which then rank nothing.
    ShuffledScores,
    /// Samples the architectures of one size that are trained from scratch for comparison with the
    /// result.
    SameSizePrior,
    /// Reserved for applications.
    Custom(u32),
    /// A stream by its number, for tests only: it may coincide with that of another purpose.
    #[doc(hidden)]
    Test(u64),
}

impl RngStream {
    /// The stream as the high half of a Philox counter. These numbers never change, since
    /// reproducing a run depends on them.
    fn id(self) -> u64 {
        const fn sub(stream: u64, n: u32) -> u64 {
            stream | (n as u64) << 32
        }
        // Samples that never influence a search.
        const REPORT: u64 = 7;
        match self {
            Self::DataSplit => 1,
            Self::ShuffleTraining { pass } => sub(2, pass),
            Self::ShuffleValidation { pass } => sub(3, pass),
            Self::Parameter { hash } => hash,
            Self::Strategy => 5,
            Self::Controller => 6,
            Self::Augmentation { step } => sub(16, step),
            Self::Generation { number } => sub(19, number),
            Self::MemoryPlan => sub(REPORT, 0),
            Self::Candidates => sub(REPORT, 1),
            Self::PolicySamples => sub(REPORT, 2),
            Self::PriorSamples => sub(REPORT, 3),
            Self::RetrainedPrior => sub(REPORT, 4),
            Self::TopSamples => sub(REPORT, 5),
            Self::OpCheckInputs => sub(REPORT, 6),
            Self::ReportChildren => sub(REPORT, 7),
            Self::UsualComposition => sub(REPORT, 8),
            Self::Rehearsal => sub(REPORT, 9),
            Self::Extremes => sub(REPORT, 10),
            Self::OpCheckLargeInputs => sub(REPORT, 11),
            Self::ReportTraining => sub(REPORT, 12),
            Self::StandInData => sub(REPORT, 13),
            Self::Bench => sub(REPORT, 14),
            Self::SelfTest => sub(REPORT, 15),
            Self::Bootstrap => sub(REPORT, 16),
            Self::RankedNetworks => sub(REPORT, 17),
            Self::ShuffledScores => sub(REPORT, 18),
            Self::SameSizePrior => sub(REPORT, 19),
            Self::Calibration => sub(REPORT, 0xffff),
            Self::InterimPrior { update } => sub(REPORT, 1 << 31 | update as u32 & 0x7fff_ffff),
            Self::Custom(n) => sub(17, n),
            Self::Test(id) => id,
        }
    }
}

/// A sequence of random numbers, determined by (seed, stream) and the position in it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Random {
    seed: u64,
    stream: u64,
    position: u64,
}

impl Random {
    /// The start of `stream` under `seed`.
    pub fn new(seed: u64, stream: RngStream) -> Self {
        Self {
            seed,
            stream: stream.id(),
            position: 0,
        }
    }

    /// The next 32 random bits.
    pub fn bits(&mut self) -> u32 {
        let block = self.position / 4;
        let lane = (self.position % 4) as usize;
        self.position += 1;
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        let counter = [
            block as u32,
            (block >> 32) as u32,
            self.stream as u32,
            (self.stream >> 32) as u32,
        ];
        philox(key, counter)[lane]
    }

    /// A uniform number in [0, 1).
    pub fn unit(&mut self) -> f32 {
        unit(self.bits())
    }

    /// A uniform whole number in [0, `bound`). `bound` must not be zero.
    pub fn below(&mut self, bound: u32) -> u32 {
        // Lemire's method, rejecting the few values that would make the low numbers more likely.
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

    /// An index drawn with probability proportional to `weights`; the last one with a nonzero
    /// weight if rounding goes past the end.
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

    /// Shuffles `items` (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn philox_gives_the_published_vectors() {
        // The known-answer test of Random123, philox4x32 with 10 rounds.
        assert_eq!(
            philox([0; 2], [0; 4]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 2], [u32::MAX; 4]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        let digits = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        assert_eq!(
            philox([0xa409_3822, 0x299f_31d0], digits),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn streams_and_seeds_differ_and_repeat() {
        let draw = |seed, stream| -> Vec<u32> {
            let mut r = Random::new(seed, RngStream::Test(stream));
            (0..9).map(|_| r.bits()).collect()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    fn no_two_uses_share_a_stream() {
        let uses = [
            RngStream::DataSplit,
            RngStream::ShuffleTraining { pass: 0 },
            RngStream::ShuffleTraining { pass: 1 },
            RngStream::ShuffleValidation { pass: 0 },
            RngStream::ShuffleValidation { pass: u32::MAX },
            RngStream::Strategy,
            RngStream::Controller,
            RngStream::Augmentation { step: 0 },
            RngStream::Augmentation { step: 7 },
            RngStream::Generation { number: 0 },
            RngStream::Generation { number: 9 },
            RngStream::MemoryPlan,
            RngStream::Candidates,
            RngStream::PolicySamples,
            RngStream::PriorSamples,
            RngStream::RetrainedPrior,
            RngStream::TopSamples,
            RngStream::InterimPrior { update: 0 },
            RngStream::InterimPrior { update: 1 },
            RngStream::Calibration,
            RngStream::UsualComposition,
            RngStream::Rehearsal,
            RngStream::Extremes,
            RngStream::OpCheckInputs,
            RngStream::OpCheckLargeInputs,
            RngStream::ReportChildren,
            RngStream::ReportTraining,
            RngStream::StandInData,
            RngStream::Bench,
            RngStream::SelfTest,
            RngStream::Bootstrap,
            RngStream::RankedNetworks,
            RngStream::ShuffledScores,
            RngStream::SameSizePrior,
            RngStream::Custom(0),
            RngStream::Custom(7),
        ];
        let ids: BTreeSet<u64> = uses.iter().map(|stream| stream.id()).collect();
        assert_eq!(ids.len(), uses.len());
        // The numbers with which runs of earlier versions were made.
        assert_eq!(RngStream::RetrainedPrior.id(), 7 | 4 << 32);
        assert_eq!(
            RngStream::InterimPrior { update: 3 }.id(),
            7 | ((1 << 31) + 3) << 32
        );
    }

    #[test]
    fn below_is_uniform_and_normal_is_standard() {
        let mut r = Random::new(7, RngStream::Test(0));
        let mut seen = [0_u32; 6];
        (0..60_000).for_each(|_| seen[r.below(6) as usize] += 1);
        assert!(seen.iter().all(|n| (9_500..10_500).contains(n)), "{seen:?}");
        let drawn: Vec<f64> = (0..40_000).map(|_| f64::from(r.normal())).collect();
        let mean = drawn.iter().sum::<f64>() / 40_000.0;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 40_000.0;
        assert!(
            mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03,
            "{mean} {variance}"
        );
    }
}
