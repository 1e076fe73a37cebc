//! Builds the space as supernet does, tries its ops, and trains a few children.

// A crate that nobody names is not linked.
use {{ident}} as _;

#[test]
fn the_space_is_sound() {
    supernet_plugin_testkit::check("{{name}}");
}
