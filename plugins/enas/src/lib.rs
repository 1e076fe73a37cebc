//! The search spaces of ENAS (Pham et al. 2018, "Efficient Neural Architecture Search via Parameter Sharing"): `enas-macro`,
//! `enas-micro`, `enas-recurrent`.
//!
//! Linking the crate registers them; an application that names none of its items says `use supernet_enas as _;`. All are in the
//! form used while searching; `enas-micro` has its final form as well.

mod macro_space;
mod micro;
mod recurrent;

pub use macro_space::{Macro, enas_macro};
pub use micro::{Form, Micro, enas_micro};
pub use recurrent::{Recurrent, enas_recurrent};
