//! Search spaces of cells, stacked as in DARTS (Liu et al. 2019, "DARTS: Differentiable
//! Architecture Search"): `darts`, with an operation on every edge of a cell, and `cells`, whose
//! nodes add two operations on inputs of their choice, like those of NASNet (Zoph et al. 2018) and
//! AmoebaNet (Real et al. 2019).
//!
//! Linking the crate registers the spaces and the published architectures; an application that uses
//! none of its items needs `use supernet_darts as _;`. [`Genotype`] reads and writes architectures
//! in the notation of the DARTS code.

mod cells;
mod edges;
mod form;
mod genotype;
mod literal;
mod network;
mod operation;
mod partial;
mod recurrent;

pub use cells::{Cells, cells};
pub use edges::{Darts, darts};
pub use form::Form;
pub use genotype::{Genotype, GenotypeCell, GenotypeError};
pub use literal::LiteralError;
pub use recurrent::RecurrentGenotype;

use supernet_plugin::{Published, PublishedEntry, inventory};

inventory::submit! {
    PublishedEntry {
        read: || Published::read(include_str!("../published.json"), |space, notation| {
            let genotype: Genotype = notation.parse().map_err(|error: GenotypeError| error.to_string())?;
            let genome = if space == "darts" { genotype.edges() } else { genotype.pairs() };
            genome.map_err(|error| error.to_string())
        }),
    }
}
