//! Reverse-mode differentiation, from calls to calls: every forward call has one rule.

use supernet_plugin::Operand as Named;
use supernet_shaders::Call;

use super::custom::CustomNode;
use super::{Operand, Tape};

/// Appends the calls that compute the gradient of the mean loss by every weight that the tape reads. Auxiliary losses have
/// the weight `auxiliary` beside it.
pub(super) fn backward(tape: &mut Tape, auxiliary: f32) {
    let forward = tape.calls.len();
    let mut sweep = Sweep::new(tape, auxiliary);
    for at in (0..forward).rev() {
        sweep.call(at);
    }
    sweep.finish();
}

struct Sweep<'a> {
    tape: &'a mut Tape,
    /// The weight of auxiliary losses.
    auxiliary: f32,
    /// For every value what its readers contributed so far to its gradient.
    of_value: Vec<Vec<Operand>>,
    /// Whether a weight lies above the value: no other gradient is wanted.
    wanted: Vec<bool>,
    /// For every parameter how many forward calls read it, and what they contributed.
    of_weight: Vec<(u32, Vec<Operand>)>,
}

impl<'a> Sweep<'a> {
    fn new(tape: &'a mut Tape, auxiliary: f32) -> Self {
        let mut wanted = vec![false; tape.values.len()];
        let mut of_weight: Vec<(u32, Vec<Operand>)> = Vec::new();
        let mut reads = |operand: &Operand, times: u32| {
            let Operand::Weight(parameter) = *operand else { return };
            let at = parameter as usize;
            if of_weight.len() <= at {
                of_weight.resize(at + 1, (0, Vec::new()));
            }
            of_weight[at].0 += times;
        };
        for node in tape.custom.values() {
            // Several kernels of one node give one contribution, but one that is read again cannot go straight home.
            let again = |i: u32| if node.reads_gradient(i) { 2 } else { 1 };
            (0..).zip(node.params()).for_each(|(i, param)| reads(&param, again(i)));
        }
        for bound in &tape.calls {
            let mut wants = false;
            let custom = matches!(bound.call, Call::Custom(_));
            for operand in bound.reads() {
                match *operand {
                    Operand::Weight(_) => {
                        reads(operand, u32::from(!custom));
                        wants = true;
                    }
                    Operand::Value { slot, .. } => wants |= wanted[slot.index as usize],
                    _ => {}
                }
            }
            for operand in bound.writes() {
                if let Operand::Value { slot, .. } = operand {
                    wanted[slot.index as usize] = wants;
                }
            }
        }
        let of_value = vec![Vec::new(); tape.values.len()];
        Self { tape, auxiliary, of_value, wanted, of_weight }
    }

    /// The gradient of a value once all its readers have spoken; none if no reader has.
    fn gradient(&mut self, value: Operand) -> Option<Operand> {
        let Operand::Value { slot, len } = value else { return None };
        let parts = std::mem::take(&mut self.of_value[slot.index as usize]);
        (!parts.is_empty()).then(|| self.tape.sum(&parts, len, 1.0))
    }

    fn wants(&self, value: Operand) -> bool {
        matches!(value, Operand::Value { slot, .. } if self.wanted[slot.index as usize])
    }

    fn give(&mut self, value: Operand, gradient: Operand) {
        if let (Operand::Value { slot, .. }, true) = (value, self.wants(value)) {
            self.of_value[slot.index as usize].push(gradient);
        }
    }

    /// ∂x by `call` on `reads`, if anything above x wants it.
    fn input(&mut self, x: Operand, call: Call, reads: &[Operand]) {
        if let (Operand::Value { len, .. }, true) = (x, self.wants(x)) {
            let dx = self.tape.compute(call, reads, len as usize);
            self.give(x, dx);
        }
    }

    /// Where the gradient of a weight goes: straight home if nothing else contributes to it.
    fn weight(&mut self, weight: Operand, len: usize) -> Operand {
        let Operand::Weight(parameter) = weight else { return self.tape.value(len) };
        let (uses, parts) = &mut self.of_weight[parameter as usize];
        if *uses == 1 {
            return Operand::Gradient(parameter);
        }
        let part = self.tape.value(len);
        parts.push(part);
        part
    }

