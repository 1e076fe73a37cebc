//! Spaces from plugins: `--plugin`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use supernet::plugin::{SearchSpace, Setting, Space};

const SHORT: [&str; 7] = [
    "search",
    "--epochs=2",
    "--set=derive.candidates=4",
    "--set=derive.report=4",
    "--threads=2",
    "--device=cpu",
    "--json",
];

fn supernet(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_supernet"))
        .args(arguments)
        .current_dir(folder)
        .env("NODEVICE_SELECT", "1")
        .output()
        .expect("the command starts")
}

/// An empty folder for one test.
fn place(test: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("plugin-{test}"));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).expect("the target folder can be written");
    fs::canonicalize(place).expect("the folder was made")
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

/// The error message of a failed command.
#[track_caller]
fn refused(output: &Output) -> String {
    failed(output, 1)
}

/// The error message of a command with a wrong setting.
#[track_caller]
fn misused(output: &Output) -> String {
    failed(output, 2)
}

#[track_caller]
fn failed(output: &Output, code: i32) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(
        said.starts_with("error: ") && said.trim_end().lines().count() == 1,
        "{said}"
    );
    said
}

/// Two kernels to choose from, twice.
fn space(name: &str, image: u32, width: u32) -> SearchSpace {
    let s = Space::new(name);
    s.summary("two layers of a kernel to be found");
    let kernels = ["first", "second"].map(|id| s.op(id, &["conv3x3", "conv1x1"]));
    let x = s
        .input("image", &[image, image, 1])
        .conv(1, width)
        .norm()
        .relu();
    let layer = |x, (i, op)| {
        s.scope(format!("layer{i}"), || {
            s.choose(
                op,
                &[3, 1].map(|k| {
                    s.scope(format!("{k}"), || {
                        supernet::plugin::Tensor::conv(x, k, width).norm().relu()
                    })
                }),
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
    s.finish().expect("the space is right")
}

fn write(folder: &Path, space: &SearchSpace) {
    fs::create_dir_all(folder).expect("the folder can be made");
    fs::write(
        folder.join("space.json"),
        space.to_json().expect("a space has a JSON form"),
    )
    .expect("it can be written");
}

#[test]
fn a_folder_with_a_space_is_listed_shown_searched_and_resumed() {
    let place = place("folder");
    write(&place.join("mine"), &space("kernels", 8, 4));
    let plugin = place.join("mine").display().to_string();
    let list = well(&supernet(&place, &["spaces", "--plugin", "mine"]));
    let line = list
        .lines()
        .find(|line| line.starts_with("kernels "))
        .expect("it is listed");
    assert!(
        line.contains(&plugin) && line.ends_with("two layers of a kernel to be found"),
        "{line}"
    );
    assert!(
        list.lines()
            .any(|line| line.starts_with("enas-macro ") && line.contains(" linked ")),
        "{list}"
    );
    let shown = well(&supernet(
        &place,
        &["spaces", "--plugin", "mine", "--space", "kernels"],
    ));
    assert!(
        shown.starts_with("kernels: two layers") && shown.contains("It has no settings."),
        "{shown}"
    );
    let hash = shown
        .lines()
        .find_map(|line| line.trim().strip_prefix("hash"))
        .expect("the hash is shown")
        .trim();

    let search = [
        &SHORT[..],
        &["--space", "mine/kernels", "--plugin", "mine/space.json"],
    ]
    .concat();
    well(&supernet(&place, &search));
    let run = place.join("runs/kernels-digits-1");
    let provenance = fs::read_to_string(run.join("origin.json")).unwrap();
    let provenance: serde_json::Value = serde_json::from_str(&provenance).unwrap();
    assert_eq!(provenance["hash"], hash);
    assert_eq!(
        (
            &provenance["space"],
            provenance["from"].as_array().unwrap().len()
        ),
        (&"kernels".into(), 1)
    );
    let events = fs::read_to_string(run.join("events.jsonl")).unwrap();
    assert!(events.contains("\"space\":\"kernels\""), "{events}");

    // As if it had been killed before writing its first checkpoint.
    for gone in ["best", "checkpoints"] {
        fs::remove_dir_all(run.join(gone)).unwrap();
    }
    let resume = ["resume", "runs/kernels-digits-1", "--device=cpu", "--json"];
    let plugin = place.join("mine/space.json").display().to_string();
    let without = refused(&supernet(&place, &resume));
    assert!(
        without.contains("there is no search space `kernels`"),
        "{without}"
    );
    assert!(
        without.contains(&format!("it came from {plugin}; add --plugin {plugin}")),
        "{without}"
    );
    write(&place.join("mine"), &space("kernels", 8, 6));
    let changed = refused(&supernet(
        &place,
        &[&resume[..], &["--plugin", "mine/space.json"]].concat(),
    ));
    for words in [
        &format!(
            "searched the space `kernels` as {plugin} built it (hash {}), and the one at hand",
            &hash[..12]
        ),
        "differs (hash ",
        "load the same plugin, or begin anew with `supernet search --config runs/kernels-digits-1/config.toml`",
    ] {
        assert!(changed.contains(words), "{words}: {changed}");
    }
    write(&place.join("mine"), &space("kernels", 8, 4));
    well(&supernet(
        &place,
        &[&resume[..], &["--plugin", "mine/space.json"]].concat(),
    ));
    assert!(run.join("best/genome.json").is_file());
}

#[test]
fn a_run_that_does_not_say_where_its_space_came_from_is_resumed() {
    let place = place("old");
    write(&place.join("mine"), &space("kernels", 8, 4));
    well(&supernet(
        &place,
        &[
            &SHORT[..],
            &["--space", "kernels", "--plugin", "mine", "--run", "old"],
        ]
        .concat(),
    ));
    fs::remove_dir_all(place.join("old/best")).unwrap();
    let resume = [
        "resume",
        "old",
        "--device=cpu",
        "--json",
        "--plugin",
        "mine",
    ];
    fs::write(place.join("old/origin.json"), "{").unwrap();
    assert!(refused(&supernet(&place, &resume)).contains("cannot read old/origin.json: EOF"));
    fs::remove_file(place.join("old/origin.json")).unwrap();
    well(&supernet(&place, &resume));
}

#[test]
fn what_is_no_plugin_gets_a_sentence_and_leaves_nothing() {
    let place = place("wrong");
    fs::write(place.join("text.so"), "no library").unwrap();
    fs::create_dir(place.join("empty")).unwrap();
    let of_the_system = libraries().next().map(|path| path.display().to_string());
    let mut cases = vec![
        ("nowhere.so", "there is no plugin nowhere.so: no such file"),
        (
            "text.so",
            "text.so is not a library that can be loaded here: ",
        ),
        ("empty", "empty has no space.json"),
    ];
    match &of_the_system {
        Some(path) => cases.push((path, "add `supernet_plugin::export_plugin!();` to it")),
        None => println!("skipped: no library of the system's"),
    }
    for (path, sentence) in cases {
        for command in [&["search"][..], &["spaces"], &["resume", "nowhere"]] {
            let said = refused(&supernet(&place, &[command, &["--plugin", path]].concat()));
            assert!(said.contains(sentence), "{said}");
        }
    }
    assert_eq!(fs::read_dir(&place).unwrap().count(), 2);
}

/// Libraries that are not plugins.
fn libraries() -> impl Iterator<Item = PathBuf> {
    let folders = [
        "/lib/x86_64-linux-gnu",
        "/lib/aarch64-linux-gnu",
        "/lib64",
        "/usr/lib",
        "/lib",
    ];
    let names = ["libm.so.6", "libz.so.1", "libc.so.6"];
    folders
        .into_iter()
        .flat_map(move |folder| names.map(|name| Path::new(folder).join(name)))
        .filter(|path| path.is_file())
}

#[test]
fn two_spaces_of_one_name_are_told_apart() {
    let place = place("two");
    for (folder, width) in [("a", 4), ("b", 6)] {
        write(&place.join(folder), &space("kernels", 8, width));
    }
    let both = ["--plugin", "a", "--plugin", "b"];
    let differ = refused(&supernet(
        &place,
        &[&SHORT[..], &both, &["--space", "kernels"]].concat(),
    ));
    assert!(
        differ.contains("two spaces are called `kernels`, and they differ: one comes from "),
        "{differ}"
    );
    assert!(
        differ.contains("choose with --space a/kernels or --space b/kernels"),
        "{differ}"
    );
    assert!(!place.join("runs").exists());
    let [a, b] = ["a/kernels", "b/kernels"].map(|name| {
        let shown = well(&supernet(
            &place,
            &[&["spaces", "--space", name][..], &both].concat(),
        ));
        shown
            .lines()
            .find(|line| line.trim().starts_with("hash"))
            .expect("the hash is shown")
            .to_owned()
    });
    assert_ne!(a, b);
    // Either of two identical ones will do.
    write(&place.join("b"), &space("kernels", 8, 4));
    let shown = well(&supernet(
        &place,
        &[&["spaces", "--space", "kernels"][..], &both].concat(),
    ));
    assert!(shown.contains(&a) && shown.contains(" and "), "{shown}");
}

#[test]
fn a_space_for_other_data_or_settings_is_refused() {
    let place = place("unfit");
    write(&place.join("mine"), &space("kernels", 16, 4));
    let search = [&SHORT[..], &["--space", "kernels", "--plugin", "mine"]].concat();
    let other = refused(&supernet(&place, &search));
    assert!(other.contains("16"), "{other}");
    let setting = misused(&supernet(
        &place,
        &[&search[..], &["--set", "space.layers=3"]].concat(),
    ));
    assert!(
        setting.contains("`space.layers` cannot be set: the space `kernels` is read from "),
        "{setting}"
    );
    // A space from a file remembers its settings, and accepts no others.
    let config = [("layers".to_owned(), Setting::Int(2))].into();
    write(
        &place.join("mine"),
        &SearchSpace {
            config,
            ..space("kernels", 8, 4)
        },
    );
    let setting = misused(&supernet(
        &place,
        &[&search[..], &["--set", "space.layers=3"]].concat(),
    ));
    assert!(
        setting.contains("and there `layers` is 2, not 3; leave it out"),
        "{setting}"
    );
    assert!(!place.join("runs").exists());
    well(&supernet(
        &place,
        &[&search[..], &["--set", "space.layers=2"]].concat(),
    ));
}
