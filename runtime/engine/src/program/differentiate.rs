//! Reverse-mode differentiation of calls: every forward call has one rule.

mod mixtures;
mod products;
mod rules;
#[cfg(test)]
mod tests;

use supernet_plugin::Operand as Named;
use supernet_shaders::Call;

use super::custom::CustomNode;
use super::{Operand, Tape};
use mixtures::Mixtures;
use products::{Product, merge};

/// Appends the calls that compute the gradient of the mean loss with respect to every weight that
/// the tape reads. Auxiliary losses have the weight `auxiliary`.
pub(super) fn backward(tape: &mut Tape, auxiliary: f32) {
    sweep(tape, auxiliary, true);
}

/// Appends the calls that compute the gradient of the mean loss with respect to the weights of
/// mixtures alone.
pub(super) fn of_mixtures(tape: &mut Tape) {
    sweep(tape, 0.0, false);
    mixtures::prune(tape);
}

fn sweep(tape: &mut Tape, auxiliary: f32, of_weights: bool) {
    let forward = tape.calls.len();
    let mut sweep = Sweep::new(tape, auxiliary, of_weights);
    for at in (0..forward).rev() {
        sweep.call(at);
    }
    sweep.finish();
}

struct Sweep<'a> {
    tape: &'a mut Tape,
    /// The weight of auxiliary losses.
    auxiliary: f32,
    /// Whether the gradients of parameters are needed, or only those of the weights of mixtures.
    of_weights: bool,
    /// The gradient of the weights of mixtures.
    mixtures: Mixtures,
    /// The contributions of each value's readers so far to its gradient, or to that of a part of
    /// it.
    of_value: Vec<Vec<Share>>,
    /// Whether the value depends on a weight of the wanted kind: no other gradient is needed.
    wanted: Vec<bool>,
    /// Whether the gradients of a value's parts are adjacent in memory: if a weight's gradient is
    /// computed from all of them at once, or the value was computed as a whole.
    together: Vec<bool>,
    /// The location of these adjacent gradients.
    adjacent: Vec<Option<Operand>>,
    /// The readers of each parameter.
    of_weight: Vec<OfWeight>,
}

/// A contribution to the gradient of a part of a value.
#[derive(Clone, Copy, Debug)]
struct Share {
    start: u32,
    len: u32,
    gradient: Operand,
}

/// The state of a parameter's gradient.
#[derive(Debug, Default)]
struct OfWeight {
    /// Number of forward calls that read it.
    uses: u32,
    /// Their contributions.
    parts: Vec<Operand>,
    /// Products whose contribution is still to be computed, last to first.
    products: Vec<Product>,
}

impl<'a> Sweep<'a> {
    fn new(tape: &'a mut Tape, auxiliary: f32, of_weights: bool) -> Self {
        let mixtures = Mixtures::new(tape);
        let mut wanted = vec![false; tape.values.len()];
        let mut together = vec![false; tape.values.len()];
        let mut of_weight: Vec<OfWeight> = Vec::new();
        let mut reads = |operand: &Operand, times: u32| {
            let Operand::Weight(parameter) = *operand else {
                return;
            };
            let at = parameter as usize;
            if of_weight.len() <= at {
                of_weight.resize_with(at + 1, OfWeight::default);
            }
            of_weight[at].uses += times;
        };
        for node in tape.custom.values() {
            // The kernels of one node give one contribution, but one that is read again cannot be
            // written to the gradient directly.
            let again = |i: u32| if node.reads_gradient(i) { 2 } else { 1 };
            (0..)
                .zip(node.params())
                .for_each(|(i, param)| reads(&param, again(i)));
        }
        for bound in &tape.calls {
            let mut wants = false;
            let custom = matches!(bound.call, Call::Custom(_));
            for operand in bound.reads() {
                match *operand {
                    Operand::Weight(_) => {
                        reads(operand, u32::from(!custom));
                        wants |= of_weights;
                    }
                    Operand::Mixture { start, .. } => wants |= tape.mixture.wants_gradient(start),
                    Operand::Value { slot, .. } => wants |= wanted[slot.index as usize],
                    _ => {}
                }
            }
            for operand in bound.writes() {
                if let Operand::Value { slot, len, .. } = operand {
                    let at = slot.index as usize;
                    wanted[at] |= wants;
                    together[at] |=
                        *len == tape.values[at] || matches!(bound.call, Call::Linear(_));
                }
            }
        }
        let mut of_value = vec![Vec::new(); tape.values.len()];
        for (of, gradient) in std::mem::take(&mut tape.given) {
            match of {
                Operand::Value { slot, start, len } => of_value[slot.index as usize].push(Share {
                    start,
                    len,
                    gradient,
                }),
                Operand::Weight(parameter) => of_weight[parameter as usize].parts.push(gradient),
                _ => {}
            }
        }
        let adjacent = vec![None; tape.values.len()];
        Self {
            tape,
            auxiliary,
            of_weights,
            mixtures,
            of_value,
            wanted,
            together,
            adjacent,
            of_weight,
        }
    }

