//! Where programs run.

pub mod spec;
pub mod conformance;
pub mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;

use std::collections::BTreeMap;
use std::time::Duration;

use supernet_shaders::{Access, Call, Element, Role, Step};

use crate::program::{MemoryPlan, Program};
use crate::weights::Weights;

/// What a network reads of a minibatch.
#[derive(Clone, Copy, Debug)]
pub enum Inputs<'a> {
    /// Pixels of images, channels last (NHWC), standardised.
    Pixels(&'a [f32]),
    /// Tokens of a text, time first.
    Tokens(&'a [u32]),
}

/// Some samples: what the network reads, and what it is to answer.
#[derive(Clone, Copy, Debug)]
pub struct Minibatch<'a> {
    /// What the network reads.
    pub inputs: Inputs<'a>,
    /// A class for each image; for each token the one that follows it, time first.
    pub targets: &'a [u32],
}

/// What a program says about every sample of its minibatch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Cross-entropy in nats.
    pub loss: Vec<f32>,
    /// 1 where the label was found, else 0.
    pub correct: Vec<f32>,
}

/// What can go wrong on a device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No threads to be had.
    #[error("cannot start {threads} threads for the CPU device: {reason}; ask for fewer")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
    /// The newest weights are somewhere else.
    #[error(
        "the weights were last trained on {home} and are still there; fetch them from it first"
    )]
    Elsewhere {
        /// The device that has them.
        home: String,
    },
    /// No adapter at all.
    #[error(
        "there is no GPU that wgpu can use, and no driver that stands in for one; {driver}; or take the CPU device"
    )]
    NoGpu {
        /// What brings a driver.
        driver: &'static str,
    },
    /// No GPU support.
    #[error(
        "this build of supernet runs on the CPU only; build it with the feature `gpu`, or take the CPU device"
    )]
    NotBuilt,
    /// No adapter of that name.
    #[error("no GPU has `{name}` in its name; there are: {found}")]
    NoSuchGpu {
        /// What was asked for.
        name: String,
        /// What there is.
        found: String,
    },
    /// The device was made without what kernels need, or cannot have it.
    #[error("{device} lacks what the kernels need: {missing}")]
    Lacking {
        /// The device.
        device: String,
        /// Which limits.
        missing: String,
    },
    /// One buffer is larger than the device takes.
    #[error(
        "{device} takes buffers of at most {limit} bytes, and one of {bytes} is needed; lower `train.batch` and `score.batch`, or make the space smaller"
    )]
    TooLarge {
        /// The device.
        device: String,
        /// Bytes needed.
        bytes: u64,
        /// Bytes of the largest buffer.
        limit: u64,
    },
    /// The whole work is larger than the device.
    #[error(
        "this search needs {what} of {} MiB on {device}, which has {} MiB for it; {}", .needed >> 20, .had >> 20, fitting(*.batch)
    )]
    DoesNotFit {
        /// The device.
        device: String,
        /// A single value, or all memory.
        what: &'static str,
        /// Bytes needed.
        needed: u64,
        /// Bytes that the device has.
        had: u64,
        /// The largest batch that would fit; 0 if none would.
        batch: u32,
    },
    /// All buffers together are more than the device has.
    #[error(
        "{device} has no memory left; lower `train.batch` and `score.batch`, or make the space smaller"
    )]
    OutOfMemory {
        /// The device.
        device: String,
    },
    /// The device is gone.
    #[error(
        "{device} was lost ({reason}); what is on it is gone, the run folder is as the last event left it"
    )]
    Lost {
        /// The device.
        device: String,
        /// What its driver said.
        reason: String,
    },
    /// The device refuses something.
    #[error("{device} failed: {what}")]
    Gpu {
        /// The device.
        device: String,
        /// What its driver said.
        what: String,
    },
    /// More runs than the device can have under way.
    #[error("{device} has {depth} runs under way; ask for the samples of the oldest first")]
    TooManyUnderWay {
        /// The device.
        device: String,
        /// How many it takes.
        depth: usize,
    },
    /// A minibatch of another size than the program's.
    #[error("the program wants {inputs} numbers of inputs and {targets} targets, not {given:?}")]
    Minibatch {
        /// Numbers of all inputs.
        inputs: usize,
        /// Targets.
        targets: usize,
        /// What was given: both.
        given: [usize; 2],
    },
    /// An op of the space's own that the device cannot run.
    #[error(
        "the op `{op}` has no CPU function, so {device} cannot run it: take a GPU (`--device gpu`), or give it one (`CpuOp`)"
    )]
    NoCpuKernel {
        /// The device.
        device: String,
        /// The op.
        op: String,
    },
    /// An op of the space's own that failed.
    #[error("the CPU function of the op `{op}` failed in its kernel `{kernel}`: {reason}")]
    CpuKernel {
        /// The op.
        op: String,
        /// Its kernel.
        kernel: String,
        /// What it said.
        reason: String,
    },
    /// Samples without a run.
    #[error("samples were asked for, but no run is under way on {device}")]
    NothingUnderWay {
        /// The device that was asked.
        device: String,
    },
}

/// What runs have cost the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Runs.
    pub runs: u64,
    /// Dispatches.
    pub dispatches: u64,
    /// Dispatches by the kind of call that they serve.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Submits.
    pub submits: u64,
    /// Bytes uploaded, weights not counted.
    pub uploaded: u64,
    /// Time spent on uploading, encoding and submitting.
    pub encoding: Duration,
}

