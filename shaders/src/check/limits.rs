//! What the smallest GPU takes: WebGPU's default limits.

use naga::compact::{KeepUnused, compact};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module};

use super::Violation;
use super::entry::Resolved;
use crate::kernel::{Dispatch, Kernel, MOST_GROUPS};

/// Most invocations of a workgroup.
pub const MOST_INVOCATIONS: u32 = 256;
/// Most invocations of a workgroup along x, y and z.
pub(super) const MOST_AXES: [u32; 3] = [256, 256, 64];
/// Most bytes of a workgroup's memory.
pub const MOST_WORKGROUP_BYTES: u32 = 16 << 10;
/// Most bytes of an invocation's own memory: what is private to it, and what its functions hold.
pub(super) const MOST_PRIVATE_BYTES: u64 = 8 << 10;
/// Most storage buffers of a kernel.
pub const MOST_BUFFERS: usize = 8;
/// Most storage buffers of an op that a search space brings along: one more is the host's while it
/// tries the op.
pub const MOST_OP_BUFFERS: usize = MOST_BUFFERS - 1;
/// Bytes of the uniform with what changes from step to step.
pub(super) const STEP_BYTES: usize = 32;

/// Whether a grid is one that any GPU runs.
pub(super) fn check_grid(dispatch: &Dispatch) -> Result<(), Violation> {
    let outside = |groups: &u32| !(1..=MOST_GROUPS).contains(groups);
    match dispatch.groups.iter().position(outside) {
        Some(axis) => Err(Violation::Grid {
            axis,
            got: dispatch.groups[axis],
        }),
        None => Ok(()),
    }
}

/// Whether workgroups are such that any GPU runs them; their size.
pub(super) fn check_workgroup(resolved: &Resolved) -> Result<[u32; 3], Violation> {
    let size = resolved.point().0.workgroup_size;
    if let Some(axis) = (0..3).find(|axis| !(1..=MOST_AXES[*axis]).contains(&size[*axis])) {
        return Err(Violation::Axis {
            axis,
            got: size[axis],
        });
    }
    let invocations = size.iter().product();
    if invocations > MOST_INVOCATIONS {
        return Err(Violation::Invocations { got: invocations });
    }
    let got = workgroup_bytes(resolved);
    if got > MOST_WORKGROUP_BYTES {
        return Err(Violation::WorkgroupBytes { got });
    }
    Ok(size)
}

/// Whether the kernel is such that any GPU runs it.
pub(super) fn check(resolved: &Resolved, kernel: &Kernel) -> Result<(), Violation> {
    let invocations: u32 = check_workgroup(resolved)?.iter().product();
    let got = kernel.buffers.len();
    if got > MOST_BUFFERS {
        return Err(Violation::Buffers { got });
    }
    match (kernel.lanes, uses_subgroups(resolved)) {
        (None, true) => Err(Violation::LanesUnset),
        (Some(lanes), false) => Err(Violation::LanesUnused { lanes }),
        (Some(lanes), true) if !invocations.is_multiple_of(lanes.max(1)) => {
            Err(Violation::PartialSubgroup { lanes, invocations })
        }
        _ => Ok(()),
    }
}

/// Whether an invocation's own memory is as small as WGSL promises that it may be.
pub(super) fn check_private(module: &Module) -> Result<(), Violation> {
    let bytes =
        |ty: naga::Handle<naga::Type>| u64::from(module.types[ty].inner.size(module.to_ctx()));
    let private = module
        .global_variables
        .iter()
        .filter(|(_, variable)| variable.space == AddressSpace::Private);
    let private: u64 = private.map(|(_, variable)| bytes(variable.ty)).sum();
    let functions = module.functions.iter().map(|(_, function)| function);
    let functions = functions.chain(module.entry_points.iter().map(|entry| &entry.function));
    let locals = functions.map(|function| {
        function
            .local_variables
            .iter()
            .map(|(_, local)| bytes(local.ty))
            .sum::<u64>()
    });
    let got = private + locals.max().unwrap_or(0);
    if got > MOST_PRIVATE_BYTES {
        Err(Violation::PrivateBytes { got })
    } else {
        Ok(())
    }
}

/// As WebGPU counts: each variable takes a multiple of 16.
fn workgroup_bytes(resolved: &Resolved) -> u32 {
    let module = &resolved.module;
    let variables = resolved
        .variables()
        .filter(|variable| variable.space == AddressSpace::WorkGroup);
    let bytes = variables.map(|variable| {
        module.types[variable.ty]
            .inner
            .size(module.to_ctx())
            .next_multiple_of(16)
    });
    bytes.fold(0, u32::saturating_add)
}

/// Whether the entry point or what it calls is invalid without the feature.
fn uses_subgroups(resolved: &Resolved) -> bool {
    let point = resolved.point().0;
    let mut alone: Module = resolved.module.clone().into_owned();
    alone.entry_points.retain(|entry| entry.name == point.name);
    compact(&mut alone, KeepUnused::No);
    Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&alone)
        .is_err()
}
