//! A WGSL text that naga accepts.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use naga::front::wgsl::{Frontend, Options};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, ShaderStage};

use super::{CheckError, Violation, text};

/// A parsed and validated module.
#[derive(Debug)]
pub struct Parsed {
    name: String,
    source: String,
    module: Module,
    info: ModuleInfo,
}

impl Parsed {
    /// Its name in error messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its entry points.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.module.entry_points.iter().map(|entry| &entry.name[..])
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn module(&self) -> &Module {
        &self.module
    }

    pub(super) fn info(&self) -> &ModuleInfo {
        &self.info
    }
}

/// Parses `source`, called `name` in errors, as wgpu does on a device without any feature except
/// subgroups: in particular without f16 and atomic floats.
pub fn module(source: &str, name: &str) -> Result<Parsed, CheckError> {
    text::check(source).map_err(|violation| violation.at(name, None))?;
    shielded(|| understood(source, name)).unwrap_or_else(|violation| Err(violation.at(name, None)))
}

/// Runs naga and turns a panic into a violation. Naga still panics on some unusual texts, and the
/// text of a space must not end the host. Nothing that a panic leaves inconsistent is used again.
pub(super) fn shielded<T>(work: impl FnOnce() -> T) -> Result<T, Violation> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Violation::Panicked {
        message: said(&*panic),
    })
}

/// The message of a panic.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it did not say why").into()
}

fn understood(source: &str, name: &str) -> Result<Parsed, CheckError> {
    let fail = |violation: Violation| violation.at(name, None);
    let mut options = Options::new();
    options.capabilities = Capabilities::SUBGROUP;
    let module = Frontend::new_with_options(options)
        .parse(source)
        .map_err(|error| {
            let frame = error.emit_to_string_with_path(source, name);
            fail(Violation::Syntax { frame })
        })?;
    // Before validation, whose messages about these are worse.
    bindings(&module).map_err(fail)?;
    if let Some(entry) = module
        .entry_points
        .iter()
        .find(|entry| entry.stage != ShaderStage::Compute)
    {
        return Err(Violation::NotCompute.at(name, Some(&entry.name)));
    }
    let info = Validator::new(ValidationFlags::all(), Capabilities::SUBGROUP)
        .validate(&module)
        .map_err(|error| {
            let frame = error.emit_to_string_with_path(source, name);
            fail(Violation::Invalid { frame })
        })?;
    Ok(Parsed {
        name: name.into(),
        source: source.into(),
        module,
        info,
    })
}

/// WGSL allows variables to share a binding as long as no entry point uses both.
fn bindings(module: &Module) -> Result<(), Violation> {
    let mut seen = HashMap::new();
    for (_, variable) in module.global_variables.iter() {
        let Some(at) = variable.binding else { continue };
        let name = variable.name.clone().unwrap_or_default();
        if at.group != 0 {
            return Err(Violation::Group {
                name,
                got: at.group,
            });
        }
        if let Some(other) = seen.insert(at.binding, name.clone()) {
            return Err(Violation::SharedBinding {
                names: [other, name],
                binding: at.binding,
            });
        }
    }
    Ok(())
}
