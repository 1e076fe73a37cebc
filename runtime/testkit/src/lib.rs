//! Checks search spaces and their own ops in their authors' tests.
//!
//! One call says everything that can be said without searching, as `supernet check-plugin` does:
//! the space is sound, its children can be counted and drawn, every node has a kernel, random
//! children take a training step and are scored, and every op of the space's own does what it says,
//! its gradient held against finite differences, on the CPU and on whatever GPU, or driver in
//! software, there is.
//!
//! ```no_run
//! // In tests/space.rs of the crate `my_space`, which registers the space `mine`.
//! # mod my_space {}
//! use my_space as _;
//!
//! # fn main() {
//! supernet_plugin_testkit::check("mine");
//! # }
//! ```

use std::collections::BTreeMap;
use std::io::Write;

use supernet::device::DeviceSpec;
use supernet::plugin::Setting;
use supernet::space::Spaces;
use supernet::tools::space_report::{self, SpaceReport};

/// Checks the registered space `name` with its default settings, on stand-in data of 16x16x3 and 10
/// classes where it takes what it is given. The report goes to standard error, which tests show if
/// they fail.
///
/// # Panics
/// If there is no such space, or something is wrong with it; the message is what is wrong.
#[track_caller]
pub fn check(name: &str) -> SpaceReport {
    check_with(name, &[])
}

/// The same with settings: `&[("layers", 8.into()), ("image", [8, 8, 1][..].into())]`. What the
/// space asks about data, such as `image` and `classes`, may be given too.
///
/// # Panics
/// As [`check`].
#[track_caller]
pub fn check_with(name: &str, settings: &[(&str, Setting)]) -> SpaceReport {
    let settings: BTreeMap<String, Setting> = settings
        .iter()
        .map(|(key, setting)| ((*key).to_owned(), setting.clone()))
        .collect();
    let devices = [DeviceSpec::Cpu, DeviceSpec::Gpu(None)];
    let report = match space_report::of(&Spaces::linked(), name, &settings, &devices, &mut |_| {}) {
        Ok(report) => report,
        Err(error) => panic!("the space `{name}` cannot be had: {error}"),
    };
    // Nobody reads a test's output, so that nobody misses it if it cannot be written.
    let _ = write!(std::io::stderr(), "{report}");
    assert!(
        report.passed(),
        "the space `{name}` does not pass: {}",
        report.problems.join("; ")
    );
    report
}
