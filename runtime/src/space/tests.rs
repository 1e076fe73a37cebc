//! Spaces from folders and files, ambiguous names, and invalid plugins.

mod linked_op_tests;

use std::fs;
use std::path::{Path, PathBuf};

use supernet_enas as _;
use supernet_plugin::{
    CustomOp, Fact, Facts, Field, SearchSpace, Setting, Space, SpaceEntry, inventory,
};

use super::dynamic::Plugin;
use super::folder::Folder;
use super::spaces::Spaces;
use crate::config::Config;

/// An empty folder for one test.
fn place(test: &str) -> PathBuf {
    let place = std::env::temp_dir().join(format!("supernet-space-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    fs::canonicalize(place).unwrap()
}

fn facts() -> Facts {
    Facts::images(&[8, 8, 1], 10)
}

/// A space with a decision on the width of a layer.
fn small(name: &str, widths: [u32; 2]) -> SearchSpace {
    let s = Space::new(name);
    let op = s.op("op", &["narrow", "wide"]);
    let x = s.input("image", &[8, 8, 1]);
    let layers = widths.map(|width| x.conv(1, width).conv(1, 4).relu());
    s.output(s.choose(op, &layers).global_avg_pool().linear(10, true));
    s.finish().unwrap()
}

fn write(folder: &Path, space: &SearchSpace) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("space.json"), space.to_json().unwrap()).unwrap();
}

/// The linked spaces and those at these paths.
fn spaces(paths: &[&Path]) -> Spaces {
    let mut spaces = Spaces::linked();
    paths.iter().for_each(|path| spaces.load(path).unwrap());
    spaces
}

fn config(space: &str, settings: &[&str]) -> Config {
    let mut config = Config::read("", settings).unwrap();
    config.search.space = space.to_owned();
    config
}

fn said<T: std::fmt::Debug, E: ToString>(result: Result<T, E>) -> String {
    result.unwrap_err().to_string()
}

inventory::submit! {
    SpaceEntry {
        name: "test-small",
        summary: "two widths",
        fields: || vec![
            Field::int("narrow", 4, 1..=8, "the smaller width"),
            Field::from_data("image", Fact::Shape, "the data's images"),
        ],
        build: |config| Ok(small("test-small", [config.size("narrow")?, 8])),
    }
}

