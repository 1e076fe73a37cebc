//! The search spaces of two published tables, as networks that can be trained: `nasbench201` (Dong
//! and Yang 2020, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search")
//! and `nasbench-macro` (Su et al. 2021, "Prioritized Architecture Sampling with Monto-Carlo Tree
//! Search").
//!
//! Linking the crate registers the spaces; an application that uses none of its items needs `use
//! supernet_nasbench as _;`. The numbers of a genome, or their labels, are the key of its row in
//! the table, and [`Count::Chosen`](supernet_plugin::Count::Chosen) gives the number of parameters
//! listed there.

mod nasbench201;
mod nasbench_macro;

pub use nasbench_macro::{NasbenchMacro, nasbench_macro};
pub use nasbench201::{Nasbench201, nasbench201};
