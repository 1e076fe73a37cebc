//! A factor per channel.

use super::elementwise::each;
use super::row_tiles::Tiles;
use super::{Buffer, Kernel, Lowered, fold, read, write};
use crate::catalogue::Scale;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/scale.wgsl");
    Kernel {
        module: "scale",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static SCALE: Kernel = kernel("scale", &[read(2, "x"), read(3, "s"), write(4, "y")]);
static SCALE_GRAD: Kernel = kernel("scale_grad", &[read(2, "x"), read(5, "dy"), write(6, "ds")]);

fn sizes(s: Scale, tiles: Tiles) -> Vec<u32> {
    vec![
        s.batch,
        s.positions,
        s.channels,
        tiles.width,
        tiles.lanes,
        tiles.tiles,
    ]
}

pub(super) fn scale(s: Scale) -> Lowered {
    let tiles = Tiles::of(s.positions, s.channels);
    each(&SCALE, s.len(), sizes(s, tiles))
}

pub(super) fn grad(s: Scale) -> Lowered {
    let tiles = Tiles::of(s.positions, s.channels);
    let groups = s.batch as usize * tiles.tiles as usize;
    Lowered::one(&SCALE_GRAD, sizes(s, tiles), fold(groups))
}
