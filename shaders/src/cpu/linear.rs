//! Products of dense matrices, and the bias.

use super::chunks::{self, fold, part, reduction_rows, repeat, strip_pixels};
use super::gemm::{MOST_DEPTH, MOST_ROWS, Product, TransposedProduct};
use super::grid::{Grid, Segment};
use super::panel::{Right, block_rows, packed_len};
use super::vectorised::vectorised;
use super::workspace::Workspace;
use crate::catalogue::{Linear, Rows};

/// A strided matrix: element (i, j) is `floats[i·line + j·step]`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) floats: &'a [f32],
    pub(super) line: usize,
    pub(super) step: usize,
}

/// Floats of a packed right side that are multiplied with all rows before the next: half of them
/// would still stay in the L2 cache.
const BLOCK: usize = 1 << 17;

/// A block of the right side of a product: some columns, some of the depth.
#[derive(Clone, Copy)]
struct Block {
    columns: [usize; 2],
    depth: [usize; 2],
}

/// All blocks of a right side; those of the same columns follow each other.
fn blocks(depth: usize, columns: usize) -> impl Iterator<Item = Block> {
    let deep = depth.clamp(1, MOST_DEPTH);
    let wide = (BLOCK / deep).next_multiple_of(48).min(columns.max(1));
    (0..columns).step_by(wide).flat_map(move |column| {
        (0..depth.max(1)).step_by(deep).map(move |from| Block {
            columns: [column, wide.min(columns - column)],
            depth: [from, deep.min(depth - from)],
        })
    })
}

impl Block {
    fn packed_len(&self) -> usize {
        packed_len(self.depth[1], self.columns[1])
    }

    fn pack(&self, b: Matrix<'_>, packed: &mut [f32]) {
        let ([column, columns], [from, depth]) = (self.columns, self.depth);
        Right {
            floats: b.floats,
            depth,
            columns,
            step: b.step,
            row: |k| (from + k) * b.line + column * b.step,
        }
        .pack_shared(packed);
    }
}

/// y = a·b, a `[rows, depth]` dense and b `[depth, columns]`.
pub(super) fn product(
    w: &mut Workspace,
    a: &[f32],
    depth: usize,
    b: Matrix<'_>,
    columns: usize,
    y: &mut [f32],
) {
    let len = blocks(depth, columns).map(|block| block.packed_len()).sum();
    let pack = |mut rest: &mut [f32]| {
        for block in blocks(depth, columns) {
            let (own, more) = rest.split_at_mut(block.packed_len());
            block.pack(b, own);
            rest = more;
        }
    };
    let layout = [b.line, b.step, depth];
    let mut rest = w.weights.packed(&mut w.packed, layout, len, pack);
    // A chunk of rows that stays in the L2 cache, but enough chunks to keep all threads busy.
    let unit = block_rows(columns);
    let most = (1 << 15) / depth.clamp(1, MOST_DEPTH);
    let rows = (y.len() / columns.max(1)).div_ceil(16);
    let rows = rows.clamp(unit, most).next_multiple_of(unit);
    for block in blocks(depth, columns) {
        let (own, more) = rest.split_at(block.packed_len());
        rest = more;
        let ([column, wide], [from, deep]) = (block.columns, block.depth);
        let segments = [Segment {
            start: from,
            len: deep,
        }];
        let work = y.len() / columns * wide * deep.max(1) / 4;
        chunks::for_each(y, rows * columns, work, |i, y| {
            let mut grid = Grid::plain(y.len() / columns, depth, columns);
            grid.to[0] = column;
            Product {
                a: part(a, i, rows * depth),
                grid,
                segments: &segments,
                packed: own,
                columns: wide,
                y,
                add: from > 0,
            }
            .run();
        });
    }
}

/// y = aᵀ·b, a `[rows, lines]` and b `[rows, columns]`, both dense.
pub(super) fn transposed_product(
    w: &mut Workspace,
    a: &[f32],
    lines: usize,
    b: &[f32],
    columns: usize,
    y: &mut [f32],
) {
    let rows = a.len() / lines.max(1);
    let room = packed_len(MOST_ROWS, columns);
    // Packs rows `begin..end`, at most `MOST_ROWS` of them.
    let pack = |begin: usize, end: usize, packed: &mut [f32]| {
        let depth = MOST_ROWS.min(end - begin);
        Right {
            floats: b,
            depth,
            columns,
            step: 1,
            row: |k| (begin + k) * columns,
        }
        .pack(packed);
    };
    // Adds what the packed rows `begin..end` contribute to the lines of `segment`.
    let add = |[begin, end]: [usize; 2], packed: &[f32], segment: Segment, y: &mut [f32], add| {
        let from: [usize; MOST_ROWS] = std::array::from_fn(|row| (begin + row) * lines);
        let depth = MOST_ROWS.min(end - begin);
        TransposedProduct {
            a,
            from: &from[..depth],
            segments: &[segment],
            packed,
            columns,
            y,
            add,
        }
        .run();
    };
    let work = rows * lines * columns / 4;
    if rows < 32 * lines {
        // A large result from few rows: each chunk computes some of the lines, from so many rows at
        // a time that stay in the L2 cache.
        let chunk = lines.div_ceil(32).next_multiple_of(16);
        let most = (2 * BLOCK / columns.max(1) / MOST_ROWS).max(1) * MOST_ROWS;
        for first in (0..rows).step_by(most) {
            let end = rows.min(first + most);
            let packed = w.packed.floats((end - first).div_ceil(MOST_ROWS) * room);
            chunks::for_each(packed, room, (end - first) * columns, |i, packed| {
                pack(first + i * MOST_ROWS, end, packed);
            });
            let packed = &*packed;
            chunks::for_each(y, chunk * columns, work, |i, y| {
                let segment = Segment {
                    start: i * chunk,
                    len: y.len() / columns,
                };
                for (j, packed) in packed.chunks_exact(room).enumerate() {
                    let begin = first + j * MOST_ROWS;
                    add([begin, end], packed, segment, y, begin > 0);
                }
            });
        }
    } else {
        let chunk = rows.div_ceil(32).next_multiple_of(MOST_ROWS);
        let slots = w.slots.prepare(room);
        let segment = Segment {
            start: 0,
            len: lines,
        };
        sum_of_partials(&mut w.partials, rows.div_ceil(chunk), y, work, |i, y| {
            slots.with(|packed| {
                let end = rows.min((i + 1) * chunk);
                for begin in (i * chunk..end).step_by(MOST_ROWS) {
                    pack(begin, end, packed);
                    add([begin, end], packed, segment, y, true);
                }
            });
        });
    }
}

