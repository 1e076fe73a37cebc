//! Checks the WGSL of an op against the space's declaration.

use std::collections::BTreeSet;

use supernet_plugin::{CustomOp, Form, Operand, Use};
use supernet_shaders::Call;
use supernet_shaders::catalogue::Custom;
use supernet_shaders::check::fuel::{FUEL, SPENT, fuelled};
use supernet_shaders::check::{self, Parsed, op};
use supernet_shaders::kernel::{self, Constant, Dispatch, FIRST_BUFFER, Kernel, Traits};

use super::{Part, named, ordered};

/// A parsed module, and the sources that are executed instead of it.
#[derive(Debug)]
pub(super) struct Source {
    parsed: Parsed,
    module: String,
    constants: Vec<String>,
    /// With a loop limit.
    limited: String,
    /// With a loop limit, and a report whether it was reached.
    telling: String,
    spent: u32,
}

impl Source {
    /// Parses the module of an op and adds the loop limits.
    pub(super) fn read(custom: &CustomOp, source: &str) -> Result<Self, String> {
        let parsed = check::module(source, &custom.name).map_err(summary)?;
        if custom.form == Form::PerElement {
            for (function, parameters, signature) in [
                ("f", 1, "f(x: f32) -> f32"),
                ("df", 3, "df(x: f32, y: f32, gy: f32) -> f32"),
            ] {
                if !op::function(&parsed, function, parameters) {
                    return Err(format!(
                        "its WGSL has no function `fn {signature}`, which an op per element needs"
                    ));
                }
            }
        }
        let spent = op::last_binding(&parsed)
            .saturating_add(1)
            .max(FIRST_BUFFER);
        let limited = fuelled(&parsed, None).map_err(summary)?;
        let telling = fuelled(&parsed, Some(spent)).map_err(summary)?;
        let constants = op::constants(&parsed);
        // Ops of the same name from different spaces may run on one device.
        let module = format!(
            "{}-{}",
            custom.name,
            &blake3::hash(source.as_bytes()).to_hex()[..16]
        );
        Ok(Self {
            parsed,
            module,
            constants,
            limited,
            telling,
            spent,
        })
    }

    /// One of its kernels.
    pub(super) fn part(
        &self,
        kernel: &supernet_plugin::Kernel,
        uses: Vec<Use>,
        constants: &[(&'static str, Constant)],
    ) -> Result<Part, String> {
        let entry = &kernel.entry;
        let facts = op::entry(&self.parsed, entry).map_err(summary)?;
        if facts.barriers && !kernel.barriers {
            return Err(format!(
                "`{entry}` has a barrier, and the space does not say so; declare it (`barriers`), or leave it out"
            ));
        }
        let overrides = self.overrides(constants)?;
        for variable in &facts.variables {
            let (binding, variable_name) = (variable.binding, &variable.name);
            let used = uses.iter().find(|used| used.binding == binding).ok_or_else(|| {
                format!("`{entry}` uses `{variable_name}` at binding {binding}, to which the space binds nothing")
            })?;
            if variable.uniform != (used.operand == Operand::Dims) {
                let wanted = if variable.uniform {
                    "a storage buffer"
                } else {
                    "a uniform"
                };
                return Err(format!(
                    "`{variable_name}` is bound to {}, and must be {wanted}",
                    named(used.operand)
                ));
            }
            if variable.written && !used.written {
                return Err(format!(
                    "`{entry}` declares `{variable_name}` as read_write, and it is bound to {}, which it may only read: \
                     declare it as var<storage, read>",
                    named(used.operand)
                ));
            }
            if !variable.written && used.written && !variable.uniform {
                return Err(format!(
                    "`{entry}` declares `{variable_name}` as read, and it is bound to {}, which it is the one to write: \
                     declare it as var<storage, read_write>",
                    named(used.operand)
                ));
            }
        }
        let unused = |used: &&Use| {
            !facts
                .variables
                .iter()
                .any(|variable| variable.binding == used.binding)
        };
        if let Some(used) = uses
            .iter()
            .find(unused)
            .filter(|used| used.operand != Operand::Dims)
        {
            return Err(format!(
                "`{entry}` never touches binding {}, {}",
                used.binding,
                named(used.operand)
            ));
        }
        let uses = ordered(uses);
        let variable = |used: &Use| {
            let found = facts
                .variables
                .iter()
                .find(|variable| variable.binding == used.binding);
            found.map_or(named(used.operand).to_owned(), |variable| {
                variable.name.clone()
            })
        };
        let names: Vec<_> = uses.iter().map(variable).collect();
        let buffers: Vec<_> = uses
            .iter()
            .zip(&names)
            .map(|(used, name)| (used.binding, &name[..], used.written))
            .collect();
        let compiled = Kernel::of_space(&self.module, &self.limited, entry, &buffers);
        let mut telling = buffers.clone();
        if facts.loops {
            telling.push((self.spent, SPENT, true));
        }
        let tried = Kernel::of_space(
            &format!("{}-tried", self.module),
            &self.telling,
            entry,
            &telling,
        );
        let group = op::workgroup(&self.parsed, entry, &overrides).map_err(summary)?;
        Ok(Part {
            names: uses.iter().map(|used| named(used.operand)).collect(),
            uses,
            grid: kernel.grid,
            group: group.iter().product(),
            overrides,
            kernel: compiled,
            tried,
            loops: facts.loops,
        })
    }

    /// Checks a kernel as it runs. The check uses the author's source, so that errors refer to its
    /// lines.
    pub(super) fn check(&self, call: &Custom) -> Result<(), String> {
        let mut lowered = kernel::lower(&Call::Custom(*call), Traits::default());
        // That source has no loop limit.
        let written =
            |dispatch: &mut Dispatch| dispatch.overrides.retain(|(name, _)| *name != FUEL);
        lowered.dispatches.iter_mut().for_each(written);
        let check = |dispatch| check::dispatch(&self.parsed, dispatch, &lowered, &call.roles);
        lowered
            .dispatches
            .iter()
            .try_for_each(check)
            .map_err(summary)
    }

    /// The attributes as constants of the module; an attribute without a constant is an error,
    /// since it would have no effect.
    fn overrides(
        &self,
        constants: &[(&'static str, Constant)],
    ) -> Result<Vec<(&'static str, Constant)>, String> {
        let known: BTreeSet<&str> = self.constants.iter().map(String::as_str).collect();
        if let Some((stray, _)) = constants.iter().find(|(name, _)| !known.contains(name)) {
            let names = if known.is_empty() {
                "none".into()
            } else {
                self.constants.join(", ")
            };
            return Err(format!(
                "a node has the attribute `{stray}`, and its WGSL has no `override` of that name; it has {names}"
            ));
        }
        if let Some((name, value)) = constants
            .iter()
            .find(|(name, value)| !op::takes(&self.parsed, name, value.value()))
        {
            return Err(format!(
                "a node has the attribute `{name}` = {}, which the `override` of that name cannot be: its type is another, \
                 or its range",
                value.value()
            ));
        }
        Ok(constants.to_vec())
    }
}

fn summary(error: check::CheckError) -> String {
    error.to_string()
}
