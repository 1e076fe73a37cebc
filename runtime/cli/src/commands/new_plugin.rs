//! `supernet new-plugin`: creates a crate with a search space as a starting point.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::arguments::NewPluginOptions;

/// The files of the crate. Template files that Cargo or Git would treat as their own have other
/// names in the repository.
const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("../../template/Cargo.toml.in")),
    (".gitignore", include_str!("../../template/gitignore.in")),
    ("README.md", include_str!("../../template/README.md")),
    ("src/lib.rs", include_str!("../../template/src/lib.rs")),
    (
        "ops/softplus.wgsl",
        include_str!("../../template/ops/softplus.wgsl"),
    ),
    (
        "tests/space.rs",
        include_str!("../../template/tests/space.rs"),
    ),
];

/// The maximum length of a crate name on crates.io.
const MOST_LETTERS: usize = 64;

/// Reserved words of Rust.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Crate names that are already in use in every crate with a space.
const TAKEN: [&str; 7] = [
    "alloc",
    "core",
    "proc_macro",
    "std",
    "supernet_plugin",
    "supernet_plugin_testkit",
    "test",
];

pub(crate) fn run(options: &NewPluginOptions) -> Result<(), Failure> {
    let name = &options.name;
    check(name)?;
    let (plugin, testkit) = match &options.supernet {
        None => (version(), version()),
        Some(checkout) => dependencies(checkout)?,
    };
    let folder = options.folder.clone().unwrap_or_else(|| name.into());
    write(&folder, &files(name, &plugin, &testkit))?;
    let library = library(name);
    let mut out = io::stdout().lock();
    writeln!(out, "Wrote the crate `{name}` into {}:", folder.display())?;
    for (file, what) in [
        ("src/lib.rs", "the space"),
        ("ops/softplus.wgsl", "a custom op"),
        ("tests/space.rs", "tests of both"),
        ("README.md", "the next steps"),
    ] {
        writeln!(out, "  {file:22} {what}")?;
    }
    writeln!(out, "Try it there:")?;
    writeln!(out, "  cargo test")?;
    writeln!(out, "  cargo build --release")?;
    writeln!(out, "  supernet check-plugin {library}")?;
    writeln!(out, "  supernet search --plugin {library} --space {name}")?;
    Ok(())
}

/// Checks whether a crate, a space and a folder can have the name.
fn check(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.chars().all(fits)
        || name.len() > MOST_LETTERS
    {
        return Err(format!(
            "a crate cannot be called `{name}`: its name has 1 to {MOST_LETTERS} letters (a to z), digits, `-` and `_`, and \
             starts with a letter"
        ));
    }
    let ident = ident(name);
    if KEYWORDS.contains(&&*ident) {
        return Err(format!(
            "a crate cannot be called `{name}`, which is a word of Rust's; try `{name}-space`"
        ));
    }
    if TAKEN.contains(&&*ident) {
        return Err(format!(
            "a crate cannot be called `{name}`, which is one that it uses; try `my-{name}`"
        ));
    }
    Ok(())
}

/// The name as a Rust identifier.
fn ident(name: &str) -> String {
    name.replace('-', "_")
}

/// The path of the library that Cargo builds on this system.
fn library(name: &str) -> String {
    format!("target/release/{DLL_PREFIX}{}{DLL_SUFFIX}", ident(name))
}

/// The dependencies without a checkout.
fn version() -> String {
    format!("{:?}", env!("CARGO_PKG_VERSION"))
}

/// The dependencies in a checkout of the repository, as TOML.
fn dependencies(checkout: &Path) -> Result<(String, String), Failure> {
    if !checkout.join("plugins/api/Cargo.toml").is_file() {
        return Err(format!(
            "{} is not a checkout of supernet: it has no plugins/api/Cargo.toml; name the repository's root, or leave \
             `--supernet` out",
            checkout.display()
        )
        .into());
    }
    // The canonical form of a path on Windows is not supported by every tool.
    let root = if cfg!(windows) {
        std::path::absolute(checkout)?
    } else {
        checkout.canonicalize()?
    };
    let path = |inner: &str| {
        let path = root.join(inner);
        let path = path.to_str().ok_or_else(|| {
            format!(
                "{} is not UTF-8, which a path in a Cargo.toml must be; move the checkout",
                path.display()
            )
        })?;
        // A JSON string is also a TOML string.
        Ok::<_, Failure>(format!("{{ path = {} }}", serde_json::to_string(path)?))
    };
    Ok((path("plugins/api")?, path("runtime/testkit")?))
}

/// The template filled in: paths and contents.
fn files(name: &str, plugin: &str, testkit: &str) -> Vec<(&'static str, String)> {
    let (ident, library) = (ident(name), library(name));
    let places = [
        ("{{name}}", name),
        ("{{ident}}", &ident),
        ("{{library}}", &library),
        ("{{rust}}", env!("CARGO_PKG_RUST_VERSION")),
        ("{{plugin}}", plugin),
        ("{{testkit}}", testkit),
    ];
    let filled = |text: &str| {
        places.iter().fold(text.to_owned(), |text, (place, with)| {
            text.replace(place, with)
        })
    };
    FILES
        .iter()
        .map(|(path, text)| (*path, filled(text)))
        .collect()
}

