//! The layers that the builder offers: each has kernels and a gradient, or is refused by name.

use std::collections::BTreeSet;

use supernet_plugin::{Conv, Function, Init, Pad, Per, Pooling, Space, Supergraph, Tensor, When};

use super::*;

const IMAGE: [u32; 3] = [4, 4, 3];

/// Every activation and every layer over whole axes, each read by the output.
fn all_layers() -> Supergraph {
    let s = Space::new("layers");
    let x = s.input("image", &IMAGE).conv(3, 4).norm_plain();
    let acts: Vec<_> = Function::ALL.map(|f| x.activation(f)).to_vec();
    let x = s.sum(&acts).group_norm(2);
    let gate = x.global_max_pool().linear(4, true).act("hard_sigmoid");
    let x = s.sum(&[x.scale(gate), x.squeeze_excite(2), x.bias()]);
    let x = x.grouped_conv2d(Conv::new(3).bias(), 2, 4).multiply(x);
    let tokens = x.reshape(&[16, 4]).embed_positions();
    let mixed = tokens.layer_norm().transpose(0, 1).linear(16, true);
    let tokens = s.sum(&[tokens, mixed.act("gelu").transpose(0, 1)]);
    let tokens = s.sum(&[tokens, tokens.layer_norm().self_attention(2)]);
    // The axes of an image, exchanged around one between them.
    let x = tokens.reshape(&[2, 8, 4]).transpose(2, 0).resize(3, 5);
    let squared = x.matmul_transposed(x, 0.5).softmax().matmul(x);
    s.output(squared.global_avg_pool().linear(CLASSES, true));
    Supergraph::new(s.finish().unwrap()).unwrap()
}

const CLASSES: u32 = super::super::setup::CLASSES;

#[test]
fn gradients_of_all_layers_agree_with_finite_differences() {
    let setup = Setup::on(all_layers(), &noise(IMAGE, 3), 3);
    hold_gradients_against_finite_differences(&setup, &[]);
    let mut interpreter = Interpreter::new(&setup, &setup.weights(1));
    interpreter.run(&setup.training(&[], &SGD));
    assert_eq!(interpreter.gradients.len(), setup.layout.len());
}

#[test]
fn the_cpu_agrees_with_the_interpreter_on_all_layers() {
    let setup = Setup::on(all_layers(), &noise(IMAGE, 9), 9);
    hold_the_cpu_against_the_interpreter(&setup, &[], &mut Cpu::new(2).unwrap());
}

type Layer = for<'s> fn(&'s Space, Tensor<'s>) -> Tensor<'s>;

/// Every layer of the builder, on an image `[4, 4, 3]`.
const LAYERS: &[(&str, Layer)] = &[
    ("conv", |_, x| x.conv(3, 4)),
    ("conv2d", |_, x| x.conv2d(Conv::new(3).bias(), 4)),
    ("depthwise", |_, x| x.depthwise(3)),
    ("depthwise_conv2d", |_, x| {
        x.depthwise_conv2d(Conv::new(3).bias())
    }),
    ("separable", |_, x| x.separable(3, 4)),
    ("grouped_conv2d", |_, x| {
        x.grouped_conv2d(Conv::new(3), 3, 6)
    }),
    ("factorized_reduction", |_, x| x.factorized_reduction(4)),
    ("factorized_halves", |_, x| x.factorized_halves(4)),
    ("linear", |_, x| x.linear(4, true)),
    ("linear_by", |s, x| {
        x.linear_by(s.local_weights("w", &[3u32, 4], Init::Ones))
    }),
    ("linear_transposed_by", |s, x| {
        x.linear_transposed_by(s.local_weights("w", &[4u32, 3], Init::Ones))
    }),
    ("norm", |_, x| x.norm()),
    ("norm_plain", |_, x| x.norm_plain()),
    ("layer_norm", |_, x| x.layer_norm()),
    ("group_norm", |_, x| x.group_norm(3)),
    ("relu", |_, x| x.relu()),
    ("act", |s, x| {
        let acts: Vec<_> = Function::ALL.map(|f| x.act(f.name())).to_vec();
        s.sum(&acts)
    }),
    ("activation", |_, x| x.activation(Function::Gelu)),
    ("avg_pool", |_, x| x.avg_pool(3)),
    ("max_pool", |_, x| x.max_pool(3)),
    ("pool", |_, x| x.pool(Pooling::Max, 2, 2, Pad::Valid)),
    ("global_avg_pool", |_, x| x.global_avg_pool()),
    ("global_max_pool", |_, x| x.global_max_pool()),
    ("dropout", |_, x| x.dropout(0.5)),
    ("dropout_per", |_, x| x.dropout_per(0.5, Per::Element)),
    ("drop_path", |_, x| x.drop_path(0.5)),
    ("zero", |s, x| s.sum(&[x.zero(1), x])),
    ("multiply", |_, x| x.multiply(x)),
    ("scale", |_, x| x.scale(x.global_avg_pool())),
    ("squeeze_excite", |_, x| x.squeeze_excite(2)),
    ("lerp", |_, x| x.lerp(x.relu(), x.act("sigmoid"))),
    ("slice", |_, x| x.slice(1, 2)),
    ("resize", |_, x| x.resize(7, 3)),
    ("transpose", |_, x| x.transpose(0, 2)),
    ("reshape", |_, x| x.reshape(&[16, 3])),
    ("matmul", |_, x| x.matmul(x.transpose(1, 2))),
    ("matmul_transposed", |_, x| x.matmul_transposed(x, 0.5)),
    ("softmax", |_, x| x.softmax()),
    ("attend", |_, x| x.attend(x, x)),
    ("self_attention", |_, x| {
        x.reshape(&[16, 3]).self_attention(3)
    }),
    ("embed_positions", |_, x| x.embed_positions()),
    ("bias", |_, x| x.bias()),
    ("sum", |s, x| s.sum(&[x, x])),
    ("sum_when", |s, x| s.sum_when([(x, When::ALWAYS)])),
    ("mean", |s, x| s.mean(&[x, x])),
    ("mean_when", |s, x| s.mean_when([(x, When::ALWAYS)])),
    ("concat", |s, x| s.concat(&[x, x])),
];

