//! The search space `{{name}}`.

use supernet_plugin::{
    BuildError, Built, Config, CpuOp, CustomOp, Fact, Field, Space, SpaceEntry, inventory,
};

// Supernet finds the content of the library through this symbol.
#[cfg(feature = "plugin")]
supernet_plugin::export_plugin!();

/// A custom op of the space, for GPUs: two functions.
const SOFTPLUS: &str = include_str!("../ops/softplus.wgsl");

/// What a layer may do: the choices of its decision, in this order.
const OPS: [&str; 4] = ["conv3x3", "softplus3x3", "avgpool3x3", "maxpool3x3"];

inventory::submit! {
    SpaceEntry {
        name: "{{name}}",
        summary: "an operation per layer",
        // What can be set with `--set space.KEY=VALUE`, and what is taken from the data.
        fields: || vec![
            Field::int("layers", 4, 1..=32, "how many layers"),
            Field::int("filters", 16, 1..=1024, "channels of every layer"),
            Field::from_data("image", Fact::Shape, "a sample's height, width and channels"),
            Field::from_data("classes", Fact::Classes, "how many classes there are"),
        ],
        build,
    }
}

/// Builds the space as data: all decisions, and one graph that has every candidate in it.
fn build(config: &Config) -> Built {
    let (layers, filters) = (config.size("layers")?, config.size("filters")?);
    let (image, classes) = (config.sizes("image")?, config.size("classes")?);
    if image.len() != 3 {
        return Err(BuildError::refused(format!(
            "the samples have the shape {image:?}, and must be images [height, width, channels]"
        )));
    }
    let s = Space::new("{{name}}");
    // The space defines its op.
    s.define_op(CustomOp::per_element("softplus", SOFTPLUS));
    // Scopes name the weights. Every child that runs a layer's operation uses the same ones.
    let mut x = s.scope("stem", || s.input("image", &image).conv(3, filters).norm());
    for l in 0..layers {
        // A decision, and when the controller takes it: one after the other.
        let op = s.op(format!("op{l}"), &OPS);
        s.step(&[op]);
        x = s.scope(format!("layer{l}"), || {
            let branches = OPS.map(|name| {
                s.scope(name, || match name {
                    "conv3x3" => x.conv(3, filters).norm().relu(),
                    "softplus3x3" => x.conv(3, filters).norm().custom("softplus"),
                    "avgpool3x3" => x.avg_pool(3),
                    _ => x.max_pool(3),
                })
            });
            // The branch that the decision selects; a child has no other.
            s.choose(op, &branches)
        });
    }
    let scores = s.scope("head", || x.global_avg_pool().linear(classes, true));
    s.output(scores);
    s.finish()
}

// The same op for the CPU, which runs no WGSL. Without it the space runs on GPUs only.
inventory::submit! {
    CpuOp {
        op: "softplus",
        run: |call| {
            call.per_element(
                |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
                |x, _, gy| gy / (1.0 + (-x).exp()),
            )
        },
    }
}