    fn call(&mut self, at: usize) {
        let bound = self.tape.calls[at].clone();
        let ops = &bound.operands;
        match bound.call {
            // Statistics have no gradient of their own: the normalisation that reads them differentiates through both.
            Call::BatchNormStats { .. } | Call::Accuracy(_) | Call::Fill { .. } => {}
            Call::CrossEntropy { rows, smoothing } => {
                let weight = if self.tape.auxiliary.contains(&ops[2]) { self.auxiliary } else { 1.0 };
                if weight > 0.0 && self.wants(ops[0]) {
                    let call = Call::CrossEntropyGrad { rows, smoothing };
                    let dx = self.tape.compute(call, &[ops[0], ops[1]], rows.len());
                    let weighted = self.tape.sum(&[dx], rows.len() as u32, weight);
                    self.give(ops[0], weighted);
                }
            }
            Call::Custom(_) => {
                if let Some(node) = self.custom_node(bound.writes())
                    && let Some(dy) = self.gradient(node.output())
                {
                    self.custom(node, dy);
                }
            }
            call => {
                if let Some(dy) = self.gradient(ops[bound.reads as usize]) {
                    self.rule(call, ops, dy);
                }
            }
        }
    }

    /// The node whose forward calls begin with the one that writes `operands`: when the sweep gets there, all that read the
    /// node's value have spoken.
    fn custom_node(&mut self, operands: &[Operand]) -> Option<CustomNode> {
        let Some(Operand::Value { slot, .. }) = operands.first() else { return None };
        self.tape.custom.remove(&slot.index)
    }

    /// The backward calls of a space's own op.
    fn custom(&mut self, mut node: CustomNode, dy: Operand) {
        let (inputs, params) = (node.inputs(), node.params());
        let mut gradients = vec![(Named::GradOutput, dy)];
        for (i, x) in (0..).zip(inputs) {
            if self.wants(x) {
                let named = Named::GradInput(i);
                let dx = self.tape.value(node.len(named));
                self.give(x, dx);
                gradients.push((named, dx));
            }
        }
        for (i, param) in (0..).zip(params) {
            let named = Named::GradParam(i);
            gradients.push((named, self.weight(param, node.len(named))));
        }
        node.backward(self.tape, &gradients);
    }

    /// A matrix of zeros and its channels.
    fn zeros(&mut self, rows: u32, channels: u32) -> (Operand, u32) {
        let len = rows * channels;
        (self.tape.compute(Call::Fill { len, value: 0.0 }, &[], len as usize), channels)
    }

