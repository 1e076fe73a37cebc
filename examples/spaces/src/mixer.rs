//! MLP-Mixers (Tolstikhin et al. 2021): one MLP mixes the positions of each channel, another the
//! channels of each position.

use supernet_plugin::{Built, Config, DecisionRef, Field, Space, SpaceEntry, Tensor, inventory};

use crate::{Settings, classify, fields};

inventory::submit! {
    SpaceEntry {
        name: "mixer",
        summary: "small images: an MLP-Mixer with the hidden width of every MLP, its function, and whether there is a layer",
        fields: || [
            fields(4, 32),
            vec![Field::int("patch", 2, 1..=64, "height and width of a patch")],
        ].concat(),
        build: mixer,
    }
}

/// Hidden neurons for each of the MLP's inputs, in halves.
const HALVES: [(&str, u32); 3] = [("half", 1), ("equal", 2), ("double", 4)];
const FUNCTIONS: [&str; 2] = ["gelu", "relu"];

/// Builds the space. A genome states for every layer whether it exists, the hidden widths of its two
/// MLPs, and their function.
fn mixer(config: &Config) -> Built {
    let settings = Settings::of(config, 2)?;
    let s = Space::new("mixer");
    let mut x = s.scope("stem", || settings.patches(&s, config.size("patch")?))?;
    for l in 0..settings.layers {
        let depth = s.flag(format!("layer{l}"));
        let function = s.op(format!("function{l}"), &FUNCTIONS);
        let [of_tokens, of_channels] = ["tokens", "channels"]
            .map(|what| s.op(format!("{what}{l}"), &HALVES.map(|(name, _)| name)));
        x = s.scope(format!("layer{l}"), || {
            let mlp = |x, halves| mlp(&s, x, halves, function);
            let mixed = s.scope("tokens", || {
                let turned = x.layer_norm().transpose(0, 1);
                let branches = HALVES.map(|(name, n)| s.scope(name, || mlp(turned, n)));
                s.choose(of_tokens, &branches).transpose(0, 1)
            });
            let y = s.sum(&[x, mixed]);
            let mixed = s.scope("channels", || {
                let normed = y.layer_norm();
                let branches = HALVES.map(|(name, n)| s.scope(name, || mlp(normed, n)));
                s.choose(of_channels, &branches)
            });
            let y = s.sum(&[y, mixed]);
            s.sum_when([(y, depth.on()), (x, !depth.on())])
        });
    }
    s.scope("head", || s.output(classify(x, settings.classes)));
    s.finish()
}

/// A hidden layer of `halves` neurons for every two inputs.
fn mlp<'s>(s: &'s Space, x: Tensor<'s>, halves: u32, function: DecisionRef<'s>) -> Tensor<'s> {
    let width = x.channels();
    let hidden = x.linear((halves * width / 2).max(1), true);
    let acts = FUNCTIONS.map(|name| hidden.act(name));
    s.choose(function, &acts).linear(width, true)
}
