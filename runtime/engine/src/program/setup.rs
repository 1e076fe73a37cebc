//! Test setups for programs: a space, its weights and a minibatch.

use std::collections::BTreeMap;
use std::sync::Arc;

use supernet_enas as _;
use supernet_plugin::{Conv, Facts, Init, Role, Setting, Space, Supergraph};
use supernet_shaders::Step;
use supernet_shaders::random::{Random, RngStream};

use super::{Context, CustomOps, Input, Method, Optimizer, Penalties, Program, Start};
use crate::device::{Inputs, Minibatch};
use crate::weights::{Layout, Weights};

pub(super) const STEP: Step = Step {
    rate: 0.1,
    number: 3,
    update: 3,
    seed: 5,
    drop_path: 0.5,
};
pub(super) const SGD: Optimizer = Optimizer {
    method: Method::Sgd {
        momentum: 0.9,
        nesterov: true,
    },
    weight_decay: 1e-3,
    clip: 5.0,
    everywhere: false,
    smoothing: 0.0,
    auxiliary: 0.4,
    drop_path: true,
    penalties: NONE,
};
pub(super) const NONE: Penalties = Penalties {
    activation: 0.0,
    temporal: 0.0,
};

/// Images with their labels.
pub(super) struct Images {
    pub(super) shape: [u32; 3],
    pub(super) pixels: Vec<f32>,
    pub(super) labels: Vec<u32>,
}

/// Number of classes of the test images.
pub(super) const CLASSES: u32 = 10;

/// The linked space that `search.space=NAME` names among the settings, ENAS macro by default, with
/// `space.KEY=VALUE`; later settings win.
pub(super) fn build_space(settings: &[&str], facts: &Facts) -> Supergraph {
    let (mut name, mut given) = ("enas-macro", BTreeMap::new());
    for setting in settings {
        let (key, value) = setting.split_once('=').unwrap();
        match key.strip_prefix("space.") {
            None => name = value,
            Some(key) => {
                let value = serde_json::from_str(value).unwrap_or(Setting::Text(value.to_owned()));
                given.insert(key.to_owned(), value);
            }
        }
    }
    let entry = supernet_plugin::find(name).unwrap();
    let config = entry.configure(&given, facts).unwrap();
    Supergraph::new(entry.space(&config).unwrap()).unwrap()
}

pub(super) fn noise(image: [u32; 3], batch: u32) -> Images {
    let mut random = Random::new(11, RngStream::Test(0));
    let pixels: Vec<f32> = (0..batch * image.iter().product::<u32>())
        .map(|_| random.normal())
        .collect();
    let labels: Vec<u32> = (0..batch).map(|_| random.below(10)).collect();
    Images {
        shape: image,
        pixels,
        labels,
    }
}

/// Every op that has a kernel, with features that ENAS macro lacks: biases, plain normalisation, a
/// mean, sums and concatenations of more inputs than one call takes, a value that occurs in a sum
/// or a product twice, slices, a transposed and shared weight, dilation, drop-path, an auxiliary
/// output that shares a weight with the main one.
pub(super) fn odd_space(image: [u32; 3]) -> Supergraph {
    let s = Space::new("odd");
    let tied = s.weights("tied", &[6, 4], Init::Normal { std: 0.5 });
    let x = s.input("image", &image);
    let x = x.conv2d(Conv::new(3).bias(), 6).norm_plain().relu();
    let y = x.depthwise_conv2d(Conv::new(3).dilation(2).bias());
    let y = s.sum(&[y, x.multiply(y), y.multiply(y)]);
    let several: Vec<_> = (0..9)
        .map(|i| x.conv(1, if i % 2 == 0 { 2 } else { 6 }))
        .collect();
    let (narrow, wide): (Vec<_>, Vec<_>) = several.into_iter().partition(|t| t.channels() == 2);
    let wide: Vec<_> = [wide.as_slice(), &[x, y, x, y, x.relu()]].concat();
    let sum = s.sum(&wide);
    let mean = s.mean(&[sum.drop_path(0.5), x, y.max_pool(3).drop_path(1.0)]);
    let concat = s.concat(
        &[
            narrow.as_slice(),
            &[mean.slice(1, 3), mean.slice(0, 2), sum.slice(4, 2)],
        ]
        .concat(),
    );
    let z = concat.conv(1, 4).avg_pool(3).global_avg_pool().dropout(0.3);
    let z = z
        .linear_transposed_by(tied)
        .norm_plain()
        .relu()
        .linear_by(tied)
        .linear_transposed_by(tied);
    let last = s.weights("last", &[6, 10], Init::Normal { std: 0.5 });
    s.output_as(
        mean.relu().global_avg_pool().linear_by(last),
        Role::Auxiliary,
    );
    s.output(z.linear(6, true).linear_by(last));
    Supergraph::new(s.finish().unwrap()).unwrap()
}

