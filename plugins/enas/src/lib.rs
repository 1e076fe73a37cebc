//! The search spaces of ENAS (Pham et al. 2018, "Efficient Neural Architecture Search via Parameter Sharing"): `enas-macro`,
//! `enas-micro`, `enas-recurrent`.
//!
//! Linking the crate registers them; an application that names none of its items says `use supernet_enas as _;`. All are in the
//! form used while searching.

mod macro_space;
mod micro;
mod recurrent;

use supernet_plugin::Mistake;

pub use macro_space::{Macro, enas_macro};
pub use micro::{Micro, enas_micro};
pub use recurrent::{Recurrent, enas_recurrent};

/// `[height, width, channels]`, large enough to be halved so often.
fn check_image(image: &[u32], halvings: u32) -> Result<(), Mistake> {
    let &[height, width, channels] = image else {
        return Err(Mistake::refused(format!(
            "the samples have the shape {image:?}, and must be images [height, width, channels]"
        )));
    };
    let least = 1 << halvings;
    if height < least || width < least {
        return Err(Mistake::refused(format!(
            "images of {height} x {width} are too small: the network halves them {halvings} times, so both sides need at least {least}"
        )));
    }
    if channels == 0 {
        return Err(Mistake::refused("the images have no channels"));
    }
    Ok(())
}
