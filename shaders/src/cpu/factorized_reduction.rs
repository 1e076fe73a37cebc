//! Factorised reductions: two convolutions with concatenated outputs.

use super::conv2d::{self, Beside};
use super::workspace::Workspace;
use crate::catalogue::FactorizedReduction;

/// y = \[x ⋆ Wa, x ⋆ Wb\].
pub(super) fn reduction(
    r: &FactorizedReduction,
    workspace: &mut Workspace,
    x: &[f32],
    w: [&[f32]; 2],
    y: &mut [f32],
) {
    let [a, b] = r.halves();
    conv2d::several(
        &[(a, w[0]), (b, w[1])],
        2 * a.outputs as usize,
        workspace,
        x,
        y,
    );
}

/// ∂x.
pub(super) fn grad_input(
    r: &FactorizedReduction,
    workspace: &mut Workspace,
    dy: &[f32],
    w: [&[f32]; 2],
    dx: &mut [f32],
) {
    let [a, b] = r.halves();
    conv2d::several_grad_input(
        &[(a, w[0]), (b, w[1])],
        2 * a.outputs as usize,
        workspace,
        dy,
        dx,
    );
}

/// ∂Wa and ∂Wb.
pub(super) fn grad_weight(
    r: &FactorizedReduction,
    workspace: &mut Workspace,
    x: &[f32],
    dy: &[f32],
    dw: [&mut [f32]; 2],
) {
    let outputs = r.first.outputs as usize;
    for ((half, start), dw) in r.halves().iter().zip([0, outputs]).zip(dw) {
        conv2d::grad_weight_beside(
            half,
            Beside {
                channels: 2 * outputs,
                start,
            },
            workspace,
            x,
            dy,
            dw,
        );
    }
}
