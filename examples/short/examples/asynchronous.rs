//! A search in asynchronous code: its events are a stream, its result is a future. Any executor
//! works.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use futures_util::StreamExt;
use supernet::{Config, Event, Search};
use supernet_enas as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = [
        "search.epochs=4",
        "space.layers=4",
        "derive.candidates=5",
        "derive.report=5",
    ];
    let builder = Search::builder().config(Config::read("", &settings)?);
    let mut events = builder.events().into_stream();
    let run = builder.start()?;
    while let Some(record) = events.next().await {
        if let Event::Epoch { epoch, score, .. } = record.event {
            println!("epoch {epoch}: loss {:.3}", score.loss);
        }
    }
    let found = run.ended().await?.result().ok_or("nobody stopped it")?;
    println!("{:?}: {}", found.top[0].genome, found.gain.summary());
    Ok(())
}
