//! The update at the end of a training program: clip by the global norm, then one call a page.

use serde::{Deserialize, Serialize};
use supernet_shaders::Call;
use supernet_shaders::catalogue::{NORM_CHUNK, Update};

use super::{Operand, Tape};
use crate::weights::Layout;

/// What a training step minimises, and how it updates weights. The learning rate comes with every
/// step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimizer {
    /// The rule.
    pub method: Method,
    /// λ: the gradient of λ/2·‖w‖² over the decaying weights that the path touches.
    pub weight_decay: f32,
    /// The largest norm of all gradients together that is let through.
    pub clip: f32,
    /// Whether weights that the path does not touch move too, by decay and momentum, as in the
    /// published code.
    pub everywhere: bool,
    /// Share of every label that is spread evenly over all classes in the loss (Szegedy et al.
    /// 2016, §7); 0 in a search.
    pub smoothing: f32,
    /// The weight of auxiliary losses in what is minimised (Szegedy et al. 2015); 0 in a search.
    pub auxiliary: f32,
    /// Whether paths are dropped; how likely, comes with every step. They are not in a search.
    pub drop_path: bool,
    /// On what a recurrent cell gives.
    pub penalties: Penalties,
}

/// Penalties on what a recurrent cell gives (Merity et al. 2017, "Revisiting Activation
/// Regularization for Language RNNs"). Where the paper writes L2 norms, these are means of squares
/// over all numbers of a window, as in the released code of AWD-LSTM (Merity et al. 2018), which
/// the usual values of α and β, 2 and 1, belong to. They are part of what is minimised, not of the
/// loss that is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalties {
    /// α of α·mean(h²), over all that the decoder reads: with dropout, as in m ⊙ h of the paper.
    pub activation: f32,
    /// β of β·mean((hₜ − hₜ₋₁)²), over what the cell gives in neighbouring steps of a window,
    /// before dropout.
    pub temporal: f32,
}

/// What the penalties are on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hidden {
    /// What the decoder reads.
    pub(super) read: Operand,
    /// What the cell gives, time first.
    pub(super) cell: Operand,
    /// Numbers of a step.
    pub(super) step: u32,
}

impl Penalties {
    /// Gives the gradients of the penalties to the sweep; false if the network has nothing that
    /// they are on.
    pub(super) fn append(&self, tape: &mut Tape) -> bool {
        let Some(Hidden { read, cell, step }) = tape.hidden else {
            return *self == Self::default();
        };
        let scaled = |tape: &mut Tape, x: Operand, scale: f32| {
            let len = x.len();
            tape.compute(
                Call::Sum {
                    len,
                    inputs: 1,
                    scale,
                },
                &[x],
                len as usize,
            )
        };
        if self.activation > 0.0 {
            let gradient = scaled(tape, read, 2.0 * self.activation / read.len() as f32);
            tape.given.push((read, gradient));
        }
        if self.temporal == 0.0 || cell.len() <= step {
            return true;
        }
        let len = cell.len() - step;
        let (earlier, later) = (cell.part(0, len), cell.part(step, len));
        let minus = scaled(tape, earlier, -1.0);
        let call = Call::Sum {
            len,
            inputs: 2,
            scale: 2.0 * self.temporal / len as f32,
        };
        let gradient = tape.compute(call, &[later, minus], len as usize);
        let back = scaled(tape, gradient, -1.0);
        tape.given.extend([(later, gradient), (earlier, back)]);
        true
    }
}

/// The update rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Momentum, Nesterov's form (ENAS §3.2).
    Sgd {
        /// Share of the velocity kept.
        momentum: f32,
    },
    /// Adam (Kingma and Ba 2015). Bias is corrected by the number of the search's step, also in
    /// blocks that earlier paths left alone: such a block's first steps are up to some three times
    /// longer than those of an Adam of its own.
    Adam {
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Added to the root of the second moment.
        eps: f32,
    },
}

impl Optimizer {
    /// State pages that the rule keeps for each page of weights.
    pub fn moments(&self) -> usize {
        match self.method {
            Method::Sgd { .. } => 1,
            Method::Adam { .. } => 2,
        }
    }

    pub(super) fn append(&self, tape: &mut Tape, layout: &Layout) {
        let pages = || {
            (0..)
                .zip(layout.pages().iter().copied())
                .map(|(page, len): (u32, u32)| (page, len))
        };
        let partials: Vec<(Operand, u32)> = pages()
            .map(|(page, len)| {
                let count = (len as usize).div_ceil(NORM_CHUNK);
                let reads = [Operand::GradientPage(page), Operand::Touched(page)];
                (
                    tape.compute(Call::NormPartials { len }, &reads, count),
                    count as u32,
                )
            })
            .collect();
        let count = partials.iter().map(|(_, count)| count).sum();
        let all = if partials.is_empty() {
            return;
        } else {
            tape.concat(&partials, 1)
        };
        let clip = tape.compute(
            Call::ClipFactor {
                partials: count,
                limit: self.clip,
            },
            &[all],
            2,
        );
        for (page, len) in pages() {
            let update = Update {
                len,
                l2: self.weight_decay,
                everywhere: self.everywhere,
            };
            let reads = [
                Operand::GradientPage(page),
                Operand::Touched(page),
                Operand::Decayed(page),
                clip,
            ];
            let moment = |moment| Operand::StatePage { moment, page };
            let weights = Operand::WeightPage(page);
            let [g, touched, decayed, clip] = reads;
            match self.method {
                Method::Sgd { momentum } => {
                    let call = Call::Sgd {
                        update,
                        momentum,
                        nesterov: true,
                    };
                    tape.call(call, &[g, touched, decayed, clip, weights, moment(0)]);
                }
                Method::Adam { beta1, beta2, eps } => {
                    let call = Call::Adam {
                        update,
                        beta1,
                        beta2,
                        eps,
                    };
                    tape.call(
                        call,
                        &[g, touched, decayed, clip, weights, moment(0), moment(1)],
                    );
                }
            }
        }
    }
}
