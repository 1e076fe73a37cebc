//! The sum of the gradients of several passes, which stays on the device until the last of them
//! updates the weights.

use supernet_shaders::Call;
use supernet_shaders::catalogue::BLOCK;

use super::{Operand, Tape};
use crate::weights::Layout;

/// The sum of a page's gradients.
pub(super) fn sum(layout: &Layout, page: u32) -> Operand {
    Operand::State {
        index: page,
        len: layout.pages()[page as usize],
    }
}

/// Adds the gradients of a pass to the sums.
pub(super) fn append(tape: &mut Tape, layout: &Layout, first: bool) {
    for (page, len) in (0..).zip(layout.pages().iter().copied()) {
        let operands = [
            Operand::GradientPage(page),
            Operand::Shares(page),
            sum(layout, page),
        ];
        tape.call(Call::Accumulate { len, first }, &operands);
    }
    tape.states = layout.pages().to_vec();
}

/// One value per block of every page.
type Blocks<T> = Vec<Vec<T>>;

/// The blocks that any pass touches, as bitsets, and for every pass the shares of its gradients: one
/// over the number of passes that touch the block, 0 where the pass does not.
pub(super) fn shares(tapes: &[Tape], layout: &Layout) -> (Blocks<u32>, Vec<Blocks<f32>>) {
    let own: Vec<Blocks<u32>> = tapes.iter().map(|tape| tape.touched(layout)).collect();
    let mut union = layout.blocks_of(std::iter::empty());
    for bits in &own {
        for (all, bits) in union.iter_mut().flatten().zip(bits.iter().flatten()) {
            *all |= bits;
        }
    }
    let is_set = |bits: &Blocks<u32>, page: usize, block: usize| {
        bits[page][block / 32] >> (block % 32) & 1 == 1
    };
    let share = |bits: &Blocks<u32>, page: usize, block: usize| {
        if !is_set(bits, page, block) {
            return 0.0;
        }
        let readers = own.iter().filter(|bits| is_set(bits, page, block)).count();
        1.0 / readers as f32
    };
    let shares = own.iter().map(|bits| {
        let pages = layout.pages().iter().enumerate();
        pages
            .map(|(page, len)| {
                (0..(*len as usize).div_ceil(BLOCK))
                    .map(|block| share(bits, page, block))
                    .collect()
            })
            .collect()
    });
    let shares = shares.collect();
    (union, shares)
}
