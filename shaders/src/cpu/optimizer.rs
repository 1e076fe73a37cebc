//! Updates of the shared weights, which skip blocks that were not touched.

use super::chunks::{self, for_each_pair, for_each_triple, part};
use super::vectorised::vectorised;
use crate::catalogue::{BLOCK, NORM_CHUNK, Step, Update};

/// Weights per chunk: whole words of the bitsets.
const CHUNK: usize = 8 * 32 * BLOCK;

/// Whether the bit of block `block` is set.
fn bit(words: &[u32], block: usize) -> bool {
    words[block / 32] >> (block % 32) & 1 == 1
}

vectorised! {
    fn square_sum<'a>(g: &'a [f32], lanes: &'a mut [f32; 16]) {
        let (tiles, rest) = g.as_chunks::<16>();
        for g in tiles {
            lanes.iter_mut().zip(g).for_each(|(sum, g)| *sum += g * g);
        }
        lanes.iter_mut().zip(rest).for_each(|(sum, g)| *sum += g * g);
    }
}

/// Sums of squares of the touched blocks.
pub(super) fn norm_partials(g: &[f32], touched: &[f32], partials: &mut [f32]) {
    let touched: &[u32] = bytemuck::cast_slice(touched);
    chunks::for_each(partials, 8, g.len(), |i, partials| {
        for (j, partial) in partials.iter_mut().enumerate() {
            let chunk = i * 8 + j;
            let mut lanes = [0.0; 16];
            for (k, g) in part(g, chunk, NORM_CHUNK).chunks(BLOCK).enumerate() {
                if bit(touched, chunk * (NORM_CHUNK / BLOCK) + k) {
                    square_sum(g, &mut lanes);
                }
            }
            *partial = lanes.iter().sum();
        }
    });
}

/// The norm, and the factor that limits it to `limit`.
pub(super) fn clip_factor(limit: f32, partials: &[f32], clip: &mut [f32]) {
    let norm = partials.iter().map(|p| f64::from(*p)).sum::<f64>().sqrt() as f32;
    let factor = if !norm.is_finite() {
        0.0
    } else if norm > limit {
        limit / norm
    } else {
        1.0
    };
    clip.copy_from_slice(&[norm, factor]);
}

vectorised! {
    fn accumulate_block<'a>(share: f32, first: bool, g: &'a [f32], sum: &'a mut [f32]) {
        for (sum, g) in sum.iter_mut().zip(g) {
            *sum = if first { share * g } else { *sum + share * g };
        }
    }
}

/// Adds the gradients of a pass to those of the passes before it.
pub(super) fn accumulate(first: bool, g: &[f32], shares: &[f32], sum: &mut [f32]) {
    let work = 2 * sum.len();
    chunks::for_each(sum, CHUNK, work, |i, sum| {
        for (j, sum) in sum.chunks_mut(BLOCK).enumerate() {
            let block = i * (CHUNK / BLOCK) + j;
            match shares[block] {
                // The gradients of other paths' weights may be anything, even NaN.
                0.0 if first => sum.fill(0.0),
                0.0 => {}
                share => accumulate_block(share, first, part(g, block, BLOCK), sum),
            }
        }
    });
}

/// The parameters of an update for each block.
struct Blocks<'a> {
    g: &'a [f32],
    touched: &'a [u32],
    decayed: &'a [u32],
    factor: f32,
    update: Update,
}

