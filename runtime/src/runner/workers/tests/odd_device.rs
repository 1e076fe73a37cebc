//! A device that corrupts weights or waits for another one, on demand.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use supernet_engine::device::cpu::Cpu;
use supernet_engine::device::{Device, DeviceError, Inputs, Minibatch, Samples};
use supernet_engine::program::Program;
use supernet_engine::weights::Weights;
use supernet_shaders::Step;

use super::{HANGS, builder};
use crate::runner::builder::SearchBuilder;

/// A CPU device with faults.
struct Odd {
    cpu: Cpu,
    /// Steps that corrupt the weights.
    ruinous: fn(u32) -> bool,
    ruined: bool,
    meeting: Option<Arc<Meeting>>,
}

/// A barrier for two devices that score at the same time.
#[derive(Default)]
pub(super) struct Meeting {
    inside: Mutex<u32>,
    changed: Condvar,
    pub(super) met: AtomicU32,
}

impl Device for Odd {
    fn name(&self) -> String {
        // The name of the plain device, whose events are compared.
        "cpu".to_owned()
    }

    fn train(
        &mut self,
        program: &Program,
        weights: &mut Weights,
        batch: Minibatch<'_>,
        step: &Step,
    ) -> Result<(), DeviceError> {
        self.ruined = (self.ruinous)(step.number);
        self.cpu.train(program, weights, batch, step)?;
        if self.ruined {
            weights
                .pages_mut()
                .values
                .iter_mut()
                .for_each(|page| page.fill(f32::NAN));
        }
        Ok(())
    }

    fn score(
        &mut self,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
    ) -> Result<(), DeviceError> {
        if let Some(meeting) = self
            .meeting
            .as_ref()
            .filter(|meeting| meeting.met.load(Ordering::Relaxed) == 0)
        {
            let mut inside = meeting.inside.lock().unwrap();
            *inside += 1;
            meeting.changed.notify_all();
            let alone = |inside: &mut u32| *inside < 2;
            let (inside, waited) = meeting
                .changed
                .wait_timeout_while(inside, HANGS, alone)
                .unwrap();
            drop(inside);
            meeting
                .met
                .fetch_add(u32::from(!waited.timed_out()), Ordering::Relaxed);
        }
        self.cpu.score(program, weights, batch)
    }

    fn samples(&mut self, samples: &mut Samples) -> Result<(), DeviceError> {
        self.cpu.samples(samples)?;
        if self.ruined {
            samples.loss.fill(f32::NAN);
        }
        Ok(())
    }

    fn compute(
        &mut self,
        program: &Program,
        weights: &Weights,
        inputs: Inputs<'_>,
    ) -> Result<Vec<Vec<f32>>, DeviceError> {
        self.cpu.compute(program, weights, inputs)
    }

    fn fetch(&mut self, weights: &mut Weights) -> Result<(), DeviceError> {
        self.cpu.fetch(weights)
    }
}

pub(super) fn odd(ruinous: fn(u32) -> bool, meeting: Option<Arc<Meeting>>) -> SearchBuilder {
    builder().device(move || {
        let meeting = meeting.clone();
        Ok(Box::new(Odd {
            cpu: Cpu::new(1)?,
            ruinous,
            ruined: false,
            meeting,
        }))
    })
}
