//! Embedding look-up, and its gradient.

use super::Value;
use crate::catalogue::Embedding;

/// y = the rows of w at the given tokens.
pub(super) fn embedding(e: &Embedding, tokens: &[f64], w: &[f64]) -> Value {
    let width = e.width as usize;
    Value::exact(
        tokens
            .iter()
            .flat_map(|token| &w[*token as usize * width..][..width])
            .copied()
            .collect(),
    )
}

/// ∂w.
pub(super) fn embedding_grad(e: &Embedding, tokens: &[f64], dy: &[f64]) -> Value {
    let width = e.width as usize;
    let mut dw = Value::sums(e.len_w(), e.rows as usize);
    for (token, dy) in tokens.iter().zip(dy.chunks(width)) {
        dy.iter()
            .enumerate()
            .for_each(|(column, dy)| dw.add(*token as usize * width + column, *dy));
    }
    dw
}
