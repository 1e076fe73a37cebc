//! A test device that runs ahead of its caller and keeps the weights to itself, as a GPU does.

use std::collections::VecDeque;
use std::sync::Arc;

use supernet_engine::device::cpu::Cpu;
use supernet_engine::device::{Device, DeviceError, Inputs, Minibatch, Samples};
use supernet_engine::program::Program;
use supernet_engine::weights::{Revision, Weights};
use supernet_shaders::Step;

pub(crate) struct Deep {
    cpu: Cpu,
    name: Arc<str>,
    /// Its copy of the weights, and their revision.
    copy: Option<(Revision, Weights)>,
    done: VecDeque<Samples>,
}

impl Deep {
    pub(crate) fn new() -> Result<Self, DeviceError> {
        Ok(Self {
            cpu: Cpu::new(1)?,
            name: Arc::from("deep"),
            copy: None,
            done: VecDeque::new(),
        })
    }

    /// The copy of `weights`, refreshed if it is outdated.
    fn take(&mut self, weights: &Weights) -> Result<Weights, DeviceError> {
        match self.copy.take() {
            Some((mark, copy)) if mark == *weights.revision() => Ok(copy),
            _ if weights.resident_on().is_some() => Err(DeviceError::Elsewhere {
                home: "another device".to_owned(),
            }),
            _ => Ok(weights.clone()),
        }
    }

    fn ran(&mut self) -> Result<(), DeviceError> {
        assert!(
            self.done.len() < self.depth(),
            "more runs are in flight than the device is deep"
        );
        let mut samples = Samples::default();
        self.cpu.samples(&mut samples)?;
        self.done.push_back(samples);
        Ok(())
    }
}

impl Device for Deep {
    fn name(&self) -> String {
        // The name of the plain device, whose events are compared.
        "cpu".to_owned()
    }

    fn depth(&self) -> usize {
        3
    }

    fn train(
        &mut self,
        program: &Program,
        weights: &mut Weights,
        batch: Minibatch<'_>,
        step: &Step,
    ) -> Result<(), DeviceError> {
        let mut copy = self.take(weights)?;
        self.cpu.train(program, &mut copy, batch, step)?;
        weights.version += 1;
        weights.mark_resident(&self.name);
        self.copy = Some((weights.revision().clone(), copy));
        self.ran()
    }

    fn score(
        &mut self,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
    ) -> Result<(), DeviceError> {
        let copy = self.take(weights)?;
        self.cpu.score(program, &copy, batch)?;
        self.copy = Some((weights.revision().clone(), copy));
        self.ran()
    }

    fn samples(&mut self, samples: &mut Samples) -> Result<(), DeviceError> {
        let done = self.done.pop_front();
        *samples = done.ok_or_else(|| DeviceError::NothingInFlight {
            device: self.name.to_string(),
        })?;
        Ok(())
    }

    fn compute(
        &mut self,
        program: &Program,
        weights: &Weights,
        inputs: Inputs<'_>,
    ) -> Result<Vec<Vec<f32>>, DeviceError> {
        let copy = self.take(weights)?;
        let outputs = self.cpu.compute(program, &copy, inputs)?;
        self.copy = Some((weights.revision().clone(), copy));
        Ok(outputs)
    }

    fn fetch(&mut self, weights: &mut Weights) -> Result<(), DeviceError> {
        if weights.resident_on().is_some() {
            let copy = self.take(weights)?;
            weights.restore(copy.pages().clone());
            self.copy = Some((weights.revision().clone(), copy));
        }
        Ok(())
    }
}
