//! Why an op is refused after it was tried out.

use supernet_engine::device::DeviceError;
use supernet_engine::program::{OpError, named};
use supernet_plugin::Operand;

use crate::experiment::ExperimentError;

/// An op of the space's own that does not do what the space says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpCheckError {
    /// Its kernels do not fit what they are bound to.
    #[error(transparent)]
    Op(#[from] OpError),
    /// No node could be found to try it on.
    #[error(transparent)]
    Experiment(#[from] Box<ExperimentError>),
    /// The device failed, or a kernel wrote where nothing of its own is.
    #[error("the op `{op}` failed in its kernel `{kernel}`: {error}")]
    Device {
        /// The op.
        op: String,
        /// The kernel.
        kernel: String,
        /// What happened.
        error: DeviceError,
    },
    /// No node has it.
    #[error("the op `{op}` stands in no node that a random child has, so it cannot be tried")]
    Nowhere {
        /// The op.
        op: String,
    },
    /// Too much to be tried.
    #[error(
        "the op `{op}` is bound to {numbers} numbers at once, on its smallest node and a few samples, which is too much to \
         be tried: 67108864 are the limit; make its saved and scratch buffers smaller, or the space"
    )]
    Large {
        /// The op.
        op: String,
        /// Numbers of its largest operand.
        numbers: u128,
    },
    /// A loop did not end.
    #[error(
        "the op `{op}` has a loop that does not end: its kernel `{kernel}` was stopped after {rounds} rounds of an \
         invocation's loops; loop over what `dims` says"
    )]
    Endless {
        /// The op.
        op: String,
        /// The kernel.
        kernel: String,
        /// The limit.
        rounds: u64,
    },
    /// An element was left as it was.
    #[error(
        "the op `{op}` leaves gaps: its kernel `{kernel}` must write all {of} numbers of {}, and did not write number {element}",
        named(*.operand)
    )]
    Unwritten {
        /// The op.
        op: String,
        /// The kernel.
        kernel: String,
        /// Which operand.
        operand: Operand,
        /// The first such number.
        element: usize,
        /// How many there are.
        of: usize,
    },
    /// Not a number.
    #[error(
        "the op `{op}` gives {value}: its kernel `{kernel}` does for number {element} of {}, on ordinary numbers (normally \
         distributed); guard against logarithms, roots and divisions of what may be zero or negative",
        named(*.operand)
    )]
    NotFinite {
        /// The op.
        op: String,
        /// The kernel.
        kernel: String,
        /// Which operand.
        operand: Operand,
        /// The first such number.
        element: usize,
        /// What it is.
        value: f32,
    },
    /// Not the same again.
    #[error(
        "the op `{op}` is not the same twice: on the same operands, number {element} of {} was {} and then {}; it reads \
         something before it writes it, or two invocations write one number",
        named(*.operand), .values[0], .values[1]
    )]
    Unstable {
        /// The op.
        op: String,
        /// Which operand.
        operand: Operand,
        /// The first such number.
        element: usize,
        /// Both values.
        values: [f32; 2],
    },
    /// Another gradient than that of the value.
    #[error(
        "the op `{op}` has a wrong gradient: number {element} of {} is {got} by its kernel and {wanted} by finite \
         differences; correct it, or declare the gradient a surrogate if that is meant",
        named(*.operand)
    )]
    Gradient {
        /// The op.
        op: String,
        /// Which operand.
        operand: Operand,
        /// Which number.
        element: usize,
        /// What the kernel gave.
        got: f64,
        /// What finite differences give.
        wanted: f64,
    },
    /// Nothing to hold the gradient against.
    #[error(
        "the gradient of the op `{op}` cannot be checked: {} has no derivative at {rough} of {points} points, where \
         differences to the left and to the right disagree; if the op is a step, declare its gradient a surrogate",
        named(*.operand)
    )]
    Rough {
        /// The op.
        op: String,
        /// By which operand.
        operand: Operand,
        /// Points without a derivative.
        rough: u32,
        /// Points that were looked at.
        points: u32,
    },
}

impl OpCheckError {
    /// The op, if one is to blame.
    pub fn op(&self) -> Option<&str> {
        match self {
            OpCheckError::Op(error) => Some(&error.op),
            OpCheckError::Experiment(_) => None,
            OpCheckError::Device { op, .. }
            | OpCheckError::Nowhere { op }
            | OpCheckError::Large { op, .. }
            | OpCheckError::Endless { op, .. }
            | OpCheckError::Unwritten { op, .. }
            | OpCheckError::NotFinite { op, .. }
            | OpCheckError::Unstable { op, .. }
            | OpCheckError::Gradient { op, .. }
            | OpCheckError::Rough { op, .. } => Some(op),
        }
    }
}
