//! ConvNeXts (Liu et al. 2022): a depthwise convolution, layer norm, and an inverted bottleneck.

use supernet_plugin::{Built, Config, Conv, Pad, Space, SpaceEntry, When, inventory};

use crate::{Settings, fields};

inventory::submit! {
    SpaceEntry {
        name: "convnext",
        summary: "small images: a ConvNeXt with the kernel and the expansion of every block, its function, and whether there is one",
        fields: || fields(4, 16),
        build: convnext,
    }
}

const KERNELS: [(&str, u32); 3] = [("k3", 3), ("k5", 5), ("k7", 7)];
const EXPANSIONS: [(&str, u32); 3] = [("x1", 1), ("x2", 2), ("x4", 4)];
const FUNCTIONS: [&str; 3] = ["gelu", "relu", "hard_swish"];

/// Builds the space. A genome states for every block whether it exists, its kernel, its expansion
/// and its function.
fn convnext(config: &Config) -> Built {
    let settings = Settings::of(config, 1)?;
    let width = settings.width;
    let s = Space::new("convnext");
    let mut x = s.scope("stem", || {
        let image = s.input("image", &settings.image);
        image.conv2d(Conv::new(3).bias(), width).layer_norm()
    });
    for l in 0..settings.layers {
        if l == settings.layers / 2 {
            x = s.scope("half", || {
                let halved = Conv::new(2).stride(2).pad(Pad::SameUpper).bias();
                x.layer_norm().conv2d(halved, width)
            });
        }
        let depth = s.flag(format!("block{l}"));
        let kernel = s.op(format!("kernel{l}"), &KERNELS.map(|(name, _)| name));
        let expansion = s.op(format!("expansion{l}"), &EXPANSIONS.map(|(name, _)| name));
        let function = s.op(format!("function{l}"), &FUNCTIONS);
        x = s.scope(format!("block{l}"), || {
            let branches = KERNELS
                .map(|(name, size)| s.scope(name, || x.depthwise_conv2d(Conv::new(size).bias())));
            let h = s.choose(kernel, &branches).layer_norm();
            let branches = EXPANSIONS.map(|(name, factor)| {
                s.scope(name, || {
                    let h = h.linear(factor * width, true);
                    let acts = FUNCTIONS.map(|name| h.act(name));
                    s.choose(function, &acts).linear(width, true)
                })
            });
            let y = s.choose(expansion, &branches);
            s.sum_when([(x, When::ALWAYS), (y, depth.on())])
        });
    }
    s.scope("head", || {
        let features = x.global_avg_pool().layer_norm();
        s.output(features.linear(settings.classes, true))
    });
    s.finish()
}
