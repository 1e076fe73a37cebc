//! `supernet devices`.

use std::io::Write;
use std::thread::available_parallelism;

use serde_json::json;
use supernet::device::gpu::{self, AdapterInfo};

use crate::Failure;
use crate::arguments::DevicesOptions;

pub(crate) fn run(options: &DevicesOptions) -> Result<(), Failure> {
    let found = gpu::adapters();
    let lacking: Vec<_> = found
        .iter()
        .filter_map(|adapter| adapter.supports().err())
        .collect();
    let adapters: Vec<AdapterInfo> = found.into_iter().map(|adapter| adapter.info).collect();
    let cores = available_parallelism().map_or(1, usize::from);
    let auto = gpu::first_hardware().map_or("cpu".to_owned(), |adapter| {
        format!("gpu:{}", adapter.info.name)
    });
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(
            out,
            "{}",
            json!({ "auto": auto, "cores": cores, "gpus": adapters })
        )?;
        return Ok(());
    }
    writeln!(out, "cpu: {cores} cores")?;
    for facts in &adapters {
        let AdapterInfo {
            name,
            backend,
            driver,
            kind,
            lanes: [least, most],
            ..
        } = facts;
        writeln!(out, "gpu:{name}")?;
        writeln!(
            out,
            "  {} {backend}, {driver}",
            format!("{kind:?}").to_lowercase()
        )?;
        let lanes = if least == most {
            least.to_string()
        } else {
            format!("{least} to {most}")
        };
        let use_of = if facts.subgroups {
            ""
        } else {
            ", which kernels may not use"
        };
        writeln!(out, "  subgroups of {lanes} lanes{use_of}")?;
        writeln!(
            out,
            "  bindings of {} MiB, buffers of {} MiB, {} buffers a kernel, {} invocations and {} KiB a workgroup",
            facts.binding >> 20,
            facts.buffer >> 20,
            facts.buffers,
            facts.invocations,
            facts.workgroup_memory >> 10
        )?;
    }
    for lacking in lacking {
        writeln!(out, "{lacking}")?;
    }
    if adapters.is_empty() {
        writeln!(out, "no GPU: {}", gpu::missing_driver())?;
    }
    writeln!(out, "`--device auto` takes {auto}")?;
    Ok(())
}
