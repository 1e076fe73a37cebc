//! `supernet rank`: a ranking laboratory on the digits.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod support;

use std::fs;

use support::{json, misused, place, refused, supernet, text};

const SMALL: [&str; 12] = [
    "rank",
    "--set=space.layers=3",
    "--set=space.filters=4",
    "--set=data.train=256",
    "--set=data.validation=128",
    "--set=search.epochs=1",
    "--set=search.warm_up=1",
    "--set=derive.candidates=2",
    "--set=derive.report=2",
    "--set=retrain.warm_up=0",
    "--networks=12",
    "--threads=2",
];

#[test]
fn a_laboratory_is_continued_with_what_it_has() {
    let place = place("rank");
    let rank = |more: &[&str]| {
        let output = supernet(
            &place,
            &[&SMALL[..], &["--alone=1", "-o=lab"], more].concat(),
        );
        assert!(output.status.success(), "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let (said, progress) = rank(&["--strategies=random", "--seeds=2"]);
    for words in [
        "12 networks of enas-macro on digits; truth: test accuracy in per cent, trained alone for 1 epochs",
        "reliability of the networks trained alone: tau ",
        "\nparameters ",
        "\nadditive model, 11 trained ",
        "\nanother seed alone ",
        "\nshuffled ",
        "\nrandom, loss ",
        "random: 2 searches, each ",
        " than parameters here: the tau of random by loss minus that of parameters is ",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // The reliability comes before the first search.
    let at = |words: &str| {
        progress
            .find(words)
            .unwrap_or_else(|| panic!("{words}: {progress}"))
    };
    assert!(at("trained alone: 12 of 12 networks") < at("reliability: tau "));
    assert!(at("reliability: tau ") < at("searched: random with seed 0"));

    let lab = place.join("lab");
    let (report, table) = (
        json(&lab.join("ranking.json")),
        fs::read_to_string(lab.join("ranking.csv")),
    );
    let table = table.unwrap();
    assert_eq!(table.lines().count(), 13);
    assert!(table.starts_with(
        "genome,parameters,macs,weighted_ops,truth,random_0_reward,random_0_loss,random_1_reward,random_1_loss\n"
    ));
    assert_eq!(report["strategies"][0]["by_loss"]["tau"]["count"], 2);
    assert_eq!(report["baselines"][0]["name"], "parameters");
    for plot in ["scores.svg", "tau.svg"] {
        assert!(
            fs::read_to_string(lab.join(plot))
                .unwrap()
                .ends_with("</svg>\n"),
            "{plot}"
        );
    }

    // As if it had been killed before the second search: the first one and the trainings are
    // found, and the report is the same but for times.
    let kept = fs::read(lab.join("searches/random-0.json")).unwrap();
    fs::remove_file(lab.join("searches/random-1.json")).unwrap();
    let (_, progress) = rank(&["--strategies=random", "--seeds=2"]);
    for words in [
        "found 12 networks",
        "found random with seed 0",
        "searched: random with seed 1",
    ] {
        assert!(progress.contains(words), "{words}: {progress}");
    }
    assert!(
        !progress.contains("searched: random with seed 0"),
        "{progress}"
    );
    assert!(!progress.contains("trained alone: "), "{progress}");
    assert_eq!(fs::read(lab.join("searches/random-0.json")).unwrap(), kept);
    assert_eq!(fs::read_to_string(lab.join("ranking.csv")).unwrap(), table);
    let again = json(&lab.join("ranking.json"));
    assert_eq!(
        again["strategies"][0]["by_loss"],
        report["strategies"][0]["by_loss"]
    );
    assert_eq!(again["baselines"], report["baselines"]);

    // Another strategy is added. The table that was written is a truth for another laboratory.
    let (said, progress) = rank(&["--strategies=random,enas,random", "--seeds=1"]);
    assert!(
        progress.contains("searched: enas with seed 0"),
        "{progress}"
    );
    assert!(said.contains("\nenas, reward "), "{said}");
    assert_eq!(said.matches("\nrandom, loss ").count(), 1, "{said}");
    let by_table = ["--truth=lab/ranking.csv", "--seeds=1", "-o=other", "--json"];
    let output = supernet(&place, &[&SMALL[..], &by_table].concat());
    let other: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(other["networks"], 12, "{}", text(&output.stderr));
    assert_eq!(
        other["truth"]["source"],
        "column `truth` of lab/ranking.csv"
    );
    assert_eq!(other["baselines"][0], report["baselines"][0]);

    // The folder belongs to this laboratory.
    let said = refused(
        &place,
        &[
            &SMALL[..],
            &["--alone=1", "-o=lab", "--set=space.filters=8"],
        ]
        .concat(),
    );
    assert!(
        said.contains("the folder lab ranks networks of the space `enas-macro`"),
        "{said}"
    );
    let said = refused(
        &place,
        &[
            &SMALL[..],
            &["--alone=1", "-o=lab", "--set=search.epochs=2"],
        ]
        .concat(),
    );
    assert!(
        said.contains("has other settings, such as `epochs = 1`"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_ranked_is_refused_in_a_sentence() {
    let place = place("rank-refused");
    fs::write(place.join("a.csv"), "genome,test\n0 0 0,0.5\n1 0 0,0.6\n").unwrap();
    fs::create_dir(place.join("full")).unwrap();
    fs::write(place.join("full/notes.txt"), "mine").unwrap();
    let said = |more: &[&str], misuse: bool| {
        let usual = SMALL.iter().filter(|usual| {
            let option = usual.split_once('=').map_or(**usual, |(option, _)| option);
            option == "--set" || more.iter().all(|given| !given.starts_with(option))
        });
        let arguments: Vec<&str> = usual.chain(more).copied().collect();
        match misuse {
            true => misused(&place, &arguments),
            false => refused(&place, &arguments),
        }
    };
    for (arguments, sentence, misuse) in [
        (
            &["--truth=a.csv:tast", "-o=lab"][..],
            "no column `tast`; the nearest is `test`",
            false,
        ),
        (
            &["--truth=a.csv:test", "-o=lab", "--space=nasbench-macro"],
            "space `nasbench-macro` has no setting `filters`",
            true,
        ),
        (
            &["--truth=a.csv:test", "-o=lab"],
            "none of its columns",
            false,
        ),
        (
            &["--alone=1", "-o=lab", "--networks=9"],
            "a ranking of 9 networks says nothing; it takes at least 10",
            false,
        ),
        (
            &["--alone=1", "-o=full"],
            "the folder full has other files and no laboratory.json; name another folder",
            false,
        ),
        (
            &["--alone=1", "--alone-seeds=1", "-o=lab"],
            "at least 2 seeds, not 1",
            true,
        ),
        (
            &["--alone=1", "-o=lab", "--strategies=random,enos"],
            "`search.strategy` is `enos`, but it must be",
            true,
        ),
    ] {
        let said = said(arguments, misuse);
        assert!(said.contains(sentence), "{sentence}: {said}");
    }
    assert!(!place.join("lab").exists());
    let output = supernet(&place, &["rank", "-o=lab"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--truth <FILE[:COLUMN]>"));
}
