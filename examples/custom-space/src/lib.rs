//! A search space with two custom ops: `mish`, an elementwise function, and `gate`, with kernels,
//! two inputs and a param.
//!
//! It is an ordinary crate. An application that links it has its space, and so does the `supernet`
//! command when it loads the library:
//!
//! ```text
//! cargo build --release -p supernet-custom-space
//! supernet search --plugin target/release/libsupernet_custom_space.so --space gated
//! ```

use supernet_plugin::Operand::{
    Dims, GradInput, GradOutput, GradParam, Input, Output, Param, Saved,
};
use supernet_plugin::{
    BuildError, Built, Config, Conv, CustomOp, Fact, Field, Init, Kernel, Length, Space,
    SpaceEntry, Tensor, When, inventory,
};

#[cfg(feature = "plugin")]
supernet_plugin::export_plugin!();

mod cpu;

/// The operations of a layer, in the order of the decision's choices.
const OPS: [&str; 4] = ["conv3x3", "mish3x3", "gated3x3", "maxpool3x3"];

inventory::submit! {
    SpaceEntry {
        name: "gated",
        summary: "small images: an operation per layer, one of them a gated convolution, and a shortcut past it or not",
        fields: || vec![
            Field::int("layers", 4, 1..=32, "how many layers"),
            Field::int("filters", 16, 1..=1024, "channels of every layer"),
            Field::from_data("image", Fact::Shape, "a sample's height, width and channels"),
            Field::from_data("classes", Fact::Classes, "how many classes there are"),
        ],
        build: gated,
    }
}

/// Builds the space. A genome states, layer by layer, the operation and whether there is a
/// shortcut.
fn gated(config: &Config) -> Built {
    let (layers, filters) = (config.size("layers")?, config.size("filters")?);
    let (image, classes) = (config.sizes("image")?, config.size("classes")?);
    if image.len() != 3 {
        return Err(BuildError::refused(format!(
            "the samples have the shape {image:?}, and must be images [height, width, channels]"
        )));
    }
    let s = Space::new("gated");
    s.define_op(mish());
    s.define_op(gate());
    // An anchor from before the first decision, for the first skip to attend to.
    s.step(&[]).keep("t0");
    let mut x = s.scope("stem", || s.input("image", &image).conv(3, filters).norm());
    for l in 0..layers {
        let op = s.op(format!("op{l}"), &OPS);
        let skip = s.skip(format!("skip{l}"), format!("t{l}"));
        s.step(&[op]);
        s.step(&[skip]).keep(format!("t{}", l + 1));
        x = s.scope(format!("layer{l}"), || {
            let branches = OPS.map(|name| s.scope(name, || branch(&s, name, x, filters)));
            let y = s.choose(op, &branches);
            s.sum_when([(y, When::ALWAYS), (x, skip.on())]).norm()
        });
        if l + 1 == layers / 2 {
            x = s.scope("half", || x.conv2d(Conv::new(3).stride(2), filters).norm());
        }
    }
    s.scope("head", || {
        s.output(x.global_avg_pool().linear(classes, true))
    });
    s.finish()
}

/// One of the operations of a layer.
fn branch<'s>(s: &'s Space, name: &str, x: Tensor<'s>, filters: u32) -> Tensor<'s> {
    match name {
        "conv3x3" => x.conv(3, filters).norm().relu(),
        "mish3x3" => x.conv(3, filters).norm().custom("mish"),
        "gated3x3" => {
            let (value, gate) = (x.conv(3, filters).norm(), x.conv(1, filters));
            // One row per channel: the kernel that sums the gradient has one workgroup per row.
            let bias = s
                .local_weights("bias", &[filters, 1], Init::Zeros)
                .without_decay();
            s.custom("gate", &[value, gate], &[bias], Default::default())
        }
        _ => x.max_pool(3),
    }
}

/// An op in the easy form: two functions, `f` and its gradient `df`.
fn mish() -> CustomOp {
    CustomOp::per_element("mish", include_str!("../ops/mish.wgsl"))
}

/// An op in the full form: entry points and their bindings. What is written is not declared: the
/// first kernel to bind an operand that its pass produces writes it, and later kernels read it, as
/// `sum_channel` reads the gradient with respect to the gate.
fn gate() -> CustomOp {
    let forward = Kernel::per_element("forward", Output);
    let gradients = Kernel::per_element("gradients", GradInput(0));
    let sum_channel = Kernel::per_row("sum_channel", GradParam(0)).barriers();
    CustomOp::kernels("gate", include_str!("../ops/gate.wgsl"))
        .inputs(2)
        .params(1)
        .macs(1)
        .saved(Length::Like(Output))
        .forward(
            forward
                .bind(0, Dims)
                .bind(2, Input(0))
                .bind(3, Input(1))
                .bind(4, Param(0))
                .bind(5, Output)
                .bind(6, Saved(0)),
        )
        .backward(
            gradients
                .bind(0, Dims)
                .bind(2, Input(0))
                .bind(7, Saved(0))
                .bind(8, GradOutput)
                .bind(9, GradInput(0))
                .bind(10, GradInput(1)),
        )
        .backward(
            sum_channel
                .bind(0, Dims)
                .bind(11, GradInput(1))
                .bind(12, GradParam(0)),
        )
}
