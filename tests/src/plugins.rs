//! Plugins, built like those of external authors: by cargo, into libraries.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The library of a plugin of this workspace, built with the compiler of the tests and the release
/// profile unless `extra` names another.
///
/// # Panics
/// If it cannot be built.
#[must_use]
pub fn built(package: &str, extra: &[&str]) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    build(Command::new(cargo), package, extra)
}

/// The same with another toolchain, if rustup has one whose name begins with `toolchain`.
///
/// # Panics
/// If it cannot be built.
#[must_use]
pub fn built_by(toolchain: &str, package: &str, extra: &[&str]) -> Option<PathBuf> {
    let list = Command::new("rustup")
        .args(["toolchain", "list"])
        .output()
        .ok()?;
    let list = String::from_utf8(list.stdout).ok()?;
    let installed = list
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let found = installed
        .into_iter()
        .find(|name| name.starts_with(toolchain))?;
    let mut rustup = Command::new("rustup");
    rustup.args(["run", found, "cargo"]);
    // Variables that cargo sets for its own toolchain would mislead the other one.
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        rustup.env_remove(variable);
    }
    Some(build(rustup, package, extra))
}

/// A folder for separate builds, next to the target folder of the tests: `of` is the
/// CARGO_TARGET_TMPDIR of a test.
#[must_use]
pub fn apart(of: &str, name: &str) -> OsString {
    Path::new(of).with_file_name(name).into_os_string()
}

fn build(mut cargo: Command, package: &str, extra: &[&str]) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml");
    cargo
        .args([
            "build",
            "--message-format=json-render-diagnostics",
            "-p",
            package,
        ])
        .arg("--manifest-path")
        .arg(workspace);
    if !extra.contains(&"--profile") {
        cargo.arg("--release");
    }
    let output = cargo.args(extra).output().expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{package} with {extra:?}: {said}");
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let library = |message: Value| {
        let kinds = message["target"]["crate_types"].as_array()?;
        kinds.iter().any(|kind| kind == "cdylib").then_some(())?;
        let endings = [".so", ".dylib", ".dll"];
        let mut files = message["filenames"]
            .as_array()?
            .iter()
            .filter_map(Value::as_str);
        files
            .find(|file| endings.iter().any(|ending| file.ends_with(ending)))
            .map(PathBuf::from)
    };
    let found = messages.filter_map(library).next_back();
    found.unwrap_or_else(|| panic!("{package} with {extra:?} gives no library: {said}"))
}
