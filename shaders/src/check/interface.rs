//! The bindings of an entry point, checked against the list of its kernel.

use std::collections::HashSet;

use naga::valid::GlobalUse;
use naga::{
    AddressSpace, ArraySize, GlobalVariable, Handle, Module, Scalar, StorageAccess, TypeInner,
};

use super::Violation;
use super::entry::Entry;
use super::limits::STEP_BYTES;
use crate::Element;
use crate::kernel::{Buffer, FIRST_BUFFER, Kernel, Lowered, SIZES, SLOT, STEP};

/// The element type of a buffer's array.
pub(super) struct Item {
    pub(super) element: Element,
    /// Scalars per element: more than 1 for vectors.
    pub(super) lanes: usize,
    pub(super) atomic: bool,
}

/// A variable with a binding, and how the entry point uses it.
pub(super) struct Bound<'a> {
    pub(super) binding: u32,
    pub(super) uses: GlobalUse,
    pub(super) variable: &'a GlobalVariable,
}

impl Bound<'_> {
    fn name(&self) -> String {
        self.variable.name.clone().unwrap_or_default()
    }
}

/// The variables with bindings that the entry point uses.
pub(super) fn bound<'a>(entry: &Entry<'a>) -> Vec<Bound<'a>> {
    let used = |(handle, variable): (Handle<GlobalVariable>, &'a GlobalVariable)| {
        let (uses, at) = (entry.uses[handle], variable.binding?);
        (!uses.is_empty()).then_some(Bound {
            binding: at.binding,
            uses,
            variable,
        })
    };
    entry
        .parsed
        .module()
        .global_variables
        .iter()
        .filter_map(used)
        .collect()
}

/// Checks that the entry point binds exactly what the kernel lists.
pub(super) fn check(entry: &Entry, kernel: &Kernel) -> Result<(), Violation> {
    let mut listed = HashSet::new();
    for Buffer { binding, name, .. } in kernel.buffers {
        if *binding < FIRST_BUFFER {
            return Err(Violation::EarlyBinding {
                name,
                binding: *binding,
            });
        }
        if !listed.insert(*binding) {
            return Err(Violation::BuffersShareBinding { binding: *binding });
        }
    }
    let bound = bound(entry);
    for used in &bound {
        match used.variable.space {
            AddressSpace::Uniform => uniform(used, kernel)?,
            AddressSpace::Storage { access } => storage(used, access, kernel)?,
            _ => return Err(Violation::Space { name: used.name() }),
        }
    }
    let missing = |binding| !bound.iter().any(|used| used.binding == binding);
    let uniforms = [(SIZES, "sizes", !kernel.own), (STEP, "step", kernel.step)];
    if let Some((binding, name, _)) = uniforms
        .into_iter()
        .find(|(binding, _, wanted)| *wanted && missing(*binding))
    {
        return Err(Violation::NoUniform { name, binding });
    }
    match kernel.buffers.iter().find(|buffer| missing(buffer.binding)) {
        Some(Buffer { binding, name, .. }) => Err(Violation::Unused {
            name,
            binding: *binding,
        }),
        None => Ok(()),
    }
}

fn uniform(used: &Bound, kernel: &Kernel) -> Result<(), Violation> {
    let name = match used.binding {
        SIZES => "sizes",
        STEP => "step",
        binding => {
            return Err(Violation::Unlisted {
                name: used.name(),
                binding,
            });
        }
    };
    if used.name() != name && !kernel.own {
        return Err(Violation::UniformName {
            name,
            got: used.name(),
            binding: used.binding,
        });
    }
    if used.binding == STEP && !kernel.step {
        Err(Violation::StrayStep)
    } else {
        Ok(())
    }
}

fn storage(used: &Bound, access: StorageAccess, kernel: &Kernel) -> Result<(), Violation> {
    let binding = used.binding;
    let Some(buffer) = kernel
        .buffers
        .iter()
        .find(|buffer| buffer.binding == binding)
    else {
        return Err(Violation::Unlisted {
            name: used.name(),
            binding,
        });
    };
    let Buffer { name, written, .. } = *buffer;
    if used.name() != name {
        return Err(Violation::Name {
            name,
            got: used.name(),
            binding,
        });
    }
    if access.contains(StorageAccess::STORE) != written {
        return Err(Violation::Access { name, written });
    }
    // A buffer that is declared as written and never is would serialise dispatches needlessly.
    if written && !used.uses.intersects(GlobalUse::WRITE | GlobalUse::ATOMIC) {
        return Err(Violation::NeverWritten { name });
    }
    if used.uses.contains(GlobalUse::QUERY) {
        Err(Violation::Length { name })
    } else {
        Ok(())
    }
}

/// The element type of an array variable; `None` if a kernel may not bind it.
pub(super) fn item(entry: &Entry, variable: &GlobalVariable) -> Option<Item> {
    let types = &entry.parsed.module().types;
    let TypeInner::Array {
        base,
        size: ArraySize::Dynamic,
        ..
    } = types[variable.ty].inner
    else {
        return None;
    };
    let (scalar, lanes, atomic) = match types[base].inner {
        TypeInner::Scalar(scalar) => (scalar, 1, false),
        TypeInner::Vector { size, scalar } => (scalar, size as usize, false),
        TypeInner::Atomic(scalar) => (scalar, 1, true),
        _ => return None,
    };
    let element = match scalar {
        Scalar::F32 => Element::F32,
        Scalar::U32 => Element::U32,
        _ => return None,
    };
    // A vector of three occupies the space of four.
    (lanes != 3).then_some(Item {
        element,
        lanes,
        atomic,
    })
}

/// Checks that the call provides all uniforms of the entry point.
pub(super) fn check_uniforms(entry: &Entry, lowered: &Lowered) -> Result<(), Violation> {
    let given = lowered.sizes.len() * 4;
    if given > SLOT {
        return Err(Violation::Slot { bytes: given });
    }
    for used in bound(entry) {
        let bytes = extent(entry.parsed.module(), used.variable);
        match used.binding {
            SIZES if bytes > given => return Err(Violation::Sizes { bytes, given }),
            STEP if bytes > STEP_BYTES => return Err(Violation::StepBytes { bytes }),
            _ => {}
        }
    }
    Ok(())
}

/// The size up to the end of the last member of a variable, without the padding of the struct.
fn extent(module: &Module, variable: &GlobalVariable) -> usize {
    let size = |inner: &TypeInner| inner.size(module.to_ctx());
    let inner = &module.types[variable.ty].inner;
    let last = if let TypeInner::Struct { members, .. } = inner {
        members.last()
    } else {
        None
    };
    last.map_or_else(
        || size(inner),
        |last| last.offset + size(&module.types[last.ty].inner),
    ) as usize
}
