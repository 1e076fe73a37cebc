//! All checks that supernet makes of a space, in one call.

use supernet_custom_space as _;

#[test]
fn the_space_and_its_ops_are_right() {
    let report = supernet_plugin_testkit::check("gated");
    assert!(
        report.ops.iter().any(|tried| tried.op == "gate")
            && report.ops.iter().any(|tried| tried.op == "mish")
    );
}
