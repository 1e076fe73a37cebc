use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// The number type of a controller: `f32` in a search, `f64` in tests that compare its gradient
/// with finite differences.
pub(super) trait Real:
    Copy
    + Default
    + PartialOrd
    + Send
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
{
    const ZERO: Self;
    const ONE: Self;

    fn of(value: f64) -> Self;
    fn to_f64(self) -> f64;
    fn exp(self) -> Self;
    fn tanh(self) -> Self;
    fn ln(self) -> Self;

    fn sigmoid(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp())
    }
}

/// Branch-free, so that loops over slices become SIMD code: a step of 20 rollouts needs some 6,000
/// of these, and the platform's functions would cost more than the matrix products.
impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    fn of(value: f64) -> Self {
        value as f32
    }

    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    /// Cephes' `expf`: x = n ln 2 + r, a polynomial in r, n in the exponent. The relative error is
    /// some 1e-7; the argument is clamped to ±87, so nothing overflows.
    #[inline(always)]
    fn exp(self) -> Self {
        // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let x = self.clamp(-87.0, 87.0);
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let n = shifted - ROUND;
        let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
        let mut p = 1.987_569_2e-4;
        for coefficient in [
            1.398_2e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            1.666_666_5e-1,
            0.5,
        ] {
            p = p * r + coefficient;
        }
        (p * r * r + r + 1.0) * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
    }

    /// Cephes' `tanhf`: a polynomial near zero, where the quotient of exponentials would cancel.
    #[inline(always)]
    fn tanh(self) -> Self {
        let square = self * self;
        let mut p = -5.704_988_7e-3;
        for coefficient in [
            2.063_908_8e-2,
            -5.373_971_6e-2,
            1.333_144_2e-1,
            -3.333_328e-1,
        ] {
            p = p * square + coefficient;
        }
        let near = p * square * self + self;
        let e = Real::exp(self + self);
        let far = 1.0 - 2.0 / (e + 1.0);
        if self.abs() < 0.625 { near } else { far }
    }

    fn ln(self) -> Self {
        f32::ln(self)
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    fn of(value: f64) -> Self {
        value
    }

    fn to_f64(self) -> f64 {
        self
    }

    fn exp(self) -> Self {
        f64::exp(self)
    }

    fn tanh(self) -> Self {
        f64::tanh(self)
    }

    fn ln(self) -> Self {
        f64::ln(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_precision_agrees_with_double() {
        for i in -40_000..=40_000 {
            let x = i as f32 * 5e-4;
            let wide = f64::from(x);
            let exp = (Real::exp(x).to_f64() / wide.exp() - 1.0).abs();
            let tanh = (Real::tanh(x).to_f64() - wide.tanh()).abs() / wide.tanh().abs().max(1e-3);
            let sigmoid = (Real::sigmoid(x).to_f64() - 1.0 / (1.0 + (-wide).exp())).abs();
            assert!(
                exp < 3e-7 && tanh < 3e-7 && sigmoid < 3e-7,
                "{x}: {exp} {tanh} {sigmoid}"
            );
        }
        assert!(Real::exp(f32::MAX).is_finite() && Real::tanh(-1e30_f32) == -1.0);
    }
}
