//! The update at the end of a training program: clipping by the global norm, then one call per
//! page.

use serde::{Deserialize, Serialize};
use supernet_shaders::Call;
use supernet_shaders::catalogue::{NORM_CHUNK, Update};

use super::{Operand, Tape};
use crate::weights::Layout;

/// The objective of a training step and its update rule. The learning rate is a property of the
/// step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimizer {
    /// The update rule.
    pub method: Method,
    /// λ: the gradient of λ/2·‖w‖² over the decaying weights that the path touches.
    pub weight_decay: f32,
    /// Maximum global norm of the gradients.
    pub clip: f32,
    /// Whether weights that the path does not touch also change, by decay and momentum, as in the
    /// published code.
    pub everywhere: bool,
    /// Label smoothing: the share of every label that is spread evenly over all classes in the loss
    /// (Szegedy et al. 2016, §7); 0 in a search.
    pub smoothing: f32,
    /// The weight of auxiliary losses in the objective (Szegedy et al. 2015); 0 in a search.
    pub auxiliary: f32,
    /// Whether paths are dropped; the probability is a property of the step. Searches do not drop
    /// paths.
    pub drop_path: bool,
    /// Penalties on the outputs of a recurrent cell.
    pub penalties: Penalties,
}

/// Penalties on the outputs of a recurrent cell (Merity et al. 2017, "Revisiting Activation
/// Regularization for Language RNNs"). Where the paper writes L2 norms, these are means of squares
/// over all elements of a window, as in the released code of AWD-LSTM (Merity et al. 2018), to
/// which the usual values of α and β, 2 and 1, belong. They are part of the objective, not of the
/// reported loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalties {
    /// α of α·mean(h²), over all inputs of the decoder: with dropout, as in m ⊙ h of the paper.
    pub activation: f32,
    /// β of β·mean((hₜ − hₜ₋₁)²), over the outputs of the cell in consecutive steps of a window,
    /// before dropout.
    pub temporal: f32,
}

/// The values to which the penalties apply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hidden {
    /// The input of the decoder.
    pub(super) read: Operand,
    /// The output of the cell, time first.
    pub(super) cell: Operand,
    /// Elements per step.
    pub(super) step: u32,
}

impl Penalties {
    /// Passes the gradients of the penalties to the sweep; false if there are penalties but the
    /// network has no recurrent cell.
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
    /// Momentum: by default Nesterov's (ENAS §3.2).
    Sgd {
        /// Share of the velocity that is kept.
        momentum: f32,
        /// Whether weights move by the velocity that follows, too; else by the velocity alone.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015). Bias correction uses the number of the search's step, even in
    /// blocks that earlier paths did not touch: the first steps of such a block are up to some
    /// three times longer than those of an Adam with its own count.
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
    /// State pages that the rule keeps per page of weights.
    pub fn moments(&self) -> usize {
        match self.method {
            Method::Sgd { .. } => 1,
            Method::Adam { .. } => 2,
        }
    }

    /// Appends the update by the gradients of every page.
    pub(super) fn append(
        &self,
        tape: &mut Tape,
        layout: &Layout,
        gradient: impl Fn(u32) -> Operand,
    ) {
        let pages = || {
            (0..)
                .zip(layout.pages().iter().copied())
                .map(|(page, len): (u32, u32)| (page, len))
        };
        let partials: Vec<(Operand, u32)> = pages()
            .map(|(page, len)| {
                let count = (len as usize).div_ceil(NORM_CHUNK);
                let reads = [gradient(page), Operand::Touched(page)];
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
                gradient(page),
                Operand::Touched(page),
                Operand::Decayed(page),
                clip,
            ];
            let moment = |moment| Operand::StatePage { moment, page };
            let weights = Operand::WeightPage(page);
            let [g, touched, decayed, clip] = reads;
            match self.method {
                Method::Sgd { momentum, nesterov } => {
                    let call = Call::Sgd {
                        update,
                        momentum,
                        nesterov,
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