/// What a space can contain but no device can run, and the op of the refusal.
const REFUSED: &[(&str, &str, Layer)] = &[
    ("depthwise_by", "depthwise_conv2d", |s, x| {
        let kernel = s.local_weights("w", &[3u32, 3, 3], Init::Ones);
        x.depthwise_by(s.weight(kernel), 1)
    }),
    ("crop", "crop", |_, x| x.crop(2)),
    ("kernel_transform", "kernel_transform", |_, x| {
        x.kernel_transform()
    }),
];

/// Read by other tests of programs: tokens, a choice, own ops.
const ELSEWHERE: [&str; 4] = ["embed_by", "choose", "choose_of", "custom"];

/// A network of one layer.
fn network(layer: Layer) -> Setup {
    let s = Space::new("one-layer");
    let y = s.scope("tried", || layer(&s, s.input("image", &IMAGE)));
    let image = match *y.shape() {
        [tokens, channels] => y.reshape(&[tokens, 1, channels]),
        _ => y,
    };
    let features = match image.shape().len() {
        3 => image.global_avg_pool(),
        _ => image,
    };
    s.output(features.linear(CLASSES, true));
    let space = s.finish().unwrap_or_else(|e| panic!("{e}"));
    Setup::on(Supergraph::new(space).unwrap(), &noise(IMAGE, 4), 4)
}

#[test]
fn every_layer_of_the_builder_runs_or_is_refused_by_name() {
    for (name, layer) in LAYERS {
        let setup = network(*layer);
        let child = setup.supergraph.child_in_training(&[]).unwrap();
        let program = Program::training(setup.context(), &child, &SGD);
        program.unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    for (name, op, layer) in REFUSED {
        let setup = network(*layer);
        let child = setup.supergraph.child_in_training(&[]).unwrap();
        let refused = Program::training(setup.context(), &child, &SGD).map(drop);
        let said = refused.expect_err(name).to_string();
        let about = said.contains("`tried/") && said.contains("no kernel");
        assert!(
            about && (said.contains(op) || said.contains("weight")),
            "{said}"
        );
    }
}

/// A layer that is added to the builder has to be added to one of the lists.
#[test]
fn the_lists_name_every_layer_of_the_builder() {
    let sources = [
        include_str!("../../../../../plugins/api/src/builder/layers.rs"),
        include_str!("../../../../../plugins/api/src/builder/axes.rs"),
        include_str!("../../../../../plugins/api/src/builder/merge.rs"),
    ];
    let offered: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.split("\n    pub fn ").skip(1))
        .filter_map(|function| function.split(['(', '<']).next())
        .collect();
    let tried = LAYERS.iter().map(|(name, _)| *name);
    let refused = REFUSED.iter().map(|(name, ..)| *name);
    let listed: BTreeSet<&str> = tried.chain(refused).chain(ELSEWHERE).collect();
    assert!(offered.len() > 40, "{offered:?}");
    assert_eq!(offered, listed);
}
