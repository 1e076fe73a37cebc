//! Embedding look-up, and its gradient.

use super::elementwise::{GROUP, each};
use super::{Buffer, BufferRef, Dispatch, Kernel, Lowered, fold, read, write};
use crate::catalogue::Embedding;

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/embedding.wgsl");
    Kernel {
        module: "embedding",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static EMBEDDING: Kernel = kernel(
    "embedding",
    &[read(2, "tokens"), read(3, "w"), write(4, "y")],
);
static ZEROS: Kernel = kernel("embedding_zeros", &[write(6, "dw")]);
static LINKS: Kernel = kernel("embedding_links", &[read(2, "tokens"), write(7, "links")]);
static GRAD: Kernel = kernel(
    "embedding_grad",
    &[
        read(2, "tokens"),
        read(5, "dy"),
        read(8, "links_in"),
        write(6, "dw"),
    ],
);

fn sizes(e: Embedding) -> Vec<u32> {
    vec![e.rows, e.words, e.width]
}

pub(super) fn embedding(e: Embedding) -> Lowered {
    each(&EMBEDDING, e.len_y(), sizes(e))
}

pub(super) fn embedding_grad(e: Embedding) -> Lowered {
    let [tokens, dy, dw] = [0, 1, 2].map(BufferRef::Operand);
    let links = BufferRef::Scratch(0);
    let over = |len: usize| fold(len.div_ceil(GROUP));
    let dispatches = vec![
        Dispatch::new(&ZEROS, vec![dw], over(e.len_w())),
        Dispatch::new(&LINKS, vec![tokens, links], over(e.rows as usize)),
        Dispatch::new(&GRAD, vec![tokens, dy, links, dw], over(e.len_y())),
    ];
    Lowered {
        sizes: sizes(e),
        scratch: vec![2 * e.rows as usize],
        dispatches,
    }
}
