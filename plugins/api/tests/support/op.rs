//! A valid custom op.

use supernet_plugin::Operand::*;
use supernet_plugin::{CustomOp, Kernel, Length};

/// A normalisation: statistics per row are saved for the backward pass, and the gradient with
/// respect to the scale takes two kernels.
pub fn sound_op() -> CustomOp {
    CustomOp::kernels("norm", "…")
        .params(1)
        .macs(2)
        .saved(Length::Rows(Input(0)))
        .scratch(Length::Like(Input(0)))
        .forward(
            Kernel::per_row("statistics", Input(0))
                .bind(0, Dims)
                .bind(2, Input(0))
                .bind(3, Saved(0))
                .barriers(),
        )
        .forward(
            Kernel::per_element("apply", Output)
                .bind(2, Input(0))
                .bind(3, Param(0))
                .bind(4, Saved(0))
                .bind(5, Output),
        )
        .backward(
            Kernel::per_row("by_input", Input(0))
                .bind(2, GradOutput)
                .bind(3, Saved(0))
                .bind(4, GradInput(0))
                .bind(5, Scratch(0)),
        )
        .backward(
            Kernel::fixed("by_scale", [1, 1, 1])
                .bind(2, Scratch(0))
                .bind(3, GradParam(0)),
        )
}
