//! Devices that run programs.

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

/// The inputs of a minibatch.
#[derive(Clone, Copy, Debug)]
pub enum Inputs<'a> {
    /// Pixels of images, channels last (NHWC), standardised.
    Pixels(&'a [f32]),
    /// Tokens of a text, time first.
    Tokens(&'a [u32]),
}

/// A minibatch: the inputs of the network and their targets.
#[derive(Clone, Copy, Debug)]
pub struct Minibatch<'a> {
    /// The inputs of the network.
    pub inputs: Inputs<'a>,
    /// One class per image; for text, the token that follows each token, time first.
    pub targets: &'a [u32],
    /// The weights of the program's mixtures, in the order of its
    /// [layout](crate::program::MixtureLayout); empty for a child.
    pub mixture: &'a [f32],
}

/// The results of a program for every sample of its minibatch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Cross-entropy in nats.
    pub loss: Vec<f32>,
    /// 1 if the prediction is correct, otherwise 0.
    pub correct: Vec<f32>,
    /// The gradient of the mean loss with respect to the weights of mixtures, in the order of the
    /// program's [layout](crate::program::MixtureLayout); empty if the program computes none. Not
    /// one number per sample.
    pub mixture: Vec<f32>,
}

/// Errors of a device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The system cannot start the threads.
    #[error("cannot start {threads} threads for the CPU device: {reason}; ask for fewer")]
    Threads {
        /// The requested number.
        threads: usize,
        /// The error of the system.
        reason: String,
    },
    /// The newest weights are on another device.
    #[error(
        "the weights were last trained on {home} and are still there; fetch them from it first"
    )]
    Elsewhere {
        /// The device that has them.
        home: String,
    },
    /// There is no adapter.
    #[error(
        "there is no GPU that wgpu can use, and no driver that stands in for one; {driver}; or take the CPU device"
    )]
    NoGpu {
        /// The package that provides a driver.
        driver: &'static str,
    },
    /// This build has no GPU support.
    #[error(
        "this build of supernet runs on the CPU only; build it with the feature `gpu`, or take the CPU device"
    )]
    NotBuilt,
    /// No adapter has that name.
    #[error("no GPU has `{name}` in its name; there are: {found}")]
    NoSuchGpu {
        /// The requested name.
        name: String,
        /// The available adapters.
        found: String,
    },
    /// The device was created without the limits that kernels need, or does not support them.
    #[error("{device} lacks what the kernels need: {missing}")]
    Lacking {
        /// The device.
        device: String,
        /// The missing limits.
        missing: String,
    },
    /// A single buffer exceeds the limit of the device.
    #[error(
        "{device} takes buffers of at most {limit} bytes, and one of {bytes} is needed; lower `train.batch` and `score.batch`, or make the space smaller"
    )]
    TooLarge {
        /// The device.
        device: String,
        /// Required size in bytes.
        bytes: u64,
        /// The largest buffer of the device in bytes.
        limit: u64,
    },
    /// The program does not fit the memory of the device.
    #[error(
        "this search needs {what} of {} MiB on {device}, which has {} MiB for it; {}", .needed >> 20, .had >> 20, fitting(*.batch)
    )]
    DoesNotFit {
        /// The device.
        device: String,
        /// A single value, or all memory.
        what: &'static str,
        /// Required size in bytes.
        needed: u64,
        /// Available size in bytes.
        had: u64,
        /// The largest batch that would fit; 0 if none would.
        batch: u32,
    },
    /// All buffers together exceed the memory of the device.
    #[error(
        "{device} has no memory left; lower `train.batch` and `score.batch`, or make the space smaller"
    )]
    OutOfMemory {
        /// The device.
        device: String,
    },
    /// The device is lost.
    #[error(
        "{device} was lost ({reason}); what is on it is gone, the run folder is as the last event left it"
    )]
    Lost {
        /// The device.
        device: String,
        /// The message of the driver.
        reason: String,
    },
    /// The device reports an error.
    #[error("{device} failed: {what}")]
    Gpu {
        /// The device.
        device: String,
        /// The message of the driver.
        what: String,
    },
    /// More pending runs than the device supports.
    #[error("{device} has {depth} runs in flight; ask for the samples of the oldest first")]
    TooManyUnderWay {
        /// The device.
        device: String,
        /// The largest number of pending runs.
        depth: usize,
    },
    /// The size of the minibatch does not match the program.
    #[error("the program wants {inputs} numbers of inputs and {targets} targets, not {given:?}")]
    Minibatch {
        /// Required length of all inputs.
        inputs: usize,
        /// Required number of targets.
        targets: usize,
        /// The given lengths of inputs and targets.
        given: [usize; 2],
    },
    /// The weights of mixtures do not match the program.
    #[error(
        "the program wants {wanted} weights of mixtures, not {given}; take them from its layout"
    )]
    Mixture {
        /// Required number.
        wanted: usize,
        /// The given number.
        given: usize,
    },
    /// The device cannot run a custom op.
    #[error(
        "the op `{op}` has no CPU function, so {device} cannot run it: take a GPU (`--device gpu`), or give it one (`CpuOp`)"
    )]
    NoCpuKernel {
        /// The device.
        device: String,
        /// The op.
        op: String,
    },
    /// A custom op failed.
    #[error("the CPU function of the op `{op}` failed in its kernel `{kernel}`: {reason}")]
    CpuKernel {
        /// The op.
        op: String,
        /// Its kernel.
        kernel: String,
        /// Its error message.
        reason: String,
    },
    /// Samples were requested without a run.
    #[error("samples were asked for, but no run is in flight on {device}")]
    NothingInFlight {
        /// The device.
        device: String,
    },
}

