//! From a child's nodes to forward calls.

use supernet_plugin::{Child, Function, Node, Op, Pad, Per, Pooling, Role};
use supernet_shaders::Call;
use supernet_shaders::catalogue::{BatchNorm, Conv2d, Linear, MOST_INPUTS, PerChannel, Rows, Window};

use super::{Context, Operand, ProgramError, Tape};

/// The calls that take the images to every sample's loss and accuracy. Dropout runs only if `training`.
pub(super) fn forward(context: Context<'_>, child: &Child, training: bool) -> Result<Tape, ProgramError> {
    let tape = Tape {
        calls: Vec::new(),
        values: Vec::new(),
        batch: context.batch,
        loss: Operand::Images,
        right: Operand::Images,
    };
    let mut lower = Lower { context, child, training, tape, values: Vec::with_capacity(child.len()) };
    for i in 0..child.len() {
        let value = lower.node(i)?;
        lower.values.push(value);
    }
    lower.head()?;
    Ok(lower.tape)
}

struct Lower<'a> {
    context: Context<'a>,
    child: &'a Child,
    training: bool,
    tape: Tape,
    /// The value of every child node so far.
    values: Vec<Operand>,
}

impl Lower<'_> {
    fn batch(&self) -> u32 {
        self.context.batch
    }

    fn source(&self, i: usize) -> &Node {
        self.child.op_node(i)
    }

    /// Elements of node `i`'s value over the whole batch.
    fn len(&self, i: usize) -> usize {
        self.child.shape(i).iter().map(|n| *n as usize).product::<usize>() * self.batch() as usize
    }

    /// Node `i`'s value as a matrix over its last axis.
    fn rows(&self, i: usize) -> Rows {
        let channels = self.child.shape(i).last().copied().unwrap_or(1);
        Rows { rows: (self.len(i) / channels as usize) as u32, channels }
    }

    fn no_kernel(&self, i: usize, op: impl Into<String>) -> ProgramError {
        let node = self.source(i).id.clone();
        ProgramError::NoKernel { node, space: self.context.supergraph.space().name.clone(), op: op.into() }
    }

    /// The parameters of node `i`, whole: a kernel for slices of them comes with elastic spaces.
    fn params(&self, i: usize) -> Result<&[u32], ProgramError> {
        let params = self.child.params(i);
        if params.iter().all(|p| self.child.param_shape(*p) == self.context.supergraph.param_shape(*p)) {
            Ok(params)
        } else {
            Err(self.no_kernel(i, format!("{} on a slice of its weight", self.source(i).op.name())))
        }
    }

    fn node(&mut self, i: usize) -> Result<Operand, ProgramError> {
        let child = self.child;
        let node = child.op_node(i);
        let inputs = self.child.inputs(i);
        let x = inputs.first().map(|x| self.values[*x as usize]);
        let len = self.len(i);
        match (&node.op, x) {
            (Op::Input { .. }, _) => self.image(i),
            (Op::Sum { .. } | Op::Mean { .. } | Op::Zero { .. }, None) => {
                Ok(self.tape.compute(Call::Fill { len: len as u32, value: 0.0 }, &[], len))
            }
            (Op::Sum { .. }, Some(_)) => Ok(self.sum(i, 1.0)),
            (Op::Mean { .. }, Some(_)) => Ok(self.sum(i, 1.0 / inputs.len() as f32)),
            (Op::Concat, Some(_)) => Ok(self.concat(i)),
            (Op::Conv2d { stride, dilation, pad }, Some(x)) => {
                let (weight, bias, shape) = self.weight(i)?;
                let window = self.window(i, [shape[0], shape[1]], *stride, *dilation, *pad);
                let conv = Conv2d { window, inputs: shape[2], outputs: shape[3] };
                let y = self.tape.compute(Call::Conv2d(conv), &[x, weight], len);
                Ok(self.bias(i, y, bias))
            }
            (Op::DepthwiseConv2d { stride, dilation, pad }, Some(x)) => {
                let (weight, bias, shape) = self.weight(i)?;
                let window = self.window(i, [shape[0], shape[1]], *stride, *dilation, *pad);
                let conv = PerChannel { window, channels: shape[2] };
                let y = self.tape.compute(Call::Depthwise(conv), &[x, weight], len);
                Ok(self.bias(i, y, bias))
            }
            (Op::Linear { transposed }, Some(x)) => {
                let (weight, bias, _) = self.weight(i)?;
                let from = self.rows(inputs[0] as usize);
                let (rows, outputs) = (from.rows, self.rows(i).channels);
                let linear = Linear { rows, inputs: from.channels, outputs, transposed: *transposed };
                let y = self.tape.compute(Call::Linear(linear), &[x, weight], len);
                Ok(self.bias(i, y, bias))
            }
            (Op::BatchNorm { eps }, Some(x)) => {
                let rows = self.rows(i);
                let stats = Call::BatchNormStats { rows, eps: *eps };
                let stats = self.tape.compute(stats, &[x], 2 * rows.channels as usize);
                let affine = self.params(i)?.iter().map(|p| Operand::Weight(*p));
                let reads: Vec<_> = [x, stats].into_iter().chain(affine).collect();
                let norm = BatchNorm { rows, relu: false, affine: reads.len() > 2 };
                Ok(self.tape.compute(Call::BatchNorm(norm), &reads, len))
            }
            (Op::Activation { function: Function::Relu }, Some(x)) => {
                Ok(self.tape.compute(Call::Relu { len: len as u32 }, &[x], len))
            }
            (Op::Pool { kind, kernel, stride, pad }, Some(x)) => {
                let window = self.window(i, [*kernel, *kernel], *stride, 1, *pad);
                let pool = PerChannel { window, channels: self.rows(i).channels };
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
                let call = Call::GlobalAveragePool { batch: self.batch(), positions: height * width, channels };
                Ok(self.tape.compute(call, &[x], len))
            }
            (Op::Slice { start, len: width }, Some(x)) => {
                let rows = self.rows(inputs[0] as usize);
                Ok(self.tape.compute(Call::Slice { rows, start: *start, len: *width }, &[x], len))
            }
            (Op::Dropout { rate, per: Per::Element }, Some(x)) => {
                if !self.training || *rate == 0.0 {
                    return Ok(x);
                }
                // The stream follows the node, not its place in the child: children that share it share its bits.
                let call = Call::Dropout { len: len as u32, rate: *rate, stream: self.child.node(i) };
                Ok(self.tape.compute(call, &[x], len))
            }
            (Op::Activation { function }, _) => Err(self.no_kernel(i, format!("activation {function:?}"))),
            (op, _) => Err(self.no_kernel(i, op.name())),
        }
    }

    fn image(&self, i: usize) -> Result<Operand, ProgramError> {
        if self.child.shape(i) == self.context.image {
            return Ok(Operand::Images);
        }
        Err(ProgramError::WrongInput {
            node: self.source(i).id.clone(),
            space: self.context.supergraph.space().name.clone(),
            wanted: self.child.shape(i).to_vec(),
            given: self.context.image.to_vec(),
        })
    }

    /// Weight, bias and the weight's shape of a node that has its parameters to itself.
    fn weight(&self, i: usize) -> Result<(Operand, Option<Operand>, Vec<u32>), ProgramError> {
        match *self.params(i)? {
            [w] => Ok((Operand::Weight(w), None, self.context.supergraph.param_shape(w).to_vec())),
            [w, b] => {
                Ok((Operand::Weight(w), Some(Operand::Weight(b)), self.context.supergraph.param_shape(w).to_vec()))
            }
            _ => Err(self.no_kernel(i, format!("{} with a weight that is computed", self.source(i).op.name()))),
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
        Window { batch: self.batch(), input, output: image(i), kernel, stride, dilation, top, left }
    }

    /// The scaled sum of node `i`'s inputs, chained where there are more than one call takes.
    fn sum(&mut self, i: usize, scale: f32) -> Operand {
        let mut parts: Vec<_> = self.child.inputs(i).iter().map(|x| self.values[*x as usize]).collect();
        let len = self.len(i);
        loop {
            let some: Vec<_> = parts.drain(..parts.len().min(MOST_INPUTS)).collect();
            let scale = if parts.is_empty() { scale } else { 1.0 };
            let call = Call::Sum { len: len as u32, inputs: some.len() as u32, scale };
            let sum = self.tape.compute(call, &some, len);
            if parts.is_empty() {
                return sum;
            }
            parts.insert(0, sum);
        }
    }

    fn concat(&mut self, i: usize) -> Operand {
        let mut parts: Vec<_> =
            self.child.inputs(i).iter().map(|x| (self.values[*x as usize], self.rows(*x as usize).channels)).collect();
        let rows = self.rows(i).rows;
        loop {
            let some: Vec<_> = parts.drain(..parts.len().min(MOST_INPUTS)).collect();
            let mut widths = [0; MOST_INPUTS];
            widths.iter_mut().zip(&some).for_each(|(width, (_, channels))| *width = *channels);
            let reads: Vec<_> = some.iter().map(|(operand, _)| *operand).collect();
            let channels: u32 = widths.iter().sum();
            let whole = self.tape.compute(Call::Concat { rows, widths }, &reads, rows as usize * channels as usize);
            if parts.is_empty() {
                return whole;
            }
            parts.insert(0, (whole, channels));
        }
    }

    /// Loss and accuracy of every sample.
    fn head(&mut self) -> Result<(), ProgramError> {
        let space = self.context.supergraph.space();
        let outputs = space.outputs.iter().zip(self.child.outputs());
        let logits: Vec<_> = outputs.filter(|(output, _)| output.role == Role::Logits).map(|(_, at)| *at).collect();
        let refuse = |found: String| ProgramError::NoLogits { space: space.name.clone(), found };
        let [at] = *logits else { return Err(refuse(format!("{} such outputs", logits.len()))) };
        let rows = self.rows(at as usize);
        if rows.rows != self.batch() {
            return Err(refuse(format!("an output of shape {:?}", self.child.shape(at as usize))));
        }
        let (logits, samples) = (self.values[at as usize], rows.rows as usize);
        let loss = Call::CrossEntropy { rows, smoothing: 0.0 };
        self.tape.loss = self.tape.compute(loss, &[logits, Operand::Labels], samples);
        self.tape.right = self.tape.compute(Call::Accuracy(rows), &[logits, Operand::Labels], samples);
        Ok(())
    }
}
