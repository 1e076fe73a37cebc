//! The GPUs on which tests run.

use std::io::Write;

use supernet::device::gpu::{Adapter, adapters};

/// All adapters. If there is none, the caller skips its test, unless GPU tests are required.
///
/// # Panics
/// If there is no adapter, and continuous integration or `tests/run.sh --install-driver` requires
/// one.
pub fn gpus() -> Vec<Adapter> {
    let found = adapters();
    let wanted = ["CI", "SUPERNET_WANTS_GPU"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    assert!(
        !found.is_empty() || !wanted,
        "GPU tests are wanted, but there is no adapter"
    );
    if found.is_empty() {
        // Written directly to bypass the output capture of the test harness.
        let _ = writeln!(std::io::stderr(), "skipped: no adapter");
    }
    found
}
