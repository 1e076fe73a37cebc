//! The search spaces of ENAS (Pham et al. 2018, "Efficient Neural Architecture Search via Parameter
//! Sharing"): `enas-macro`, `enas-micro` and `enas-recurrent`; and `lstm`, the baseline for the
//! cells of the last one.
//!
//! Linking the crate registers the spaces and the architectures that the authors published; an
//! application that uses none of its items needs `use supernet_enas as _;`. The macro and micro
//! spaces have two forms with the same decisions: the network that is searched, whose weights all
//! children share, and the network that is finally trained. [`flat`] reads and writes the authors'
//! lists of numbers.

pub mod flat;
mod lstm;
mod macro_space;
mod micro;
mod recurrent;

pub use lstm::{Lstm, lstm};
pub use macro_space::{Macro, enas_macro, enas_macro_final};
pub use micro::{Micro, enas_micro, enas_micro_final};
pub use recurrent::{Recurrent, darts_recurrent, enas_recurrent};

use supernet_plugin::{Field, Published, PublishedEntry, inventory};

inventory::submit! {
    PublishedEntry {
        read: || Published::read(include_str!("../published.json"), |_, notation| {
            flat::read(notation).map_err(|error| error.to_string())
        }),
    }
}

/// The setting that selects which of its two networks a space builds.
fn form() -> Field {
    Field::one_of(
        "form",
        &["search", "final"],
        "the network that is searched, or the one that is trained in the end",
    )
}
