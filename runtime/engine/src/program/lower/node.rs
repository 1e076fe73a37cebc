//! The forward calls of a single node, op by op.

use std::sync::Arc;

use supernet_plugin::{Element, Function, Op, Pad, Per, Pooling};
use supernet_shaders::Call;
use supernet_shaders::catalogue::{Conv2d, Embedding, Linear, PerChannel, Window};

use super::{Lower, kernel_function};
use crate::program::custom::{CustomNode, Sizes};
use crate::program::{Input, Operand, ProgramError, Purpose};

impl Lower<'_> {
    pub(in crate::program) fn node(&mut self, i: usize) -> Result<Operand, ProgramError> {
        let child = self.child;
        let node = child.op_node(i);
        let inputs = self.child.inputs(i);
        let x = inputs.first().map(|x| self.value(*x));
        let len = self.len(i);
        if let Some(mixed) = self.mixture(i) {
            return Ok(mixed);
        }
        match (&node.op, x) {
            (Op::Input { element, .. }, _) => self.input(i, *element),
            (Op::Lerp, Some(_)) if self.highways.at(i).is_some() => self.highway(i),
            (Op::Lerp, Some(_)) => {
                Ok(self
                    .tape
                    .compute(Call::Lerp { len: len as u32 }, &self.operands(i), len))
            }
            (Op::Scan { .. }, Some(_)) => self.scan(i),
            (Op::Embedding, Some(Operand::Input)) => {
                let (weight, _, shape) = self.weight(i)?;
                let e = Embedding {
                    rows: (len / shape[1] as usize) as u32,
                    words: shape[0],
                    width: shape[1],
                };
                Ok(self
                    .tape
                    .compute(Call::Embedding(e), &[Operand::Input, weight], len))
            }
            // Only the network of a rehearsal contains choices: in a child they have been made.
            (Op::Choose { .. }, Some(x)) => Ok(x),
            (Op::Sum { .. } | Op::Mean { .. } | Op::Zero { .. }, None) => Ok(self.tape.compute(
                Call::Fill {
                    len: len as u32,
                    value: 0.0,
                },
                &[],
                len,
            )),
            (Op::Sum { .. }, Some(_)) => Ok(self.tape.sum(&self.operands(i), len as u32, 1.0)),
            (Op::Mean { .. }, Some(_)) => {
                Ok(self
                    .tape
                    .sum(&self.operands(i), len as u32, 1.0 / inputs.len() as f32))
            }
            (Op::Concat, Some(_)) => {
                let widths = inputs.iter().map(|x| self.rows(*x as usize).channels);
                let parts: Vec<_> = self.operands(i).into_iter().zip(widths).collect();
                Ok(self.tape.concat(&parts, self.rows(i).rows))
            }
            (
                Op::Conv2d {
                    stride,
                    dilation,
                    pad,
                },
                Some(x),
            ) => {
                let (weight, bias, shape) = self.weight(i)?;
                let window = self.window(i, [shape[0], shape[1]], *stride, *dilation, *pad);
                let conv = Conv2d {
                    window,
                    inputs: shape[2],
                    outputs: shape[3],
                };
                let y = self.tape.compute(Call::Conv2d(conv), &[x, weight], len);
                Ok(self.bias(i, y, bias))
            }
            (
                Op::DepthwiseConv2d {
                    stride,
                    dilation,
                    pad,
                },
                Some(x),
            ) => {
                let (weight, bias, shape) = self.weight(i)?;
                let window = self.window(i, [shape[0], shape[1]], *stride, *dilation, *pad);
                let conv = PerChannel {
                    window,
                    channels: shape[2],
                };
                let y = self.tape.compute(Call::Depthwise(conv), &[x, weight], len);
                Ok(self.bias(i, y, bias))
            }
            (Op::Linear { transposed }, Some(x)) => {
                let (weight, bias, _) = self.weight(i)?;
                let from = self.rows(inputs[0] as usize);
                let (rows, outputs) = (from.rows, self.rows(i).channels);
                let linear = Linear {
                    rows,
                    inputs: from.channels,
                    outputs,
                    transposed: *transposed,
                };
                let y = self.tape.compute(Call::Linear(linear), &[x, weight], len);
                Ok(self.bias(i, y, bias))
            }
            (Op::BatchNorm { eps }, Some(x)) => self.batch_norm(i, *eps, x),
            (
                Op::Activation {
                    function: Function::Relu,
                },
                Some(x),
            ) => Ok(self.tape.compute(Call::Relu { len: len as u32 }, &[x], len)),
            (
                Op::Pool {
                    kind,
                    kernel,
                    stride,
                    pad,
                },
                Some(x),
            ) => {
                let window = self.window(i, [*kernel, *kernel], *stride, 1, *pad);
                let pool = PerChannel {
                    window,
                    channels: self.rows(i).channels,
                };
                Ok(match kind {
                    Pooling::Average => self.tape.compute(Call::AveragePool(pool), &[x], len),
                    Pooling::Max => {
                        let (y, tap) = (self.tape.value(len), self.tape.value(len));
                        self.tape.call(Call::MaxPool(pool), &[x, y, tap]);
                        y
                    }
                })
            }
            (Op::GlobalAvgPool, Some(x)) => {
                let [height, width, channels] = *self.child.shape(inputs[0] as usize) else {
                    return Err(self.no_kernel(i, "global_avg_pool on what is not an image"));
                };
                let call = Call::GlobalAveragePool {
                    batch: self.batch(),
                    positions: height * width,
                    channels,
                };
                Ok(self.tape.compute(call, &[x], len))
            }
            (Op::Slice { start, len: width }, Some(x)) => {
                let rows = self.rows(inputs[0] as usize);
                Ok(self.tape.compute(
                    Call::Slice {
                        rows,
                        start: *start,
                        len: *width,
                    },
                    &[x],
                    len,
                ))
            }
            (Op::Dropout { rate, per }, Some(x)) => {
                if !self.trains() || *rate == 0.0 {
                    return Ok(x);
                }
                // The random stream follows the node, not its position in the child: children that
                // share the node share its bits.
                let (rate, stream) = (*rate, self.child.node(i));
                let rows = self.rows(i);
                let call = match per {
                    Per::Token
                        if self.tape.frame.is_none() && rows.rows as usize == self.tape.inputs =>
                    {
                        let call = Call::WordDropout { rows, rate, stream };
                        return Ok(self.tape.compute(call, &[x, Operand::Input], len));
                    }
                    Per::Token => {
                        return Err(self.no_kernel(
                            i,
                            "dropout of tokens on what is not a row for each token",
                        ));
                    }
                    Per::Element | Per::Sequence => {
                        let [first, period] = self.numbered(i, *per == Per::Sequence);
                        Call::Dropout {
                            len: len as u32,
                            rate,
                            stream,
                            first,
                            period,
                        }
                    }
                };
                Ok(self.tape.compute(call, &[x], len))
            }
            (Op::DropPath { depth }, Some(x)) => {
                if self.purpose != (Purpose::Train { drop_path: true }) || *depth == 0.0 {
                    return Ok(x);
                }
                let (samples, stream) = (self.batch(), self.child.node(i));
                let call = Call::DropPath {
                    samples,
                    len: len as u32 / samples,
                    depth: *depth,
                    stream,
                };
                Ok(self.tape.compute(call, &[x], len))
            }
            (Op::Custom { .. }, Some(_)) if self.tape.frame.is_some() => {
                Err(self.no_kernel(i, "of the space's own inside a scan"))
            }
            (Op::Custom { name, attributes }, Some(_)) => {
                let variant = self.context.custom.get(name, attributes).map(Arc::clone);
                let variant = variant
                    .ok_or_else(|| self.no_kernel(i, format!("`{name}` of the space's own")))?;
                let params = self.whole_params(i)?.to_vec();
                let sizes = Sizes::of(self.child, i, self.batch());
                let elements = variant.largest(&sizes);
                if elements > u128::from(u32::MAX) {
                    let (node, space) = self.name(i);
                    return Err(ProgramError::TooLarge {
                        node,
                        space,
                        elements,
                        batch: self.batch(),
                    });
                }
                let params: Vec<_> = params.into_iter().map(Operand::Weight).collect();
                let inputs = self.operands(i);
                CustomNode::forward(&mut self.tape, &variant, sizes, &inputs, &params)
                    .ok_or_else(|| self.no_kernel(i, "op that writes no output"))
            }
            (Op::Activation { function }, Some(x)) => Ok(self.tape.compute(
                Call::Activation {
                    function: kernel_function(*function),
                    len: len as u32,
                },
                &[x],
                len,
            )),
            (op, Some(x)) => self.layer(i, op, x),
            (op, None) => Err(self.no_kernel(i, op.name())),
        }
    }

    fn input(&self, i: usize, element: Element) -> Result<Operand, ProgramError> {
        let (node, space) = self.name(i);
        let (wanted, given) = (self.child.shape(i).to_vec(), self.context.input);
        match (given, element) {
            (Input::Image(image), Element::F32) if wanted == image => Ok(Operand::Input),
            (Input::Tokens(_), Element::U32) if wanted == [self.child.time()] => Ok(Operand::Input),
            (Input::Image(image), Element::F32) => Err(ProgramError::WrongInput {
                node,
                space,
                wanted,
                given: image.to_vec(),
            }),
            (Input::Image(_), _) => Err(ProgramError::WrongKind {
                node,
                space,
                wanted: "tokens",
                given: "images",
            }),
            (Input::Tokens(_), _) => Err(ProgramError::WrongKind {
                node,
                space,
                wanted: "images",
                given: "text",
            }),
        }
    }

    /// How dropout numbers the elements of node `i`'s value: the number of the first element, and
    /// the period after which the numbers repeat.
    fn numbered(&self, i: usize, per_sequence: bool) -> [u32; 2] {
        let len = self.len(i) as u32;
        match (&self.tape.frame, per_sequence) {
            (Some(_), true) => [0, len],
            (Some(frame), false) => [frame.at() * len, frame.steps() * len],
            // Time is the leading axis.
            (None, true) => [
                0,
                len / self.child.shape(i).first().copied().unwrap_or(1).max(1),
            ],
            (None, false) => [0, len],
        }
    }

    fn bias(&mut self, i: usize, y: Operand, bias: Option<Operand>) -> Operand {
        let Some(bias) = bias else { return y };
        let len = self.len(i);
        self.tape.compute(Call::Bias(self.rows(i)), &[y, bias], len)
    }

    fn window(&self, i: usize, kernel: [u32; 2], stride: u32, dilation: u32, pad: Pad) -> Window {
        let image = |i: usize| [self.child.shape(i)[0], self.child.shape(i)[1]];
        let input = image(self.child.inputs(i)[0] as usize);
        let [top, left, ..] = pad.amounts(input, kernel, stride, dilation);
        Window {
            batch: self.batch(),
            input,
            output: image(i),
            kernel,
            stride,
            dilation,
            top,
            left,
        }
    }
}
