//! CPU kernels of custom ops, by the provider of the space.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use supernet_plugin::{CpuCall, Operand, Setting, cpu_op};
use supernet_shaders::catalogue::{CpuKernel, Run};

use super::dynamic::Loaded;
use crate::results::format::panic_message;

/// The source of CPU kernels for custom ops.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CpuOps {
    /// The functions of crates that are linked into this program.
    Linked,
    /// Those of a plugin.
    Plugin(&'static Loaded),
    /// None: a space that is data has only WGSL.
    None,
}

impl CpuOps {
    /// The CPU kernel of an op.
    pub(crate) fn cpu_kernel(self, op: &str) -> Option<&'static dyn CpuKernel> {
        match self {
            // Two with one name are not rejected here: the error occurs when the op runs.
            CpuOps::Linked => {
                (!matches!(cpu_op(op), Ok(None))).then_some(&Linked as &dyn CpuKernel)
            }
            CpuOps::Plugin(plugin) => plugin.runs(op).then_some(plugin as &dyn CpuKernel),
            CpuOps::None => None,
        }
    }
}

/// The ops of crates that are linked into this program.
#[derive(Debug)]
pub(super) struct Linked;

impl CpuKernel for Linked {
    fn run(&self, run: &Run, reads: &[&[f32]], writes: &mut [&mut [f32]]) -> Result<(), String> {
        let (op, kernel) = (run.op, run.name);
        let Some(entry) = cpu_op(op).map_err(|error| error.to_string())? else {
            return Err("nobody registered a function for it; register a `CpuOp`".to_owned());
        };
        let attributes: BTreeMap<String, Setting> =
            serde_json::from_str(&run.attributes).map_err(|error| error.to_string())?;
        let (reads, writes) = operands(run, reads, writes);
        let mut call = CpuCall::new(kernel, &attributes, &run.dims, run.counts, &reads, writes);
        // State that a panic left inconsistent is not used: the run has failed.
        match catch_unwind(AssertUnwindSafe(|| (entry.run)(&mut call))) {
            Ok(done) => done,
            Err(panic) => Err(format!("it panicked, and said: {}", panic_message(&*panic))),
        }
    }
}

impl CpuKernel for Loaded {
    fn run(&self, run: &Run, reads: &[&[f32]], writes: &mut [&mut [f32]]) -> Result<(), String> {
        let (reads, mut writes) = operands(run, reads, writes);
        let done = self.host.run_op(
            run.op,
            run.name,
            &run.attributes,
            &run.dims,
            run.counts,
            &reads,
            &mut writes,
        );
        done.map_err(|error| format!("{error} (the plugin is {})", self.path.display()))
    }
}

type Reads<'a> = Vec<(Operand, &'a [f32])>;
type Writes<'a> = Vec<(Operand, &'a mut [f32])>;

/// The operands of a run, with the names that the space gives them.
fn operands<'a>(
    run: &Run,
    reads: &[&'a [f32]],
    writes: &'a mut [&mut [f32]],
) -> (Reads<'a>, Writes<'a>) {
    let mut named = run
        .operands
        .iter()
        .map(|code| Operand::from_code(*code).unwrap_or(Operand::Dims));
    let reads = reads
        .iter()
        .copied()
        .zip(named.by_ref().take(reads.len()).collect::<Vec<_>>());
    let reads = reads.map(|(read, operand)| (operand, read)).collect();
    let writes = writes
        .iter_mut()
        .zip(named)
        .map(|(write, operand)| (operand, &mut **write))
        .collect();
    (reads, writes)
}