/// The cost of runs for the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Number of runs.
    pub runs: u64,
    /// Number of dispatches.
    pub dispatches: u64,
    /// Number of dispatches by kind of call.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Number of submissions.
    pub submits: u64,
    /// Uploaded bytes, not counting weights.
    pub uploaded: u64,
    /// Time spent on uploading, encoding and submitting.
    pub encoding: Duration,
}

impl<'a> Inputs<'a> {
    /// Number of pixels or tokens.
    pub fn len(self) -> usize {
        self.bits().len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.bits().is_empty()
    }

    /// The bits of every number, as a GPU reads them.
    pub(crate) fn bits(self) -> &'a [u32] {
        match self {
            Self::Pixels(pixels) => bytemuck::cast_slice(pixels),
            Self::Tokens(tokens) => tokens,
        }
    }

    /// The inputs as floats, for the CPU kernels, whose operands are all floats: kernels that take
    /// tokens read the bits.
    pub(crate) fn floats(self) -> &'a [f32] {
        bytemuck::cast_slice(self.bits())
    }
}

impl Minibatch<'_> {
    /// Checks that the sizes match those of the program.
    fn fits(&self, program: &Program) -> Result<(), DeviceError> {
        let (inputs, targets) = (program.inputs, program.targets);
        let given = [self.inputs.len(), self.targets.len()];
        if self.mixture.len() != program.mixture.len() {
            let (wanted, given) = (program.mixture.len(), self.mixture.len());
            Err(DeviceError::Mixture { wanted, given })
        } else if given == [inputs, targets] {
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
    /// Adds the cost of other runs.
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

/// Operands for timing any call: its reads and its writes. Integers are all zero.
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

/// Runs programs. Training needs exclusive access to the weights; scoring only reads them.
///
/// Starting a run and fetching its samples are separate, so that a device with a queue need not
/// idle in between. Runs take effect in the order in which they were started.
pub trait Device: Send {
    /// Display name.
    fn name(&self) -> String;

    /// How many runs may be pending before the samples of the oldest one must be fetched with
    /// [`Device::samples`]; at least 1.
    fn depth(&self) -> usize {
        1
    }

    /// Allocates memory for runs of programs that fit `plan` with `weights`, and returns its size
    /// in bytes.
    ///
    /// # Errors
    /// If the memory does not suffice.
    fn reserve(&mut self, plan: &MemoryPlan, weights: &Weights) -> Result<u64, DeviceError> {
        Ok(plan.bytes() + weights.bytes())
    }

    /// Starts a training program: the weights that its child reads change, and their version
    /// increases. The device may keep the new values to itself until [`Device::fetch`].
    ///
    /// # Errors
    /// If the device fails; the weights are then undefined.
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

    /// Waits for the oldest run whose samples were not fetched yet, and returns them in `samples`.
    ///
    /// # Errors
    /// If the device fails, or no run is pending.
    fn samples(&mut self, samples: &mut Samples) -> Result<(), DeviceError>;

    /// Runs a program that reads no targets, waits for it, and returns its outputs in order.
    /// Pending runs stay pending.
    ///
    /// # Errors
    /// If the device fails.
    fn compute(
        &mut self,
        program: &Program,
        weights: &Weights,
        inputs: Inputs<'_>,
    ) -> Result<Vec<Vec<f32>>, DeviceError>;

    /// Drops the pending runs: their samples will not be fetched.
    fn forget(&mut self) {}

    /// The host's cost of all runs since the last call; zero if the host itself is the device.
    fn counts(&mut self) -> Counts {
        Counts::default()
    }

    /// Copies weights and optimiser state back from the device that trained them; waits for all
    /// pending runs.
    ///
    /// # Errors
    /// If the device fails, or the newest weights are on another device.
    fn fetch(&mut self, weights: &mut Weights) -> Result<(), DeviceError>;
}

/// A device whose kernels can be run one by one, to compare them with the references.
pub trait Probe: Device {
    /// Details for a report besides the name: (what, value).
    fn about(&self) -> Vec<(&'static str, String)>;

    /// Runs a single call on the given operands: those that it reads, then those that it writes or
    /// updates in place. Used to compare the device with the references.
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

    /// The time of one call when it runs `times` times in sequence on generated operands.
    ///
    /// # Errors
    /// If the device fails.
    fn time(&mut self, call: &Call, times: u32) -> Result<Duration, DeviceError>;
}