#[test]
fn a_folder_is_a_space_and_so_is_its_file() {
    let place = place("folder");
    let folder = place.join("widths");
    write(&folder, &small("test-json", [2, 3]));
    let mut all = Spaces::default();
    all.load(&folder).unwrap();
    all.load(&folder.join("../widths")).unwrap();
    assert_eq!(all.list().len(), 1, "loading twice changes nothing");
    let (mut config, path) = (config("test-json", &[]), folder.display().to_string());
    let built = all.build(&mut config, &facts()).unwrap();
    assert_eq!(built.supergraph.genome_len(), 1);
    assert_eq!(
        (
            built.provenance.space.as_str(),
            built.provenance.providers()
        ),
        ("test-json", path)
    );
    assert!(built.provenance.hash.len() == 64 && config.space.is_empty());
    let mut file = Spaces::default();
    file.load(&folder.join("space.json")).unwrap();
    config.search.space = "widths/test-json".to_owned();
    assert_eq!(
        file.build(&mut config, &facts()).unwrap().provenance.hash,
        built.provenance.hash
    );
    config.space.insert("width".to_owned(), Setting::Int(3));
    let refused = said(all.build(&mut config, &facts()));
    assert!(
        refused.contains("`space.width` cannot be set: the space `test-json` is read from "),
        "{refused}"
    );
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn the_sources_of_a_folders_ops_stand_beside_it() {
    let place = place("ops");
    let source =
        "fn f(x: f32) -> f32 { return x; }\nfn df(x: f32, y: f32, gy: f32) -> f32 { return gy; }";
    let with = |name: &str, wgsl: &str| {
        let mut space = small("test-ops", [2, 3]);
        space.ops = vec![CustomOp::per_element(name, wgsl)];
        write(&place, &space);
        Folder::read(&place)
    };
    let missing = said(with("same", ""));
    assert!(
        missing.starts_with("the op `same` has no source: there is no file ")
            && missing.contains("same.wgsl")
    );
    fs::create_dir(place.join("ops")).unwrap();
    let file = place.join("ops/same.wgsl");
    fs::write(&file, source).unwrap();
    assert_eq!(with("same", "").unwrap().space().ops[0].wgsl, source);
    assert_eq!(
        with("../same", "// its own").unwrap().space().ops[0].wgsl,
        "// its own"
    );
    for name in ["../same", "", "a/b", "a\\b", "C:", "a.b"] {
        let refused = said(with(name, ""));
        assert!(refused.contains("its name cannot be a file's"), "{refused}");
    }
    fs::write(&file, [0xff]).unwrap();
    assert!(said(with("same", "")).ends_with("same.wgsl is not UTF-8 text"));
    fs::write(&file, vec![b' '; (1 << 20) + 1]).unwrap();
    assert!(
        said(with("same", ""))
            .contains("is larger than 1 MiB, which is the limit for an op's source")
    );
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(said(with("same", "")).contains("is not a file"));
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn what_is_no_plugin_gets_a_sentence() {
    let place = place("none");
    let load = |path: &Path| said(Spaces::linked().load(path));
    let nowhere = load(&place.join("nowhere.so"));
    assert!(
        nowhere.contains("there is no plugin ") && nowhere.contains("nowhere.so: no such file"),
        "{nowhere}"
    );
    assert!(
        load(Path::new("libm.so.6")).contains("no such file"),
        "no folder of the system's is searched"
    );
    assert!(load(&place).contains("has no space.json"));
    assert!(said(Plugin::load(&place)).contains("is a folder"));
    let text = place.join("text.so");
    fs::write(&text, "no library").unwrap();
    let no_library = load(&text);
    assert!(
        no_library.contains("is not a library that can be loaded here: "),
        "{no_library}"
    );
    assert!(
        no_library.contains("cargo build --release") && no_library.contains("[\"cdylib\"]"),
        "{no_library}"
    );
    assert_eq!(no_library.lines().count(), 1);
    let json = place.join("space.json");
    for (content, sentence) in [
        ("", "this JSON is not a search space: EOF"),
        (
            "{}",
            "this JSON is not a search space: missing field `schema`",
        ),
        (
            &format!("{{\"config\":{{\"x\":{}", "[".repeat(1000)),
            "this JSON is not a search space: recursion limit",
        ),
    ] {
        fs::write(&json, content).unwrap();
        let refused = load(&place);
        assert!(refused.contains(sentence), "{refused}");
        assert_eq!(load(&json), refused);
    }
    for name in ["", "a/b", "a\nb", &"x".repeat(101)] {
        write(
            &place,
            &SearchSpace {
                name: name.to_owned(),
                ..small("", [1, 2])
            },
        );
        assert!(
            load(&place).contains("a name has 1 to 100 printable characters"),
            "{name}"
        );
    }
    fs::File::create(&json)
        .unwrap()
        .set_len((64 << 20) + 1)
        .unwrap();
    assert!(load(&place).contains("is larger than 64 MiB, which is the limit for a space"));
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn one_name_is_one_space_unless_they_differ() {
    let place = place("names");
    let linked = |settings: &[&str]| {
        let mut config = config("test-small", settings);
        let built = Spaces::linked().build(&mut config, &facts()).unwrap();
        (
            built.supergraph.space().clone(),
            built.provenance.hash,
            config.space,
        )
    };
    let (space, hash, resolved) = linked(&[]);
    let (same, other) = (place.join("same"), place.join("other"));
    write(&same, &space);
    write(&other, &linked(&["space.narrow=5"]).0);

    // The same space in two places.
    let both = spaces(&[&same]);
    let mut asked = config("test-small", &[]);
    let built = both.build(&mut asked, &facts()).unwrap();
    assert_eq!(
        (&built.provenance.hash, built.provenance.providers()),
        (&hash, format!("linked and {}", same.display()))
    );
    // Resolved settings may be given again, as in a resumed run.
    assert_eq!(asked.space, resolved);
    assert_eq!(
        both.build(&mut asked, &facts()).unwrap().provenance,
        built.provenance
    );
    // An error that both report is an error.
    let both_refuse = said(both.build(&mut config("test-small", &["space.narow=5"]), &facts()));
    assert!(
        both_refuse.contains("has no setting `narow`; the nearest is `narrow`"),
        "{both_refuse}"
    );

    // A different space.
    let three = spaces(&[&other, &same]);
    let differ = said(three.build(&mut config("test-small", &[]), &facts()));
    assert!(
        differ.starts_with("several spaces are called `test-small`, and they differ: "),
        "{differ}"
    );
    let two = spaces(&[&other]);
    assert_eq!(
        said(two.build(&mut config("test-small", &[]), &facts())),
        format!(
            "two spaces are called `test-small`, and they differ: one is linked into this program, one comes from {}; \
             choose with --space linked/test-small or --space other/test-small",
            other.display()
        )
    );
    // A space that refuses the settings differs, too.
    assert!(
        said(two.build(&mut config("test-small", &["space.narrow=6"]), &facts()))
            .contains("they differ")
    );
    for (name, narrow) in [("linked/test-small", 4), ("other/test-small", 5)] {
        let mut config = config(name, &[]);
        let built = two.build(&mut config, &facts()).unwrap();
        assert_eq!(
            (built.provenance.space.as_str(), built.provenance.from.len()),
            ("test-small", 1)
        );
        assert_eq!(config.space["narrow"], Setting::Int(narrow), "{name}");
        // No qualifier is needed if the wanted one is known.
        let mut unqualified = self::config("test-small", &[]);
        assert_eq!(
            two.build_again(&mut unqualified, &facts(), Some(&built.provenance))
                .unwrap()
                .provenance,
            built.provenance
        );
    }

    // Folders with the same name.
    let namesake = place.join("deep/other");
    write(&namesake, &small("test-small", [1, 2]));
    let ways =
        said(spaces(&[&namesake, &other]).build(&mut config("other/test-small", &[]), &facts()));
    let way = format!("{}/test-small", namesake.display());
    assert!(ways.contains(&format!("--space {way}")), "{ways}");
    assert!(
        spaces(&[&namesake, &other])
            .build(&mut config(&way, &[]), &facts())
            .is_ok()
    );
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn spaces_are_listed_in_order_and_the_nearest_name_is_suggested() {
    let place = place("list");
    let paths = ["b", "a"].map(|folder| place.join(folder));
    paths
        .iter()
        .for_each(|path| write(path, &small("test-small", [1, 2])));
    let spaces = spaces(&[&paths[0], &paths[1]]);
    let list = spaces.list();
    let small: Vec<_> = list
        .iter()
        .filter(|listed| listed.name == "test-small")
        .collect();
    assert_eq!(
        small
            .iter()
            .map(|listed| listed.provenance.path())
            .collect::<Vec<_>>(),
        [None, Some(&*paths[1]), Some(&*paths[0])]
    );
    assert!(list.is_sorted_by(|a, b| a.name <= b.name));
    assert_eq!(spaces.find("a/test-small").unwrap().len(), 1);
    assert_eq!(spaces.find("test-small").unwrap().len(), 3);
    for name in ["test-smal", "a/test-smal", "c/test-small"] {
        let unknown = said(spaces.find(name));
        assert!(
            unknown.contains("the nearest is `test-small`. There are: ")
                && unknown.contains("enas-macro, "),
            "{unknown}"
        );
        assert_eq!(
            unknown.matches("test-small,").count(),
            0,
            "each name once: {unknown}"
        );
    }
    assert!(
        said(Spaces::default().find("x"))
            .contains("There are: none; a program has the spaces of the crates that it uses")
    );
    fs::remove_dir_all(place).unwrap();
}
