//! The buffer bindings of a dispatch, checked against the operands and scratch of the call.

use std::collections::HashSet;
use std::ptr;

use naga::valid::GlobalUse;

use super::entry::Entry;
use super::interface::{bound, item};
use super::{CheckError, Violation};
use crate::kernel::{Buffer, BufferRef, Dispatch, Lowered};
use crate::{Access, Role};

/// Checks that every buffer of the dispatch is bound to what its name says.
pub(super) fn check(
    entry: &Entry,
    dispatch: &Dispatch,
    lowered: &Lowered,
    roles: &[Role],
) -> Result<(), Violation> {
    let buffers = dispatch.kernel.buffers;
    if dispatch.places.len() != buffers.len() {
        return Err(Violation::Places {
            buffers: buffers.len(),
            places: dispatch.places.len(),
        });
    }
    let bound = bound(entry);
    let before = lowered
        .dispatches
        .iter()
        .take_while(|other| !ptr::eq(*other, dispatch));
    let filled: HashSet<_> = before.flat_map(written).collect();
    for (buffer, place) in buffers.iter().zip(&dispatch.places) {
        let name = buffer.name;
        let used = bound.iter().find(|used| used.binding == buffer.binding);
        let item = used
            .and_then(|used| item(entry, used.variable))
            .ok_or(Violation::Array { name })?;
        let reads =
            used.is_some_and(|used| used.uses.intersects(GlobalUse::READ | GlobalUse::ATOMIC));
        let mut kept = filled.contains(place) || !buffer.written;
        let len = match *place {
            BufferRef::Operand(operand) => {
                let none = Violation::NoOperand {
                    name,
                    operand,
                    operands: roles.len(),
                };
                let Role {
                    name: role,
                    access,
                    element,
                    len,
                } = *roles.get(operand).ok_or(none)?;
                // A module that serves several calls may use names of its choice, but none that
                // belongs to another operand.
                if !fits(name, role) && roles.iter().any(|other| fits(name, other.name)) {
                    return Err(Violation::NoRole { name, role });
                }
                match (access, buffer.written) {
                    (Access::Read, true) => return Err(Violation::ReadIsWritten { name, role }),
                    (Access::Write | Access::Update, false) => {
                        return Err(Violation::WrittenIsRead { name, role });
                    }
                    _ => {}
                }
                if item.element != element || item.atomic {
                    return Err(Violation::Element { name, role });
                }
                kept |= access == Access::Update;
                len
            }
            BufferRef::Scratch(scratch) => {
                let none = Violation::NoScratch {
                    name,
                    scratch,
                    pieces: lowered.scratch.len(),
                };
                *lowered.scratch.get(scratch).ok_or(none)?
            }
        };
        if reads && !kept {
            return Err(Violation::ReadBeforeWritten { name });
        }
        // Otherwise the last vector would be silently out of reach.
        if !len.is_multiple_of(item.lanes) {
            return Err(Violation::Ragged {
                name,
                len,
                lanes: item.lanes,
            });
        }
    }
    aliased(buffers, &dispatch.places)
}

/// The buffers that a dispatch writes.
fn written(dispatch: &Dispatch) -> impl Iterator<Item = BufferRef> {
    let bound = dispatch.kernel.buffers.iter().zip(&dispatch.places);
    bound
        .filter(|(buffer, _)| buffer.written)
        .map(|(_, place)| *place)
}

/// Whether a variable is named after a role: `y`, `y_in`.
fn fits(name: &str, role: &str) -> bool {
    name.strip_prefix(role)
        .is_some_and(|end| end.is_empty() || end.starts_with('_'))
}

/// No GPU accepts a buffer twice in one dispatch if it is written.
fn aliased(buffers: &[Buffer], places: &[BufferRef]) -> Result<(), Violation> {
    for (i, place) in places.iter().enumerate() {
        if let Some(j) = places[..i].iter().position(|other| other == place)
            && (buffers[i].written || buffers[j].written)
        {
            return Err(Violation::Aliased {
                names: [buffers[j].name, buffers[i].name],
            });
        }
    }
    Ok(())
}

/// Checks that the dispatches of the call `name` together do its work: everything that should be
/// written is, and scratch is written before it is read.
pub fn call(name: &str, lowered: &Lowered, roles: &[Role]) -> Result<(), CheckError> {
    let mut filled = HashSet::new();
    for dispatch in &lowered.dispatches {
        let kernel = dispatch.kernel;
        for (buffer, place) in kernel.buffers.iter().zip(&dispatch.places) {
            if let BufferRef::Scratch(scratch) = *place
                && !buffer.written
                && !filled.contains(place)
            {
                let violation = Violation::UnwrittenScratch {
                    name: buffer.name,
                    scratch,
                };
                return Err(violation.at(kernel.module, Some(kernel.entry)));
            }
        }
        filled.extend(written(dispatch));
    }
    if let Some(scratch) = lowered.scratch.iter().position(|len| *len == 0) {
        return Err(Violation::EmptyScratch { scratch }.at(name, None));
    }
    let unwritten = |(number, role): &(usize, &Role)| {
        role.access != Access::Read && !filled.contains(&BufferRef::Operand(*number))
    };
    match roles.iter().enumerate().find(unwritten) {
        Some((_, role)) => Err(Violation::NeverWrittenRole { role: role.name }.at(name, None)),
        None => Ok(()),
    }
}
