//! A custom evaluator: an asynchronous function of a genome, with its own error type.

use std::error::Error;
use std::fmt;

use supernet::strategy::{Genome, Score};
use supernet::{Config, Event, Search};
use supernet_enas as _;

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the laboratory takes no pooling in the first layer")
    }
}

impl Error for Refused {}

/// This toy evaluator rewards ones. A real one trains the network or runs a measurement.
async fn evaluate(genome: Genome) -> Result<Score, Refused> {
    let ones = genome.iter().filter(|value| **value == 1).count();
    if genome[0] == 5 {
        Err(Refused)
    } else {
        Ok(Score {
            reward: ones as f32 / genome.len() as f32,
            loss: 1.0,
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let settings = [
        "search.epochs=4",
        "search.warm_up=0",
        "space.layers=4",
        "derive.candidates=20",
        "derive.report=20",
    ];
    let builder = Search::builder()
        .config(Config::read("", &settings)?)
        .evaluator(evaluate)
        .evaluators(2);
    let events = builder.events();
    let found = builder
        .start()?
        .wait()?
        .result()
        .ok_or("nobody stopped it")?;
    let refused = events
        .filter(|record| matches!(record.event, Event::SetAside { .. }))
        .count();
    assert!(refused > 0 && found.top[0].genome[0] != 5);
    Ok(())
}
