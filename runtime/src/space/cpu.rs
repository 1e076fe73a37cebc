//! A space's own ops on the CPU, by whoever brought the space.

#![cfg_attr(not(test), expect(dead_code, reason = "no program calls a space's own ops yet"))]

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use supernet_plugin::{CpuCall, Operand, Setting, cpu_op};

use super::Plugin;

/// One run of one kernel of a space's own op.
#[derive(Debug)]
pub(crate) struct OpRun<'a> {
    /// The op.
    pub(crate) op: &'a str,
    /// Its kernel's entry point.
    pub(crate) kernel: &'a str,
    /// Those of the node.
    pub(crate) attributes: &'a BTreeMap<String, Setting>,
    /// The words of [`Operand::Dims`].
    pub(crate) dims: &'a [u32],
    /// How many inputs and params the op has.
    pub(crate) counts: [u32; 2],
}

/// What runs a space's own ops on the CPU. An error is a sentence.
pub(crate) trait CpuOps: Send + Sync + Debug {
    /// Whether it runs this op.
    fn has(&self, op: &str) -> bool;

    /// Runs a kernel.
    fn run(
        &self,
        run: &OpRun<'_>,
        reads: &[(Operand, &[f32])],
        writes: Vec<(Operand, &mut [f32])>,
    ) -> Result<(), String>;
}

/// The ops of crates that are linked into this program.
#[derive(Debug)]
pub(crate) struct Linked;

impl CpuOps for Linked {
    fn has(&self, op: &str) -> bool {
        // Two of one name count: running says what is wrong.
        !matches!(cpu_op(op), Ok(None))
    }

    fn run(
        &self,
        run: &OpRun<'_>,
        reads: &[(Operand, &[f32])],
        writes: Vec<(Operand, &mut [f32])>,
    ) -> Result<(), String> {
        let OpRun { op, kernel, attributes, dims, counts } = *run;
        let Some(entry) = cpu_op(op).map_err(|error| error.to_string())? else { return Err(missing(op)) };
        let mut call = CpuCall::new(kernel, attributes, dims, counts, reads, writes);
        // Whatever the panic left half written is not used: the run has failed.
        let done = catch_unwind(AssertUnwindSafe(|| (entry.run)(&mut call)));
        match done {
            Ok(done) => done.map_err(|why| format!("the op `{op}` cannot run `{kernel}` on the CPU: {why}")),
            Err(panic) => Err(format!("the op `{op}` panicked in `{kernel}` on the CPU, and said: {}", said(&*panic))),
        }
    }
}

impl CpuOps for Plugin {
    fn has(&self, op: &str) -> bool {
        self.description().cpu_ops.iter().any(|known| known == op)
    }

    fn run(
        &self,
        run: &OpRun<'_>,
        reads: &[(Operand, &[f32])],
        mut writes: Vec<(Operand, &mut [f32])>,
    ) -> Result<(), String> {
        let OpRun { op, kernel, attributes, dims, counts } = *run;
        let attributes = serde_json::to_string(attributes).map_err(|error| error.to_string())?;
        let done = self.host().run_op(op, kernel, &attributes, dims, counts, reads, &mut writes);
        done.map_err(|error| {
            format!("the op `{op}` of the plugin {} cannot run `{kernel}` on the CPU: {error}", self.path().display())
        })
    }
}

/// A space that is data: its ops are WGSL.
#[derive(Debug)]
pub(crate) struct NoCpuOps;

impl CpuOps for NoCpuOps {
    fn has(&self, _: &str) -> bool {
        false
    }

    fn run(&self, run: &OpRun<'_>, _: &[(Operand, &[f32])], _: Vec<(Operand, &mut [f32])>) -> Result<(), String> {
        Err(missing(run.op))
    }
}

fn missing(op: &str) -> String {
    format!("nobody registered a function that runs the op `{op}` on the CPU; search on a GPU, or register a `CpuOp`")
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let said = panic.downcast_ref::<&str>().copied();
    said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("nothing")
}
