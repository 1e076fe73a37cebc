//! An embeddable runtime for weight-sharing neural architecture search.
//!
//! A *search space* is one large graph, the *supergraph*. Every candidate architecture, a *child*,
//! is a subgraph of it and uses the supergraph's weights. A search trains these shared weights on
//! children that a *strategy* samples, and rewards the strategy with the scores of the children on
//! validation data (ENAS, Pham et al. 2018).
//!
//! # Getting started
//!
//! An [`Experiment`] is a search that is set up: settings, space, data. Its
//! [`run`](Experiment::run) does everything on the calling thread. The spaces of a crate are known
//! to a program that uses the crate, if only by `use supernet_enas as _;`:
//!
//! ```
//! use supernet::device::Cpu;
//! use supernet::{Config, Experiment};
//! use supernet_enas as _; // registers the ENAS spaces
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::read("", &["search.epochs=30"])?;
//! # let short = ["search.epochs=1", "space.layers=2", "derive.candidates=2", "retrain.budget=0"];
//! # let config = Config::read("", &[&short[..], &["derive.generations=0", "selection.share=0"]].concat())?;
//! let result = Experiment::new(config)?.run(&mut Cpu::new(0)?, None, &mut |_| {})?;
//! println!("{:?}: {}", result.best().map(|best| &best.genome), result.gain.summary());
//! # Ok(())
//! # }
//! ```
//!
//! A [`Search`] is a handle to a search on its own threads, which can be paused, stopped, and
//! resumed after a crash with bit-identical results; [`Events`] is an iterator, of which
//! [`into_stream`](Events::into_stream) makes a stream:
//!
//! ```no_run
//! use supernet::{Config, RunOutcome, Search};
//! use supernet_enas as _;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::read("", &["search.epochs=30"])?;
//! let builder = Search::builder().config(config).fresh_folder("runs");
//! let events = builder.events();
//! let search = builder.start()?;
//! for record in events {
//!     println!("{:7.1} s  {:?}", record.at, record.event);
//! }
//! if let RunOutcome::Completed(result) = search.wait()? {
//!     println!("{}", result.gain.summary());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Retraining`] trains the result from scratch, next to random architectures, and a [`Model`] is
//! the trained network. All failures are an [`Error`]: a sentence with a remedy, and a
//! [`kind`](Error::kind).
//!
//! # Layout
//!
//! The modules in the order of their dependencies, lowest first:
//!
//! | module | content |
//! |---|---|
//! | [`plugin`] | search spaces as data: the crate that plugins depend on |
//! | [`data`], [`strategy`], [`device`], [`draw`] | separate crates re-exported here |
//! | [`config`] | all settings, named settings and their sources |
//! | [`results`], [`events`] | results and events of searches, as plain data |
//! | [`space`] | spaces from this program, from plugins, and from files |
//! | [`storage`] | a run on disk |
//! | [`model`] | finished networks |
//! | [`experiment`] | a search that is set up |
//! | [`search`], [`retrain`] | the search itself, and training from scratch |
//! | [`tabular`] | searches of tabular benchmarks |
//! | [`tools`] | reports, benchmarks, self-tests, what-if queries on a run, the ranking laboratory |
//!
//! Programs, weights and kernels are in the crates `supernet-engine` and `supernet-shaders`, whose
//! interfaces are unstable.
//!
//! Only applications print, read the environment or handle signals; this crate does not.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod config;
pub mod device;
pub mod results;
pub mod space;
pub mod events;
mod training;
pub mod storage;
pub mod model;
pub mod experiment;
pub mod search;
pub mod retrain;
pub mod tabular;
mod error;
mod runner;
pub mod tools;

pub use config::Config;
pub use error::{Error, ErrorKind};
pub use events::{Event, Record};
pub use experiment::Experiment;
pub use futures_core::Stream;
pub use model::Model;
pub use retrain::Retraining;
pub use runner::{EventStream, Events, RunOutcome, RunResult, Search, SearchBuilder};
pub use search::SearchResult;
pub use storage::RunFolder;
pub use supernet_data as data;
pub use supernet_draw as draw;
pub use supernet_plugin as plugin;
pub use supernet_strategy as strategy;
/// Applications pass in devices of this version; its major version is part of this crate's API.
#[cfg(feature = "gpu")]
pub use wgpu;