/// y = the sum of `count` partial results, each of which `f` adds to zeros; summed in index order.
pub(super) fn sum_of_partials(
    partials: &mut super::workspace::Scratch,
    count: usize,
    y: &mut [f32],
    work: usize,
    f: impl Fn(usize, &mut [f32]) + Sync + Send,
) {
    let len = y.len();
    if count <= 1 {
        y.fill(0.0);
        return f(0, y);
    }
    let partials = partials.floats(len * count);
    chunks::for_each(partials, len, work, |i, partial| {
        partial.fill(0.0);
        f(i, partial);
    });
    let partials = &*partials;
    chunks::for_each(y, 1024, len * count, |i, y| {
        let begin = i * 1024;
        y.copy_from_slice(&partials[begin..][..y.len()]);
        for partial in partials.chunks_exact(len).skip(1) {
            add(y, &partial[begin..][..y.len()]);
        }
    });
}

vectorised! {
    fn add<'a>(y: &'a mut [f32], x: &'a [f32]) {
        y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
    }
}

fn weights(l: &Linear, floats: &[f32]) -> [usize; 2] {
    debug_assert_eq!(floats.len(), l.len_w());
    if l.transposed {
        [1, l.inputs as usize]
    } else {
        [l.outputs as usize, 1]
    }
}

/// y = x·W.
pub(super) fn linear(l: &Linear, workspace: &mut Workspace, x: &[f32], w: &[f32], y: &mut [f32]) {
    let [line, step] = weights(l, w);
    product(
        workspace,
        x,
        l.inputs as usize,
        Matrix {
            floats: w,
            line,
            step,
        },
        l.outputs as usize,
        y,
    );
}

/// ∂x = ∂y·Wᵀ.
pub(super) fn grad_input(
    l: &Linear,
    workspace: &mut Workspace,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
) {
    let [step, line] = weights(l, w);
    product(
        workspace,
        dy,
        l.outputs as usize,
        Matrix {
            floats: w,
            line,
            step,
        },
        l.inputs as usize,
        dx,
    );
}

/// ∂W = xᵀ·∂y, or its transpose.
pub(super) fn grad_weight(
    l: &Linear,
    workspace: &mut Workspace,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    let (inputs, outputs) = (l.inputs as usize, l.outputs as usize);
    if l.transposed {
        transposed_product(workspace, dy, outputs, x, inputs, dw);
    } else {
        transposed_product(workspace, x, inputs, dy, outputs, dw);
    }
}

vectorised! {
    fn bias_chunk<'a>(x: &'a [f32], strip: &'a [f32], y: &'a mut [f32]) {
        for (y, x) in y.chunks_mut(strip.len()).zip(x.chunks(strip.len())) {
            y.iter_mut().zip(x).zip(strip).for_each(|((y, x), b)| *y = x + b);
        }
    }
}

/// y = x + b.
pub(super) fn bias(rows: &Rows, workspace: &mut Workspace, x: &[f32], b: &[f32], y: &mut [f32]) {
    let strip = workspace.packed.floats(strip_pixels(b.len()) * b.len());
    repeat(b.iter().copied(), strip);
    let strip = &*strip;
    let chunk = chunks::CHUNK.next_multiple_of(strip.len());
    chunks::for_each(y, chunk, rows.len(), |i, y| {
        bias_chunk(part(x, i, chunk), strip, y)
    });
}

vectorised! {
    fn bias_grad_chunk<'a>(dy: &'a [f32], strip: &'a mut [f32]) {
        strip.fill(0.0);
        for dy in dy.chunks(strip.len()) {
            strip.iter_mut().zip(dy).for_each(|(s, dy)| *s += dy);
        }
    }
}

/// ∂b: the sum over the rows.
pub(super) fn bias_grad(rows: &Rows, workspace: &mut Workspace, dy: &[f32], db: &mut [f32]) {
    let channels = db.len();
    let chunk = reduction_rows(rows.rows as usize, channels);
    let slots = workspace.slots.prepare(strip_pixels(channels) * channels);
    let count = (rows.rows as usize).div_ceil(chunk);
    sum_of_partials(&mut workspace.partials, count, db, rows.len(), |i, sums| {
        slots.with(|strip| {
            bias_grad_chunk(part(dy, i, chunk * channels), strip);
            fold(strip, channels, sums);
        });
    });
}
