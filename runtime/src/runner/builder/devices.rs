//! Construction of the devices of a search.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use supernet_engine::device::Device;
use supernet_engine::device::cpu::Cpu;

use crate::runner::workers::MakeDevice;

/// Creates CPU devices.
pub(super) fn cpu(threads: usize) -> MakeDevice {
    Arc::new(move || Ok(Box::new(Cpu::new(threads)?)))
}

/// Returns the existing device first, then creates new ones.
pub(super) fn first_made(device: Box<dyn Device>, make: MakeDevice) -> MakeDevice {
    let first = Mutex::new(Some(device));
    Arc::new(
        move || match first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(device) => Ok(device),
            None => make(),
        },
    )
}

pub(super) fn threads(given: usize) -> usize {
    if given == 0 {
        thread::available_parallelism().map_or(1, usize::from)
    } else {
        given
    }
}
