//! The `supernet` command: its error messages, and its lists of spaces, devices and settings.

mod support;

use std::fs;

use support::{command, place, supernet, text};

/// Whether this build has GPU support.
const GPU: bool = cfg!(feature = "gpu");

#[test]
fn wrong_input_gets_a_sentence_a_failing_exit_code_and_leaves_nothing() {
    let place = place("wrong");
    fs::create_dir(place.join("taken")).unwrap();
    fs::write(place.join("file"), "").unwrap();
    let misuses: &[(&[&str], &str)] = &[
        (
            &["search", "--strategy", "drats"],
            "`search.strategy` is `drats`, but it must be `spos` or `enas` or `darts`",
        ),
        (
            &["search", "--set", "optimizer.rat=1"],
            "the nearest is `optimizer.learning_rate`",
        ),
        (
            &["search", "--set", "train.batch=many"],
            "`train.batch` must be a whole number, not `many`",
        ),
        (&["search", "--set", "nonsense"], "write KEY=VALUE"),
        (
            &["search", "--epochs", "-3"],
            "`search.epochs` must be a whole number, 0 or above, not `-3`",
        ),
        (
            &["search", "--epochs", "few"],
            "`search.epochs` must be a whole number, not `few`",
        ),
        (&["search", "--epochs", "2000000"], "from 0 (fitted) to"),
        (
            &["search", "--minutes", "-1"],
            "`--minutes` must be a number above 0, not `-1`",
        ),
        (
            &["search", "--threads", "0"],
            "`--threads` must be a whole number from 1 to 1024, not `0`",
        ),
        (
            &["search", "--device", "cuda"],
            "`cuda` is not a device; write auto, cpu, gpu, or gpu:NAME",
        ),
        (
            &["bench", "--space", "cnn"],
            "write enas-macro, enas-micro or enas-recurrent",
        ),
        (
            &["bench", "--space", "rnn", "--vocab", "1"],
            "`--vocab` must be a whole number from 2 to 1048576, not 1",
        ),
        (
            &["bench", "--hw", "0"],
            "`--hw` must be a whole number from 1 to 4096, not 0",
        ),
        (
            &["search", "--seed", "x"],
            "`search.seed` must be a whole number, not `x`",
        ),
        (
            &["config", "papers"],
            "no settings are named `papers`; the names are `short`, `enas-macro-cifar10`, ",
        ),
        (
            &["search", "--evaluators", "none"],
            "`--evaluators` must be a whole number from 1 to 256, not `none`",
        ),
        (
            &["search", "--set", "space.layer=4"],
            "the nearest is `layers`",
        ),
        (&["search", "--set", "space.layers=0"], "layers"),
        (&["search", "--set", "space.filters=15"], "multiple of 2"),
        (&["search", "--set", "space.layers=many"], "layers"),
    ];
    let failures: &[(&[&str], &str)] = &[
        (
            &["search", "--space", "enas-makro"],
            "there is no search space `enas-makro`; the nearest is `enas-macro`",
        ),
        (
            &["search", "--data", "mnist"],
            "there is no data set `mnist`",
        ),
        (
            &["search", "--device", "gpu:a card that nobody has"],
            if GPU { "GPU" } else { "on the CPU only" },
        ),
        (
            &["bench", "--space", "rnn", "--batch", "3"],
            "make the batch a multiple of 8 (in a search `train.batch`",
        ),
        (
            &["search", "--set", "train.batch=5000"],
            "fewer than one batch of 5000",
        ),
        (&["search", "--set", "data.train=0.9"], "data.validation"),
        (
            &["search", "--config", "nowhere.toml"],
            "cannot read nowhere.toml",
        ),
        (
            &["search", "--config", "nowhere.toml"],
            "settings with a name are `short`, `enas-macro-cifar10`, ",
        ),
        (
            &["search", "--run", "taken"],
            "taken exists already, and nothing in it is overwritten",
        ),
        (&["search", "--run", "file/under"], "cannot make the folder"),
        (&["search", "--space", "enas-recurrent"], "enas-recurrent"),
        (
            &["search", "--strategy", "own"],
            "the strategy `custom` is defined by an application",
        ),
        (&["resume", "taken"], "taken is not a run folder"),
        (&["spaces", "nowhere"], "there is no search space `nowhere`"),
    ];
    let misuses = misuses.iter().map(|case| (case, 2));
    for ((arguments, sentence), code) in misuses.chain(failures.iter().map(|case| (case, 1))) {
        let output = supernet(&place, arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(
            said.starts_with("error: ") && said.contains(sentence),
            "{arguments:?}: {said}"
        );
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert_eq!(
            fs::read_dir(&place).unwrap().count(),
            2,
            "{arguments:?} left something behind"
        );
    }
}

#[test]
fn spaces_are_listed_and_described() {
    let place = place("spaces");
    let list = text(&supernet(&place, &["spaces"]).stdout);
    assert!(
        ["enas-macro", "enas-micro", "enas-recurrent"]
            .iter()
            .all(|name| list.contains(name)),
        "{list}"
    );
    let one = text(
        &supernet(
            &place,
            &["spaces", "--space", "enas-macro", "--set", "layers=6"],
        )
        .stdout,
    );
    assert!(one.contains("72,496") && one.contains("(found)"), "{one}");
    let published = [
        "spaces",
        "--space",
        "enas-macro",
        "--set",
        "layers=12",
        "--set",
        "filters=36",
    ];
    let published = supernet(
        &place,
        &[&published[..], &["--set", "image=[32,32,3]"]].concat(),
    );
    assert!(text(&published.stdout).contains("697,860"), "{published:?}");
    let recurrent = text(&supernet(&place, &["spaces", "enas-recurrent"]).stdout);
    assert!(recurrent.contains("7,440,000"), "{recurrent}");
    let small = text(&supernet(&place, &["spaces", "enas-macro", "--set", "layers=3"]).stdout);
    assert!(
        small.contains("exact") && !small.contains("(found)"),
        "{small}"
    );
}

#[test]
#[cfg(feature = "gpu")]
fn devices_are_listed_with_what_auto_takes() {
    let place = place("devices");
    let list = text(&supernet(&place, &["devices"]).stdout);
    assert!(
        list.starts_with("cpu: ") && list.contains("`--device auto` takes "),
        "{list}"
    );
    let json = text(&supernet(&place, &["devices", "--json"]).stdout);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(
        json["gpus"].is_array() && json["auto"].is_string(),
        "{json}"
    );
}

/// As in a container or on a server, where a layer of Mesa complains.
#[test]
#[cfg(all(feature = "gpu", target_os = "linux"))]
fn without_a_desktop_nothing_complains() {
    let output = command(&place("desktop"), &["devices"])
        .env_remove("NODEVICE_SELECT")
        .env_remove("XDG_RUNTIME_DIR")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "");
    assert!(text(&output.stdout).starts_with("cpu: "));
}

