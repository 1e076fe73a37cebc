//! One entry point of a module, before and after its overrides are resolved.

use std::borrow::Cow;

use naga::back::PipelineConstants;
use naga::back::pipeline_constants::{PipelineConstantError, process_overrides};
use naga::valid::{FunctionInfo, ModuleInfo};
use naga::{EntryPoint, GlobalVariable, Module, ShaderStage};

use super::parsed::shielded;
use super::{CheckError, Parsed, Violation};
use crate::kernel::{Constant, Dispatch, Kernel};

/// One entry point of a module.
pub(super) struct Entry<'a> {
    pub(super) parsed: &'a Parsed,
    pub(super) point: &'a EntryPoint,
    /// How it and its callees use the variables of the module.
    pub(super) uses: &'a FunctionInfo,
}

/// An entry point alone, with all overrides resolved.
pub(super) struct Resolved<'a> {
    pub(super) module: Cow<'a, Module>,
    pub(super) info: Cow<'a, ModuleInfo>,
    name: &'a str,
}

impl<'a> Entry<'a> {
    pub(super) fn of(parsed: &'a Parsed, kernel: &Kernel) -> Result<Self, CheckError> {
        Self::named(parsed, kernel.entry)
    }

    pub(super) fn named(parsed: &'a Parsed, name: &str) -> Result<Self, CheckError> {
        let points = &parsed.module().entry_points;
        let number = points
            .iter()
            .position(|entry| entry.name == name)
            .ok_or_else(|| {
                let entries = parsed.entries().map(Into::into).collect();
                Violation::NoEntry { entries }.at(parsed.name(), Some(name))
            })?;
        Ok(Entry {
            parsed,
            point: &points[number],
            uses: parsed.info().get_entry_point(number),
        })
    }

    pub(super) fn resolved(&self, dispatch: &Dispatch) -> Result<Resolved<'a>, Violation> {
        self.with(&dispatch.overrides)
    }

    /// The entry point with these override values.
    pub(super) fn with(
        &self,
        overrides: &[(&'static str, Constant)],
    ) -> Result<Resolved<'a>, Violation> {
        let mut constants = PipelineConstants::default();
        for (name, value) in overrides {
            if constants.insert((*name).into(), value.value()).is_some() {
                return Err(Violation::RepeatedOverride { name });
            }
            let known = |name: &str| {
                self.parsed
                    .module()
                    .overrides
                    .iter()
                    .any(|(_, o)| o.name.as_deref() == Some(name))
            };
            if !known(name) {
                return Err(Violation::UnknownOverride { name });
            }
        }
        let point = Some((ShaderStage::Compute, &self.point.name[..]));
        let process = || {
            process_overrides(self.parsed.module(), self.parsed.info(), point, &constants).map_err(
                |error| match error {
                    PipelineConstantError::MissingValue(name) => {
                        Violation::MissingOverride { name }
                    }
                    error => Violation::Override {
                        message: error.to_string(),
                    },
                },
            )
        };
        let (module, info) = shielded(process)??;
        Ok(Resolved {
            module,
            info,
            name: &self.point.name,
        })
    }
}

impl Resolved<'_> {
    /// The entry point, with its workgroup size resolved, and its uses of variables.
    pub(super) fn point(&self) -> (&EntryPoint, &FunctionInfo) {
        let number = self
            .module
            .entry_points
            .iter()
            .position(|entry| entry.name == self.name);
        let number = number.expect("resolving overrides keeps the entry point");
        (
            &self.module.entry_points[number],
            self.info.get_entry_point(number),
        )
    }

    /// The variables that the entry point uses.
    pub(super) fn variables(&self) -> impl Iterator<Item = &GlobalVariable> {
        let uses = self.point().1;
        self.module
            .global_variables
            .iter()
            .filter(|(handle, _)| !uses[*handle].is_empty())
            .map(|(_, variable)| variable)
    }
}