    /// The rule of a call with one result, whose gradient is `dy`.
    fn rule(&mut self, call: Call, ops: &[Operand], dy: Operand) {
        match call {
            Call::Conv2d(c) => {
                self.input(ops[0], Call::Conv2dGradInput(c), &[dy, ops[1]]);
                let dw = self.weight(ops[1], c.len_w());
                self.tape.call(Call::Conv2dGradWeight(c), &[ops[0], dy, dw]);
            }
            Call::Reduction(r) => {
                self.input(ops[0], Call::ReductionGradInput(r), &[dy, ops[1], ops[2]]);
                let [a, b] = [ops[1], ops[2]].map(|w| self.weight(w, r.first.len_w()));
                self.tape.call(Call::ReductionGradWeight(r), &[ops[0], dy, a, b]);
            }
            Call::Depthwise(c) => {
                self.input(ops[0], Call::DepthwiseGradInput(c), &[dy, ops[1]]);
                let dw = self.weight(ops[1], c.len_w());
                self.tape.call(Call::DepthwiseGradWeight(c), &[ops[0], dy, dw]);
            }
            Call::Linear(l) => {
                self.input(ops[0], Call::LinearGradInput(l), &[dy, ops[1]]);
                let dw = self.weight(ops[1], l.len_w());
                self.tape.call(Call::LinearGradWeight(l), &[ops[0], dy, dw]);
            }
            Call::Bias(rows) => {
                self.give(ops[0], dy);
                let db = self.weight(ops[1], rows.channels as usize);
                self.tape.call(Call::BiasGrad(rows), &[dy, db]);
            }
            Call::BatchNorm(b) => {
                let channels = b.rows.channels as usize;
                let (x, stats, y) = (ops[0], ops[1], ops[ops.len() - 1]);
                let (gamma, beta) = if b.affine { (ops[2], ops[3]) } else { (Operand::Images, Operand::Images) };
                let (dgamma, dbeta) = (self.weight(gamma, channels), self.weight(beta, channels));
                let relu = b.relu.then_some(y);
                let sums: Vec<_> = [x, dy, stats].into_iter().chain(relu).chain([dgamma, dbeta]).collect();
                self.tape.call(Call::BatchNormGradSums(b), &sums);
                let scale = b.affine.then_some(gamma);
                let reads: Vec<_> = [x, dy, stats, dgamma, dbeta].into_iter().chain(scale).chain(relu).collect();
                self.input(x, Call::BatchNormGradInput(b), &reads);
            }
            Call::Relu { len } => self.input(ops[0], Call::ReluGrad { len }, &[ops[1], dy]),
            Call::AveragePool(c) => self.input(ops[0], Call::AveragePoolGrad(c), &[dy]),
            Call::MaxPool(c) => self.input(ops[0], Call::MaxPoolGrad(c), &[dy, ops[2]]),
            Call::Sum { len, inputs, scale } => {
                for x in &ops[..inputs as usize] {
                    // One input may stand in the sum twice: each place gives its share.
                    if scale == 1.0 {
                        self.give(*x, dy);
                    } else {
                        self.input(*x, Call::Sum { len, inputs: 1, scale }, &[dy]);
                    }
                }
            }
            Call::Concat { rows, widths } => {
                let channels = widths.iter().sum();
                let mut start = 0;
                for (x, len) in ops.iter().zip(widths).take_while(|(_, width)| *width > 0) {
                    let whole = supernet_shaders::catalogue::Rows { rows, channels };
                    self.input(*x, Call::Slice { rows: whole, start, len }, &[dy]);
                    start += len;
                }
            }
            Call::GlobalAveragePool { batch, positions, channels } => {
                self.input(ops[0], Call::GlobalAveragePoolGrad { batch, positions, channels }, &[dy]);
            }
            Call::Dropout { .. } | Call::DropPath { .. } => self.input(ops[0], call, &[dy]),
            Call::Slice { rows, start, len } => {
                let sides = [start, rows.channels - start - len];
                let [before, after] = sides.map(|width| (width > 0).then(|| self.zeros(rows.rows, width)));
                let parts: Vec<_> = before.into_iter().chain([(dy, len)]).chain(after).collect();
                if self.wants(ops[0]) {
                    let dx = self.tape.concat(&parts, rows.rows);
                    self.give(ops[0], dx);
                }
            }
            // Calls that only the backward pass and the update make, and those that `call` sees to.
            Call::Conv2dGradInput(_)
            | Call::Conv2dGradWeight(_)
            | Call::ReductionGradInput(_)
            | Call::ReductionGradWeight(_)
            | Call::DepthwiseGradInput(_)
            | Call::DepthwiseGradWeight(_)
            | Call::LinearGradInput(_)
            | Call::LinearGradWeight(_)
            | Call::BiasGrad(_)
            | Call::BatchNormStats { .. }
            | Call::BatchNormGradSums(_)
            | Call::BatchNormGradInput(_)
            | Call::ReluGrad { .. }
            | Call::AveragePoolGrad(_)
            | Call::MaxPoolGrad(_)
            | Call::Fill { .. }
            | Call::GlobalAveragePoolGrad { .. }
            | Call::CrossEntropy { .. }
            | Call::CrossEntropyGrad { .. }
            | Call::Accuracy(_)
            | Call::NormPartials { .. }
            | Call::ClipFactor { .. }
            | Call::Sgd { .. }
            | Call::Adam { .. }
            | Call::Custom(_) => {}
        }
    }

    /// Adds up what a weight with several readers received, in the order in which the calls ran.
    fn finish(&mut self) {
        for parameter in 0..self.of_weight.len() {
            let parts = std::mem::take(&mut self.of_weight[parameter].1);
            let Some(&Operand::Value { len, .. }) = parts.first() else { continue };
            let home = Operand::Gradient(parameter as u32);
            let (rest, last) = parts.split_at(parts.len() - 1);
            let mut operands = last.to_vec();
            if !rest.is_empty() {
                operands.insert(0, self.tape.sum(rest, len, 1.0));
            }
            let inputs = operands.len() as u32;
            operands.push(home);
            self.tape.call(Call::Sum { len, inputs, scale: 1.0 }, &operands);
        }
    }
}
