//! Embedding look-up, and its gradient.

use super::chunks::{self, CHUNK, part};
use crate::catalogue::Embedding;

/// y = the rows of w at the given tokens.
pub(super) fn embedding(e: &Embedding, tokens: &[f32], w: &[f32], y: &mut [f32]) {
    let width = e.width as usize;
    let rows = CHUNK.div_ceil(width.max(1));
    let work = y.len();
    chunks::for_each(y, rows * width, work, |i, y| {
        for (y, token) in y.chunks_exact_mut(width).zip(part(tokens, i, rows)) {
            y.copy_from_slice(&w[token.to_bits() as usize * width..][..width]);
        }
    });
}

/// ∂w. Each chunk of words scans all tokens for its own: this is cheaper than sorting them, and it
/// sums in their order.
pub(super) fn embedding_grad(e: &Embedding, tokens: &[f32], dy: &[f32], dw: &mut [f32]) {
    let width = e.width as usize;
    let words = (e.words as usize).div_ceil(16);
    let work = dw.len() + dy.len();
    chunks::for_each(dw, words * width, work, |i, dw| {
        dw.fill(0.0);
        let own = i * words..i * words + dw.len() / width;
        for (token, dy) in tokens.iter().zip(dy.chunks_exact(width)) {
            let word = token.to_bits() as usize;
            if own.contains(&word) {
                let dw = &mut dw[(word - own.start) * width..][..width];
                dw.iter_mut().zip(dy).for_each(|(dw, dy)| *dw += dy);
            }
        }
    });
}