pub(super) struct Setup {
    pub(super) supergraph: Supergraph,
    pub(super) custom: CustomOps,
    pub(super) layout: Arc<Layout>,
    pub(super) input: Input,
    pub(super) classes: u32,
    pub(super) batch: u32,
    pub(super) images: Vec<f32>,
    pub(super) labels: Vec<u32>,
}

impl Setup {
    pub(super) fn new(settings: &[&str], image: [u32; 3], batch: u32) -> Self {
        Self::of(settings, &noise(image, batch), batch)
    }

    /// The space with some settings, on the first samples of a data set.
    pub(super) fn of(settings: &[&str], data: &Images, batch: u32) -> Self {
        let supergraph = build_space(settings, &Facts::images(&data.shape, CLASSES));
        Self::on(supergraph, data, batch)
    }

    /// A space on the first samples of a data set.
    pub(super) fn on(supergraph: Supergraph, data: &Images, batch: u32) -> Self {
        let layout = Arc::new(Layout::new(&supergraph).unwrap());
        let (images, labels) = (data.pixels.clone(), data.labels.clone());
        let custom = CustomOps::default();
        let input = Input::Image(data.shape);
        Self {
            supergraph,
            custom,
            layout,
            input,
            classes: CLASSES,
            batch,
            images,
            labels,
        }
    }

    /// A space on a window of tokens and their successors, time first.
    pub(super) fn on_text(
        supergraph: Supergraph,
        words: u32,
        batch: u32,
        start: Start,
        [tokens, labels]: [Vec<u32>; 2],
    ) -> Self {
        let layout = Arc::new(Layout::with_states(&supergraph, batch).unwrap());
        let images = tokens.into_iter().map(f32::from_bits).collect();
        let (input, custom) = (Input::Tokens(start), CustomOps::default());
        Self {
            supergraph,
            custom,
            layout,
            input,
            classes: words,
            batch,
            images,
            labels,
        }
    }

    pub(super) fn context(&self) -> Context<'_> {
        let Self {
            supergraph,
            custom,
            layout,
            input,
            classes,
            batch,
            ..
        } = self;
        Context {
            supergraph,
            custom,
            layout,
            input: *input,
            classes: *classes,
            batch: *batch,
        }
    }

    pub(super) fn training(&self, genome: &[u32], optimizer: &Optimizer) -> Program {
        Program::training(
            self.context(),
            &self.supergraph.child_in_training(genome).unwrap(),
            optimizer,
        )
        .unwrap()
    }

    pub(super) fn scoring(&self, genome: &[u32]) -> Program {
        Program::scoring(self.context(), &self.supergraph.child(genome).unwrap()).unwrap()
    }

    pub(super) fn weights(&self, seed: u64) -> Weights {
        let mut weights = Weights::new(&self.supergraph, Arc::clone(&self.layout), 1, seed);
        // Betas start at zero and gammas at one: perturbed a little, so that no gradient is zero by
        // symmetry.
        let mut random = Random::new(seed, RngStream::Test(99));
        weights
            .pages_mut()
            .values
            .iter_mut()
            .flatten()
            .for_each(|x| *x += 0.1 * random.normal());
        weights
    }

    pub(super) fn sample(&self, random: &mut Random) -> Vec<u32> {
        self.supergraph
            .sample(&mut |weights| random.weighted(weights))
            .unwrap()
    }

    pub(super) fn inputs(&self) -> Inputs<'_> {
        match self.input {
            Input::Image(_) => Inputs::Pixels(&self.images),
            Input::Tokens(_) => Inputs::Tokens(bytemuck::cast_slice(&self.images)),
        }
    }

    pub(super) fn minibatch(&self) -> Minibatch<'_> {
        Minibatch {
            inputs: self.inputs(),
            targets: &self.labels,
            mixture: &[],
        }
    }
}
