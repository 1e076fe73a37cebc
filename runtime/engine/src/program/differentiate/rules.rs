//! The differentiation rule of every call.

use supernet_shaders::Call;
use supernet_shaders::catalogue::{CallPhase, Rows, Scale};

use super::{Product, Sweep};
use crate::program::Operand;

impl Sweep<'_> {
    /// The gradient of factors that all positions share. The sums over the positions of each sample
    /// come first: one row of sums would occupy a small part of a GPU.
    fn scale_weight(&mut self, s: Scale, ops: &[Operand], dy: Operand) {
        let (samples, channels) = (self.tape.batch, s.channels);
        if s.batch > 1 || samples == 1 || !s.positions.is_multiple_of(samples) {
            let ds = self.weight(ops[1], s.len_s());
            return self.tape.call(Call::ScaleGrad(s), &[ops[0], dy, ds]);
        }
        let each = Scale {
            batch: samples,
            positions: s.positions / samples,
            channels,
        };
        let sums = self
            .tape
            .compute(Call::ScaleGrad(each), &[ops[0], dy], each.len_s());
        let ds = self.weight(ops[1], s.len_s());
        let rows = Rows {
            rows: samples,
            channels,
        };
        self.tape.call(Call::BiasGrad(rows), &[sums, ds]);
    }

    /// Applies the rule of a call with one result, whose gradient is `dy`.
    pub(super) fn rule(&mut self, call: Call, ops: &[Operand], dy: Operand) {
        match call {
            Call::Conv2d(c) => {
                self.input(ops[0], Call::Conv2dGradInput(c), &[dy, ops[1]]);
                let dw = self.weight(ops[1], c.len_w());
                self.tape.call(Call::Conv2dGradWeight(c), &[ops[0], dy, dw]);
            }
            Call::FactorizedReduction(r) => {
                self.input(
                    ops[0],
                    Call::FactorizedReductionGradInput(r),
                    &[dy, ops[1], ops[2]],
                );
                let [a, b] = [ops[1], ops[2]].map(|w| self.weight(w, r.first.len_w()));
                self.tape
                    .call(Call::FactorizedReductionGradWeight(r), &[ops[0], dy, a, b]);
            }
            Call::Depthwise(c) => {
                self.input(ops[0], Call::DepthwiseGradInput(c), &[dy, ops[1]]);
                let dw = self.weight(ops[1], c.len_w());
                self.tape
                    .call(Call::DepthwiseGradWeight(c), &[ops[0], dy, dw]);
            }
            Call::Linear(l) => {
                self.input(ops[0], Call::LinearGradInput(l), &[dy, ops[1]]);
                match ops[1] {
                    // The reads of a weight in several products may be the steps of a scan: see
                    // `products`.
                    Operand::Weight(parameter) if self.of_weight[parameter as usize].uses > 1 => {
                        let product = Product {
                            linear: l,
                            x: ops[0],
                            dy,
                        };
                        self.of_weight[parameter as usize].products.push(product);
                    }
                    _ => {
                        let dw = self.weight(ops[1], l.len_w());
                        self.tape.call(Call::LinearGradWeight(l), &[ops[0], dy, dw]);
                    }
                }
            }
            Call::Bias(rows) => {
                self.give(ops[0], dy);
                let db = self.weight(ops[1], rows.channels as usize);
                self.tape.call(Call::BiasGrad(rows), &[dy, db]);
            }
            Call::BatchNorm(b) => {
                let channels = b.rows.channels as usize;
                let (x, stats, y) = (ops[0], ops[1], ops[ops.len() - 1]);
                let (gamma, beta) = (b.affine.then(|| ops[2]), b.affine.then(|| ops[3]));
                let (dgamma, dbeta) = (self.weight(gamma, channels), self.weight(beta, channels));
                let relu = b.relu.then_some(y);
                let sums: Vec<_> = [x, dy, stats]
                    .into_iter()
                    .chain(relu)
                    .chain([dgamma, dbeta])
                    .collect();
                self.tape.call(Call::BatchNormGradSums(b), &sums);
                let scale = gamma;
                let reads: Vec<_> = [x, dy, stats, dgamma, dbeta]
                    .into_iter()
                    .chain(scale)
                    .chain(relu)
                    .collect();
                self.input(x, Call::BatchNormGradInput(b), &reads);
            }
            Call::GroupNorm { norm, .. } => {
                self.input(ops[0], Call::GroupNormGrad(norm), &[ops[1], ops[2], dy]);
            }
            Call::Scale(s) => {
                self.input(ops[0], Call::Scale(s), &[dy, ops[1]]);
                match ops[1] {
                    Operand::Weight(_) => self.scale_weight(s, ops, dy),
                    gate => self.input(gate, Call::ScaleGrad(s), &[ops[0], dy]),
                }
            }
            Call::Softmax(rows) => self.input(ops[0], Call::SoftmaxGrad(rows), &[ops[1], dy]),
            Call::Transpose(t) => self.input(ops[0], Call::Transpose(t.back()), &[dy]),
            Call::MatMul(m) => {
                let (of_a, first) = m.grad_a();
                let factors = if first { [dy, ops[1]] } else { [ops[1], dy] };
                self.input(ops[0], Call::MatMul(of_a), &factors);
                let (of_b, second) = m.grad_b();
                let factors = if second { [ops[0], dy] } else { [dy, ops[0]] };
                self.input(ops[1], Call::MatMul(of_b), &factors);
            }
            Call::Resize(r) => self.input(ops[0], Call::ResizeGrad(r), &[dy]),
            Call::Relu { len } => self.input(ops[0], Call::ReluGrad { len }, &[ops[1], dy]),
            Call::Activation { function, len } => {
                let point = match function.slope_from_result() {
                    true => ops[1],
                    false => ops[0],
                };
                self.input(ops[0], Call::ActivationGrad { function, len }, &[point, dy]);
            }
            Call::Lerp { len } => {
                let gradients = [(); 3].map(|()| self.tape.plain(len as usize));
                let operands = [&ops[..3], &[dy], &gradients].concat();
                self.tape.call(Call::LerpGrad { len }, &operands);
                ops.iter()
                    .zip(gradients)
                    .for_each(|(x, gradient)| self.give(*x, gradient));
            }
            Call::Highway(h) => {
                let (dboth, dh) = (self.place(ops[0]), self.tape.plain(h.len()));
                self.tape
                    .call(Call::HighwayGrad(h), &[ops[0], ops[1], dy, dboth, dh]);
                self.give(ops[0], dboth);
                self.give(ops[1], dh);
            }
            Call::Embedding(e) => {
                let dw = self.weight(ops[1], e.len_w());
                self.tape.call(Call::EmbeddingGrad(e), &[ops[0], dy, dw]);
            }
            Call::AveragePool(c) => self.input(ops[0], Call::AveragePoolGrad(c), &[dy]),
            Call::MaxPool(c) => self.input(ops[0], Call::MaxPoolGrad(c), &[dy, ops[2]]),
            Call::Sum { len, inputs, scale } => {
                for x in &ops[..inputs as usize] {
                    // One input may occur in the sum twice: each occurrence contributes.
                    if scale == 1.0 {
                        self.give(*x, dy);
                    } else {
                        self.input(
                            *x,
                            Call::Sum {
                                len,
                                inputs: 1,
                                scale,
                            },
                            &[dy],
                        );
                    }
                }
            }
            Call::WeightedSum(sum) => self.weighted_sum(sum, ops, dy),
            Call::Concat { rows, widths } => {
                let channels = widths.iter().sum();
                let mut start = 0;
                for (x, len) in ops.iter().zip(widths).take_while(|(_, width)| *width > 0) {
                    let whole = Rows { rows, channels };
                    self.input(
                        *x,
                        Call::Slice {
                            rows: whole,
                            start,
                            len,
                        },
                        &[dy],
                    );
                    start += len;
                }
            }
            Call::GlobalAveragePool {
                batch,
                positions,
                channels,
            } => {
                self.input(
                    ops[0],
                    Call::GlobalAveragePoolGrad {
                        batch,
                        positions,
                        channels,
                    },
                    &[dy],
                );
            }
            Call::Dropout { .. } | Call::DropPath { .. } => self.input(ops[0], call, &[dy]),
            Call::WordDropout { .. } => self.input(ops[0], call, &[dy, ops[1]]),
            Call::Slice { rows, start, len } => {
                let sides = [start, rows.channels - start - len];
                let [before, after] =
                    sides.map(|width| (width > 0).then(|| self.zeros(rows.rows, width)));
                let parts: Vec<_> = before.into_iter().chain([(dy, len)]).chain(after).collect();
                if self.wants(ops[0]) {
                    let dx = self.tape.concat(&parts, rows.rows);
                    self.give(ops[0], dx);
                }
            }
            // The backward pass and the update are not differentiated; `call` handles all other
            // calls that have no rule here.
            call => assert!(
                call.phase() != CallPhase::Forward,
                "`{}` has no rule of differentiation",
                call.name()
            ),
        }
    }
}
