//! An embeddable runtime for weight-sharing neural architecture search.
//!
//! A search space is one big graph, the supergraph; every candidate, a child, is a subgraph of it and uses the
//! supergraph's weights. ENAS (Pham et al. 2018) alternates two loops: train the shared weights on sampled children;
//! train an LSTM controller with REINFORCE, rewarded by the validation accuracy of the children that it samples.
//!
//! ```no_run
//! use supernet::{Config, Search, device::cpu::Cpu};
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

pub mod config;
pub use supernet_data as data;
pub mod space;
pub use supernet_engine::{device, program, weights};
mod schedule;
pub use supernet_strategy as strategy;
mod train;
mod evaluate;
mod derive;
mod gain;
mod measure;
pub mod census;
pub use supernet_draw as draw;
pub mod event;
pub mod run_folder;
mod checkpoint;
pub mod search;
pub mod retrain;
pub mod architectures;
pub mod judge;
pub mod table;
pub mod model;
mod actors;
#[cfg(all(test, feature = "gpu"))]
mod gpu_tests;
mod run;
pub mod bench;
pub mod selftest;
pub mod trial;
pub mod report;

pub use config::Config;
pub use derive::Candidate;
pub use event::{Event, Record};
pub use futures_core::Stream;
pub use gain::{Gain, Glimpse};
pub use judge::Judge;
pub use measure::Measure;
pub use model::{Model, ModelError};
pub use retrain::{Retrained, Retraining};
pub use run::{Ended, Events, Outcome, Run};
pub use run_folder::RunFolder;
pub use search::{Found, Search, SearchBuilder, SearchError};
pub use supernet_plugin as plugin;
pub use train::StageError;
/// Applications hand over devices of this version; its major is part of ours.
#[cfg(feature = "gpu")]
pub use wgpu;
