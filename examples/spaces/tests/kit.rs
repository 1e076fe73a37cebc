//! All checks that supernet makes of a space, for each of the four.

use supernet_example_spaces as _;

#[test]
fn the_spaces_are_right() {
    for name in ["mixer", "convnext", "se-resnet", "attention"] {
        supernet_plugin_testkit::check(name);
    }
}
