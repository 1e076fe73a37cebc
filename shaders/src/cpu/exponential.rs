//! The exponential and functions based on it, without branches, so that loops over them vectorise.

/// eˣ to two units in the last place; constant outside of [−87, 88], where it would leave the range
/// of normal numbers.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // 1.5·2²³: adding it rounds to a whole number, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // log 2 in two parts; the product of the first and n is exact (Cody and Waite 1980).
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let y = p * (r * r) + r + 1.0;
    y * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// 1/(1 + e⁻ˣ).
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// tanh x: near zero by its odd power series, elsewhere by the exponential.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let z = x * x;
    let p = -5.704_988_7e-3;
    let p = p * z + 2.063_909e-2;
    let p = p * z - 5.373_971_6e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328e-1;
    let near = p * z * x + x;
    let far = (1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0)).copysign(x);
    if x.abs() < 0.625 { near } else { far }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_right_to_a_few_units_in_the_last_place() {
        let near = |got: f32, wanted: f64, what: &str, x: f32| {
            let off = (f64::from(got) - wanted).abs();
            assert!(
                off <= 4.0 * f64::from(f32::EPSILON) * wanted.abs() + 1e-37,
                "{what}({x}) = {got}, not {wanted}"
            );
        };
        for i in -8600..=8600 {
            let x = 0.01 * i as f32;
            let exact = f64::from(x);
            near(exp(x), exact.exp(), "exp", x);
            near(tanh(x), exact.tanh(), "tanh", x);
            near(sigmoid(x), 1.0 / (1.0 + (-exact).exp()), "sigmoid", x);
        }
        assert_eq!((tanh(0.0), sigmoid(0.0), exp(0.0)), (0.0, 0.5, 1.0));
        assert_eq!((tanh(1e30), tanh(-1e30), sigmoid(1e30)), (1.0, -1.0, 1.0));
        assert!(sigmoid(-1e30) < 1e-37);
    }
}
