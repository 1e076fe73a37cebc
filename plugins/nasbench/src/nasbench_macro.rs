use supernet_plugin::{
    BuildError, Built, Config, Conv, Fact, Field, Space, SpaceEntry, Tensor, inventory,
};

/// The operations of a layer, in the order of the table's digits: identity, and MobileNetV2's block
/// with its expansion and kernel.
const OPS: [&str; 3] = ["identity", "mb3_k3", "mb6_k5"];

/// The number of layers with a decision.
const LAYERS: usize = 8;

/// The layers, counted from 0, that halve the image and double the channels.
const HALVES: [usize; 3] = [0, 2, 5];

/// Channels of the last convolution.
const HEAD: u32 = 1280;

inventory::submit! {
    SpaceEntry {
        name: "nasbench-macro",
        summary: "whole networks: for each of eight layers nothing or one of two inverted residuals (NAS-Bench-Macro)",
        fields: || vec![
            Field::int("channels", 32, 1..=1024, "channels of the stem, doubled three times; 32 in the paper's table"),
            Field::from_data("image", Fact::Shape, "a sample's height, width and channels"),
            Field::from_data("classes", Fact::Classes, "how many classes there are"),
        ],
        build: |config| nasbench_macro(&NasbenchMacro::from_config(config)?),
    }
}

/// The config of `nasbench-macro`.
#[derive(Clone, Debug, PartialEq)]
pub struct NasbenchMacro {
    /// Channels of the stem; doubled three times.
    pub channels: u32,
    /// `[height, width, channels]`.
    pub image: Vec<u32>,
    /// The number of classes.
    pub classes: u32,
}

impl NasbenchMacro {
    fn from_config(config: &Config) -> Result<Self, BuildError> {
        Ok(NasbenchMacro {
            channels: config.size("channels")?,
            image: config.sizes("image")?,
            classes: config.size("classes")?,
        })
    }
}

/// MobileNetV2's block: a 1x1 convolution to `expand` times the channels, a depthwise convolution,
/// a 1x1 convolution without ReLU. The input is added if the shape stays the same.
fn inverted_residual<'s>(
    s: &'s Space,
    x: Tensor<'s>,
    expand: u32,
    depthwise: Conv,
    filters: u32,
) -> Tensor<'s> {
    let wide = x.conv(1, x.channels().saturating_mul(expand)).norm().relu();
    let y = wide
        .depthwise_conv2d(depthwise)
        .norm()
        .relu()
        .conv(1, filters)
        .norm();
    if y.shape() == x.shape() {
        s.sum(&[y, x])
    } else {
        y
    }
}

/// The space of NAS-Bench-Macro: a genome is one operation for each of eight layers (6,561
/// genomes). Its digits, written one after the other, are a key of the table.
///
/// The structure follows the released code that trained the paper's NAS-Bench-Macro: a stem, then
/// stages of two, three and three layers, then a 1x1 convolution to 1280 channels, the mean over
/// all positions and a linear layer. The first layer of a stage halves the image and doubles the
/// channels; there, `identity` is a 1x1 convolution with batch norm. The number of parameters is
/// that of the table, the MACs what it calls FLOPs. All activations are ReLU, as in that code;
/// MobileNetV2 itself (Sandler et al. 2018) uses ReLU6.
pub fn nasbench_macro(config: &NasbenchMacro) -> Built {
    let &NasbenchMacro {
        mut channels,
        ref image,
        classes,
    } = config;
    supernet_plugin::check_image(image, HALVES.len() as u32)?;

    let s = Space::new("nasbench-macro");
    let mut x = s.scope("stem", || {
        s.input("image", image).conv(3, channels).norm().relu()
    });
    for l in 0..LAYERS {
        let op = s.op(format!("layer{l}"), &OPS);
        let stride = if HALVES.contains(&l) { 2 } else { 1 };
        channels = channels.saturating_mul(stride);
        x = s.scope(format!("layer{l}"), || {
            let block =
                |expand, k| inverted_residual(&s, x, expand, Conv::new(k).stride(stride), channels);
            let branches = OPS.map(|name| {
                s.scope(name, || match name {
                    "identity" if stride == 1 => x,
                    "identity" => x.conv2d(Conv::new(1).stride(stride), channels).norm(),
                    "mb3_k3" => block(3, 3),
                    _ => block(6, 5),
                })
            });
            s.choose(op, &branches)
        });
    }
    s.scope("head", || {
        s.output(
            x.conv(1, HEAD)
                .norm()
                .relu()
                .global_avg_pool()
                .linear(classes, true),
        )
    });
    s.finish()
}
