use supernet_plugin::{
    BuildError, Built, Config, DecisionRef, Fact, Field, Space, SpaceEntry, When, inventory,
};

/// The operations of a layer, in published order.
const OPS: [&str; 6] = [
    "conv3x3",
    "sepconv3x3",
    "conv5x5",
    "sepconv5x5",
    "avgpool3x3",
    "maxpool3x3",
];

inventory::submit! {
    SpaceEntry {
        name: "enas-macro",
        summary: "whole networks: an operation per layer, and skip connections between layers (ENAS 2.3)",
        fields: || vec![
            Field::int("layers", 6, 1..=64, "how many layers; 12 in the paper"),
            Field::int("filters", 16, 2..=4096, "channels of every layer; 36 in the paper").multiple_of(2),
            Field::float("skip_target", 0.4, 0.01..=0.99, "how likely a skip is before anything is learnt; 0.4 in the paper"),
            crate::form(),
            Field::from_data("image", Fact::Shape, "a sample's height, width and channels"),
            Field::from_data("classes", Fact::Classes, "how many classes there are"),
        ],
        build: |config| match config.text("form")? {
            "final" => enas_macro_final(&Macro::from_config(config)?),
            _ => enas_macro(&Macro::from_config(config)?),
        },
    }
}

/// The config of `enas-macro`.
#[derive(Clone, Debug, PartialEq)]
pub struct Macro {
    /// The number of layers.
    pub layers: usize,
    /// Channels of every layer; even, since a factorised reduction has two halves.
    pub filters: u32,
    /// The prior probability of a skip, before anything is learnt.
    pub skip_target: f32,
    /// `[height, width, channels]`.
    pub image: Vec<u32>,
    /// The number of classes.
    pub classes: u32,
}

impl Macro {
    fn from_config(config: &Config) -> Result<Self, BuildError> {
        Ok(Macro {
            layers: config.size("layers")? as usize,
            filters: config.size("filters")?,
            skip_target: config.float("skip_target")? as f32,
            image: config.sizes("image")?,
            classes: config.size("classes")?,
        })
    }

    /// The layers, counted from 1, after which everything is halved.
    fn reductions(&self) -> Vec<usize> {
        let mut after = vec![self.layers / 3, 2 * self.layers / 3];
        after.retain(|&layer| layer > 0);
        after.dedup();
        after
    }

    /// Checks what can be checked before anything is built, then declares the decisions.
    fn decide<'s>(&self, s: &'s Space) -> Result<Vec<Layer<'s>>, BuildError> {
        if self.layers == 0 {
            return Err(BuildError::refused(
                "the network has 0 layers, and needs at least 1",
            ));
        }
        supernet_plugin::check_image(&self.image, self.reductions().len() as u32)?;
        s.step(&[]).keep("t0");
        Ok((0..self.layers)
            .map(|l| Layer::decide(s, l, self.skip_target))
            .collect())
    }
}

/// The decisions of a layer: its operation, and, for each tensor before that of the previous layer,
/// whether it is added.
struct Layer<'s> {
    op: DecisionRef<'s>,
    skips: Vec<DecisionRef<'s>>,
}

impl<'s> Layer<'s> {
    fn decide(s: &'s Space, l: usize, skip_target: f32) -> Self {
        let op = s.op(format!("op{l}"), &OPS);
        let skip = |i| {
            s.skip(format!("skip{l}.{i}"), format!("t{i}"))
                .prior(&[1.0 - skip_target, skip_target])
        };
        let skips: Vec<_> = (0..l).map(skip).collect();
        s.step(&[op]);
        s.step(&skips).keep(format!("t{}", l + 1));
        Layer { op, skips }
    }
}

