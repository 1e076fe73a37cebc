//! Why a custom op is rejected by its check.

use supernet_engine::device::DeviceError;
use supernet_engine::program::{OpError, named};
use supernet_plugin::Operand;

use crate::experiment::ExperimentError;

/// A custom op that does not do what the space declares.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpCheckError {
    /// Its kernels do not fit their operands.
    #[error(transparent)]
    Op(#[from] OpError),
    /// No node could be found to check it on.
    #[error(transparent)]
    Experiment(#[from] Box<ExperimentError>),
    /// The device failed, or a kernel wrote out of bounds.
    #[error("the op `{op}` failed in its kernel `{kernel}`: {error}")]
    Device {
        /// The op.
        op: String,
        /// The kernel.
        kernel: String,
        /// The error.
        error: DeviceError,
    },
    /// No node uses it.
    #[error("no random child has a node with the op `{op}`, so it cannot be checked")]
    Nowhere {
        /// The op.
        op: String,
    },
    /// The operands are too large for a check.
    #[error(
        "the op `{op}` is bound to {numbers} numbers at once, on its smallest node and a few samples, which is too much to \
         be tried: 67108864 are the limit; make its saved and scratch buffers smaller, or the space"
    )]
    Large {
        /// The op.
        op: String,
        /// Size of its largest operand, in numbers.
        numbers: u128,
    },
    /// A loop does not terminate.
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
    /// An element was not written.
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
        /// The first such element.
        element: usize,
        /// Number of elements.
        of: usize,
    },
    /// A value is not a finite number.
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
        /// The first such element.
        element: usize,
        /// Its value.
        value: f32,
    },
    /// The results of two runs differ.
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
        /// The first such element.
        element: usize,
        /// Both values.
        values: [f32; 2],
    },
    /// The gradient is not that of the value.
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
        /// The element.
        element: usize,
        /// The gradient of the kernel.
        got: f64,
        /// The gradient by finite differences.
        wanted: f64,
    },
    /// There is no point at which the gradient can be checked.
    #[error(
        "the gradient of the op `{op}` cannot be checked: {} has no derivative at {rough} of {points} points, where \
         differences to the left and to the right disagree; if the op is a step, declare its gradient a surrogate",
        named(*.operand)
    )]
    Rough {
        /// The op.
        op: String,
        /// The operand of the gradient.
        operand: Operand,
        /// Points without a derivative.
        rough: u32,
        /// Points that were tried.
        points: u32,
    },
}

impl OpCheckError {
    /// The op that caused the error, if there is one.
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
