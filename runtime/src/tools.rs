//! Tools around a search: evaluation with a run's shared weights, the ranking laboratory, reports on
//! spaces, benchmarks, self-tests.

pub mod bench;
pub mod gallery;
pub mod ranking_lab;
pub mod selftest;
pub mod space_report;
pub mod trained_supernet;
