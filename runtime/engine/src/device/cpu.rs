//! The CPU device: twins of the kernels on a pool of threads.

mod custom;

use std::ops::Range;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};
use supernet_shaders::cpu::{self, Workspace};
use supernet_shaders::{Call, Step};

use super::{Device, DeviceError, Inputs, Minibatch, Probe, Samples};
use crate::program::{Bound, MemoryPlan, Operand, Program, Slot};
use crate::weights::Weights;

/// More threads than any machine's cores only wait for each other.
const MOST_THREADS: usize = 1024;

/// Runs programs on this machine's processor.
pub struct Cpu {
    threads: ThreadPool,
    memory: Memory,
    /// The last run's samples, until they are asked for.
    done: Option<Samples>,
    /// Their memory afterwards, for the next run.
    spare: Samples,
}

/// What outlives a program, so that the next one finds its buffers already there.
#[derive(Default)]
struct Memory {
    /// Buffers of every size class.
    pool: Vec<Vec<Vec<f32>>>,
    workspace: Workspace,
    /// What scoring programs leave for the next window.
    states: Vec<Vec<f32>>,
    /// What a kernel of a space's own op writes.
    written: Vec<Vec<f32>>,
}

impl Cpu {
    /// A device with `threads` threads; 0 takes as many as the machine has cores. The results do
    /// not depend on it.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn new(threads: usize) -> Result<Self, DeviceError> {
        if threads > MOST_THREADS {
            let reason = format!("at most {MOST_THREADS} are of any use");
            return Err(DeviceError::Threads { threads, reason });
        }
        // Asked for here, since rayon would let an environment variable decide.
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
        Ok(plan.bytes() + weights.bytes())
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
        weights.version += 1;
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
            .ok_or_else(|| DeviceError::NothingUnderWay {
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

    /// Runs a program that leaves the weights alone.
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

/// The buffers that one call writes, taken out of their places while it runs so that it can read
/// all others. Two operands may lie in one buffer: gradients of two parameters in their page.
type Held = [Vec<f32>; 3];

/// What a call reads.
fn reads<'a>(
    pool: &'a [Vec<Vec<f32>>],
    states: &'a [Vec<f32>],
    bound: &Bound,
    program: &'a Program,
    weights: &'a Weights,
    batch: Minibatch<'a>,
) -> [&'a [f32]; 8] {
    let mut reads: [&[f32]; 8] = [&[]; 8];
    for (read, operand) in reads.iter_mut().zip(bound.reads()) {
        *read = match *operand {
            Operand::Value { slot, start, len } => {
                &pool[slot.class as usize][slot.index as usize][start as usize..][..len as usize]
            }
            Operand::Input => batch.inputs.floats(),
            Operand::Targets { start, len } => {
                bytemuck::cast_slice(&batch.targets[start as usize..][..len as usize])
            }
            Operand::State { index, len } => &states[index as usize][..len as usize],
            Operand::Weight(parameter) => weights.parameter(parameter),
            Operand::Gradient(parameter) => weights.gradient(parameter),
            Operand::WeightPage(page) => &weights.pages().values[page as usize],
            Operand::GradientPage(page) => &weights.pages().gradients[page as usize],
            Operand::StatePage { moment, page } => {
                &weights.pages().state[moment as usize][page as usize]
            }
            Operand::Touched(page) => bytemuck::cast_slice(&program.touched[page as usize]),
            Operand::Decayed(page) => {
                bytemuck::cast_slice(&weights.layout().decayed()[page as usize])
            }
        };
    }
    reads
}

/// Where a written operand lies in its buffer.
fn range(weights: &Weights, operand: Operand) -> Range<usize> {
    match operand {
        Operand::Value { start, len, .. } => start as usize..(start + len) as usize,
        Operand::State { len, .. } => 0..len as usize,
        Operand::Gradient(parameter) | Operand::Weight(parameter) => {
            let place = weights.layout().place(parameter);
            place.offset as usize..(place.offset + place.len) as usize
        }
        Operand::WeightPage(page) | Operand::StatePage { page, .. } => {
            0..weights.layout().pages()[page as usize] as usize
        }
        _ => 0..0,
    }
}

impl Memory {
    /// Sees to it that every slot of the program has its buffer.
    fn provide(&mut self, program: &Program) {
        self.provide_states(program);
        if self.pool.len() < program.slots.len() {
            self.pool.resize_with(program.slots.len(), Vec::new);
        }
        for (class, (buffers, wanted)) in self.pool.iter_mut().zip(&program.slots).enumerate() {
            while buffers.len() < *wanted as usize {
                buffers.push(vec![
                    0.0;
                    Slot {
                        class: class as u32,
                        index: 0
                    }
                    .capacity()
                ]);
            }
        }
    }

    /// Sees to it that every state that the program leaves has its buffer. A new one is not read
    /// before it is written.
    fn provide_states(&mut self, program: &Program) {
        self.states
            .resize_with(self.states.len().max(program.states.len()), Vec::new);
        for (state, len) in self.states.iter_mut().zip(&program.states) {
            state.resize(state.len().max(*len as usize), 0.0);
        }
    }

    fn train(
        &mut self,
        bound: &Bound,
        program: &Program,
        weights: &mut Weights,
        batch: Minibatch<'_>,
        step: &Step,
    ) {
        let mut held = self.take(bound, Some(weights));
        self.run(bound, program, weights, batch, step, &mut held);
        self.put_back(bound, Some(weights), held);
    }

    /// The buffer that a written operand lies in.
    fn home<'a>(
        &'a mut self,
        operand: Operand,
        weights: Option<&'a mut Weights>,
    ) -> Option<&'a mut Vec<f32>> {
        match (operand, weights) {
            (Operand::Value { slot, .. }, _) => {
                Some(&mut self.pool[slot.class as usize][slot.index as usize])
            }
            (Operand::Gradient(parameter), Some(weights)) => {
                let page = weights.layout().place(parameter).page;
                Some(&mut weights.pages_mut().gradients[page as usize])
            }
            (Operand::Weight(parameter), Some(weights)) => {
                let page = weights.layout().place(parameter).page;
                Some(&mut weights.pages_mut().values[page as usize])
            }
            (Operand::State { index, .. }, _) => Some(&mut self.states[index as usize]),
            (Operand::WeightPage(page), Some(weights)) => {
                Some(&mut weights.pages_mut().values[page as usize])
            }
            (Operand::StatePage { moment, page }, Some(weights)) => {
                Some(&mut weights.pages_mut().state[moment as usize][page as usize])
            }
            _ => None,
        }
    }