    /// The gradient of a value after all its readers; `None` if there is no contribution.
    fn gradient(&mut self, value: Operand) -> Option<Operand> {
        let Operand::Value { slot, start, len } = value else {
            return None;
        };
        let shares = &self.of_value[slot.index as usize];
        let mut parts: Vec<(u32, u32)> = shares
            .iter()
            .filter(|share| share.len < len && share.start >= start && share.start < start + len)
            .map(|share| (share.start, share.len))
            .collect();
        if parts.is_empty() {
            return self.shared(slot.index as usize, start, len);
        }
        // The value was computed as a whole and read in parts.
        parts.sort_unstable();
        parts.dedup();
        let whole = self.side_by_side(slot.index as usize);
        let mut end = start;
        for (from, len) in parts {
            debug_assert!(from >= end, "parts that overlap were read");
            self.blank(whole, end, from);
            self.shared(slot.index as usize, from, len);
            end = from + len;
        }
        self.blank(whole, end, start + len);
        self.of_value[slot.index as usize]
            .retain(|share| share.start < start || share.start >= start + len);
        Some(whole.part(start, len))
    }

    /// The sum of all contributions to a part of a value, or to a range that covers it.
    fn shared(&mut self, number: usize, start: u32, len: u32) -> Option<Operand> {
        let covers = |share: &Share| share.start <= start && start + len <= share.start + share.len;
        let shares = &mut self.of_value[number];
        let covering = shares.iter().filter(|share| covers(share));
        let sums: Vec<Operand> = covering
            .map(|share| share.gradient.part(start - share.start, len))
            .collect();
        shares.retain(|share| (share.start, share.len) != (start, len));
        if sums.is_empty() {
            return None;
        }
        if !self.together[number] || len == self.tape.values[number] {
            return Some(self.tape.sum(&sums, len, 1.0));
        }
        let home = self.side_by_side(number).part(start, len);
        self.tape.sum_into(&sums, home);
        Some(home)
    }

    /// The location of the gradients of a value's parts.
    fn side_by_side(&mut self, number: usize) -> Operand {
        let tape = &mut self.tape;
        *self.adjacent[number].get_or_insert_with(|| tape.plain(tape.values[number] as usize))
    }

    /// Fills a range of a gradient with zeros, where there is no contribution.
    fn blank(&mut self, whole: Operand, from: u32, to: u32) {
        if from < to {
            let len = to - from;
            self.tape
                .call(Call::Fill { len, value: 0.0 }, &[whole.part(from, len)]);
        }
    }

    fn wants(&self, value: Operand) -> bool {
        matches!(value, Operand::Value { slot, .. } if self.wanted[slot.index as usize])
    }

    fn give(&mut self, value: Operand, gradient: Operand) {
        if let (Operand::Value { slot, start, len }, true) = (value, self.wants(value)) {
            self.of_value[slot.index as usize].push(Share {
                start,
                len,
                gradient,
            });
        }
    }

    /// The destination of a contribution to the gradient of x: the final location if it is the
    /// first one.
    fn place(&mut self, x: Operand) -> Operand {
        if let Operand::Value { slot, start, len } = x {
            let number = slot.index as usize;
            if self.together[number] && len < self.tape.values[number] {
                let home = self.side_by_side(number).part(start, len);
                if self.of_value[number]
                    .iter()
                    .all(|share| share.gradient != home)
                {
                    return home;
                }
            }
        }
        self.tape.plain(x.len() as usize)
    }

