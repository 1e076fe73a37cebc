//! The end of a network: the loss, or the logits.

use supernet_plugin::{Op, Role};
use supernet_shaders::Call;
use supernet_shaders::catalogue::{Linear, Rows};

use super::lower::Lower;
use super::optimizer::Hidden;
use super::{Input, Operand, ProgramError, Purpose};

/// Logits in memory at a time, for an output with one per word and step: 16 MiB.
const LOGITS: usize = 4 << 20;

impl Lower<'_> {
    /// The output, if it is a plain matrix product whose result is a row of logits for every step
    /// of a window.
    pub(super) fn long_head(&self) -> Option<usize> {
        let scored = self.trains() || self.purpose == Purpose::Score;
        let outputs: Vec<u32> = self.child.outputs_as(Role::Logits).collect();
        let [at] = *outputs else { return None };
        let at = at as usize;
        let op = matches!(self.child.op_node(at).op, Op::Linear { .. });
        let alone = (0..self.child.len()).all(|i| !self.child.inputs(i).contains(&(at as u32)));
        let plain = self.child.params(at).len() == 1 && self.child.inputs(at).len() == 1;
        let sequence =
            matches!(self.context.input, Input::Tokens(_)) && self.child.shape(at).len() == 2;
        let only = self.child.outputs_as(Role::Auxiliary).next().is_none();
        (scored && op && alone && plain && sequence && only).then_some(at)
    }

    /// Loss and accuracy of every sample, or its logits; in training also the losses of auxiliary
    /// outputs. `long` is the product that computes the logits, if it is to be computed in pieces.
    pub(super) fn head(&mut self, long: Option<usize>) -> Result<(), ProgramError> {
        let child = self.child;
        let outputs: Vec<u32> = child.outputs_as(Role::Logits).collect();
        let [at] = *outputs else {
            return Err(self.no_logits(format!("{} outputs of logits", outputs.len())));
        };
        let rows = self.scores(at, Role::Logits)?;
        self.tape.hidden = self.trains().then(|| self.hidden(at as usize)).flatten();
        if let Some(at) = long {
            return self.pieces(at, rows);
        }
        let logits = self.value(at);
        match self.purpose {
            Purpose::Train { .. } | Purpose::Score | Purpose::Path => {
                let loss = self.loss(logits, rows);
                let read = [
                    logits,
                    Operand::Targets {
                        start: 0,
                        len: rows.rows,
                    },
                ];
                let right = self
                    .tape
                    .compute(Call::Accuracy(rows), &read, rows.rows as usize);
                self.tape.outputs = vec![loss, right];
            }
            Purpose::Infer => self.tape.outputs = vec![logits],
            Purpose::Calibrate => {}
        }
        if self.trains() {
            for at in child.outputs_as(Role::Auxiliary) {
                let rows = self.scores(at, Role::Auxiliary)?;
                let loss = self.loss(self.value(at), rows);
                self.tape.auxiliary.push(loss);
            }
        }
        Ok(())
    }

    /// For a language model, the input of its decoder (the last product before the logits) and the
    /// output of the last scan.
    fn hidden(&self, logits: usize) -> Option<Hidden> {
        let product = |i: &usize| matches!(self.child.op_node(*i).op, Op::Linear { .. });
        let before = |i: &usize| self.child.inputs(*i).first().map(|input| *input as usize);
        let decoder = std::iter::successors(Some(logits), before).find(product)?;
        let scan = (0..decoder)
            .rev()
            .find(|i| matches!(self.child.op_node(*i).op, Op::Scan { .. }))?;
        let cell = self.value(scan as u32);
        let step = cell.len() / self.child.shape(scan)[0].max(1);
        Some(Hidden {
            read: self.operands(decoder)[0],
            cell,
            step,
        })
    }

    fn loss(&mut self, logits: Operand, rows: Rows) -> Operand {
        let labels = Operand::Targets {
            start: 0,
            len: rows.rows,
        };
        self.tape.compute(
            Call::CrossEntropy {
                rows,
                smoothing: 0.0,
            },
            &[logits, labels],
            rows.rows as usize,
        )
    }

    /// The rows of an output, which must have one element per class.
    fn scores(&self, at: u32, role: Role) -> Result<Rows, ProgramError> {
        let (shape, classes) = (self.child.shape(at as usize), self.context.classes);
        let fits = match self.context.input {
            Input::Image(_) => shape == [classes],
            Input::Tokens(_) => shape == [self.child.time(), classes],
        };
        if !fits {
            return Err(self.no_logits(format!(
                "a {role:?} output of shape {shape:?} for {classes} classes"
            )));
        }
        Ok(self.rows(at as usize))
    }

    fn no_logits(&self, found: String) -> ProgramError {
        ProgramError::NoLogits {
            space: self.context.supergraph.space().name.clone(),
            found,
        }
    }

    /// The head of a language model: loss and accuracy, and in training the gradients too, a range
    /// of rows at a time, so that the logits of a large vocabulary are never in memory as a whole,
    /// nor computed twice.
    fn pieces(&mut self, at: usize, rows: Rows) -> Result<(), ProgramError> {
        let (weight, _, _) = self.weight(at)?;
        let Op::Linear { transposed } = self.child.op_node(at).op else {
            return Ok(());
        };
        let hidden = self.operands(at)[0];
        let inputs = self.rows(self.child.inputs(at)[0] as usize).channels;
        let whole = Linear {
            rows: rows.rows,
            inputs,
            outputs: rows.channels,
            transposed,
        };
        let [loss, right] = [(), ()].map(|()| self.tape.plain(rows.rows as usize));
        let gradient = self.trains().then(|| self.tape.plain(whole.len_x()));
        let mut of_weight: Option<Operand> = None;
        let piece = (LOGITS / rows.channels as usize / 64 * 64).max(64) as u32;
        for start in (0..rows.rows).step_by(piece as usize) {
            let count = piece.min(rows.rows - start);
            let (linear, piece) = (
                Linear {
                    rows: count,
                    ..whole
                },
                Rows {
                    rows: count,
                    ..rows
                },
            );
            let x = hidden.part(start * inputs, count * inputs);
            let labels = Operand::Targets { start, len: count };
            let logits = self
                .tape
                .compute(Call::Linear(linear), &[x, weight], linear.len_y());
            let of_piece = |value: Operand| value.part(start, count);
            self.tape.call(
                Call::CrossEntropy {
                    rows: piece,
                    smoothing: 0.0,
                },
                &[logits, labels, of_piece(loss)],
            );
            self.tape
                .call(Call::Accuracy(piece), &[logits, labels, of_piece(right)]);
            let Some(gradient) = gradient else { continue };
            let call = Call::CrossEntropyGrad {
                rows: piece,
                smoothing: 0.0,
                of: rows.rows,
            };
            let dy = self.tape.compute(call, &[logits, labels], linear.len_y());
            let dx = gradient.part(start * inputs, count * inputs);
            self.tape
                .call(Call::LinearGradInput(linear), &[dy, weight, dx]);
            let dw = self
                .tape
                .compute(Call::LinearGradWeight(linear), &[x, dy], linear.len_w());
            let so_far = of_weight.map(|sum| self.tape.sum(&[sum, dw], linear.len_w() as u32, 1.0));
            of_weight = so_far.or(Some(dw));
        }
        self.tape.differentiated = self.trains();
        self.tape.outputs = vec![loss, right];
        self.tape
            .given
            .extend(gradient.map(|gradient| (hidden, gradient)));
        self.tape
            .given
            .extend(of_weight.map(|gradient| (weight, gradient)));
        Ok(())
    }
}
