//! Ctrl-C: the first one stops the search, which saves its state; the second one ends the process
//! immediately.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use supernet::Search;

/// The exit code that shells expect after an interrupt.
const INTERRUPTED: i32 = 130;

/// A flag that the first Ctrl-C sets; the second one ends the process immediately.
pub(crate) fn flag() -> Result<Arc<AtomicBool>, ctrlc::Error> {
    let asked = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&asked);
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::AcqRel) {
            process::exit(INTERRUPTED);
        }
    })?;
    Ok(flag)
}

pub(crate) fn stops(run: &Search) -> Result<(), ctrlc::Error> {
    let (run, asked) = (run.clone(), AtomicBool::new(false));
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::AcqRel) {
            process::exit(INTERRUPTED);
        }
        run.stop();
    })
}
