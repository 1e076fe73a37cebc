//! Measures what a search does for every sample: building the child of a genome. `cargo bench -p
//! supernet-enas`

#![allow(clippy::print_stdout, reason = "a benchmark reports to the terminal")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use supernet_enas::{Macro, Micro, enas_macro, enas_micro};
use supernet_plugin::{SearchSpace, Supergraph};

fn main() {
    let image = vec![32, 32, 3];
    let space = enas_macro(&Macro {
        layers: 12,
        filters: 36,
        skip_target: 0.4,
        image: image.clone(),
        classes: 10,
    });
    report("macro 12x36", &space.expect("the macro space builds"), 30.0);
    let space = enas_micro(&Micro {
        layers: 6,
        filters: 20,
        auxiliary: true,
        image,
        classes: 10,
    });
    report("micro 6x20", &space.expect("the micro space builds"), 100.0);
}

fn report(name: &str, space: &SearchSpace, child_target: f64) {
    let json = space.to_json().expect("a space is written as JSON");
    let parse = median(11, || SearchSpace::from_json(&json));
    let resolve = median(11, || Supergraph::new(space.clone()));
    let graph = Supergraph::new(space.clone()).expect("the space is valid");

    let mut state = 1u64;
    let mut draw = |weights: &[f32]| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % weights.len()
    };
    let genomes: Vec<_> = (0..1000)
        .map(|_| graph.sample(&mut draw).expect("every genome is valid"))
        .collect();
    let mut next = genomes.iter().cycle();
    let mut child = |times: usize| {
        let start = Instant::now();
        for genome in next.by_ref().take(times) {
            black_box(graph.child(genome).expect("the genome is valid"));
        }
        start.elapsed() / times as u32
    };
    child(200);
    let mut times: Vec<Duration> = (0..11).map(|_| child(200)).collect();
    times.sort();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let (parse, resolve) = (micros(parse) / 1e3, micros(resolve) / 1e3);
    println!(
        "{name}: child {:.1} us (target {child_target} us)",
        micros(times[5])
    );
    println!(
        "{name}: {} kB of JSON, parsed in {parse:.2} ms, resolved in {resolve:.2} ms",
        json.len() / 1000
    );
}

fn median<R>(rounds: usize, mut run: impl FnMut() -> R) -> Duration {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .collect();
    times.sort();
    times[rounds / 2]
}
