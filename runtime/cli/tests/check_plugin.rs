//! `supernet check-plugin` on valid plugins, and on one that does everything wrong: neither this
//! process nor the next command is affected.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

use supernet_tests::plugins::built;

static BROKEN: LazyLock<std::path::PathBuf> =
    LazyLock::new(|| built("supernet-broken-plugin", &[]));

/// The output of the check, and whether it passed.
fn check(place: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_supernet"))
        .current_dir(place)
        .arg("check-plugin")
        .args(arguments)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    (output.status.success(), said)
}

fn place(test: &str) -> std::path::PathBuf {
    let place = env::temp_dir().join(format!("supernet-check-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    place
}

#[test]
fn a_plugin_with_its_own_ops_passes_on_whatever_there_is() {
    let place = place("right");
    let library = built("supernet-custom-space", &[]);
    let (passed, said) = check(&place, &[library.to_str().unwrap()]);
    assert!(passed, "{said}");
    assert!(
        said.contains("op           `gate` on cpu") && said.contains("op           `mish` on cpu"),
        "{said}"
    );
    assert!(
        said.contains("3 random children on cpu") && said.contains("(exact)"),
        "{said}"
    );
    let drawing = fs::read_dir(place.join("checked"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path()
        .join("gated.svg");
    assert!(fs::read_to_string(drawing).unwrap().starts_with("<svg"));
    // A second check creates its own folder.
    let (passed, said) = check(
        &place,
        &[
            library.to_str().unwrap(),
            "--device",
            "cpu",
            "--space",
            "gated",
            "--set",
            "layers=2",
        ],
    );
    assert!(
        passed && said.contains("decisions    4") && said.contains("-2"),
        "{said}"
    );
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn what_a_plugin_does_wrong_is_said_and_harms_nobody() {
    let place = place("wrong");
    let library = BROKEN.to_str().unwrap();
    for (space, sentence) in [
        ("panics", "nobody told me what to do"),
        (
            "aborts",
            "the plugin ended the process that tried it (it aborted",
        ),
        (
            "exits",
            "the plugin ended the process that tried it (exit status: 0) while building the space `exits`",
        ),
        ("broken-graph", "is not sound: node `"),
        ("huge", "at most 67108864 are read"),
        ("many-nodes", "1000000"),
        ("deep", "recursion limit"),
        ("cpu-panics", "this was not in the plan"),
        ("cpu-aborts", "while trying its ops on cpu"),
        ("cpu-refuses", "it does not feel like it"),
    ] {
        let (passed, said) = check(&place, &[library, "--space", space, "--device", "cpu"]);
        assert!(!passed && said.contains(sentence), "{space}: {said}");
    }
    let (passed, said) = check(
        &place,
        &[
            library,
            "--space",
            "hangs",
            "--device",
            "cpu",
            "--seconds",
            "1",
        ],
    );
    assert!(!passed, "{said}");
    assert!(
        said.contains("did not end within 1 s and was stopped while building the space `hangs`"),
        "{said}"
    );
    let (passed, said) = check(
        &place,
        &[
            library,
            "--space",
            "babbles",
            "--device",
            "cpu",
            "--seconds",
            "1",
        ],
    );
    assert!(!passed && said.contains("did not end within 1 s"), "{said}");
    let (passed, said) = check(
        &place,
        &["--space", "panics", "--device", "cpu", "--", library],
    );
    assert!(
        !passed && said.contains("nobody told me what to do"),
        "{said}"
    );
    let (passed, said) = check(&place, &[library, "--space", "hang"]);
    assert!(
        !passed && said.contains("there is no search space `hang`; the nearest is `hangs`"),
        "{said}"
    );
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn a_function_for_the_cpu_that_is_another_function_is_found() {
    let place = place("differs");
    for space in ["cpu-differs", "cpu-gradient-differs"] {
        let (passed, said) = check(&place, &[BROKEN.to_str().unwrap(), "--space", space]);
        // Without a GPU there is nothing to compare with.
        let alone = said.contains("not tried on `gpu`");
        assert_eq!(passed, alone, "{said}");
        assert!(
            alone || said.contains(&format!("the op `{space}` is not one function")),
            "{said}"
        );
    }
    fs::remove_dir_all(place).unwrap();
}
