//! Published architectures on the command line: listed, drawn, trained, and read in their authors'
//! notation.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn supernet(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_supernet"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("NODEVICE_SELECT", "1");
    command.output().expect("the command starts")
}

fn place(test: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    place
}

fn said(place: &Path, arguments: &[&str]) -> String {
    let output = supernet(place, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn refused(place: &Path, arguments: &[&str]) -> String {
    let output = supernet(place, arguments);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stderr).unwrap()
}

const PASTED: &str = "DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0),
    ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)],
    normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2),
    ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)],
    reduce_concat=[2, 3, 4, 5])";

#[test]
fn all_are_listed_with_our_count_beside_the_published_one() {
    let place = place("architectures");
    let all = said(&place, &["architectures"]);
    for figure in [
        "42,559,392",
        "3,894,372",
        "22,027,104",
        "3,169,414",
        "3,349,342",
        "3,830,950",
        "3,145,078",
    ] {
        assert_eq!(
            all.matches(&format!("  here       {figure} parameters"))
                .count(),
            1,
            "{figure} in\n{all}"
        );
    }
    assert_eq!(all.matches("\n  differs").count(), 7);
    let one = said(&place, &["architectures", "darts-v2"]);
    let notation = one.lines().last().unwrap();
    assert!(
        notation.starts_with("Genotype(normal=[('sep_conv_3x3', 0), "),
        "{one}"
    );
    assert!(
        one.contains("2.76 ± 0.09 % test error") && one.contains("space.cells=20"),
        "{one}"
    );
    let wrong = refused(&place, &["architectures", "nasnet"]);
    assert!(
        wrong.contains("there is no published architecture `nasnet`; the nearest is `nasnet-a`."),
        "{wrong}"
    );
}

#[test]
fn drawings_are_written_once() {
    let place = place("draw");
    let draw = ["draw", "--architecture", "darts-v2", "-o", "a.svg"];
    assert_eq!(said(&place, &draw), "a.svg\n");
    let svg = fs::read_to_string(place.join("a.svg")).unwrap();
    assert!(
        svg.contains("DARTS, second order")
            && svg.contains("3,349,342 parameters")
            && svg.contains("dilated 3×3")
    );
    assert_eq!(
        refused(&place, &draw),
        "error: a.svg is there already, and is not overwritten; name another file\n"
    );
    assert_eq!(fs::read_to_string(place.join("a.svg")).unwrap(), svg);
    fs::write(place.join("pasted.txt"), PASTED).unwrap();
    let smaller = [
        "draw",
        "--genome",
        "pasted.txt",
        "--set",
        "space.cells=6",
        "--set",
        "space.image=[32, 32, 3]",
    ];
    said(&place, &[&smaller[..], &["-o", "b.svg"]].concat());
    assert!(
        fs::read_to_string(place.join("b.svg"))
            .unwrap()
            .contains("dilated 3×3")
    );
}

#[test]
fn a_published_architecture_is_trained_on_other_data() {
    let place = place("published");
    let small = [
        "--set=space.cells=3",
        "--set=space.channels=2",
        "--epochs=1",
        "--device=cpu",
    ];
    let trained = said(
        &place,
        &[
            &["retrain", "--architecture=darts-v1", "--run=a"],
            &small[..],
        ]
        .concat(),
    );
    assert!(
        trained.contains("Result in a/best/retrained.json"),
        "{trained}"
    );
    let config = fs::read_to_string(place.join("a/config.toml")).unwrap();
    assert!(
        config.contains("form = \"final\"") && config.contains("space = \"darts\""),
        "{config}"
    );
    // The same from a pasted genotype, as an architecture of the space of edges.
    fs::write(place.join("pasted.txt"), PASTED).unwrap();
    said(
        &place,
        &[&["retrain", "--genome=pasted.txt", "--run=b"], &small[..]].concat(),
    );
    let config = fs::read_to_string(place.join("b/config.toml")).unwrap();
    assert!(
        config.contains("form = \"final\"") && config.contains("space = \"darts\""),
        "{config}"
    );
}

#[test]
fn what_cannot_be_trained_says_why() {
    let place = place("notation");
    let twice = PASTED.replace(
        "('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0)",
        "('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 0)",
    );
    fs::write(place.join("twice.txt"), twice).unwrap();
    let wrong = refused(&place, &["retrain", "--genome=twice.txt", "--space=darts"]);
    assert!(
        wrong.contains(
            "two ops on one edge: node 2 of the normal cell has `sep_conv_3x3` and `skip_connect`"
        ),
        "{wrong}"
    );
    fs::write(place.join("list.txt"), "0 1 0\n2 1 1\n").unwrap();
    let wrong = refused(
        &place,
        &["retrain", "--genome=list.txt", "--space=enas-micro"],
    );
    assert!(
        wrong.contains("the architecture has 6 numbers, and `enas-micro` has 40 decisions"),
        "{wrong}"
    );
    fs::write(place.join("prose.txt"), "Call me Ishmael.").unwrap();
    let wrong = refused(&place, &["draw", "--genome=prose.txt", "-o", "a.svg"]);
    assert!(
        wrong.contains("prose.txt holds no architecture") && wrong.contains("line 1, column 6"),
        "{wrong}"
    );
    let wrong = refused(
        &place,
        &["retrain", "--architecture=enas-recurrent", "--device=cpu"],
    );
    assert!(wrong.contains("vocabulary"), "{wrong}");
    let wrong = refused(
        &place,
        &[
            "retrain",
            "--architecture=enas-macro",
            "--set=space.layers=6",
            "--device=cpu",
        ],
    );
    assert!(
        wrong.contains(
            "the architecture has 300 numbers, and `enas-macro` with layers=6 has 21 decisions"
        ),
        "{wrong}"
    );
}