impl<'a> Inputs<'a> {
    /// How many numbers they are.
    pub fn len(self) -> usize {
        self.bits().len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.bits().is_empty()
    }

    /// The bits of every number, as a GPU takes them.
    pub(crate) fn bits(self) -> &'a [u32] {
        match self {
            Self::Pixels(pixels) => bytemuck::cast_slice(pixels),
            Self::Tokens(tokens) => tokens,
        }
    }

    /// The same for the kernels of the CPU, whose operands are all floats: those that take tokens
    /// read the bits.
    pub(crate) fn floats(self) -> &'a [f32] {
        bytemuck::cast_slice(self.bits())
    }
}

impl Minibatch<'_> {
    /// Whether the program runs on that many samples.
    fn fits(&self, program: &Program) -> Result<(), DeviceError> {
        let (inputs, targets) = (program.inputs, program.targets);
        let given = [self.inputs.len(), self.targets.len()];
        if given == [inputs, targets] {
            Ok(())
        } else {
            Err(DeviceError::Minibatch {
                inputs,
                targets,
                given,
            })
        }
    }
}

impl Counts {
    /// Adds other runs.
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.dispatches += other.dispatches;
        self.submits += other.submits;
        self.uploaded += other.uploaded;
        self.encoding += other.encoding;
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
    }
}

/// Operands that any call runs on: what it reads, what it writes. Whole numbers are all zero.
fn operands(call: &Call) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let roles = call.roles();
    let numbers = |role: &Role| {
        vec![
            if role.element == Element::F32 {
                0.5
            } else {
                0.0
            };
            role.len
        ]
    };
    let (reads, writes): (Vec<_>, Vec<_>) =
        roles.iter().partition(|role| role.access == Access::Read);
    (
        reads.into_iter().map(numbers).collect(),
        writes.into_iter().map(numbers).collect(),
    )
}

fn fitting(batch: u32) -> String {
    match batch {
        0 => "no batch would fit: make the space smaller".to_owned(),
        _ => format!("with `train.batch` and `score.batch` of at most {batch} it would fit"),
    }
}

/// Runs programs. Training needs the weights for itself; scoring only reads them.
///
/// A run is started, and its samples are asked for later, so that a device with a queue of its own
/// need not stand still in between. Runs take effect in the order in which they were started.
pub trait Device: Send {
    /// What a person calls it.
    fn name(&self) -> String;

    /// How many runs may be under way before [`Device::samples`] must be asked for the oldest
    /// one's; at least 1.
    fn depth(&self) -> usize {
        1
    }

    /// Makes room for runs of programs that fit `plan` with `weights`, and says how many bytes that
    /// takes.
    ///
    /// # Errors
    /// If it does not fit the device.
    fn reserve(&mut self, plan: &MemoryPlan, weights: &Weights) -> Result<u64, DeviceError> {
        Ok(plan.bytes() + weights.bytes())
    }

    /// Starts a training program: the weights that its child reads change, and their version counts
    /// up. The device may keep the new numbers to itself until [`Device::fetch`].
    ///
    /// # Errors
    /// If the device fails; the weights are then not to be trusted.
    fn train(
        &mut self,
        program: &Program,
        weights: &mut Weights,
        batch: Minibatch<'_>,
        step: &Step,
    ) -> Result<(), DeviceError>;

    /// Starts a scoring program.
    ///
    /// # Errors
    /// If the device fails.
    fn score(
        &mut self,
        program: &Program,
        weights: &Weights,
        batch: Minibatch<'_>,
    ) -> Result<(), DeviceError>;

    /// The samples of the oldest run that was not asked for yet; waits for it.
    ///
    /// # Errors
    /// If the device fails, or no run is under way.
    fn samples(&mut self, samples: &mut Samples) -> Result<(), DeviceError>;

    /// Runs a program that reads no labels, waits for it, and hands out its outputs in their order.
    /// Runs under way stay under way.
    ///
    /// # Errors
    /// If the device fails.
    fn compute(
        &mut self,
        program: &Program,
        weights: &Weights,
        inputs: Inputs<'_>,
    ) -> Result<Vec<Vec<f32>>, DeviceError>;

    /// Forgets the runs under way: nobody asks for their samples any more.
    fn forget(&mut self) {}

    /// What runs have cost the host since this was last asked; nothing on a device that is the
    /// host.
    fn counts(&mut self) -> Counts {
        Counts::default()
    }

    /// Brings weights and the optimiser's memory back from where they were trained; waits for all
    /// runs under way.
    ///
    /// # Errors
    /// If the device fails, or another device has them.
    fn fetch(&mut self, weights: &mut Weights) -> Result<(), DeviceError>;
}

/// A device whose kernels can be run one by one, to be held against the references.
pub trait Probe: Device {
    /// What its owner's report should say of it besides its name: (what, value).
    fn about(&self) -> Vec<(&'static str, String)>;

    /// Runs one call by itself on operands of its own: what it reads, then what it writes or
    /// updates in place. For holding the device against the references.
    ///
    /// # Errors
    /// If the device fails.
    fn call(
        &mut self,
        call: &Call,
        step: &Step,
        reads: &[&[f32]],
        writes: &mut [&mut [f32]],
    ) -> Result<(), DeviceError>;

    /// How long one call takes when it is run `times` in a row on operands of its own.
    ///
    /// # Errors
    /// If the device fails.
    fn time(&mut self, call: &Call, times: u32) -> Result<Duration, DeviceError>;
}
