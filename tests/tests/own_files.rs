//! A search on data in files, from the path to the run folder and back.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use supernet::data::Dataset;
use supernet::{Config, Event, RunOutcome, Search, SearchBuilder};
use supernet_enas as _;
use supernet_tests::{logged, place, stopped_at};

const LIMIT: Duration = Duration::from_secs(120);
const SHORT: [&str; 10] = [
    "search.epochs=3",
    "space.layers=2",
    "space.filters=8",
    "score.rollouts=4",
    "score.batch=20",
    "train.batch=16",
    "derive.candidates=3",
    "derive.report=10",
    "checkpoint.steps=5",
    "data.validation=40",
];

/// 200 training and 30 test images of 8x8; in class 1 the lower half is bright.
fn write(folder: &Path) {
    let image = |i: usize| {
        (0..64).map(move |at| {
            if (at < 32) == i.is_multiple_of(2) {
                200
            } else {
                (i * 7 + at) as u8 % 90
            }
        })
    };
    for (part, count) in [("train", 200), ("t10k", 30)] {
        let header = |sizes: &[u32]| -> Vec<u8> {
            let sizes = sizes.iter().flat_map(|size| size.to_be_bytes());
            [0, 0, 8, sizes.clone().count() as u8 / 4]
                .into_iter()
                .chain(sizes)
                .collect()
        };
        let images: Vec<u8> = (0..count).flat_map(image).collect();
        let labels: Vec<u8> = (0..count).map(|i| (i % 2) as u8).collect();
        let (images, labels) = (
            [header(&[count as u32, 8, 8]), images].concat(),
            [header(&[count as u32]), labels].concat(),
        );
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

fn builder(data: &Path) -> SearchBuilder {
    let augment = ["augment.pad=1", "augment.flip=true", "augment.cutout=2"];
    let data = format!("search.dataset={}", data.display());
    Search::builder().config(Config::read("", &[&SHORT[..], &augment, &[&data]].concat()).unwrap())
}

#[test]
fn files_are_searched_augmented_and_gone_on_with_unless_they_have_changed() {
    let place = place("own files");
    let data = place.join("stripes & co");
    fs::create_dir(&data).unwrap();
    write(&data);
    let finished = |builder: SearchBuilder| {
        let run = builder.start().unwrap();
        let found = run
            .wait_for(LIMIT)
            .expect("the search ends in time")
            .unwrap()
            .result()
            .unwrap();
        (run.folder().unwrap().to_owned(), found)
    };
    let (folder, whole) = finished(builder(&data).fresh_folder(&place));
    assert_eq!(folder, place.join("enas-macro-stripes---co-1"));

    let text = fs::read_to_string(folder.join("config.toml")).unwrap();
    let config = Config::read::<&str>(&text, &[]).unwrap();
    assert_eq!(
        (
            config.data.train,
            config.data.validation,
            config.augment.pad
        ),
        (160.0, 40.0, 1)
    );
    assert_eq!(
        config.search.dataset,
        data.canonicalize().unwrap().to_str().unwrap()
    );
    let profile: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("data.json")).unwrap()).unwrap();
    assert_eq!(
        (&profile["shape"], &profile["train"], &profile["test"]),
        (&[8, 8, 1].into(), &160.into(), &30.into())
    );
    assert_eq!(
        profile["fingerprint"],
        Dataset::read(&data).unwrap().fingerprint()
    );

    // Stopped after a third and resumed: the same bits, including augmentation.
    let stop = |path: &Path| {
        let run = stopped_at(builder(&data).folder(path), |event| {
            matches!(event, Event::Step { step: 12, .. })
        });
        assert!(matches!(
            run.wait_for(LIMIT),
            Some(Ok(RunOutcome::Stopped { .. }))
        ));
    };
    stop(&place.join("stopped"));
    let (_, resumed) = finished(Search::builder().resume(place.join("stopped")));
    assert_eq!(logged(&place.join("stopped")), logged(&folder));
    assert!(resumed.weights.pages().values == whole.weights.pages().values);

    // Augmentation has an effect.
    let plain = Config::read(
        &text,
        &["augment.pad=0", "augment.flip=false", "augment.cutout=0"],
    )
    .unwrap();
    let (_, plain) = finished(Search::builder().config(plain).folder(place.join("plain")));
    assert!(plain.weights.pages().values != whole.weights.pages().values);

    // Change one pixel of one image.
    stop(&place.join("changed"));
    let file = data.join("train-images-idx3-ubyte");
    let mut bytes = fs::read(&file).unwrap();
    bytes[100] ^= 1;
    fs::write(&file, bytes).unwrap();
    let said = Search::builder()
        .resume(place.join("changed"))
        .start()
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("have changed since the run")
            && said.contains("230 images of 8x8x1 in 2 classes"),
        "{said}"
    );
    fs::remove_dir_all(place).unwrap();
}
