//! Ctrl-C: the first one stops the search, which saves itself; the second one ends the process at once.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use supernet::Run;

/// What a shell expects of a process that an interrupt ended.
const INTERRUPTED: i32 = 130;

pub(crate) fn stops(run: &Run) -> Result<(), ctrlc::Error> {
    let (run, asked) = (run.clone(), AtomicBool::new(false));
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::AcqRel) {
            process::exit(INTERRUPTED);
        }
        run.stop();
    })
}
