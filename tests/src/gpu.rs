//! The GPUs that tests run on.

use std::io::Write;

use supernet::device::gpu::{Adapter, adapters};

/// All adapters. Where there is none the caller skips its test, unless GPU tests are wanted.
///
/// # Panics
/// If there is no adapter, and continuous integration or `tests/run.sh --install-driver` wants one.
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
        // Past the test harness, which would keep it to itself.
        let _ = writeln!(std::io::stderr(), "skipped: no adapter");
    }
    found
}
