//! An embeddable runtime for weight-sharing neural architecture search.
//!
//! A *search space* is one big graph, the *supergraph*. Every candidate architecture, a *child*, is
//! a subgraph of it and uses the supergraph's weights. A search trains these shared weights on
//! children that a *strategy* samples, and rewards the strategy by how the children do on
//! validation data (ENAS, Pham et al. 2018).
//!
//! # Where to begin
//!
//! An [`Experiment`] is a search that is set up: settings, space, data. Its
//! [`run`](Experiment::run) does everything on the thread that calls:
//!
//! ```no_run
//! use supernet::device::Cpu;
//! use supernet::{Config, Experiment};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::read("", &["search.epochs=30"])?;
//! let result = Experiment::new(config)?.run(&mut Cpu::new(0)?, None, &mut |_| {})?;
//! println!("{:?}: {}", result.top[0].genome, result.gain.summary());
//! # Ok(())
//! # }
//! ```
//!
//! A [`Search`] runs one on threads of its own. It is a handle that can be paused, stopped, and
//! resumed after a crash with the same bits; [`Events`] are an iterator and a stream:
//!
//! ```no_run
//! use supernet::{Config, RunOutcome, Search};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let builder = Search::builder().config(Config::read("", &["search.epochs=30"])?).fresh_folder("runs");
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
//! [`Retraining`] trains what was found from scratch, beside random architectures, and a [`Model`]
//! is the trained network. Whatever goes wrong is an [`Error`], a sentence with a way out and a
//! [`kind`](Error::kind).
//!
//! # Layout
//!
//! The modules stand in the order of their dependencies, the lowest first:
//!
//! | module | what |
//! |---|---|
//! | [`plugin`] | search spaces as data: the crate that plugins depend on |
//! | [`data`], [`strategy`], [`device`], [`draw`] | data sets, search strategies, devices, drawings: each a crate of its own |
//! | [`config`] | every setting, named settings and their sources |
//! | [`results`], [`events`] | what searches come to, and what happens in them, as plain data |
//! | [`space`] | spaces of this program, of plugins, and of files |
//! | [`storage`] | a run on disk |
//! | [`experiment`] | a search that is set up |
//! | [`model`] | finished networks |
//! | [`search`], [`retrain`], [`tabular`] | the search itself, training from scratch, tabular benchmarks |
//! | [`tools`] | questions to a run's shared weights, reports on spaces, published architectures, benchmarks, self-tests |
//!
//! Programs, weights and kernels are in the crates `supernet-engine` and `supernet-shaders`, whose
//! interfaces are unstable.
//!
//! Only an application prints, reads the environment or handles signals; this crate does not.

#![warn(clippy::exhaustive_enums)]

pub mod config;
pub mod device;
pub mod space;
pub mod results;
pub mod events;
mod training;
pub mod experiment;
pub mod storage;
pub mod model;
pub mod search;
pub mod retrain;
pub mod tabular;
pub mod tools;
mod error;
mod runner;

pub use config::Config;
pub use error::{Error, ErrorKind};
pub use events::{Event, Record};
pub use experiment::Experiment;
pub use futures_core::Stream;
pub use model::Model;
pub use retrain::Retraining;
pub use runner::{Events, RunOutcome, RunResult, Search, SearchBuilder};
pub use search::SearchResult;
pub use storage::RunFolder;
pub use supernet_data as data;
pub use supernet_draw as draw;
pub use supernet_plugin as plugin;
pub use supernet_strategy as strategy;
pub use training::TrainingError;
/// Applications hand over devices of this version; its major is part of ours.
#[cfg(feature = "gpu")]
pub use wgpu;
