//! Small vision transformers (Dosovitskiy et al. 2021): self-attention between patches, or a
//! depthwise convolution over them, and an MLP.

use supernet_plugin::{Built, Config, Field, Space, SpaceEntry, Tensor, inventory};

use crate::{Settings, classify, fields};

inventory::submit! {
    SpaceEntry {
        name: "attention",
        summary: "small images: a transformer with the heads of every layer, or a convolution in the place of attention, and the \
                  hidden width of its MLP",
        fields: || [
            fields(3, 32),
            vec![Field::int("patch", 2, 1..=64, "height and width of a patch")],
        ].concat(),
        build: attention,
    }
}

const MIXERS: [&str; 4] = ["heads1", "heads2", "heads4", "conv3x3"];
const EXPANSIONS: [(&str, u32); 3] = [("x1", 1), ("x2", 2), ("x4", 4)];

/// Builds the space. A genome states for every layer what mixes its tokens, and the hidden width of
/// its MLP.
fn attention(config: &Config) -> Built {
    let settings = Settings::of(config, 4)?;
    let patch = config.size("patch")?;
    let s = Space::new("attention");
    let mut x = s.scope("stem", || {
        settings.patches(&s, patch).map(Tensor::embed_positions)
    })?;
    let grid = [settings.image[0] / patch, settings.image[1] / patch];
    for l in 0..settings.layers {
        let mixer = s.op(format!("mixer{l}"), &MIXERS);
        let expansion = s.op(format!("expansion{l}"), &EXPANSIONS.map(|(name, _)| name));
        x = s.scope(format!("layer{l}"), || {
            // Normalised first, as in Xiong et al. 2020, so that no warm-up is needed.
            let normed = x.layer_norm();
            let branches = MIXERS.map(|name| s.scope(name, || mix(normed, name, grid)));
            let x = s.sum(&[x, s.choose(mixer, &branches)]);
            let normed = x.layer_norm();
            let branches = EXPANSIONS.map(|(name, factor)| {
                s.scope(name, || {
                    let hidden = normed.linear(factor * settings.width, true).act("gelu");
                    hidden.linear(settings.width, true)
                })
            });
            s.sum(&[x, s.choose(expansion, &branches)])
        });
    }
    s.scope("head", || s.output(classify(x, settings.classes)));
    s.finish()
}

fn mix<'s>(tokens: Tensor<'s>, name: &str, [height, width]: [u32; 2]) -> Tensor<'s> {
    let [positions, channels] = [tokens.height(), tokens.channels()];
    match name {
        "heads1" => tokens.self_attention(1),
        "heads2" => tokens.self_attention(2),
        "heads4" => tokens.self_attention(4),
        _ => {
            let image = tokens.reshape(&[height, width, channels]);
            image.depthwise(3).reshape(&[positions, channels])
        }
    }
}
