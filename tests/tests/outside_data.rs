//! Real data and published architectures from outside the project.

use std::collections::BTreeMap;
use std::fs;

use supernet::data::Dataset;
use supernet::data::text::{Streams, Text, TextSettings, Unit};
use supernet::device::Cpu;
use supernet::plugin::{Facts, Setting, Supergraph, find};
use supernet::{Config, Experiment};
use supernet_tests::data;

#[test]
fn a_search_runs_on_coloured_images() {
    let Some(folder) = data("cifar10-mini") else {
        return println!("skipped: no data");
    };
    let cifar = Dataset::read(&folder).unwrap();
    assert_eq!(
        (
            cifar.shape(),
            cifar.classes(),
            cifar.labels().len(),
            cifar.own_test()
        ),
        ([32, 32, 3], 10, 2500, 500)
    );
    assert_eq!(
        (cifar.name(), cifar.class_names()[9].as_str()),
        ("cifar10-mini", "truck")
    );
    // The first record: a label, then 1,024 pixels of each colour.
    let bytes = fs::read(folder.join("train_2000.bin")).unwrap();
    assert_eq!(cifar.labels()[0], u32::from(bytes[0]));
    assert_eq!(
        cifar.images()[5 * 3..5 * 3 + 3],
        [6, 1030, 2054].map(|at: usize| f32::from(bytes[at]))
    );
    let settings = [
        "search.epochs=3",
        "data.train=500",
        "data.validation=200",
        "augment.pad=4",
        "augment.flip=true",
        "derive.candidates=3",
        "derive.report=3",
        "score.rollouts=5",
    ];
    let experiment = Experiment::on(cifar, Config::read("", &settings).unwrap()).unwrap();
    assert_eq!(experiment.supergraph().total_params(), 72_784);
    let profile = experiment.profile();
    assert_eq!(
        (profile.train, profile.validation, profile.test),
        (500, 200, 500)
    );
    let found = experiment
        .run(&mut Cpu::new(2).unwrap(), None, &mut |_| {})
        .unwrap();
    assert!(found.top[0].score.loss.is_finite());
}

#[test]
fn published_architectures_are_genomes_of_their_spaces() {
    let Some(folder) = data("architectures") else {
        return println!("skipped: no data");
    };
    let text = fs::read_to_string(folder.join("published_architectures.json")).unwrap();
    let published: serde_json::Value = serde_json::from_str(&text).unwrap();
    let genome = |name: &str, keys: &[&str]| -> Vec<u32> {
        let numbers = keys
            .iter()
            .flat_map(|key| published[name][key].as_array().unwrap());
        numbers
            .map(|number| u32::try_from(number.as_u64().unwrap()).unwrap())
            .collect()
    };
    let space = |name: &str, key: &str, value: i64, facts: &Facts| {
        let entry = find(name).unwrap();
        let given = BTreeMap::from([(key.to_owned(), Setting::Int(value))]);
        Supergraph::new(
            entry
                .space(&entry.configure(&given, facts).unwrap())
                .unwrap(),
        )
        .unwrap()
    };
    let images = Facts::images(&[32, 32, 3], 10);

    let macro_arc = genome("enas_macro_cifar10", &["genome"]);
    let graph = space("enas-macro", "layers", 24, &images);
    assert_eq!(macro_arc.len(), 300);
    assert_eq!(graph.canonical(&macro_arc).unwrap(), macro_arc);

    let micro_arc = genome("enas_micro_cifar10", &["normal", "reduce"]);
    let graph = space("enas-micro", "filters", 20, &images);
    assert_eq!(
        (graph.macs(&micro_arc).unwrap(), micro_arc.len()),
        (81_101_600, 40)
    );

    let recurrent_arc = genome("enas_rnn_ptb", &["genome"]);
    let graph = space("enas-recurrent", "hidden", 748, &Facts::text(10_000)).with_time(35);
    assert_eq!(
        (
            graph.child(&recurrent_arc).unwrap().count(),
            recurrent_arc.len()
        ),
        (22_027_104, 23)
    );
}

#[test]
fn published_texts_have_their_published_sizes() {
    let (Some(shakespeare), Some(wiki)) = (data("tinyshakespeare"), data("wikitext2-valid-test"))
    else {
        return println!("skipped: no data");
    };
    let settings = TextSettings::new(Unit::Character, 0);
    let text = Text::read(&shakespeare.join("input.txt"), &settings).unwrap();
    assert_eq!(text.vocabulary.len(), 65);
    assert_eq!(
        [text.train.len(), text.validation.len(), text.test.len()],
        [1_003_855, 55_770, 55_769]
    );
    let read: String = text.train[..14]
        .iter()
        .map(|number| text.vocabulary.word(*number))
        .collect();
    assert_eq!(read, "First Citizen:");
    let streams = Streams::new(&text.test, 1, 35);
    assert_eq!(
        (
            streams.scored(),
            streams.windows(),
            streams.length(streams.windows() - 1)
        ),
        (55_768, 1594, 13)
    );

    // Its training file is absent: the other two files serve instead.
    let folder = std::env::temp_dir().join(format!("supernet-wikitext-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (from, to) in [("valid", "train"), ("valid", "valid"), ("test", "test")] {
        fs::copy(
            wiki.join(format!("wiki.{from}.tokens")),
            folder.join(format!("wiki.{to}.tokens")),
        )
        .unwrap();
    }
    let error = Text::read(&wiki, &TextSettings::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("no file whose name says train"), "{error}");
    let text = Text::read(&folder, &TextSettings::new(Unit::Word, 10_000)).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!([text.validation.len(), text.test.len()], [217_646, 245_569]);
    assert_eq!(
        (text.train == text.validation, text.vocabulary.len()),
        (true, 10_000)
    );
}
