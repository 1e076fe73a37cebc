//! Neural-network search spaces as data: types, builder, validation, children, counts, registry.
//!
//! A [`SearchSpace`] is one large graph, the supergraph, and the decisions that pick a subgraph of
//! it. A *genome* is one number per decision. [`Space`] builds a space from code that reads like a
//! network. [`Supergraph`] checks a space and answers the questions of a search: a genome's
//! [`Child`], its parameters and MACs, which choices the constraints leave, and in which order to
//! decide. [`SpaceEntry`] registers a space under a name, with a typed config.
//!
//! ```
//! use supernet_plugin::{Count, Space, Supergraph};
//!
//! let s = Space::new("tiny");
//! let op = s.op("op", &["conv3x3", "maxpool3x3"]);
//! let x = s.input("image", &[8, 8, 1]).conv(1, 16).norm();
//! let y = s.choose(op, &[x.conv(3, 16), x.max_pool(3)]);
//! s.output(y.global_avg_pool().linear(10, true));
//!
//! let graph = Supergraph::new(s.finish()?).map_err(|problems| problems[0].clone())?;
//! assert_eq!(graph.count(&[1], Count::Live)?, 16 + 2 * 16 + 16 * 10 + 10);
//! assert_eq!(graph.child(&[1])?.len(), 6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bounded;
mod nearest;
mod error;
mod ragged;

mod setting;
mod param;
mod condition;
mod op;
mod custom;
mod space;

mod axis;
mod names;
mod shape;
mod builder;

mod genome;
mod image;
mod path;
mod supergraph;

mod config;
mod registry;
mod published;
mod cpu;
pub mod abi;

pub use builder::{
    Body, Built, Conv, DecisionRef, PlannedStep, Size, Space, Tensor, Weights, When,
};
pub use condition::Condition;
pub use config::{Config, ConfigError, Fact, Facts, Field, FieldKind};
pub use cpu::{CpuCall, CpuOp, cpu_op, cpu_ops};
pub use custom::shapes::{MOST_CUSTOM_AXES, Shapes};
pub use custom::uses::Use;
pub use custom::{
    Binding, CustomOp, Form, Gradient, Grid, Kernel, Kernels, Length, Operand, ShapeRule,
};
pub use error::{BuildError, ValidationError};
pub use genome::GenomeError;
pub use image::check_image;
pub use inventory;
pub use nearest::nearest;
pub use op::{Carry, Element, Function, Node, Op, Pad, Per, Pooling};
pub use param::{Dim, Init, Param, TIME};
pub use path::{Path, PathError, Pick};
pub use published::{Claim, Published, PublishedEntry, published};
pub use registry::{RegistryError, SpaceEntry, find, spaces};
pub use setting::Setting;
pub use space::{
    Block, Decision, Extent, Group, Id, JSON_SCHEMA, JsonError, Kind, Output, Require, Role,
    SCHEMA, SearchSpace, Step,
};
pub use supergraph::child::Child;
pub use supergraph::plan::{DecisionPlan, DecisionTable, How, PlanDecision, PlanStep};
pub use supergraph::pull_back::PathGradient;
pub use supergraph::relaxed::Relaxed;
pub use supergraph::size::SpaceSize;
pub use supergraph::walk::Mixture;
pub use supergraph::weighted::WeightedNode;
pub use supergraph::{Count, Supergraph};
