//! The check itself, in the supervised process.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use supernet::config::Config;
use supernet::device::DeviceSpec;
use supernet::space::Spaces;
use supernet::tools::space_report;

use super::DOING;
use crate::Failure;
use crate::arguments::CheckPluginOptions;

/// Prints a report for each of the plugin's spaces, and draws a child of each.
pub(super) fn look(options: &CheckPluginOptions) -> Result<(), Failure> {
    let mut spaces = Spaces::default();
    doing(&format!("loading {}", options.path.display()));
    spaces.load(&options.path)?;
    let mut names: Vec<String> = spaces
        .list()
        .into_iter()
        .map(|listed| listed.name)
        .collect();
    if names.is_empty() {
        return Err(format!(
            "{} has no space; register one with `inventory::submit!`",
            options.path.display()
        )
        .into());
    }
    if let Some(name) = &options.space {
        spaces.find(name)?;
        names = vec![name.clone()];
    }
    if names.len() > 1 && !options.set.is_empty() {
        return Err(format!(
            "`--set` changes one space, and {} has {}: name one with `--space`",
            options.path.display(),
            names.join(", ")
        )
        .into());
    }
    let keyed = |set: &String| {
        if set.starts_with("space.") {
            set.clone()
        } else {
            format!("space.{set}")
        }
    };
    let settings = Config::read("", &options.set.iter().map(keyed).collect::<Vec<_>>())?.space;
    let devices = devices(options)?;
    let drawings = match &options.drawings {
        Some(folder) => folder.clone(),
        None => fresh(Path::new("checked"), &options.path)?,
    };
    fs::create_dir_all(&drawings)?;
    let mut failed = false;
    for name in &names {
        match space_report::of(&spaces, name, &settings, &devices, &mut doing) {
            Ok(report) => {
                failed |= !report.passed();
                say(&report.to_string())?;
                let drawing = draw(&drawings, &report.provenance.space, &report.drawing)?;
                say(&format!("  drawing      {}\n", drawing.display()))?;
            }
            Err(error) => {
                failed = true;
                say(&format!("{name}\n  PROBLEM      {error}\n"))?;
            }
        }
    }
    if failed {
        Err(format!(
            "{} does not pass: see the lines with PROBLEM",
            options.path.display()
        )
        .into())
    } else {
        Ok(())
    }
}

/// The devices for the check: those in the options, otherwise the CPU and the best adapter, if any.
fn devices(options: &CheckPluginOptions) -> Result<Vec<DeviceSpec>, Failure> {
    if options.device.is_empty() {
        return Ok(vec![DeviceSpec::Cpu, DeviceSpec::Gpu(None)]);
    }
    let devices = options
        .device
        .iter()
        .map(|device| device.parse())
        .collect::<Result<Vec<DeviceSpec>, _>>()?;
    // An explicitly named device must exist; one that is missing would be skipped with a note.
    devices
        .iter()
        .try_for_each(|choice| choice.open(0).map(drop))?;
    Ok(devices)
}

/// Creates the first of the folders `parent/STEM-1`, `parent/STEM-2`, ... that does not exist yet.
fn fresh(parent: &Path, plugin: &Path) -> Result<PathBuf, Failure> {
    fs::create_dir_all(parent)?;
    let plugin = fs::canonicalize(plugin)?;
    let stem = plugin
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut number = 1;
    loop {
        let folder = parent.join(format!("{stem}-{number}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => {
                return Err(format!("cannot make the folder {}: {error}", folder.display()).into());
            }
        }
    }
}

/// Writes a drawing to the first of NAME.svg, NAME-2.svg, ... that does not exist yet.
fn draw(folder: &Path, name: &str, drawing: &str) -> Result<PathBuf, Failure> {
    let mut number = 1;
    loop {
        let path = folder.join(if number == 1 {
            format!("{name}.svg")
        } else {
            format!("{name}-{number}.svg")
        });
        match fs::File::create_new(&path) {
            Ok(mut file) => {
                file.write_all(drawing.as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(format!("cannot write {}: {error}", path.display()).into()),
        }
    }
}

pub(super) fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Announces the next step to the supervising process. If that is gone, the next line of the report
/// fails.
fn doing(what: &str) {
    let _ = say(&format!("{DOING}{what}\n"));
}
