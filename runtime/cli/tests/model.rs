//! A finished network on the command line.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use supernet::SearchResult;
use supernet::data::{Dataset, SplitSpec};
use supernet::device::Cpu;
use supernet::space::Spaces;
use supernet_tests::{place, search};

const SPLIT: SplitSpec = SplitSpec {
    train: 0.6,
    validation: 0.2,
    seed: 0,
};

fn supernet(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_supernet"));
    // A Mesa layer that looks for a desktop, and complains on standard error if there is none.
    command
        .args(arguments)
        .env("NODEVICE_SELECT", "1")
        .output()
        .expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

fn found() -> SearchResult {
    let short = [
        "search.epochs=4",
        "derive.candidates=2",
        "derive.report=2",
        "space.layers=3",
        "space.filters=8",
    ];
    search(
        &[&short[..], &["data.train=0.6", "data.validation=0.2"]].concat(),
        2,
    )
    .unwrap()
    .1
}

/// Saves a digit, whose brightest pixels have the value 16, as a picture; returns the pixels that a
/// model should read from it.
fn png(path: &Path, pixels: &[f32]) -> Vec<f32> {
    let bytes: Vec<u8> = pixels
        .iter()
        .map(|x| (x * 255.0 / 16.0).round() as u8)
        .collect();
    let again: Vec<f32> = bytes
        .iter()
        .map(|byte| f32::from(*byte) * (16.0 / 255.0))
        .collect();
    assert!(
        again
            .iter()
            .zip(pixels)
            .all(|(again, pixel)| (again - pixel).abs() < 0.04)
    );
    image::GrayImage::from_raw(8, 8, bytes)
        .unwrap()
        .save(path)
        .unwrap();
    again
}

#[test]
fn a_model_predicts_and_is_evaluated_in_another_process() {
    let place = place("cli-model");
    let data = Dataset::named("digits").unwrap();
    let mut cpu = Cpu::new(2).unwrap();
    let model = found()
        .to_model(&data, &SPLIT, &Spaces::linked(), &mut cpu)
        .unwrap();
    assert_eq!(model.names(), None, "the digits have none");
    let model = model
        .with_names((0..10).map(|digit| format!("a {digit}")).collect())
        .unwrap();
    let folder = place.join("model");
    model.save(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    let files: Vec<String> = (0..100)
        .map(|i| place.join(format!("{i}.png")).to_str().unwrap().to_owned())
        .collect();
    let digits = data.images();
    let shown = files
        .iter()
        .zip(digits.chunks(64))
        .flat_map(|(file, pixels)| png(Path::new(file), pixels));
    let shown: Vec<f32> = shown.collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();

    // A model that would misunderstand a picture says so instead of answering.
    let misled = place.join("misled");
    model.save(&misled).unwrap();
    let (about, mut described) = (
        misled.join("model.json"),
        serde_json::from_slice::<Value>(&fs::read(misled.join("model.json")).unwrap()).unwrap(),
    );
    described["model"]["max_pixel"] = 1000.into();
    fs::write(&about, described.to_string()).unwrap();
    let output = supernet(&[
        "predict",
        misled.to_str().unwrap(),
        "--device=cpu",
        files[0],
    ]);
    let said = text(&output.stderr);
    assert!(
        !output.status.success()
            && said.contains("standard deviations from that of the training data"),
        "{said}"
    );

    // Another process computes the same bits; and so does a single picture compared with a hundred.
    let json = |files: &[&str]| -> Vec<Value> {
        let output = supernet(&[&["predict", folder, "--device=cpu", "--json"], files].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let logits = |value: &Value| -> Vec<f32> {
        value["logits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|logit| logit.as_f64().unwrap() as f32)
            .collect()
    };
    let here = model.predict(&shown).unwrap();
    let there = json(&files);
    assert_eq!(there.len(), 100);
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(
            (logits(there), there["class"].as_u64()),
            (here.logits.clone(), Some(here.class.into()))
        );
        assert_eq!(there["name"], format!("a {}", here.class));
    }
    for (together, alone) in here.iter().zip(json(&files[..1])) {
        assert!(
            together
                .logits
                .iter()
                .zip(logits(&alone))
                .all(|(a, b)| (a - b).abs() < 1e-5 * (1.0 + a.abs()))
        );
    }
    let said = text(&supernet(&["predict", folder, files[0], files[1], "--device=cpu"]).stdout);
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(
        said.starts_with(files[0]) && said.matches(" %").count() == 6 && said.contains("a "),
        "{said}"
    );

    for (part, samples) in [("test", 360), ("validation", 359), ("all", 1797)] {
        let output = supernet(&["evaluate", folder, "--device=cpu", "--json", "--part", part]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let evaluation: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(evaluation["samples"], samples);
        assert_eq!(evaluation["confusion"].as_array().unwrap().len(), 10);
    }
    let said = text(&supernet(&["evaluate", folder, "--data", "digits", "--device=cpu"]).stdout);
    assert!(
        said.contains("of 360 images correct") && said.contains("calibration error"),
        "{said}"
    );

    // A mismatch is reported as an error.
    let large = place.join("large.png").to_str().unwrap().to_owned();
    image::RgbImage::new(20, 10).save(&large).unwrap();
    let refused = supernet(&["predict", folder, &large]);
    let said = text(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("20 pixels wide and 10 high"),
        "{said}"
    );
    assert!(
        said.contains("takes 8 by 8") && said.contains("--resize"),
        "{said}"
    );
    assert!(
        supernet(&["predict", folder, &large, "--resize", "--device=cpu"])
            .status
            .success()
    );
    fs::write(&large, b"GIF89a and more").unwrap();
    let said = text(&supernet(&["predict", folder, &large]).stderr);
    assert!(
        said.contains("large.png: it is not a PNG or JPEG"),
        "{said}"
    );
    let said = text(&supernet(&["predict", "nowhere", files[0]]).stderr);
    assert!(said.contains("there is no model at nowhere: "), "{said}");
    fs::remove_dir_all(place).unwrap();
}
