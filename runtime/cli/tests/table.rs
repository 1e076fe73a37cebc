//! Searches of a table: `--table`.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use supernet::plugin::{Space, Tensor};

const SEARCH: [&str; 10] = [
    "search",
    "--plugin",
    "mine",
    "--space",
    "toy",
    "--table",
    "toy.csv",
    "--reward",
    "valid",
    "--report=test",
];

fn supernet(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_supernet"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// The standard output of a successful command.
#[track_caller]
fn well(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// A folder for one test with a space of three kernel choices, and a table of all 27 combinations.
fn place(test: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("table-{test}"));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(place.join("mine")).expect("the target folder can be written");
    let s = Space::new("toy");
    s.summary("three layers of a kernel to be found");
    let kernels =
        ["first", "second", "third"].map(|id| s.op(id, &["conv1x1", "conv3x3", "conv5x5"]));
    let x = s.input("image", &[8, 8, 1]).conv(1, 4).norm().relu();
    let layer = |x, (i, op)| {
        s.scope(format!("layer{i}"), || {
            s.choose(
                op,
                &[1, 3, 5].map(|k| s.scope(format!("{k}"), || Tensor::conv(x, k, 4).norm().relu())),
            )
        })
    };
    s.output(
        kernels
            .into_iter()
            .enumerate()
            .fold(x, layer)
            .global_avg_pool()
            .linear(10, true),
    );
    let space = s
        .finish()
        .expect("the space is right")
        .to_json()
        .expect("a space has a JSON form");
    fs::write(place.join("mine/space.json"), space).expect("it can be written");

    let (mut csv, mut json) = ("number,layers,valid,test\n".to_owned(), Vec::new());
    for i in 0..27_u32 {
        let genome = [i / 9, i / 3 % 3, i % 3];
        let away: u32 = genome
            .iter()
            .zip([2, 0, 1])
            .map(|(a, b)| a.abs_diff(b))
            .sum();
        let (valid, test) = (80 - 5 * away, 82 - 4 * away);
        let names = genome.map(|choice| ["conv1x1", "conv3x3", "conv5x5"][choice as usize]);
        writeln!(csv, "{i},\"{}\",{valid},{test}", names.join(", ")).expect("a text takes it");
        let [a, b, c] = genome;
        json.push(format!(
            "\"{a}{b}{c}\": {{\"valid\": {valid}, \"test\": {test}}}"
        ));
    }
    fs::write(place.join("toy.csv"), csv).expect("it can be written");
    fs::write(place.join("toy.json"), format!("{{{}}}", json.join(",")))
        .expect("it can be written");
    place
}

#[test]
fn a_table_is_searched_and_leaves_nothing() {
    let place = place("search");
    for strategy in ["random", "enas", "evolution"] {
        let said = well(&supernet(
            &place,
            &[&SEARCH[..], &["--samples=200", "--strategy", strategy]].concat(),
        ));
        for words in [
            "toy.csv: 27 genomes of toy, rewards `valid` (percentages)",
            &format!("with {strategy}, seed 0: valid 80.0000"),
            "genome  2 0 1 (conv5x5, conv1x1, conv3x3)",
            "report  test 82.0000, place 1 of 27 (the first 3.70 %; the best has 82.0000)",
            "    100     80.0000     82.0000",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
    let json = [
        &SEARCH[..],
        &["--samples=27", "--strategy=random", "--json", "--seed=3"],
    ]
    .concat();
    let line = well(&supernet(&place, &json));
    assert_eq!(line.lines().count(), 1);
    let found: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&found["distinct"], &found["reward"], &found["rank"]),
        (&27.into(), &80.0.into(), &1.into())
    );
    let other: Vec<&str> = json
        .iter()
        .map(|word| if *word == "toy.csv" { "toy.json" } else { word })
        .collect();
    let mut other: serde_json::Value =
        serde_json::from_str(&well(&supernet(&place, &other))).unwrap();
    other["table"] = "toy.csv".into();
    assert_eq!(other, found);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 3);
}

#[test]
fn repetitions_give_means_over_seeds() {
    let place = place("repeat");
    let repeat = [
        &SEARCH[..],
        &[
            "--strategy=enas",
            "--samples=120",
            "--repeat=5",
            "--seed=7",
            "--set=score.rollouts=10",
        ],
    ]
    .concat();
    let said = well(&supernet(&place, &repeat));
    assert!(
        said.contains("enas with seeds 7 to 11: test of the best by valid"),
        "{said}"
    );
    assert!(
        said.contains("    100 samples")
            && said.contains("    120 samples")
            && said.contains(" ± "),
        "{said}"
    );
    let json = well(&supernet(&place, &[&repeat[..], &["--json"]].concat()));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (
            json["runs"].as_array().unwrap().len(),
            &json["means"][0]["samples"]
        ),
        (5, &10.into())
    );
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    let place = place("options");
    for (arguments, sentence) in [
        (
            &["--samples=5", "--data=digits"][..],
            "cannot be used with '--data <NAME|PATH>'",
        ),
        (
            &["--samples=5", "--epochs=3"],
            "cannot be used with '--epochs <N>'",
        ),
        (
            &["--samples=5", "--run=there"],
            "cannot be used with '--run <FOLDER>'",
        ),
        (
            &["--samples=5", "--device=cpu"],
            "cannot be used with '--device <DEVICE>'",
        ),
        (&["--samples=0"], "0 is not in 1..=1048576"),
        (&[], "--samples <N>"),
    ] {
        let output = supernet(&place, &[&SEARCH[..], arguments].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(sentence), "{sentence}: {said}");
    }
    for alone in [
        "--samples=5",
        "--reward=valid",
        "--key=layers",
        "--report=test",
        "--repeat=2",
    ] {
        let output = supernet(&place, &["search", alone]);
        assert_eq!(output.status.code(), Some(2), "{alone}");
        assert!(text(&output.stderr).contains("--table <FILE>"), "{alone}");
    }
    for (arguments, sentence) in [
        (
            &["--key=number"][..],
            "line 2 has `0` where a genome should be: 3 numbers, one per decision",
        ),
        (
            &["--key=layer"],
            "no column `layer`; the nearest is `layers`",
        ),
        (&["--strategy=own"], "defined by an application"),
    ] {
        let output = supernet(&place, &[&SEARCH[..], &["--samples=5"], arguments].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with("error: ") && said.contains(sentence),
            "{sentence}: {said}"
        );
    }
    let wrong = ["--samples=5", "--set=evolution.population=0"];
    let output = supernet(&place, &[&SEARCH[..], &wrong].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let sentence = "`evolution.population` is 0, but it must be from 1 to 1048576";
    assert!(said.contains(sentence), "{said}");
}
