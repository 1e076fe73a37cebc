//! The division of a matrix into tiles of channels and chunks of rows, for kernels in which an
//! invocation handles one channel.
//!
//! Nothing here depends on the device, so sums have the same order on all devices.

use super::fold;

/// Invocations per workgroup.
const GROUP: u32 = 256;
/// The most channels of a tile.
const TILE: u32 = 64;
/// Rows that an invocation sums before a second chunk is worth a second dispatch.
const ROWS: u32 = 32;
/// A reduction of at most this many rows is done in one dispatch, with tiles of few channels and
/// many rows: on most GPUs a second dispatch, which must wait for the first, costs more.
const AT_ONCE: u32 = 4096;
const NARROW: u32 = 4;
/// The least rows per invocation if nothing is summed: with more rows, values shared by the rows of
/// a channel are loaded less often; with fewer, there are more workgroups, up to some number.
const LEAST: u32 = 4;
const MOST: u32 = 16;
const WORKGROUPS: u32 = 256;
/// The most chunks of a reduction; beyond that, an invocation handles more rows.
const CHUNKS: u32 = 256;
/// Channels of a workgroup that combines the results of the chunks.
pub(super) const TOTAL: u32 = 8;

/// The invocations of a workgroup over a matrix: `lanes` rows of `width` channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiles {
    pub(super) width: u32,
    pub(super) lanes: u32,
    /// The number of tiles that cover all channels.
    pub(super) tiles: u32,
}

impl Tiles {
    /// The tiles of a matrix of this size.
    pub(super) fn of(rows: u32, channels: u32) -> Self {
        let width = channels.div_ceil(channels.div_ceil(TILE));
        Self {
            width,
            lanes: (GROUP / width).min(rows),
            tiles: channels.div_ceil(width),
        }
    }

    /// The tiles and chunks of a sum over the rows of a matrix of this size.
    pub(super) fn summing(rows: u32, channels: u32) -> (Self, [u32; 2]) {
        if rows > AT_ONCE {
            let tiles = Self::of(rows, channels);
            return (tiles, tiles.chunks(rows));
        }
        let width = channels.min(NARROW);
        let lanes = (GROUP / width).min(rows);
        (
            Self {
                width,
                lanes,
                tiles: channels.div_ceil(width),
            },
            [rows.next_multiple_of(lanes), 1],
        )
    }

    /// The rows per chunk of a reduction, and the number of chunks.
    pub(super) fn chunks(&self, rows: u32) -> [u32; 2] {
        let chunk = rows
            .div_ceil(CHUNKS)
            .next_multiple_of(self.lanes)
            .max(ROWS * self.lanes);
        [chunk, rows.div_ceil(chunk)]
    }

    /// The rows per chunk if nothing is summed, and the number of chunks.
    pub(super) fn blocks(&self, rows: u32) -> [u32; 2] {
        let share = u64::from(rows) * u64::from(self.tiles) / u64::from(WORKGROUPS * self.lanes);
        let chunk = (share.min(MOST.into()) as u32).max(LEAST) * self.lanes;
        [chunk, rows.div_ceil(chunk)]
    }

    /// One workgroup per tile and chunk.
    pub(super) fn grid(&self, [_, chunks]: [u32; 2]) -> [u32; 3] {
        fold(self.tiles as usize * chunks as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_has_its_invocation() {
        let matrices = [
            (1, 1),
            (1, 5),
            (1000, 1),
            (65_536, 36),
            (129, 130),
            (4097, 1000),
            (3, 65),
            (4096, 36),
        ];
        for (rows, channels) in matrices {
            let tiles = Tiles::of(rows, channels);
            assert!(
                tiles.width * tiles.lanes <= GROUP && tiles.width <= TILE && tiles.lanes > 0,
                "{tiles:?}"
            );
            assert!(
                tiles.width * tiles.tiles >= channels && tiles.width * (tiles.tiles - 1) < channels,
                "{tiles:?}"
            );
            for (tiles, [chunk, chunks]) in
                [(tiles, tiles.chunks(rows)), Tiles::summing(rows, channels)]
            {
                assert!(
                    tiles.width * tiles.lanes <= GROUP && tiles.width * tiles.tiles >= channels,
                    "{tiles:?}"
                );
                assert!(
                    chunk * chunks >= rows && chunk * (chunks - 1) < rows && chunks <= CHUNKS,
                    "{chunk} {chunks}"
                );
            }
        }
    }

    #[test]
    fn small_reductions_take_one_chunk() {
        assert_eq!(Tiles::summing(4096, 10).1[1], 1);
        assert_eq!(Tiles::summing(65_536, 36).1[1], 254);
    }
}
