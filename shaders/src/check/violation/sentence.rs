//! The message of each violation.

use std::fmt::{Display, Formatter, Result};

use super::Violation;
use crate::check::calls::{MOST_CALL_DEPTH, MOST_CALLS};
use crate::check::fuel::RESERVED;
use crate::check::limits::{
    MOST_AXES, MOST_BUFFERS, MOST_INVOCATIONS, MOST_OP_BUFFERS, MOST_PRIVATE_BYTES,
    MOST_WORKGROUP_BYTES, STEP_BYTES,
};
use crate::check::text::{MOST_DECLARATIONS, MOST_DEPTH, MOST_SOURCE, MOST_STATEMENTS};
use crate::kernel::{FIRST_BUFFER, MOST_GROUPS, SLOT};

impl Display for Violation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        use Violation::*;
        let axis = |axis: &usize| ["x", "y", "z"][*axis];
        match self {
            Syntax { frame } => write!(f, "this is not WGSL\n{frame}"),
            Invalid { frame } => write!(f, "this is not valid\n{frame}"),
            Group { name, got } => {
                write!(f, "`{name}` is in group {got}; kernels have group 0 alone")
            }
            SharedBinding {
                names: [a, b],
                binding,
            } => write!(f, "`{a}` and `{b}` share binding {binding}"),
            NoEntry { entries } if entries.is_empty() => {
                write!(
                    f,
                    "there is no such entry point; the module has none, no function of it is marked @compute"
                )
            }
            NoEntry { entries } => write!(
                f,
                "there is no such entry point; the module has {}",
                entries.join(", ")
            ),
            NotCompute => write!(f, "the entry point is not @compute"),
            Missed {
                what,
                function,
                line,
            } => {
                write!(f, "not all {what} in line {line}, in `{function}`")
            }
            Space { name } => {
                write!(
                    f,
                    "`{name}` is neither a uniform nor a storage buffer, which is all a kernel may bind"
                )
            }
            NoUniform { name, binding } => write!(
                f,
                "the entry point reads no uniform `{name}` at binding {binding}"
            ),
            StrayStep => write!(
                f,
                "the entry point reads the uniform `step`, its kernel says that it does not"
            ),
            UniformName { name, got, binding } => {
                write!(
                    f,
                    "the uniform at binding {binding} is `{got}`, it should be `{name}`"
                )
            }
            EarlyBinding { name, binding } => {
                write!(
                    f,
                    "the kernel lists `{name}` at binding {binding}; buffers begin at {FIRST_BUFFER}"
                )
            }
            BuffersShareBinding { binding } => {
                write!(f, "the kernel lists two buffers at binding {binding}")
            }
            Unlisted { name, binding } => {
                write!(
                    f,
                    "the entry point uses `{name}` at binding {binding}, which its kernel does not list"
                )
            }
            Unused { name, binding } => {
                write!(
                    f,
                    "the kernel lists `{name}` at binding {binding}, which its entry point does not use"
                )
            }
            Name { name, got, binding } => {
                write!(
                    f,
                    "binding {binding} is `{got}` in the module and `{name}` in the kernel's list"
                )
            }
            Access {
                name,
                written: true,
            } => {
                write!(
                    f,
                    "`{name}` is listed as written; the module declares it as read"
                )
            }
            Access {
                name,
                written: false,
            } => {
                write!(
                    f,
                    "`{name}` is listed as read; the module declares it as read_write"
                )
            }
            NeverWritten { name } => write!(
                f,
                "`{name}` is listed as written, and no statement writes it"
            ),
            Length { name } => {
                write!(
                    f,
                    "`{name}` is asked for its length, but buffers may be longer than operands; compare with `sizes`"
                )
            }
            Array { name } => {
                write!(
                    f,
                    "`{name}` is not an array, without a length, of f32, u32, or vectors or atomics of these"
                )
            }
            Sizes { bytes, given } => {
                write!(f, "`sizes` takes {bytes} bytes, the call gives {given}")
            }
            Slot { bytes } => write!(
                f,
                "the call gives {bytes} bytes of sizes; a slot holds {SLOT}"
            ),
            StepBytes { bytes } => write!(f, "`step` takes {bytes} bytes; there are {STEP_BYTES}"),
            Places { buffers, places } => write!(
                f,
                "the kernel has {buffers} buffers, the dispatch binds {places}"
            ),
            NoOperand {
                name,
                operand,
                operands,
            } => {
                write!(
                    f,
                    "`{name}` is bound to operand {operand}; the call has {operands}"
                )
            }
            NoScratch {
                name,
                scratch,
                pieces,
            } => {
                write!(
                    f,
                    "`{name}` is bound to piece {scratch} of scratch; the call has {pieces}"
                )
            }
            NoRole { name, role } => write!(f, "`{name}` is bound to the operand `{role}`"),
            ReadIsWritten { name, role } => write!(
                f,
                "`{name}` is written; the call only reads the operand `{role}`"
            ),
            WrittenIsRead { name, role } => {
                write!(
                    f,
                    "`{name}` is only read; it is bound to the operand `{role}`, which the call writes"
                )
            }
            ReadBeforeWritten { name } => {
                write!(
                    f,
                    "`{name}` is read besides written, and what it holds at first is left over from another call"
                )
            }
            Element { name, role } => write!(
                f,
                "the elements of `{name}` are not those of the operand `{role}`"
            ),
            Ragged { name, len, lanes } => {
                write!(
                    f,
                    "`{name}` is an array of vectors of {lanes}, bound to {len} elements, which end within one"
                )
            }
            Aliased { names: [a, b] } => write!(
                f,
                "`{a}` and `{b}` are bound to the same buffer, and one is written"
            ),
            UnknownOverride { name } => {
                write!(
                    f,
                    "the dispatch sets the override `{name}`, which the module does not have"
                )
            }
            RepeatedOverride { name } => write!(f, "the dispatch sets the override `{name}` twice"),
            MissingOverride { name } => {
                write!(
                    f,
                    "the override `{name}` has no default, and the dispatch does not set it"
                )
            }
            Override { message } => write!(f, "the overrides do not fit the module: {message}"),
            Axis { axis: a, got } => {
                write!(
                    f,
                    "a workgroup has {got} invocations along {}; between 1 and {} are allowed",
                    axis(a),
                    MOST_AXES[*a]
                )
            }
            Invocations { got } => {
                write!(
                    f,
                    "a workgroup has {got} invocations; at most {MOST_INVOCATIONS} are allowed"
                )
            }
            WorkgroupBytes { got } => {
                write!(
                    f,
                    "a workgroup has {got} bytes of memory; at most {MOST_WORKGROUP_BYTES} are allowed"
                )
            }
            Buffers { got } => write!(
                f,
                "the kernel binds {got} storage buffers; at most {MOST_BUFFERS} are allowed"
            ),
            Grid { axis: a, got } => {
                write!(
                    f,
                    "the grid has {got} workgroups along {}; between 1 and {MOST_GROUPS} are allowed",
                    axis(a)
                )
            }
            LanesUnset => write!(
                f,
                "the entry point uses subgroups, its kernel does not say of how many lanes"
            ),
            LanesUnused { lanes } => {
                write!(
                    f,
                    "the kernel wants subgroups of {lanes} lanes, its entry point uses none"
                )
            }
            PartialSubgroup { lanes, invocations } => {
                write!(
                    f,
                    "{invocations} invocations of a workgroup are no whole number of subgroups of {lanes} lanes"
                )
            }
            NeverWrittenRole { role } => write!(
                f,
                "the call writes the operand `{role}`, and no dispatch of it does"
            ),
            UnwrittenScratch { name, scratch } => {
                write!(
                    f,
                    "`{name}` reads piece {scratch} of scratch, which no dispatch before has written"
                )
            }
            EmptyScratch { scratch } => {
                write!(
                    f,
                    "piece {scratch} of scratch is empty, and empty buffers cannot be bound"
                )
            }
            Translation { to, message } => write!(f, "there is no translation to {to}: {message}"),
            Source { bytes } => {
                write!(
                    f,
                    "the source has {bytes} bytes, of which at most {MOST_SOURCE} are read; shorten it or split the op"
                )
            }
            Depth => {
                write!(
                    f,
                    "brackets, operators and `else` are nested more than {MOST_DEPTH} deep; name parts of long \
                     expressions with `let`, move inner blocks into functions, turn chains of `else if` into a `switch`"
                )
            }
            Declarations { got } => {
                write!(
                    f,
                    "the source declares {got} things outside functions; at most {MOST_DECLARATIONS} are allowed, so \
                     join some or split the op"
                )
            }
            Statements { got } => {
                write!(
                    f,
                    "the source has {got} statements; at most {MOST_STATEMENTS} are allowed, so use loops or split the op"
                )
            }
            Panicked { message } => {
                write!(
                    f,
                    "the WGSL compiler fails on this source, by no fault that it could name: {message}"
                )
            }
            PrivateBytes { got } => {
                write!(
                    f,
                    "an invocation has {got} bytes of its own memory; at most {MOST_PRIVATE_BYTES} are allowed: put large \
                     arrays into scratch"
                )
            }
            OpBuffers { got } => {
                write!(
                    f,
                    "the entry point uses {got} storage buffers; at most {MOST_OP_BUFFERS} are allowed in an op, so \
                     split it in two or join buffers"
                )
            }
            Numbered { name } => {
                write!(
                    f,
                    "the override `{name}` has an @id, but overrides are set by their names; leave the @id out"
                )
            }
            Reserved { name } => {
                write!(
                    f,
                    "`{name}` begins with `{RESERVED}`, as only names of the host may; rename it"
                )
            }
            Calls { got } => {
                write!(
                    f,
                    "the entry point makes {got} calls of functions, by way of those it calls; at most {MOST_CALLS} are \
                     allowed, so use a loop instead of functions that call others twice"
                )
            }
            CallDepth { got } => {
                write!(
                    f,
                    "the entry point calls functions that call functions, {got} deep; at most {MOST_CALL_DEPTH} are \
                     allowed, so write some of them out where they are called"
                )
            }
            Tangled => {
                write!(
                    f,
                    "calls and branches are too tangled to find out whether all invocations reach the barriers; use \
                     fewer functions and fewer variables that change"
                )
            }
            Unfuelled { line } => {
                write!(
                    f,
                    "the loop in line {line} cannot be given an end of its own; write it as a plain `loop`"
                )
            }
        }
    }
}
