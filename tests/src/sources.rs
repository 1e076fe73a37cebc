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

/// The text of every Rust file below a folder of sources, but for the modules that are compiled for
/// tests alone.
///
/// # Panics
/// If the folder cannot be read.
#[must_use]
pub fn without_tests(folder: &str) -> BTreeMap<String, String> {
    let mut all = sources(folder);
    let tests: Vec<String> = all
        .iter()
        .flat_map(|(file, text)| test_modules(file, text))
        .collect();
    let within = |file: &str, module: &str| {
        file.strip_prefix(module)
            .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    };
    all.retain(|file, _| !tests.iter().any(|module| within(file, module)));
    all
}

/// The paths, without `.rs`, of the modules that a file declares for tests alone.
fn test_modules(file: &str, text: &str) -> Vec<String> {
    let parent = file.rsplit_once('/').map_or("", |(parent, _)| parent);
    let inside = match file.trim_end_matches(".rs") {
        "lib" | "main" => "",
        name => name,
    };
    let join = |folder: &str, name: &str| match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    };
    let (mut modules, mut of_tests, mut path) = (Vec::new(), false, None);
    for line in text.lines().map(str::trim) {
        if let Some(condition) = line.strip_prefix("#[cfg(") {
            of_tests |= ["test)", "all(test,", "any(test,"]
                .iter()
                .any(|start| condition.starts_with(start));
        } else if let Some(given) = line.strip_prefix("#[path = \"") {
            path = Some(join(parent, given.trim_end_matches(".rs\"]")));
        } else if !line.starts_with("#[") {
            let name = line
                .strip_suffix(';')
                .and_then(|line| line.rsplit_once("mod "))
                .map(|(_, name)| name);
            match name {
                Some(name) if of_tests => {
                    modules.push(path.take().unwrap_or_else(|| join(inside, name)));
                }
                _ => {}
            }
            (of_tests, path) = (false, None);
        }
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_for_tests_are_found() {
        let text = "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(all(test, feature = \"gpu\"))]\npub(crate) mod c;\n#[cfg(test)]\n\
                    #[path = \"x_tests.rs\"]\nmod d;\n#[cfg(feature = \"gpu\")]\nmod e;\n#[cfg(test)]\nuse f;\nmod g;";
        let found = |file| test_modules(file, text);
        assert_eq!(found("lib.rs"), ["b", "c", "x_tests"]);
        assert_eq!(found("room/x.rs"), ["room/x/b", "room/x/c", "room/x_tests"]);
        let all = without_tests("runtime/src");
        assert!(all.contains_key("search/monitor.rs"));
        for gone in ["search/monitor_tests.rs", "model/tests/file_tests.rs"] {
            assert!(!all.contains_key(gone) && root().join("runtime/src").join(gone).exists());
        }
    }
}
