//! An embeddable runtime for weight-sharing neural architecture search.
//!
//! A search space is one big graph, the supergraph; every candidate, a child, is a subgraph of it and uses the
//! supergraph's weights. ENAS (Pham et al. 2018) alternates two loops: train the shared weights on sampled children;
//! train an LSTM controller with REINFORCE, rewarded by the validation accuracy of the children that it samples.
//!
//! ```no_run
//! use supernet::{Config, Experiment, device::Cpu};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::read("", &["search.epochs=30"])?;
//! let found = Search::new(config)?.run(&mut Cpu::new(0)?, None, &mut |_| {})?;
//! println!("{:?}: {}", found.top[0].genome, found.gain.sentence());
//! # Ok(())
//! # }
//! ```
//!
//! The modules stand in the order in which data flows. Only an application prints, reads the environment or
//! handles signals; this crate does not.

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
pub use runner::{Events, Outcome, RunOutcome, Search, SearchBuilder};
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
