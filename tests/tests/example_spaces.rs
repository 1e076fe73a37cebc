//! The example spaces, searched on the CPU and on every GPU.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use supernet::device::gpu::Gpu;
use supernet::space::Spaces;
use supernet::{Config, Event, Experiment, Record};
use supernet_example_spaces as _;
use supernet_tests::gpu::gpus;
use supernet_tests::{search_of, without_times};

const SPACES: [&str; 4] = ["mixer", "convnext", "se-resnet", "attention"];

const SHORT: [&str; 8] = [
    "search.epochs=2",
    "search.warm_up=0.5",
    "score.updates=1",
    "score.rollouts=2",
    "derive.candidates=2",
    "derive.report=2",
    "train.batch=256",
    "data.seed=3",
];

fn settings(space: &str) -> Vec<String> {
    let of_space = ["layers=2".to_owned(), "width=8".to_owned()];
    SHORT
        .iter()
        .map(|setting| (*setting).to_owned())
        .chain([format!("search.space={space}")])
        .chain(of_space.map(|setting| format!("space.{setting}")))
        .collect()
}

fn losses(records: &[Record]) -> Vec<f64> {
    let loss = |record: &Record| match record.event {
        Event::Step { score, .. } => Some(f64::from(score.loss)),
        _ => None,
    };
    records.iter().filter_map(loss).collect()
}

#[test]
fn they_are_searched_on_the_cpu_with_the_same_bits_on_any_number_of_threads() {
    for space in SPACES {
        let settings = settings(space);
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let (did, found) = search_of(&Spaces::linked(), &settings, 1).unwrap();
        let (same, alike) = search_of(&Spaces::linked(), &settings, 2).unwrap();
        assert_eq!(without_times(&same), without_times(&did), "{space}");
        assert_eq!((&alike.top, alike.test), (&found.top, found.test));
        let losses = losses(&did);
        let finite = losses.iter().all(|loss| loss.is_finite());
        assert!(losses.len() >= 6 && finite, "{space}: {losses:?}");
    }
}

#[test]
fn they_are_searched_on_gpus_with_the_losses_of_the_cpu() {
    for adapter in gpus() {
        for space in SPACES {
            let settings = settings(space);
            let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
            let (here, _) = search_of(&Spaces::linked(), &settings, 2).unwrap();
            let mut there = Vec::new();
            let experiment = Experiment::new(Config::read("", &settings).unwrap()).unwrap();
            let mut gpu = Gpu::new(&adapter).unwrap();
            experiment
                .run(&mut gpu, None, &mut |record| there.push(record.clone()))
                .unwrap();
            // During warm-up, samples come from the prior, so these steps train the same children:
            // losses differ by rounding only.
            for (here, there) in losses(&here).iter().zip(losses(&there)).take(3) {
                let close = (here - there).abs() < 1e-3 * here;
                assert!(
                    close,
                    "{space} on {}: {there} for {here}",
                    adapter.info.name
                );
            }
        }
    }
}
