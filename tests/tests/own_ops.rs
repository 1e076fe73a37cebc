//! Spaces with custom ops, searched end to end: from a plugin on the CPU and on every GPU, from a
//! folder on GPUs.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::path::Path;

use supernet::device::DeviceSpec;
use supernet::plugin::{CustomOp, Space};
use supernet::space::Spaces;
use supernet::{Config, Error, Event, Record, RunOutcome, Search, SearchBuilder};
use supernet_tests::gpu::gpus;
use supernet_tests::plugins::built;
use supernet_tests::{place, search_of, without_times};

const SHORT: [&str; 8] = [
    "search.epochs=2",
    "search.warm_up=0.5",
    "score.updates=1",
    "score.rollouts=4",
    "derive.candidates=2",
    "derive.report=2",
    "train.batch=256",
    "data.seed=3",
];

fn spaces(path: &Path) -> Spaces {
    let mut spaces = Spaces::default();
    spaces.load(path).unwrap();
    spaces
}

fn config(space: &str) -> Config {
    let named = format!("search.space={space}");
    Config::read("", &[&SHORT[..], &[&named]].concat()).unwrap()
}

/// Runs a search on separate threads, as applications do.
fn run(builder: SearchBuilder) -> Result<Vec<Record>, Error> {
    let events = builder.events();
    let run = builder.start()?;
    let records: Vec<_> = events.into_iter().collect();
    match run.wait().unwrap() {
        RunOutcome::Completed(_) => Ok(records),
        _ => panic!("nobody stopped it"),
    }
}

fn losses(records: &[Record]) -> Vec<f64> {
    let loss = |record: &Record| match record.event {
        Event::Step { score, .. } => Some(f64::from(score.loss)),
        _ => None,
    };
    records.iter().filter_map(loss).collect()
}

#[test]
fn a_plugins_ops_are_searched_on_every_device() {
    let spaces = spaces(&built("supernet-custom-space", &[]));
    let settings = [&SHORT[..], &["search.space=gated", "space.filters=8"]].concat();
    let (did, found) = search_of(&spaces, &settings, 1).unwrap();
    let (same, alike) = search_of(&spaces, &settings, 2).unwrap();
    assert_eq!(without_times(&same), without_times(&did));
    assert_eq!((&alike.top, alike.test), (&found.top, found.test));
    let losses_here = losses(&did);
    assert!(
        losses_here.len() >= 6 && losses_here.iter().all(|loss| loss.is_finite()),
        "{losses_here:?}"
    );
    for adapter in gpus() {
        let name = adapter.info.name.clone();
        let config = Config::read("", &settings).unwrap();
        let builder = Search::builder()
            .config(config)
            .spaces(spaces.clone())
            .on(DeviceSpec::Gpu(Some(name.clone())));
        let there = run(builder).unwrap();
        // During warm-up, samples come from the prior, so these steps train the same children:
        // losses differ by rounding only.
        for (here, there) in losses_here.iter().zip(losses(&there)).take(3) {
            assert!(
                (here - there).abs() < 1e-3 * here,
                "{name}: {there} for {here}"
            );
        }
    }
}

/// A folder with a space whose activation is custom; `df` is its gradient.
fn folder(place: &Path, df: &str) {
    let s = Space::new("plain-data");
    let mut op = CustomOp::per_element("soft", "to be written");
    op.wgsl.clear();
    s.define_op(op);
    let x = s.input("image", &[8, 8, 1]);
    let width = s.op("layer", &["soft", "relu"]);
    let y = x.conv(3, 4).norm();
    s.output(
        s.choose(width, &[y.custom("soft"), y.relu()])
            .global_avg_pool()
            .linear(10, true),
    );
    fs::create_dir_all(place.join("ops")).unwrap();
    fs::write(
        place.join("space.json"),
        s.finish().unwrap().to_json().unwrap(),
    )
    .unwrap();
    let f = "fn f(x: f32) -> f32 { return x / (1.0 + abs(x)); }";
    fs::write(place.join("ops/soft.wgsl"), format!("{f}\n{df}\n")).unwrap();
}

#[test]
fn a_folder_is_searched_on_gpus_and_says_what_the_cpu_lacks() {
    let place = place("own-ops-folder");
    let df = "fn df(x: f32, y: f32, gy: f32) -> f32 { let d = 1.0 + abs(x); return gy / (d * d); }";
    folder(&place, df);
    let builder = || {
        Search::builder()
            .config(config("plain-data"))
            .spaces(spaces(&place))
    };
    let run_folder = place.join("run");
    let refused = builder()
        .folder(&run_folder)
        .start()
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("the op `soft` has no CPU function, so the CPU device cannot run it"),
        "{refused}"
    );
    for adapter in gpus() {
        let records = run(builder().on(DeviceSpec::Gpu(Some(adapter.info.name.clone())))).unwrap();
        assert!(losses(&records).len() >= 6);
        // Errors in an op are reported before anything is trained or written.
        folder(&place, &df.replace("gy / (d * d)", "gy / d"));
        let gpu = DeviceSpec::Gpu(Some(adapter.info.name.clone()));
        let refused = builder()
            .on(gpu.clone())
            .folder(&run_folder)
            .start()
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("the op `soft` has a wrong gradient: number "),
            "{refused}"
        );
        folder(
            &place,
            "fn df(x: f32, y: f32, gy: f32) -> f32 { return dy; }",
        );
        let refused = builder()
            .on(gpu)
            .folder(&run_folder)
            .start()
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("fn df(x: f32, y: f32, gy: f32) -> f32 { return dy; }"),
            "{refused}"
        );
        folder(&place, df);
    }
    assert!(!run_folder.exists());
    fs::remove_dir_all(place).unwrap();
}
