//! The amount of computation of a call.

use super::Call;
use crate::Access;

impl Call {
    /// The approximate number of multiply-adds of a call, to tell long calls from short ones: those
    /// of the products, or one per element and tap for all other calls.
    pub fn work(&self) -> u64 {
        let product = |a: usize, b: usize, c: usize| a as u64 * b as u64 * c as u64;
        match *self {
            Call::Conv2d(c) | Call::Conv2dGradInput(c) | Call::Conv2dGradWeight(c) => product(
                c.window.pixels_out(),
                c.window.taps() * c.inputs as usize,
                c.outputs as usize,
            ),
            Call::FactorizedReduction(r)
            | Call::FactorizedReductionGradInput(r)
            | Call::FactorizedReductionGradWeight(r) => 2 * Call::Conv2d(r.first).work(),
            Call::Linear(l) | Call::LinearGradInput(l) | Call::LinearGradWeight(l) => {
                product(l.rows as usize, l.inputs as usize, l.outputs as usize)
            }
            Call::MatMul(m) => product(
                m.batch as usize,
                m.rows as usize * m.inner as usize,
                m.columns as usize,
            ),
            Call::Depthwise(c)
            | Call::DepthwiseGradInput(c)
            | Call::DepthwiseGradWeight(c)
            | Call::AveragePool(c)
            | Call::AveragePoolGrad(c)
            | Call::MaxPool(c)
            | Call::MaxPoolGrad(c) => {
                product(c.window.pixels_out(), c.window.taps(), c.channels as usize)
            }
            Call::Custom(custom) => custom.work,
            _ => self
                .roles()
                .iter()
                .map(|role| touched(role.access) * role.len as u64)
                .sum(),
        }
    }
}

/// How often the elements of an operand pass through memory.
fn touched(access: Access) -> u64 {
    match access {
        Access::Read | Access::Write => 1,
        Access::Update => 2,
    }
}
