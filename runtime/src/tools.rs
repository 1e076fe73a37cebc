//! What can be asked and measured around a search: a run's shared weights, a report on a space,
//! benchmarks, self-tests.

pub mod bench;
pub mod gallery;
pub mod selftest;
pub mod space_report;
pub mod trained_supernet;