/// Creates `folder`, which must not exist, with these files: all of them or none. They are first
/// written to a temporary folder next to it.
fn write(folder: &Path, files: &[(&str, String)]) -> Result<(), String> {
    let Some(name) = folder.file_name() else {
        return Err(format!(
            "{} names no folder that could be made",
            folder.display()
        ));
    };
    if folder.symlink_metadata().is_ok() {
        return Err(format!(
            "{} exists already, and is left as it is; choose another `--folder`",
            folder.display()
        ));
    }
    let temporary = folder.with_file_name(format!(
        ".{}.{}",
        name.to_string_lossy(),
        std::process::id()
    ));
    let failed =
        |path: &Path, error: io::Error| format!("cannot write {}: {error}", path.display());
    let parent = temporary.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
    fs::create_dir(&temporary).map_err(|error| failed(&temporary, error))?;
    let written = fill(&temporary, files)
        .and_then(|()| fs::rename(&temporary, folder).map_err(|e| (folder.to_owned(), e)));
    written.map_err(|(path, error)| {
        // If the temporary folder cannot be removed either, its name tells what it is.
        let _ = fs::remove_dir_all(&temporary);
        failed(&path, error)
    })
}

fn fill(folder: &Path, files: &[(&str, String)]) -> Result<(), (PathBuf, io::Error)> {
    for (path, text) in files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| (path, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    /// An empty folder for one test.
    fn place(test: &str) -> PathBuf {
        let place =
            std::env::temp_dir().join(format!("supernet-new-plugin-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).unwrap();
        place
    }

    #[test]
    fn names() {
        for good in ["a", "my-space", "deep_3", "overrides", "the-core"] {
            check(good).unwrap();
        }
        let letters =
            "its name has 1 to 64 letters (a to z), digits, `-` and `_`, and starts with a letter";
        for bad in [
            "",
            "3d",
            "-x",
            "_",
            "My",
            "a b",
            "a/b",
            "..",
            "größe",
            "a\nb",
            &"x".repeat(65),
        ] {
            assert_eq!(
                check(bad).unwrap_err(),
                format!("a crate cannot be called `{bad}`: {letters}")
            );
        }
        assert_eq!(
            check("match").unwrap_err(),
            "a crate cannot be called `match`, which is a word of Rust's; try `match-space`"
        );
        assert_eq!(
            check("proc-macro").unwrap_err(),
            "a crate cannot be called `proc-macro`, which is one that it uses; try `my-proc-macro`"
        );
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let files = files("my-space", &version(), &version());
        for (path, text) in &files {
            assert!(
                !text.contains("{{") && !text.contains("}}"),
                "{path}: {text}"
            );
            assert!(text.ends_with('\n') && !text.contains('\r'), "{path}");
        }
        let of = |wanted: &str| &files.iter().find(|(path, _)| *path == wanted).unwrap().1;
        assert!(of("Cargo.toml").contains("name = \"my-space\""));
        assert!(of("Cargo.toml").contains(&format!("supernet-plugin = {}\n", version())));
        assert!(of("src/lib.rs").contains("name: \"my-space\""));
        assert!(of("tests/space.rs").contains("use my_space as _;"));
        assert!(of("README.md").contains(&format!("{DLL_PREFIX}my_space{DLL_SUFFIX}")));
    }

    #[test]
    fn a_checkout_is_one() {
        let place = place("checkout");
        let said = dependencies(&place).unwrap_err().to_string();
        assert!(said.starts_with(place.to_str().unwrap()), "{said}");
        assert!(
            said.contains("is not a checkout of supernet: it has no plugins/api/Cargo.toml"),
            "{said}"
        );
        let odd = place.join("a \"b\"");
        fs::create_dir_all(odd.join("plugins/api")).unwrap();
        fs::write(odd.join("plugins/api/Cargo.toml"), "").unwrap();
        let (plugin, testkit) = dependencies(&odd).unwrap();
        assert!(
            plugin.starts_with("{ path = \"") && plugin.ends_with("a \\\"b\\\"/plugins/api\" }"),
            "{plugin}"
        );
        assert!(testkit.ends_with("/runtime/testkit\" }"), "{testkit}");
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn all_files_or_none() {
        let place = place("write");
        let folder = place.join("deep/my-space");
        let files = files("my-space", &version(), &version());
        write(&folder, &files).unwrap();
        for (path, text) in &files {
            assert_eq!(fs::read_to_string(folder.join(path)).unwrap(), *text);
        }
        let there = || fs::read_dir(place.join("deep")).unwrap().count();
        // An existing folder stays as it is.
        let said = write(&folder, &files).unwrap_err();
        assert!(
            said.ends_with("exists already, and is left as it is; choose another `--folder`"),
            "{said}"
        );
        assert_eq!(there(), 1);
        // A file that cannot be written removes the others.
        let half = [("a", "text".to_owned()), ("a/b", "text".to_owned())];
        let said = write(&place.join("deep/half"), &half).unwrap_err();
        assert!(
            said.starts_with("cannot write ") && said.contains("a/b"),
            "{said}"
        );
        assert_eq!(there(), 1);
        assert_eq!(
            write(Path::new(".."), &files).unwrap_err(),
            ".. names no folder that could be made"
        );
        fs::remove_dir_all(place).unwrap();
    }
}
