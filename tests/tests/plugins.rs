//! Loaded plugins give the same searches as linked spaces, whatever compiler and profile built the
//! library.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail where it stands, and says what it skipped"
)]

use std::fs;
use std::path::Path;

use supernet::Config;
use supernet::plugin::Facts;
use supernet::space::{BuiltSpace, Listed, Spaces};
use supernet_tests::plugins::{apart, built, built_by};
use supernet_tests::{place, search, search_of, without_times};

const PACKAGE: &str = "supernet-enas-plugin";
/// The name of the library, without the prefix and extension of each system.
const STEM: &str = "supernet_enas_plugin";
const NAMES: [&str; 4] = ["enas-macro", "enas-micro", "enas-recurrent", "lstm"];
const SHORT: [&str; 4] = [
    "space.layers=4",
    "derive.candidates=4",
    "derive.report=4",
    "search.epochs=3",
];

/// The spaces of one library alone.
fn only(library: &Path) -> Spaces {
    let mut spaces = Spaces::default();
    spaces.load(library).unwrap();
    spaces
}

fn build(spaces: &Spaces, name: &str) -> BuiltSpace {
    let mut config = Config::default();
    config.search.space = name.to_owned();
    let facts = Facts {
        vocabulary: Some(100),
        ..Facts::images(&[8, 8, 1], 10)
    };
    spaces.build(&mut config, &facts).unwrap()
}

/// Asserts that a library has the linked spaces, and that searches of them give the same bits.
fn assert_same(library: &Path) {
    let (linked, loaded) = (Spaces::linked(), only(library));
    let described = |spaces: &Spaces| -> Vec<_> {
        let all = spaces
            .list()
            .into_iter()
            .filter(|listed| NAMES.contains(&&*listed.name));
        all.map(
            |Listed {
                 name,
                 summary,
                 fields,
                 ..
             }| (name, summary, fields),
        )
        .collect()
    };
    assert_eq!(described(&loaded).len(), NAMES.len());
    assert_eq!(described(&loaded), described(&linked));
    for name in NAMES {
        let (theirs, ours) = (build(&loaded, name), build(&linked, name));
        assert_eq!(theirs.supergraph.space(), ours.supergraph.space());
        assert_eq!(theirs.provenance.hash, ours.provenance.hash);
    }
    let (did, found) = search(&SHORT, 2).unwrap();
    let named = format!("search.space={STEM}/enas-macro");
    let (same, alike) = search_of(&loaded, &[&SHORT[..], &[&named]].concat(), 2).unwrap();
    assert!(did.len() > 50);
    assert_eq!(without_times(&same), without_times(&did));
    assert_eq!(
        (&alike.top, alike.gain, alike.test),
        (&found.top, found.gain, found.test)
    );
    assert_eq!(alike.weights, found.weights);
}

#[test]
fn a_loaded_library_gives_the_same_bits_as_a_linked_crate() {
    let library = built(PACKAGE, &[]);
    assert_same(&library);
    // Both at once are one space from two sources.
    let mut both = Spaces::linked();
    both.load(&library).unwrap();
    let provenance = build(&both, "enas-macro").provenance;
    assert_eq!(
        (provenance.space.as_str(), provenance.from.len()),
        ("enas-macro", 2)
    );
    let library = fs::canonicalize(library).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        provenance.providers(),
        format!("linked and {} ({PACKAGE} {version})", library.display())
    );
    assert_eq!(
        build(&both, &format!("{STEM}/enas-macro"))
            .provenance
            .from
            .len(),
        1
    );
    assert_eq!(build(&both, "linked/enas-macro").provenance.from.len(), 1);
    // A genome that does not belong to the space is reported as such, wherever the space comes
    // from.
    let loaded = build(&only(&library), "enas-macro").supergraph;
    let mut genome = vec![0; loaded.genome_len()];
    genome[0] = 6;
    let refused = loaded.child(&genome).unwrap_err().to_string();
    assert_eq!(
        refused,
        "decision `op0` (number 0 of the genome, counted from 0) is 6, and must be below 6."
    );
}

#[test]
fn a_mistake_in_a_setting_gets_the_same_sentence() {
    let loaded = only(&built(PACKAGE, &[]));
    for setting in [
        "space.layer=4",
        "space.layers=0",
        "space.filters=15",
        "space.layers=true",
        "space.image=[1,2,3]",
    ] {
        let settings = [&SHORT[..], &[setting]].concat();
        let ours = search(&settings, 1).unwrap_err().to_string();
        let theirs = search_of(&loaded, &settings, 1).unwrap_err().to_string();
        // A refusal by the builder comes from the library, and the message says so.
        assert!(theirs.ends_with(&ours), "{theirs}\n{ours}");
    }
}

#[test]
fn a_run_with_a_plugin_is_resumed_with_the_same_space_and_not_without() {
    use supernet::{Event, Search};
    let place = place("plugin-run");
    let library = built(PACKAGE, &[]);
    let run = place.join("run");
    let named = format!("search.space={STEM}/enas-macro");
    // Long enough that the stop comes before the end.
    let long = [&SHORT[..3], &["search.epochs=20"]].concat();
    let config = Config::read("", &[&long[..], &[&named]].concat()).unwrap();
    let builder = Search::builder()
        .config(config)
        .spaces(only(&library))
        .folder(&run);
    let events = builder.events();
    let handle = builder.start().unwrap();
    assert!(
        events
            .into_iter()
            .any(|record| matches!(record.event, Event::Step { step: 5, .. }))
    );
    handle.stop();
    handle.wait().unwrap();
    let gone = Search::builder()
        .spaces(Spaces::default())
        .resume(&run)
        .start()
        .unwrap_err()
        .to_string();
    let path = fs::canonicalize(&library).unwrap().display().to_string();
    assert!(
        gone.contains(&format!("it came from {path}; add --plugin {path}")),
        "{gone}"
    );
    let found = Search::builder()
        .spaces(only(&library))
        .resume(&run)
        .start()
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!(found.result().unwrap().top, search(&long, 2).unwrap().1.top);
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn it_may_be_built_with_another_profile() {
    assert_same(&built(PACKAGE, &["--profile", "dev"]));
}

#[test]
fn it_may_be_optimised_across_crates_and_stripped() {
    let target = apart(env!("CARGO_TARGET_TMPDIR"), "plugin-lto");
    let settings = [
        "--config",
        "profile.release.lto=true",
        "--config",
        "profile.release.strip=true",
        "--target-dir",
    ];
    assert_same(&built(
        PACKAGE,
        &[&settings[..], &[target.to_str().unwrap()]].concat(),
    ));
}

#[test]
fn it_may_be_built_by_another_compiler() {
    let target = apart(env!("CARGO_TARGET_TMPDIR"), "plugin-nightly");
    match built_by(
        "nightly",
        PACKAGE,
        &["--target-dir", target.to_str().unwrap()],
    ) {
        Some(library) => assert_same(&library),
        None => println!("skipped: no nightly toolchain"),
    }
}