impl<'a> Blocks<'a> {
    fn new(update: Update, reads: &[&'a [f32]]) -> Self {
        let (touched, decayed) = (
            bytemuck::cast_slice(reads[1]),
            bytemuck::cast_slice(reads[2]),
        );
        Self {
            g: reads[0],
            touched,
            decayed,
            factor: reads[3][1],
            update,
        }
    }

    /// For block `block`, if it changes: its gradients (`None` for zeros), and λ.
    fn block(&self, block: usize) -> Option<(Option<&'a [f32]>, f32)> {
        let touched = bit(self.touched, block);
        let l2 = if bit(self.decayed, block) {
            self.update.l2
        } else {
            0.0
        };
        // A factor of zero means that the gradients are unusable: they may be NaN.
        let usable = touched && self.factor != 0.0;
        (touched || self.update.everywhere)
            .then(|| (usable.then(|| part(self.g, block, BLOCK)), l2))
    }
}

/// The constants of SGD for one block.
#[derive(Clone, Copy)]
struct Sgd {
    factor: f32,
    l2: f32,
    rate: f32,
    momentum: f32,
    nesterov: bool,
}

/// The gradients of a block, padded with zeros: it may have none, or be the short last one of the
/// page.
#[inline(always)]
fn gradients(g: Option<&[f32]>) -> [f32; BLOCK] {
    let mut gradients = [0.0; BLOCK];
    if let Some(g) = g {
        gradients[..g.len()].copy_from_slice(g);
    }
    gradients
}

vectorised! { widest
    fn sgd_block<'a>(s: Sgd, g: Option<&'a [f32]>, w: &'a mut [f32], v: &'a mut [f32]) {
        for ((w, v), g) in w.iter_mut().zip(v).zip(&gradients(g)) {
            let g = s.factor * g + s.l2 * *w;
            *v = s.momentum * *v + g;
            *w -= s.rate * if s.nesterov { g + s.momentum * *v } else { *v };
        }
    }
}

/// One step of SGD with momentum.
pub(super) fn sgd(
    update: Update,
    momentum: f32,
    nesterov: bool,
    step: &Step,
    reads: &[&[f32]],
    w: &mut [f32],
    v: &mut [f32],
) {
    let blocks = Blocks::new(update, reads);
    let s = Sgd {
        factor: blocks.factor,
        l2: 0.0,
        rate: step.rate,
        momentum,
        nesterov,
    };
    let work = w.len() / 2;
    for_each_pair([w, v], CHUNK, work, |i, w, v| {
        for (j, (w, v)) in w.chunks_mut(BLOCK).zip(v.chunks_mut(BLOCK)).enumerate() {
            if let Some((g, l2)) = blocks.block(i * (CHUNK / BLOCK) + j) {
                sgd_block(Sgd { l2, ..s }, g, w, v);
            }
        }
    });
}

/// The constants of Adam for one block.
#[derive(Clone, Copy)]
struct Adam {
    factor: f32,
    l2: f32,
    rate: f32,
    betas: [f32; 2],
    eps: f32,
    /// 1/(1 − βᵗ), for both moments.
    corrections: [f32; 2],
}

vectorised! { widest
    fn adam_block<'a>(a: Adam, g: Option<&'a [f32]>, w: &'a mut [f32], m: &'a mut [f32], v: &'a mut [f32]) {
        let [beta1, beta2] = a.betas;
        for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(&gradients(g)) {
            let g = a.factor * g + a.l2 * *w;
            *m = beta1 * *m + (1.0 - beta1) * g;
            *v = beta2 * *v + (1.0 - beta2) * g * g;
            *w -= a.rate * (*m * a.corrections[0]) / ((*v * a.corrections[1]).sqrt() + a.eps);
        }
    }
}

