//! Custom data from arrays: images in NHWC, each with a label.

use std::error::Error;

use supernet::data::Dataset;
use supernet::{Config, Search};
use supernet_enas as _;

fn main() -> Result<(), Box<dyn Error>> {
    // Stripes: vertical ones are class 0, horizontal ones class 1.
    let labels: Vec<u32> = (0..600).map(|i| i % 2).collect();
    let pixel = |i: u32, at: u32| {
        f32::from((if i.is_multiple_of(2) { at % 8 } else { at / 8 } + i / 2) % 4 < 2)
    };
    let images = (0..600)
        .flat_map(|i| (0..64).map(move |at| pixel(i, at)))
        .collect();
    let stripes = Dataset::new("stripes", [8, 8, 1], 2, images, labels)?;
    let settings = [
        "search.epochs=3",
        "space.layers=2",
        "derive.candidates=5",
        "derive.report=5",
    ];
    let run = Search::builder()
        .config(Config::read("", &settings)?)
        .data(stripes)
        .start()?;
    let found = run.wait()?.result().ok_or("nobody stopped it")?;
    assert!(found.test.reward > 0.9);
    Ok(())
}
