//! Products of two values.

use super::{Buffer, Kernel, Lowered, fold, read, write};
use crate::catalogue::{MatMul, Transposed};

/// Rows and columns of the tile of a workgroup.
const TILE: u32 = 16;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/mat_mul.wgsl");
    Kernel {
        module: "mat_mul",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static MAT_MUL: Kernel = kernel("mat_mul", &[read(2, "a"), read(3, "b"), write(4, "y")]);

/// One workgroup per tile of every product.
pub(super) fn product(m: MatMul) -> Lowered {
    let [down, across] = [m.rows, m.columns].map(|n| n.div_ceil(TILE));
    let transposed = match m.transposed {
        Transposed::Neither => 0,
        Transposed::Left => 1,
        Transposed::Right => 2,
    };
    let sizes = vec![
        m.batch, m.rows, m.inner, m.columns, transposed, down, across,
    ];
    let groups = m.batch as usize * down as usize * across as usize;
    Lowered::one(&MAT_MUL, sizes, fold(groups))
}