/// One step of Adam.
pub(super) fn adam(
    update: Update,
    (beta1, beta2, eps): (f32, f32, f32),
    step: &Step,
    reads: &[&[f32]],
    [w, m, v]: [&mut [f32]; 3],
) {
    let blocks = Blocks::new(update, reads);
    // 1 − βᵗ loses most of its digits in f32 while t is small.
    let correction =
        |beta: f32| (1.0 / (1.0 - f64::from(beta).powf(f64::from(step.update)))) as f32;
    let corrections = [correction(beta1), correction(beta2)];
    let a = Adam {
        factor: blocks.factor,
        l2: 0.0,
        rate: step.rate,
        betas: [beta1, beta2],
        eps,
        corrections,
    };
    let work = w.len() / 2;
    for_each_triple([w, m, v], CHUNK, work, |i, [w, m, v]| {
        let state = m.chunks_mut(BLOCK).zip(v.chunks_mut(BLOCK));
        for (j, (w, (m, v))) in w.chunks_mut(BLOCK).zip(state).enumerate() {
            if let Some((g, l2)) = blocks.block(i * (CHUNK / BLOCK) + j) {
                adam_block(Adam { l2, ..a }, g, w, m, v);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Call, bitset_words};
    use crate::cpu::{Workspace, run};
    use crate::random::{Random, RngStream};

    /// Arbitrary bits, which include negative zeros and NaNs.
    fn floats(seed: u64, len: usize) -> Vec<f32> {
        let mut random = Random::new(seed, RngStream::Test(0));
        (0..len).map(|_| f32::from_bits(random.bits())).collect()
    }

    #[test]
    fn untouched_blocks_keep_their_bits() {
        let mut random = Random::new(1, RngStream::Test(0));
        for round in 0..200 {
            let (len, seed) = (1 + random.below(40_000) as usize, u64::from(random.bits()));
            let (adam, density) = (round % 2 == 0, random.below(4));
            let words = bitset_words(len);
            let mut touched = floats(seed, words);
            touched.iter_mut().for_each(|word| match density {
                0 => *word = 0.0,
                1 => *word = f32::from_bits(word.to_bits() & word.to_bits().rotate_left(7)),
                _ => {}
            });
            let update = Update {
                len: len as u32,
                l2: 0.5,
                everywhere: false,
            };
            let call = if adam {
                Call::Adam {
                    update,
                    beta1: 0.9,
                    beta2: 0.99,
                    eps: 1e-8,
                }
            } else {
                Call::Sgd {
                    update,
                    momentum: 0.9,
                    nesterov: true,
                }
            };
            let (g, decayed) = (floats(seed ^ 1, len), floats(seed ^ 2, words));
            let before: Vec<Vec<f32>> = (0..if adam { 3 } else { 2 })
                .map(|i| floats(seed ^ (3 + i), len))
                .collect();
            let mut after = before.clone();
            let mut writes: Vec<&mut [f32]> = after.iter_mut().map(|x| &mut x[..]).collect();
            let step = Step {
                rate: 0.1,
                number: 1,
                update: 1,
                seed: 0,
                drop_path: 0.0,
            };
            let reads: [&[f32]; 4] = [&g, &touched, &decayed, &[1.0, 1.0]];
            run(&call, &step, &mut Workspace::default(), &reads, &mut writes);
            let touched: &[u32] = bytemuck::cast_slice(&touched);
            for (before, after) in before.iter().zip(&after) {
                for i in (0..len).filter(|i| !bit(touched, i / BLOCK)) {
                    assert_eq!(before[i].to_bits(), after[i].to_bits());
                }
            }
        }
    }

    #[test]
    fn a_bad_batch_leaves_the_weights_whole() {
        let update = Update {
            len: 3,
            l2: 0.0,
            everywhere: false,
        };
        let mut clip = [0.0; 2];
        clip_factor(1.0, &[f32::NAN], &mut clip);
        let reads: [&[f32]; 4] = [
            &[f32::NAN, f32::INFINITY, 1.0],
            &[f32::from_bits(1)],
            &[0.0],
            &clip,
        ];
        let (mut w, mut v) = ([1.0; 3], [0.5; 3]);
        sgd(
            update,
            0.5,
            false,
            &Step {
                rate: 1.0,
                number: 1,
                update: 1,
                seed: 0,
                drop_path: 0.0,
            },
            &reads,
            &mut w,
            &mut v,
        );
        assert_eq!((w, v), ([0.75; 3], [0.25; 3]));
    }
}