/// The macro space: a genome is, layer by layer, the operation and one bit per earlier layer (78
/// numbers for 12 layers).
///
/// The structure follows section 2.3 of the paper and its released code: every layer is a 1x1
/// convolution, batch norm, ReLU, then the operation; skips are added, then normalised; after a
/// third and two thirds of the layers everything is halved.
pub fn enas_macro(config: &Macro) -> Built {
    let &Macro {
        layers,
        filters,
        ref image,
        classes,
        ..
    } = config;
    let s = Space::new("enas-macro");
    let decided = config.decide(&s)?;
    let mut kept = vec![s.scope("stem", || s.input("image", image).conv(3, filters).norm())];
    for (l, Layer { op, skips }) in decided.iter().enumerate() {
        s.scope(format!("layer{l}"), || {
            let branches = OPS.map(|name| {
                s.scope(name, || {
                    let x = kept[l].conv(1, filters).norm().relu();
                    match name {
                        "conv3x3" => x.conv(3, filters).norm().relu(),
                        "sepconv3x3" => x.separable(3, filters).norm().relu(),
                        "conv5x5" => x.conv(5, filters).norm().relu(),
                        "sepconv5x5" => x.separable(5, filters).norm().relu(),
                        "avgpool3x3" => x.avg_pool(3),
                        _ => x.max_pool(3),
                    }
                })
            });
            let mut y = s.choose(*op, &branches);
            if l > 0 {
                let skipped = skips.iter().zip(&kept).map(|(skip, t)| (*t, skip.on()));
                y = s
                    .sum_when([(y, When::ALWAYS)].into_iter().chain(skipped))
                    .norm();
            }
            kept.push(y);
            if config.reductions().contains(&(l + 1)) {
                s.scope("reduce", || {
                    kept.iter_mut()
                        .for_each(|t| *t = t.factorized_reduction(filters))
                });
            }
        });
    }
    s.scope("head", || {
        s.output(
            kept[layers]
                .global_avg_pool()
                .dropout(0.1)
                .linear(classes, false),
        )
    });
    s.finish()
}

/// The same decisions as the network that is finally trained.
///
/// The structure follows the fixed-architecture networks of the released code: a layer is ReLU, 1x1
/// convolution, batch norm, ReLU, the operation, batch norm; both separable convolutions are plain
/// ones there; skips are concatenated with the output of the layer, and ReLU, a 1x1 convolution and
/// batch norm project them back to its width; the width doubles where the image is halved. The
/// published architecture has no pooling, which the released code cannot build; here, pooling takes
/// the place of the convolution, without batch norm.
pub fn enas_macro_final(config: &Macro) -> Built {
    let &Macro {
        layers,
        mut filters,
        ref image,
        classes,
        ..
    } = config;
    let s = Space::new("enas-macro");
    let decided = config.decide(&s)?;
    let mut kept = vec![s.scope("stem", || s.input("image", image).conv(3, filters).norm())];
    for (l, Layer { op, skips }) in decided.iter().enumerate() {
        s.scope(format!("layer{l}"), || {
            let branches = OPS.map(|name| {
                s.scope(name, || {
                    let x = kept[l].relu().conv(1, filters).norm().relu();
                    match name {
                        "conv3x3" | "sepconv3x3" => x.conv(3, filters).norm(),
                        "conv5x5" | "sepconv5x5" => x.conv(5, filters).norm(),
                        "avgpool3x3" => x.avg_pool(3),
                        _ => x.max_pool(3),
                    }
                })
            });
            let mut y = s.choose(*op, &branches);
            if l > 0 {
                // A 1x1 convolution of a concatenation is the sum of one convolution per part.
                let skipped = skips.iter().zip(&kept).map(|(skip, t)| (*t, skip.on()));
                let parts = [(y, When::ALWAYS)].into_iter().chain(skipped);
                y = s.scope("skips", || {
                    s.sum_when(parts.map(|(t, when)| (t.relu().conv(1, filters), when)))
                        .norm()
                });
            }
            kept.push(y);
            if config.reductions().contains(&(l + 1)) {
                filters = filters.saturating_mul(2);
                s.scope("reduce", || {
                    kept.iter_mut()
                        .for_each(|t| *t = t.factorized_reduction(filters))
                });
            }
        });
    }
    s.scope("head", || {
        s.output(
            kept[layers]
                .global_avg_pool()
                .dropout(0.5)
                .linear(classes, false),
        )
    });
    s.finish()
}
