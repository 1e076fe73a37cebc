//! Residual networks with squeeze-and-excitation (Hu et al. 2018), dense or in groups (Xie et al.
//! 2017), normalised by the batch or by groups of channels (Wu and He 2018).

use supernet_plugin::{Built, Config, Conv, Space, SpaceEntry, Tensor, When, inventory};

use crate::{Settings, fields};

inventory::submit! {
    SpaceEntry {
        name: "se-resnet",
        summary: "small images: a residual network with the convolution, the normalisation and the function of every block, and \
                  squeeze-and-excitation or not",
        fields: || fields(3, 16),
        build: se_resnet,
    }
}

const CONVOLUTIONS: [&str; 3] = ["dense3x3", "grouped3x3", "grouped5x5"];
const NORMS: [&str; 2] = ["batch", "group"];
const FUNCTIONS: [&str; 4] = ["relu", "leaky_relu", "swish", "elu"];

/// Groups of channels, of grouped convolutions and of group norm.
const GROUPS: u32 = 4;

/// Builds the space. A genome states for every block its convolution, normalisation and function, and
/// whether its channels are gated.
fn se_resnet(config: &Config) -> Built {
    let settings = Settings::of(config, GROUPS)?;
    let width = settings.width;
    let s = Space::new("se-resnet");
    let mut x = s.scope("stem", || {
        s.input("image", &settings.image)
            .conv(3, width)
            .norm()
            .relu()
    });
    for l in 0..settings.layers {
        let convolution = s.op(format!("convolution{l}"), &CONVOLUTIONS);
        let norm = s.op(format!("norm{l}"), &NORMS);
        let function = s.op(format!("function{l}"), &FUNCTIONS);
        let excite = s.flag(format!("excite{l}"));
        x = s.scope(format!("block{l}"), || {
            let branches = CONVOLUTIONS.map(|name| s.scope(name, || convolve(x, name)));
            let h = s.choose(convolution, &branches);
            let h = s.choose(norm, &[h.norm(), h.group_norm(GROUPS)]);
            let acts = FUNCTIONS.map(|name| h.act(name));
            let h = s.choose(function, &acts).conv(1, width).norm();
            let gated = h.squeeze_excite(width / 4);
            let h = s.sum_when([(h, !excite.on()), (gated, excite.on())]);
            s.sum_when([(x, When::ALWAYS), (h, When::ALWAYS)]).relu()
        });
        if l + 1 == settings.layers / 2 {
            x = x.max_pool(3).factorized_reduction(width);
        }
    }
    s.scope("head", || {
        // What is strongest anywhere, and what is common everywhere.
        let features = s.concat(&[x.global_avg_pool(), x.global_max_pool()]);
        s.output(features.linear(settings.classes, true))
    });
    s.finish()
}

fn convolve<'s>(x: Tensor<'s>, name: &str) -> Tensor<'s> {
    let width = x.channels();
    match name {
        "grouped3x3" => x.grouped_conv2d(Conv::new(3), GROUPS, width),
        "grouped5x5" => x.grouped_conv2d(Conv::new(5), GROUPS, width),
        _ => x.conv(3, width),
    }
}
