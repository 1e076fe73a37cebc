//! An application that embeds a search, as an external author would write it.

use supernet::{Config, Event, SearchResult, Search, Error};
use supernet_enas as _;

/// Runs a short search with one pause; returns its result and the number of epochs seen.
pub async fn search() -> Result<(std::sync::Arc<SearchResult>, usize), std::sync::Arc<Error>> {
    let settings = ["search.epochs=2", "space.layers=2", "derive.candidates=3", "derive.report=3"];
    let config = Config::read("", &settings).map_err(Error::from)?;
    let builder = Search::builder().config(config).threads(1);
    let mut events = builder.events().into_stream();
    let run = builder.start()?;
    let mut epochs = 0;
    while let Some(record) =
        std::future::poll_fn(|context| supernet::Stream::poll_next(std::pin::Pin::new(&mut events), context)).await
    {
        match record.event {
            Event::Epoch { .. } => epochs += 1,
            Event::Step { step: 3, .. } => run.pause(),
            Event::Paused => run.resume(),
            _ => {}
        }
    }
    let found = run.ended().await?.result().expect("nobody stops it");
    Ok((found, epochs))
}
