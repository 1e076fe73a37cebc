//! Every call of the catalogue, lowered as for any GPU, checked against the modules.

use std::collections::{BTreeMap, BTreeSet};
use std::{fs, io};

use rayon::prelude::*;

use super::{Parsed, call, dispatch, module};
use crate::Call;
use crate::cases::cases;
use crate::kernel::{Dispatch, Lowered, Traits, lower};

const TRAITS: [Traits; 2] = [Traits { lanes: None }, Traits { lanes: Some(8) }];

/// All calls of all cases on all kinds of GPUs.
pub(super) fn lowered() -> Vec<(Call, Traits, Lowered)> {
    let on = |traits| {
        cases()
            .into_iter()
            .map(move |case| (case.call, traits, lower(&case.call, traits)))
    };
    TRAITS.into_iter().flat_map(on).collect()
}

/// The modules of these calls, or what is wrong with them.
pub(super) fn modules(
    lowered: &[(Call, Traits, Lowered)],
) -> BTreeMap<&'static str, Result<Parsed, String>> {
    let kernels = dispatches(lowered).map(|dispatch| dispatch.kernel);
    let sources: BTreeMap<_, _> = kernels
        .map(|kernel| (kernel.module, kernel.source))
        .collect();
    let parse = |(name, source): (&'static str, &str)| {
        (
            name,
            module(source, name).map_err(|error| error.to_string()),
        )
    };
    sources.into_par_iter().map(parse).collect()
}

fn dispatches(lowered: &[(Call, Traits, Lowered)]) -> impl Iterator<Item = &Dispatch> {
    lowered.iter().flat_map(|(.., lowered)| &lowered.dispatches)
}

/// Fails with the first of the distinct messages.
#[track_caller]
pub(super) fn none(violations: BTreeSet<String>) {
    let first: Vec<_> = violations.iter().take(40).map(String::as_str).collect();
    assert!(
        violations.is_empty(),
        "{} violations\n{}",
        violations.len(),
        first.join("\n")
    );
}

#[test]
fn every_dispatch_keeps_the_conventions() {
    let lowered = lowered();
    let modules = modules(&lowered);
    let mut violations: BTreeSet<String> = modules
        .values()
        .filter_map(|parsed| parsed.as_ref().err())
        .cloned()
        .collect();
    violations.par_extend(lowered.par_iter().flat_map_iter(|(of, traits, lowered)| {
        let roles = of.roles();
        let whole = call(of.name(), lowered, &roles).err();
        let single = lowered.dispatches.iter().filter_map(|run| {
            let parsed = modules[run.kernel.module].as_ref().ok()?;
            dispatch(parsed, run, lowered, &roles).err()
        });
        let violations = whole.into_iter().chain(single.collect::<Vec<_>>());
        violations.map(|violation| format!("{violation} ({}, lanes {:?})", of.name(), traits.lanes))
    }));
    none(violations);
}

#[test]
fn kernels_for_subgroups_run_where_these_have_as_many_lanes() {
    let lowered = lowered();
    for (_, traits, lowered) in &lowered {
        for run in &lowered.dispatches {
            assert!(
                run.kernel.lanes.is_none() || run.kernel.lanes == traits.lanes,
                "{:?}",
                run.kernel
            );
        }
    }
}

#[test]
fn names_tell_kernels_apart() {
    let lowered = lowered();
    let mut seen = BTreeMap::new();
    for run in dispatches(&lowered) {
        let kernel = run.kernel;
        let other = seen.entry((kernel.module, kernel.entry)).or_insert(kernel);
        let same = other.buffers == kernel.buffers
            && other.step == kernel.step
            && other.lanes == kernel.lanes;
        assert!(
            same && other.source == kernel.source,
            "{kernel:?} and {other:?}"
        );
    }
}

#[test]
fn every_entry_point_is_some_calls() {
    let lowered = lowered();
    let used: BTreeSet<_> = dispatches(&lowered)
        .map(|run| (run.kernel.module, run.kernel.entry))
        .collect();
    let mut idle = BTreeSet::new();
    for (name, parsed) in modules(&lowered) {
        let Ok(parsed) = parsed else { continue };
        let entries = parsed
            .entries()
            .filter(|entry| !used.contains(&(name, *entry)));
        idle.extend(entries.map(|entry| format!("{name}, `{entry}`: no call runs it")));
    }
    none(idle);
}

#[test]
fn every_wgsl_file_is_part_of_a_module() -> io::Result<()> {
    let lowered = lowered();
    let sources: BTreeMap<_, _> = dispatches(&lowered)
        .map(|run| (run.kernel.module, run.kernel.source))
        .collect();
    let mut whole = BTreeSet::new();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/wgsl"))? {
        let (name, text) = {
            let path = file?.path();
            let name = path.file_stem().unwrap_or_default().display().to_string();
            (name, fs::read_to_string(path)?)
        };
        let part_of = sources.values().any(|source| source.contains(&text));
        assert!(part_of, "{name}.wgsl is in no module");
        if sources
            .get(name.as_str())
            .is_some_and(|source| source.starts_with(&text))
        {
            whole.insert(name);
        }
    }
    let modules: BTreeSet<_> = sources.keys().map(|module| (*module).to_owned()).collect();
    assert_eq!(whole, modules, "a module begins with the file of its name");
    Ok(())
}
