//! A search inside an application: it shows the search's events, pauses it, resumes it, stops it,
//! continues it from its folder and uses the result.
//!
//!     cargo run --release -p supernet-embed

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use supernet::{Config, Event, Search};
use supernet_enas as _; // registers the ENAS spaces

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("supernet-embed-{}", std::process::id()));
    let settings = [
        "search.epochs=12",
        "space.layers=4",
        "derive.candidates=20",
        "derive.report=20",
    ];
    let builder = Search::builder()
        .config(Config::read("", &settings)?)
        .folder(&folder);
    let events = builder.events();
    let run = builder.start()?;

    // Handles can be cloned and used from anywhere. The events are an iterator here, and a stream
    // in asynchronous code.
    let handle = run.clone();
    for record in events {
        match record.event {
            Event::Epoch { epoch, score, .. } => {
                println!(
                    "epoch {epoch}: loss {:.3}, accuracy {:.1} %",
                    score.loss,
                    100.0 * score.reward
                );
                match epoch {
                    3 => handle.pause(),
                    6 => handle.stop(),
                    _ => {}
                }
            }
            Event::Paused => {
                println!("paused: the machine is free for something else");
                handle.resume();
            }
            Event::Saved { steps, .. } => println!("saved after {steps} steps"),
            _ => {}
        }
    }
    run.wait()?;
    println!("stopped; continuing from {}", folder.display());

    let run = Search::builder().resume(&folder).start()?;
    let found = run.wait()?.result().ok_or("nobody stopped this one")?;
    println!("{}", found.gain.summary());
    let best = found.best().ok_or("a search finds something")?;
    let network = found.supergraph.child(&best.genome)?;
    println!(
        "the best of all, {:?}, has {} parameters",
        best.genome,
        network.count()
    );
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
