//! Checks search spaces and their custom ops in their authors' tests.
//!
//! One call checks everything that can be checked without searching, as `supernet check-plugin`
//! does: the space is valid, its children can be counted and sampled, every node has a kernel,
//! random children take a training step and are scored, and every custom op does what it declares.
//! Its gradient is compared with finite differences, on the CPU and on any GPU or software adapter.
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

/// Checks the registered space `name` with its default settings, on placeholder data of 16x16x3 and
/// 10 classes if it takes its input from the data. The report goes to standard error, which test
/// runners show on failure.
///
/// # Panics
/// If there is no such space, or it fails a check; the message gives the reason.
#[track_caller]
pub fn check(name: &str) -> SpaceReport {
    check_with(name, &[])
}

/// Like [`check`], with settings: `&[("layers", 8.into()), ("image", [8, 8, 1][..].into())]`. Facts
/// about data, such as `image` and `classes`, may be given too.
///
/// # Panics
/// The same as for [`check`].
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
    // A failure to write the report is ignored.
    let _ = write!(std::io::stderr(), "{report}");
    assert!(
        report.passed(),
        "the space `{name}` does not pass: {}",
        report.problems.join("; ")
    );
    report
}
