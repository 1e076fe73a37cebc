//! Means over whole images.

use super::row_tiles::Tiles;
use super::{Buffer, Kernel, Lowered, fold, read, write};

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/global_pool.wgsl");
    Kernel {
        module: "global_pool",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static AVERAGE: Kernel = kernel("global_average_pool", &[read(2, "x"), write(3, "y")]);
static AVERAGE_GRAD: Kernel = kernel("global_average_pool_grad", &[read(4, "dy"), write(5, "dx")]);

fn images(kernel: &'static Kernel, batch: u32, positions: u32, channels: u32) -> Lowered {
    let tiles = Tiles::of(positions, channels);
    let sizes = vec![
        batch,
        positions,
        channels,
        tiles.width,
        tiles.lanes,
        tiles.tiles,
    ];
    Lowered::one(kernel, sizes, fold((batch * tiles.tiles) as usize))
}

pub(super) fn average(batch: u32, positions: u32, channels: u32) -> Lowered {
    images(&AVERAGE, batch, positions, channels)
}

pub(super) fn average_grad(batch: u32, positions: u32, channels: u32) -> Lowered {
    images(&AVERAGE_GRAD, batch, positions, channels)
}
