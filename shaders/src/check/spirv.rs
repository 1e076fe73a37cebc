//! Every kernel, translated to the languages of the drivers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};
use std::{env, io};

use rayon::prelude::*;

use super::every_case::{lowered, modules, none};
use super::translate;

/// Why `spirv-val` rejects these words, if it does.
fn rejects(words: &[u32]) -> io::Result<Option<String>> {
    let mut command = Command::new("spirv-val");
    command.args(["--target-env", "vulkan1.2", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    // Dropped immediately, which closes its input.
    child.stdin.take().unwrap().write_all(&bytes)?;
    let output = child.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((!output.status.success()).then(|| String::from_utf8_lossy(&said).into_owned()))
}

#[test]
fn every_kernel_translates() {
    let lowered = lowered();
    let modules = modules(&lowered);
    let dispatches = lowered.iter().flat_map(|(.., lowered)| &lowered.dispatches);
    let distinct: BTreeMap<_, _> = dispatches
        .map(|run| ((run.kernel.module, run.kernel.entry, &run.overrides), run))
        .collect();
    let wanted: Vec<_> = distinct
        .values()
        .filter(|run| modules[run.kernel.module].is_ok())
        .collect();
    let results = wanted.par_iter().map(|run| {
        let translation = translate(modules[run.kernel.module].as_ref().unwrap(), run);
        (
            format!(
                "{}, `{}` {:?}",
                run.kernel.module, run.kernel.entry, run.overrides
            ),
            translation,
        )
    });
    let (good, bad): (Vec<_>, Vec<_>) = results
        .collect::<Vec<_>>()
        .into_iter()
        .partition(|(_, result)| result.is_ok());
    none(
        bad.into_iter()
            .map(|(_, result)| result.unwrap_err().to_string())
            .collect(),
    );
    let good: Vec<_> = good
        .into_iter()
        .map(|(name, result)| (name, result.unwrap()))
        .collect();
    for (name, translation) in &good {
        assert!(
            translation.msl.contains("kernel void") && translation.hlsl.contains("[numthreads("),
            "{name}"
        );
    }

    if matches!(rejects(&[]), Err(error) if error.kind() == ErrorKind::NotFound) {
        assert!(
            env::var_os("CI").is_none(),
            "no spirv-val (Debian package spirv-tools)"
        );
        eprintln!("skipped: no spirv-val");
        return;
    }
    let said = good.par_iter().filter_map(|(name, translation)| {
        rejects(&translation.spirv)
            .unwrap()
            .map(|said| format!("{name}: {said}"))
    });
    none(said.collect::<BTreeSet<_>>());
}

#[test]
fn the_validator_is_not_deaf() {
    match rejects(&[0x0723_0203, 0x0001_0500, 0, 1, 0]) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
        // It has no memory model and no capability.
        Ok(said) => assert!(said.is_some()),
    }
}
