//! Running the `supernet` command.

#![allow(dead_code, reason = "no test file uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_supernet"));
    command
        .args(arguments)
        .current_dir(folder)
        // A Mesa layer that looks for a desktop, and complains on standard error if there is none.
        .env("NODEVICE_SELECT", "1");
    command
}

pub(crate) fn supernet(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments)
        .output()
        .expect("the command starts")
}

/// An empty folder for one test.
pub(crate) fn place(test: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).expect("the target folder can be written");
    place
}

/// A folder for one test that holds a finished run, `a`.
pub(crate) fn searched(test: &str) -> PathBuf {
    let place = place(test);
    let small = [
        "--set=space.layers=3",
        "--set=space.filters=4",
        "--set=derive.candidates=6",
        "--set=derive.report=6",
    ];
    let output = supernet(
        &place,
        &[
            &[
                "search",
                "--epochs=3",
                "--no-retrain",
                "--run=a",
                "--device=cpu",
            ],
            &small[..],
        ]
        .concat(),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    place
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The command line that follows a sentence of the output, as arguments.
pub(crate) fn printed(output: &str, sentence: &str) -> Vec<String> {
    let mut lines = output.lines();
    let line = lines.find_map(|line| Some(line.split_once(sentence)?.1.trim()));
    let line = line.unwrap_or_else(|| panic!("no `{sentence}`: {output}"));
    let words = line.strip_prefix("supernet ").expect("it is this command");
    words.split(' ').map(str::to_owned).collect()
}

/// The output of a command that succeeds.
pub(crate) fn said(place: &Path, arguments: &[&str]) -> String {
    let output = supernet(place, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// The error message of a command that fails.
pub(crate) fn refused(place: &Path, arguments: &[&str]) -> String {
    failed(place, arguments, 1)
}

/// The error message of a command with a wrong option or setting.
pub(crate) fn misused(place: &Path, arguments: &[&str]) -> String {
    failed(place, arguments, 2)
}

fn failed(place: &Path, arguments: &[&str], code: i32) -> String {
    let output = supernet(place, arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stderr)
}