    /// Appends ∂x, computed by `call` from `reads`, if the gradient of x is needed.
    fn input(&mut self, x: Operand, call: Call, reads: &[Operand]) {
        if self.wants(x) {
            let dx = self.place(x);
            let mut operands = reads.to_vec();
            operands.push(dx);
            self.tape.call(call, &operands);
            self.give(x, dx);
        }
    }

    /// The destination of a weight's gradient: the final location if there is no other
    /// contribution.
    fn weight(&mut self, weight: impl Into<Option<Operand>>, len: usize) -> Operand {
        let Some(Operand::Weight(parameter)) = weight.into() else {
            return self.tape.value(len);
        };
        if !self.of_weights {
            return self.tape.value(len);
        }
        let of_weight = &mut self.of_weight[parameter as usize];
        if of_weight.uses == 1 && of_weight.parts.is_empty() {
            return Operand::Gradient(parameter);
        }
        let part = self.tape.value(len);
        of_weight.parts.push(part);
        part
    }

    fn call(&mut self, at: usize) {
        let bound = self.tape.calls[at].clone();
        let ops = &bound.operands;
        match bound.call {
            // Statistics have no rule of their own: the normalisation that reads them
            // differentiates through both.
            Call::BatchNormStats { .. } | Call::Accuracy(_) | Call::Fill { .. } => {}
            Call::CrossEntropy { .. } if self.tape.differentiated => {}
            Call::CrossEntropy { rows, smoothing } => {
                let weight = if self.tape.auxiliary.contains(&ops[2]) {
                    self.auxiliary
                } else {
                    1.0
                };
                if weight > 0.0 && self.wants(ops[0]) {
                    let call = Call::CrossEntropyGrad {
                        rows,
                        smoothing,
                        of: rows.rows,
                    };
                    let dx = self.tape.compute(call, &[ops[0], ops[1]], rows.len());
                    let weighted = self.tape.sum(&[dx], rows.len() as u32, weight);
                    self.give(ops[0], weighted);
                }
            }
            Call::Custom(_) => {
                if let Some(node) = self.custom_node(bound.writes())
                    && let Some(output) = node.output()
                    && let Some(dy) = self.gradient(output)
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

    /// The node whose forward calls begin with the one that writes `operands`: when the sweep
    /// reaches it, all readers of the node's value are done.
    fn custom_node(&mut self, operands: &[Operand]) -> Option<CustomNode> {
        let Some(Operand::Value { slot, .. }) = operands.first() else {
            return None;
        };
        self.tape.custom.remove(&slot.index)
    }

    /// The backward calls of a custom op.
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

    /// A matrix of zeros and its number of channels.
    fn zeros(&mut self, rows: u32, channels: u32) -> (Operand, u32) {
        let len = rows * channels;
        (
            self.tape
                .compute(Call::Fill { len, value: 0.0 }, &[], len as usize),
            channels,
        )
    }

    /// Adds up the contributions to each weight with several readers, in the order in which the
    /// calls ran.
    fn finish(&mut self) {
        self.finish_mixtures();
        let parameters = if self.of_weights {
            self.of_weight.len()
        } else {
            0
        };
        for parameter in 0..parameters {
            let home = Operand::Gradient(parameter as u32);
            let OfWeight {
                products,
                mut parts,
                ..
            } = std::mem::take(&mut self.of_weight[parameter]);
            let merged = merge(products);
            if let ([product], true) = (&merged[..], parts.is_empty()) {
                self.tape.call(
                    Call::LinearGradWeight(product.linear),
                    &[product.x, product.dy, home],
                );
                continue;
            }
            for Product { linear, x, dy } in merged {
                parts.push(self.tape.compute(
                    Call::LinearGradWeight(linear),
                    &[x, dy],
                    linear.len_w(),
                ));
            }
            let Some(&Operand::Value { len, .. }) = parts.first() else {
                continue;
            };
            let (rest, last) = parts.split_at(parts.len() - 1);
            let mut operands = last.to_vec();
            if !rest.is_empty() {
                operands.insert(0, self.tape.sum(rest, len, 1.0));
            }
            let inputs = operands.len() as u32;
            operands.push(home);
            self.tape.call(
                Call::Sum {
                    len,
                    inputs,
                    scale: 1.0,
                },
                &operands,
            );
        }
    }
}
