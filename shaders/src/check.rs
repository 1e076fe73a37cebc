//! Checks WGSL modules against the conventions of [`crate::kernel`], with naga and without a GPU.
//!
//! [`module`] parses and validates a text, [`dispatch`] checks one run of one of its entry points,
//! [`call`] checks all dispatches of a call together, and [`translate`] translates a kernel to what
//! wgpu passes to drivers.
//!
//! Custom ops of a search space follow fewer conventions and are trusted less: [`op`] reports what
//! their entry points do, and [`fuel`] bounds all their loops.

mod violation;
mod calls;
mod entry;
mod flow;
pub mod fuel;
mod interface;
mod limits;
pub mod op;
mod parsed;
mod places;
mod text;
mod translate;

#[cfg(test)]
mod breaking;
#[cfg(test)]
mod every_case;
#[cfg(test)]
mod fuel_tests;
#[cfg(test)]
mod barrier_tests;
#[cfg(test)]
mod odd_sources;
#[cfg(test)]
mod op_tests;
#[cfg(test)]
mod spirv;
#[cfg(test)]
mod trial;

use crate::Role;
use crate::kernel::{Dispatch, Lowered};

pub use calls::MOST_CALLS;
pub use limits::{MOST_BUFFERS, MOST_INVOCATIONS, MOST_OP_BUFFERS, MOST_WORKGROUP_BYTES};
pub use parsed::{Parsed, module};
pub use places::call;
pub use text::MOST_SOURCE;
pub use translate::{Translation, translate};
pub use violation::{CheckError, Violation};

/// Checks that `dispatch`, one of those of `lowered`, runs as `parsed`, the module of its kernel,
/// says; `roles` are those of the call.
pub fn dispatch(
    parsed: &Parsed,
    dispatch: &Dispatch,
    lowered: &Lowered,
    roles: &[Role],
) -> Result<(), CheckError> {
    let entry = entry::Entry::of(parsed, dispatch.kernel)?;
    let check = || {
        interface::check(&entry, dispatch.kernel)?;
        interface::check_uniforms(&entry, lowered)?;
        places::check(&entry, dispatch, lowered, roles)?;
        limits::check_grid(dispatch)?;
        flow::check(&entry)?;
        limits::check(&entry.resolved(dispatch)?, dispatch.kernel)
    };
    check().map_err(|violation| violation.at(parsed.name(), Some(dispatch.kernel.entry)))
}
