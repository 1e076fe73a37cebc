//! The sources of the workspace, for tests of its structure.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("")
}

/// The text of a file of the workspace.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn text(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The text of every Rust file below a folder, by its path from there.
///
/// # Panics
/// If the folder cannot be read.
#[must_use]
pub fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    walk(&root().join(folder), "", &mut all);
    all
}

fn walk(folder: &Path, name: &str, into: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{name}{file}");
        if path.is_dir() {
            walk(&path, &format!("{name}/"), into);
        } else if name.ends_with(".rs") {
            into.insert(name, fs::read_to_string(&path).expect("sources are text"));
        }
    }
}

/// The code of a file without its comments and without its unit tests.
#[must_use]
pub fn code(text: &str) -> String {
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    let line = |line: &str| line.split("//").next().unwrap_or(line).to_owned();
    code.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Whether a file serves tests alone.
#[must_use]
pub fn is_test(file: &str) -> bool {
    const ENDS: [&str; 7] = [
        "tests.rs",
        "faults.rs",
        "deep_device.rs",
        "fuzz.rs",
        "setup.rs",
        "interpreter.rs",
        "pytorch.rs",
    ];
    ENDS.iter().any(|end| file.ends_with(end)) || file.contains("tests/")
}
