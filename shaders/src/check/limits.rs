//! The limits of the smallest supported GPU: WebGPU's defaults.

use naga::compact::{KeepUnused, compact};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module};

use super::Violation;
use super::entry::Resolved;
use crate::kernel::{Dispatch, Kernel, MOST_GROUPS};

/// The most invocations of a workgroup.
pub const MOST_INVOCATIONS: u32 = 256;
/// The most invocations of a workgroup along x, y and z.
pub(super) const MOST_AXES: [u32; 3] = [256, 256, 64];
/// The most bytes of workgroup memory.
pub const MOST_WORKGROUP_BYTES: u32 = 16 << 10;
/// The most bytes of private memory of an invocation: private variables and the locals of its
/// functions.
pub(super) const MOST_PRIVATE_BYTES: u64 = 8 << 10;
/// The most storage buffers of a kernel.
pub const MOST_BUFFERS: usize = 8;
/// The most storage buffers of a custom op: the host needs one more while it checks the op.
pub const MOST_OP_BUFFERS: usize = MOST_BUFFERS - 1;
/// The size in bytes of the uniform with the values that change from step to step.
pub(super) const STEP_BYTES: usize = 32;

/// Checks that any GPU can run a grid.
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

/// Checks that any GPU can run workgroups of this size, and returns the size.
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

/// Checks that any GPU can run the kernel.
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

/// Checks that the private memory of an invocation is within the limit that WGSL guarantees.
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

/// The workgroup memory as WebGPU counts it: each variable takes a multiple of 16 bytes.
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

/// Whether the entry point or its callees need the subgroup feature.
fn uses_subgroups(resolved: &Resolved) -> bool {
    let point = resolved.point().0;
    let mut alone: Module = resolved.module.clone().into_owned();
    alone.entry_points.retain(|entry| entry.name == point.name);
    compact(&mut alone, KeepUnused::No);
    Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&alone)
        .is_err()
}
