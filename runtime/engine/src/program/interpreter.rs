//! A slow interpreter of programs for tests: every call is computed by its f64 reference.

use std::collections::BTreeMap;

use supernet_shaders::{Call, Element, reference};

use super::setup::{SGD, STEP, Setup};
use super::{Input, Operand, Program, Slot};
use crate::weights::Weights;

/// Runs calls in f64, with values in their planned slots.
pub(super) struct Interpreter<'a> {
    setup: &'a Setup,
    pub(super) weights: Vec<Vec<f64>>,
    pub(super) gradients: BTreeMap<u32, Vec<f64>>,
    /// The objective: the mean loss including auxiliary losses.
    pub(super) objective: f64,
    slots: BTreeMap<(u32, u32), Vec<f64>>,
    states: BTreeMap<u32, Vec<f64>>,
    /// The weights of mixtures.
    pub(super) mixture: Vec<f64>,
}

impl<'a> Interpreter<'a> {
    pub(super) fn new(setup: &'a Setup, weights: &Weights) -> Self {
        let weights = (0..setup.layout.len() as u32)
            .map(|p| weights.parameter(p).iter().map(|x| f64::from(*x)).collect())
            .collect();
        let (gradients, slots, states) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self {
            setup,
            weights,
            gradients,
            objective: 0.0,
            slots,
            states,
            mixture: Vec::new(),
        }
    }

    /// Runs every call except the update; returns the mean loss.
    pub(super) fn run(&mut self, program: &Program) -> f64 {
        for bound in &program.calls {
            if matches!(
                bound.call,
                Call::NormPartials { .. } | Call::ClipFactor { .. } | Call::Sgd { .. }
            ) {
                continue;
            }
            let reads: Vec<Vec<f64>> = bound
                .reads()
                .iter()
                .map(|operand| self.read(*operand))
                .collect();
            let reads: Vec<&[f64]> = reads.iter().map(Vec::as_slice).collect();
            let written = reference::run(&bound.call, &STEP, &reads, &[]);
            if let Call::CrossEntropy { rows, .. } = bound.call {
                let share = if bound.writes()[0] == program.outputs[0] {
                    1.0
                } else {
                    f64::from(SGD.auxiliary)
                };
                self.objective +=
                    share * written[0].value.iter().sum::<f64>() / f64::from(rows.rows);
            }
            for (operand, value) in bound.writes().iter().zip(written) {
                match *operand {
                    Operand::Value {
                        slot: Slot { class, index },
                        start,
                        len,
                    } => {
                        let (start, len) = (start as usize, len as usize);
                        let slot = self.slots.entry((class, index)).or_default();
                        slot.resize(slot.len().max(start + len), 0.0);
                        slot[start..start + len].copy_from_slice(&value.value);
                    }
                    Operand::Gradient(parameter) => {
                        self.gradients.insert(parameter, value.value);
                    }
                    Operand::Weight(parameter) => self.weights[parameter as usize] = value.value,
                    Operand::State { index, .. } => {
                        self.states.insert(index, value.value);
                    }
                    other => panic!("{:?} writes {other:?}", bound.call),
                }
            }
        }
        let losses = self.read(program.outputs[0]);
        losses.iter().sum::<f64>() / losses.len() as f64
    }

    pub(super) fn read(&self, operand: Operand) -> Vec<f64> {
        match operand {
            Operand::Value { slot, start, len } => {
                self.slots[&(slot.class, slot.index)][start as usize..][..len as usize].to_vec()
            }
            Operand::Input => {
                let element = if let Input::Image(_) = self.setup.input {
                    Element::F32
                } else {
                    Element::U32
                };
                reference::numbers(element, &self.setup.images)
            }
            Operand::Targets { start, len } => self.setup.labels[start as usize..][..len as usize]
                .iter()
                .map(|x| f64::from(*x))
                .collect(),
            Operand::Mixture { start, len } => {
                self.mixture[start as usize..][..len as usize].to_vec()
            }
            Operand::Weight(parameter) => self.weights[parameter as usize].clone(),
            Operand::Gradient(parameter) => self.gradients[&parameter].clone(),
            Operand::State { index, .. } => self.states[&index].clone(),
            other => panic!("a forward or backward call reads {other:?}"),
        }
    }
}
