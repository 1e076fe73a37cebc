//! The CPU device: the CPU kernels on a thread pool.

mod custom;
mod memory;

use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};
use supernet_shaders::cpu;
use supernet_shaders::{Call, Step};

use super::{Device, DeviceError, Inputs, Minibatch, Probe, Samples};
use crate::program::{MemoryPlan, Program};
use crate::weights::Weights;
use memory::Memory;

/// More threads than this only wait for each other, on any machine.
const MOST_THREADS: usize = 1024;

/// Runs programs on the processor of this machine.
pub struct Cpu {
    threads: ThreadPool,
    memory: Memory,
    /// The last run's samples, until they are fetched.
    done: Option<Samples>,
    /// Memory of fetched samples, reused by the next run.
    spare: Samples,
}

impl Cpu {
    /// A device with `threads` threads; 0 means one per core. Results do not depend on the number.
    ///
    /// # Errors
    /// If the system cannot start the threads.
    pub fn new(threads: usize) -> Result<Self, DeviceError> {
        if threads > MOST_THREADS {
            let reason = format!("at most {MOST_THREADS} are of any use");
            return Err(DeviceError::Threads { threads, reason });
        }
        // Determined here, because rayon would consult an environment variable.
        let threads = if threads == 0 {
            available_parallelism().map_or(1, usize::from)
        } else {
            threads
        };
        let builder = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("supernet-cpu-{i}"));
        let pool = builder.build().map_err(|error| DeviceError::Threads {
            threads,
            reason: error.to_string(),
        })?;
        Ok(Self {
            threads: pool,
            memory: Memory::default(),
            done: None,
            spare: Samples::default(),
        })
    }
}

impl Device for Cpu {
    fn name(&self) -> String {
        "cpu".to_owned()
    }

    fn reserve(&mut self, plan: &MemoryPlan, weights: &Weights) -> Result<u64, DeviceError> {
        for call in &plan.calls {
            if let Call::Custom(run) = call {
                custom::cpu_kernel(run)?;
            }
        }
        // The gradients of the passes before are kept beside the copy and its own.
        let moved = if plan.moved {
            4 * weights.page_bytes()
        } else {
            0
        };
        Ok(plan.bytes() + weights.bytes() + moved)
    }

    fn train(
        &mut self,
        program: &Program,
        weights: &mut Weights,
        batch: Minibatch<'_>,
        step: &Step,
    ) -> Result<(), DeviceError> {
        self.ready(program, weights, batch)?;
        let memory = &mut self.memory;
        memory.provide(program);
        self.threads.install(|| {
            program
                .calls
                .iter()
                .try_for_each(|bound| match &bound.call {
                    Call::Custom(custom) => {
                        memory.custom(custom, bound, program, weights, batch)?;
                        memory.keep(bound, Some(weights));
                        Ok(())
                    }
                    _ => {
                        memory.train(bound, program, weights, batch, step);
                        Ok(())
                    }
                })
        })?;
        weights.version += u64::from(program.updates());
        memory.read(program, self.done.insert(std::mem::take(&mut self.spare)));
        Ok(())
    }

    fn score(
        &mut self,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
    ) -> Result<(), DeviceError> {
        self.ready(program, weights, batch)?;
        self.read_only(program, weights, batch)?;
        self.memory
            .read(program, self.done.insert(std::mem::take(&mut self.spare)));
        Ok(())
    }

    fn compute(
        &mut self,
        program: &Program,
        weights: &Weights,
        inputs: Inputs<'_>,
    ) -> Result<Vec<Vec<f32>>, DeviceError> {
        let batch = Minibatch {
            inputs,
            targets: &[],
            mixture: &[],
        };
        batch.fits(program)?;
        at_hand(weights)?;
        self.read_only(program, weights, batch)?;
        Ok(program
            .outputs
            .iter()
            .map(|output| self.memory.value(*output).to_vec())
            .collect())
    }

    fn forget(&mut self) {
        self.done = None;
    }

    fn samples(&mut self, samples: &mut Samples) -> Result<(), DeviceError> {
        let done = self
            .done
            .take()
            .ok_or_else(|| DeviceError::NothingInFlight {
                device: self.name(),
            })?;
        self.spare = std::mem::replace(samples, done);
        Ok(())
    }

    fn fetch(&mut self, weights: &mut Weights) -> Result<(), DeviceError> {
        at_hand(weights)
    }
}

impl Probe for Cpu {
    fn about(&self) -> Vec<(&'static str, String)> {
        vec![("threads", self.threads.current_num_threads().to_string())]
    }

    fn call(
        &mut self,
        call: &Call,
        step: &Step,
        reads: &[&[f32]],
        writes: &mut [&mut [f32]],
    ) -> Result<(), DeviceError> {
        if let Call::Custom(run) = call {
            return self.threads.install(|| custom::run(run, reads, writes));
        }
        self.threads
            .install(|| cpu::run(call, step, &mut self.memory.workspace, reads, writes));
        Ok(())
    }

    fn time(&mut self, call: &Call, times: u32) -> Result<Duration, DeviceError> {
        let (reads, mut writes) = super::operands(call);
        let reads: Vec<&[f32]> = reads.iter().map(|x| &x[..]).collect();
        let mut writes: Vec<&mut [f32]> = writes.iter_mut().map(|y| &mut y[..]).collect();
        let step = Step {
            rate: 0.1,
            number: 1,
            update: 1,
            seed: 0,
            drop_path: 0.0,
        };
        let began = Instant::now();
        for _ in 0..times {
            self.call(call, &step, &reads, &mut writes)?;
        }
        Ok(began.elapsed() / times.max(1))
    }
}

impl Cpu {
    /// Whether a run can start.
    fn ready(
        &self,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
    ) -> Result<(), DeviceError> {
        if self.done.is_some() {
            return Err(DeviceError::TooManyUnderWay {
                device: self.name(),
                depth: self.depth(),
            });
        }
        batch.fits(program)?;
        at_hand(weights)
    }

    /// Runs a program that does not change the weights.
    fn read_only(
        &mut self,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
    ) -> Result<(), DeviceError> {
        // No call of such a program reads the step.
        let step = Step {
            rate: 0.0,
            number: 0,
            update: 0,
            seed: 0,
            drop_path: 0.0,
        };
        let memory = &mut self.memory;
        memory.provide(program);
        self.threads.install(|| {
            program.calls.iter().try_for_each(|bound| {
                if let Call::Custom(custom) = &bound.call {
                    memory.custom(custom, bound, program, weights, batch)?;
                    memory.keep(bound, None);
                    return Ok(());
                }
                let mut held = memory.take(bound, None);
                memory.run(bound, program, weights, batch, &step, &mut held);
                memory.put_back(bound, None, held);
                Ok(())
            })
        })
    }
}

fn at_hand(weights: &Weights) -> Result<(), DeviceError> {
    weights.resident_on().map_or(Ok(()), |home| {
        Err(DeviceError::Elsewhere {
            home: home.to_string(),
        })
    })
}