#[test]
fn a_benchmark_on_the_adapter_that_computes_nothing_shows_what_a_gpu_costs_its_host() {
    let place = place("bench");
    let device = if GPU { "gpu:noop" } else { "cpu" };
    let sizes = [
        "--layers",
        "4",
        "--filters",
        "4",
        "--hw",
        "8",
        "--batch",
        "8",
        "--steps",
        "2",
    ];
    let output = supernet(
        &place,
        &[&["bench", "--json", "--device", device][..], &sizes].concat(),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (lines.len(), &lines[0]["phase"], &lines[0]["layers"]),
        (2, &"train".into(), &4.into())
    );
    assert!(
        !GPU || lines[0]["dispatches"].as_f64().unwrap() > 50.0,
        "{}",
        lines[0]
    );

    let sizes = [
        "--space",
        "recurrent",
        "--vocab",
        "30",
        "--hidden",
        "8",
        "--bptt",
        "5",
        "--batch",
        "8",
        "--steps",
        "2",
    ];
    let output = supernet(
        &place,
        &[&["bench", "--json", "--device", "cpu"][..], &sizes].concat(),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // The embedding is also the decoder; 66 pairs of nodes have weights, and so does the first
    // node.
    let params = 30 * 8 + 16 * 16 + 66 * 8 * 16;
    assert_eq!(
        (lines.len(), &lines[1]["phase"], &lines[1]["bptt"]),
        (2, &"evaluate".into(), &5.into())
    );
    assert_eq!(lines[0]["params"], params);
}

#[test]
fn named_settings_are_listed_printed_and_searched_with() {
    let place = place("named");
    let listed = text(&supernet(&place, &["config"]).stdout);
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        names,
        [
            "short",
            "enas-macro-cifar10",
            "enas-micro-cifar10",
            "enas-recurrent-ptb",
            "darts",
            "snas",
            "gdas",
            "one-shot",
            "spos",
            "fairnas",
            "proxyless",
            "halving",
            "nas"
        ]
    );
    let paper = text(&supernet(&place, &["config", "enas-macro-cifar10"]).stdout);
    assert!(
        paper.contains(
            "# paper §3.2 (released code, macro: 1e-3, micro: 3.5e-3)\nlearning_rate = 0.00035\n"
        ),
        "{paper}"
    );
    fs::write(place.join("file.toml"), &paper).unwrap();
    let quick = [
        "--data=digits",
        "--epochs=1",
        "--set=score.updates=1",
        "--set=derive.candidates=2",
        "--set=derive.report=2",
        "--threads=2",
    ];
    for (run, config) in [("a", "enas-macro-cifar10"), ("b", "file.toml")] {
        let arguments = [&["search", "--config", config, "--run", run][..], &quick].concat();
        let output = supernet(&place, &arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let [a, b] =
        ["a", "b"].map(|run| fs::read_to_string(place.join(run).join("config.toml")).unwrap());
    assert_eq!(a, b);
    assert!(
        a.contains("lstm = 100") && a.contains("epochs = 1\n") && a.contains("batch = 128"),
        "{a}"
    );
}