    fn take(&mut self, bound: &Bound, mut weights: Option<&mut Weights>) -> Held {
        let mut held = Held::default();
        for (place, operand) in held.iter_mut().zip(bound.writes()) {
            if let Some(home) = self.home(*operand, weights.as_deref_mut()) {
                *place = std::mem::take(home);
            }
        }
        held
    }

    fn put_back(&mut self, bound: &Bound, mut weights: Option<&mut Weights>, held: Held) {
        for (buffer, operand) in held.into_iter().zip(bound.writes()) {
            // An empty one was a second operand in a buffer that an earlier operand holds.
            if let (Some(home), false) = (
                self.home(*operand, weights.as_deref_mut()),
                buffer.is_empty(),
            ) {
                *home = buffer;
            }
        }
    }

    fn run(
        &mut self,
        bound: &Bound,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
        step: &Step,
        held: &mut Held,
    ) {
        let reads = reads(&self.pool, &self.states, bound, program, weights, batch);
        let range = |operand| range(weights, operand);
        let count = bound.writes().len();
        let mut writes: [&mut [f32]; 3] = [&mut [], &mut [], &mut []];
        let [first, second, third] = held;
        match *bound.writes() {
            // Two gradients in one page: the first operand holds the buffer for both.
            [a, b] if second.is_empty() => {
                if let Ok([a, b]) = first.get_disjoint_mut([range(a), range(b)]) {
                    writes = [a, b, &mut []];
                }
            }
            ref operands => {
                for ((write, buffer), operand) in
                    writes.iter_mut().zip([first, second, third]).zip(operands)
                {
                    *write = &mut buffer[range(*operand)];
                }
            }
        }
        cpu::run(
            &bound.call,
            step,
            &mut self.workspace,
            &reads[..bound.reads().len()],
            &mut writes[..count],
        );
    }

    fn read(&self, program: &Program, samples: &mut Samples) {
        for (output, numbers) in program
            .outputs
            .iter()
            .zip([&mut samples.loss, &mut samples.correct])
        {
            numbers.clear();
            numbers.extend_from_slice(self.value(*output));
        }
    }

    fn value(&self, operand: Operand) -> &[f32] {
        match operand {
            Operand::Value { slot, start, len } => {
                &self.pool[slot.class as usize][slot.index as usize][start as usize..]
                    [..len as usize]
            }
            _ => &[],
        }
    }
}
