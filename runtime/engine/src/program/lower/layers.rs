//! Layers over whole axes: normalisation of each sample, gates, attention, changes of shape.

use supernet_plugin::Op;
use supernet_shaders::Call;
use supernet_shaders::catalogue::{
    GroupNorm, MatMul, PerChannel, Resize, Rows, Scale, Transpose, Transposed, Window,
};

use super::Lower;
use crate::program::{Operand, ProgramError};

impl Lower<'_> {
    /// The calls of such a layer at node `i`, whose first input is `x`.
    pub(super) fn layer(&mut self, i: usize, op: &Op, x: Operand) -> Result<Operand, ProgramError> {
        let (rows, len) = (self.rows(i), self.len(i));
        let other = self.child.inputs(i).get(1).map(|x| self.value(*x));
        match (op, other) {
            (Op::LayerNorm { eps }, _) => {
                let norm = GroupNorm {
                    batch: rows.rows,
                    positions: 1,
                    groups: 1,
                    width: rows.channels,
                };
                self.sample_norm(i, norm, *eps, x)
            }
            (Op::GroupNorm { groups, eps }, _) => {
                let norm = GroupNorm {
                    batch: self.batch(),
                    positions: rows.rows / self.batch(),
                    groups: *groups,
                    width: rows.channels / groups,
                };
                self.sample_norm(i, norm, *eps, x)
            }
            (Op::Softmax, _) => Ok(self.tape.compute(Call::Softmax(rows), &[x], len)),
            (Op::Multiply, Some(other)) => {
                let scale = Scale {
                    batch: 1,
                    positions: 1,
                    channels: len as u32,
                };
                Ok(self.tape.compute(Call::Scale(scale), &[x, other], len))
            }
            (Op::Scale, Some(gate)) => {
                let scale = Scale {
                    batch: self.batch(),
                    positions: rows.rows / self.batch(),
                    channels: rows.channels,
                };
                Ok(self.tape.compute(Call::Scale(scale), &[x, gate], len))
            }
            (Op::Bias, None) => {
                let (bias, _, shape) = self.weight(i)?;
                let channels = shape.iter().product();
                let rows = Rows {
                    rows: len as u32 / channels,
                    channels,
                };
                Ok(self.tape.compute(Call::Bias(rows), &[x, bias], len))
            }
            (Op::MatMul { transposed, scale }, Some(other)) => {
                let [.., inner] = *self.child.shape(self.child.inputs(i)[0] as usize) else {
                    return Err(self.no_kernel(i, "mat_mul of single numbers"));
                };
                let [front @ .., down, columns] = self.child.shape(i) else {
                    return Err(self.no_kernel(i, "mat_mul of single numbers"));
                };
                let product = MatMul {
                    batch: self.batch() * front.iter().product::<u32>(),
                    rows: *down,
                    inner,
                    columns: *columns,
                    transposed: match transposed {
                        true => Transposed::Right,
                        false => Transposed::Neither,
                    },
                };
                let y = self.tape.compute(Call::MatMul(product), &[x, other], len);
                Ok(self.tape.sum(&[y], len as u32, *scale))
            }
            (Op::Transpose { axes }, _) => Ok(self.transpose(i, *axes, x)),
            // The numbers stay where they are.
            (Op::Reshape { .. }, _) => Ok(x),
            (Op::GlobalMaxPool, _) => {
                let [height, width, channels] = *self.child.shape(self.child.inputs(i)[0] as usize)
                else {
                    return Err(self.no_kernel(i, "global_max_pool on what is not an image"));
                };
                let window = Window {
                    batch: self.batch(),
                    input: [height, width],
                    output: [1, 1],
                    kernel: [height, width],
                    stride: 1,
                    dilation: 1,
                    top: 0,
                    left: 0,
                };
                let (y, tap) = (self.tape.value(len), self.tape.value(len));
                let pool = PerChannel { window, channels };
                self.tape.call(Call::MaxPool(pool), &[x, y, tap]);
                Ok(y)
            }
            (Op::Resize { .. }, _) => {
                let image = |shape: &[u32]| [shape[0], shape[1]];
                let resize = Resize {
                    batch: self.batch(),
                    input: image(self.child.shape(self.child.inputs(i)[0] as usize)),
                    output: image(self.child.shape(i)),
                    channels: rows.channels,
                };
                Ok(self.tape.compute(Call::Resize(resize), &[x], len))
            }
            (op, _) => Err(self.no_kernel(i, op.name())),
        }
    }

    /// Normalises every sample by itself, then applies scale and shift, if there are any.
    fn sample_norm(
        &mut self,
        i: usize,
        norm: GroupNorm,
        eps: f32,
        x: Operand,
    ) -> Result<Operand, ProgramError> {
        let affine = self.params(i)?.to_vec();
        let (rows, len) = (self.rows(i), self.len(i));
        let (y, rstd) = (self.tape.value(len), self.tape.value(norm.sets()));
        self.tape.call(Call::GroupNorm { norm, eps }, &[x, y, rstd]);
        let [gamma, beta] = affine[..] else {
            return Ok(y);
        };
        let scale = Scale {
            batch: 1,
            positions: rows.rows,
            channels: rows.channels,
        };
        let scaled = [y, Operand::Weight(gamma)];
        let scaled = self.tape.compute(Call::Scale(scale), &scaled, len);
        let shifted = [scaled, Operand::Weight(beta)];
        Ok(self.tape.compute(Call::Bias(rows), &shifted, len))
    }

    /// Exchanges two axes. Between neighbours, one call; otherwise the first axis moves behind all
    /// between them, then the second before these.
    fn transpose(&mut self, i: usize, axes: [u32; 2], x: Operand) -> Operand {
        let shape = self.child.shape(self.child.inputs(i)[0] as usize).to_vec();
        let [first, second] = [axes[0].min(axes[1]), axes[0].max(axes[1])].map(|n| n as usize);
        let product = |axes: &[u32]| axes.iter().product::<u32>();
        let batch = self.batch() * product(&shape[..first]);
        let between = product(&shape[first + 1..second]);
        let width = product(&shape[second + 1..]);
        let (a, b) = (shape[first], shape[second]);
        // [a, between, b] to [between, b, a].
        let forward = Transpose {
            batch,
            rows: a,
            columns: between * b,
            width,
        };
        let moved = self.exchange(forward, x);
        if between == 1 {
            return moved;
        }
        // [between, b, a] to [b, between, a].
        let back = Transpose {
            batch,
            rows: between,
            columns: b,
            width: a * width,
        };
        self.exchange(back, moved)
    }

    fn exchange(&mut self, t: Transpose, x: Operand) -> Operand {
        self.tape.compute(Call::Transpose(t), &[x], t.len())
    }
}
