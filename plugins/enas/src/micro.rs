mod final_form;

use supernet_plugin::{Built, Config, Decide, Fact, Field, Mistake, Space, SpaceEntry, Tensor, When, inventory};

/// The operations of a cell, in published order.
const OPS: [&str; 5] = ["sepconv3x3", "sepconv5x5", "avgpool3x3", "maxpool3x3", "identity"];

/// How many nodes a cell computes beside its two inputs.
const NODES: usize = 5;

inventory::submit! {
    SpaceEntry {
        name: "enas-micro",
        summary: "cells: one that keeps the size and one that halves it, stacked (ENAS 2.4)",
        fields: || vec![
            Field::one_of("form", &["search", "final"], "the network whose weights all cells share, or the one that is trained alone"),
            Field::int("layers", 6, 1..=60, "how many cells keep the size; two more halve it; 15 in the final network"),
            Field::int("filters", 20, 2..=1024, "channels of the first cells; 20 in the released code, 36 in the final network").multiple_of(2),
            Field::flag("auxiliary", true, "whether the final network has an auxiliary head, in training"),
            Field::from_data("image", Fact::Shape, "a sample's height, width and channels"),
            Field::from_data("classes", Fact::Classes, "how many classes there are"),
        ],
        build: |config| enas_micro(&Micro::from_config(config)?),
    }
}

/// The config of `enas-micro`.
#[derive(Clone, Debug, PartialEq)]
pub struct Micro {
    /// How many cells keep the size; two more halve it.
    pub layers: usize,
    /// Channels of the first cells; doubled at each halving. Even, since a reduction makes two halves.
    pub filters: u32,
    /// Which of two networks the cells make.
    pub form: Form,
    /// Whether the final form has an auxiliary head.
    pub auxiliary: bool,
    /// `[height, width, channels]`.
    pub image: Vec<u32>,
    /// How many classes.
    pub classes: u32,
}

/// The two networks that cells make: the same decisions, so that a genome of one is a genome of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With weights that all cells share.
    Search,
    /// As it is trained alone.
    Final,
}

impl Micro {
    fn from_config(config: &Config) -> Result<Self, Mistake> {
        Ok(Micro {
            form: if config.text("form")? == "final" { Form::Final } else { Form::Search },
            auxiliary: config.flag("auxiliary")?,
            layers: config.size("layers")? as usize,
            filters: config.size("filters")?,
            image: config.sizes("image")?,
            classes: config.size("classes")?,
        })
    }
}

impl Micro {
    /// Whether layer `l` halves the size.
    fn halves(&self, l: usize) -> bool {
        let third = self.layers / 3;
        l == third || l == 2 * third + 1
    }
}

/// One of the two operands of a cell's node.
#[derive(Clone, Copy)]
struct Side<'s> {
    input: Decide<'s>,
    op: Decide<'s>,
}

/// What one kind of cell decides; every layer of that kind uses the same decisions.
struct Cell<'s> {
    nodes: Vec<[Side<'s>; 2]>,
}

impl<'s> Cell<'s> {
    fn decide(s: &'s Space, kind: &str) -> Self {
        let anchors = ["in0", "in1", "n0", "n1", "n2", "n3", "n4"].map(|anchor| format!("{kind}.{anchor}"));
        for input in &anchors[..2] {
            s.step(&[]).keep(input);
        }
        let nodes = (0..NODES).map(|n| {
            let [x, y] = ["x", "y"].map(|side| Side {
                input: s.input_of(format!("{kind}.n{n}.{side}.in"), &anchors[..n + 2]),
                op: s.op(format!("{kind}.n{n}.{side}.op"), &OPS),
            });
            for decision in [x.input, y.input, x.op, y.op] {
                s.step(&[decision]);
            }
            s.step(&[]).keep(&anchors[n + 2]);
            [x, y]
        });
        Cell { nodes: nodes.collect() }
    }

    /// The conditions under which tensor `i` is read inside the cell.
    fn reads(&self, i: usize) -> impl Iterator<Item = When> + '_ {
        let later = self.nodes.iter().enumerate().filter(move |(n, _)| n + 2 > i);
        later.flat_map(|(_, sides)| sides).map(move |side| side.input.is(i))
    }

    /// The cell's value: the sum of what nothing inside reads, after ReLU and a 1x1 convolution each, which is a 1x1 convolution of
    /// their concatenation.
    fn build(&self, s: &'s Space, inputs: [Tensor<'s>; 2], filters: u32) -> Tensor<'s> {
        let separable = |x: Tensor<'s>, k| {
            let once = |x: Tensor<'s>| x.relu().separable(k, filters).norm();
            once(once(x))
        };
        let mut h = inputs.to_vec();
        for (n, sides) in self.nodes.iter().enumerate() {
            let parts = [0, 1].map(|i| {
                s.scope(format!("n{n}.{}", ["x", "y"][i]), || {
                    let Side { input, op } = sides[i];
                    let from_each = |k: u32| s.scope(format!("sep{k}"), || s.choose_of(input, &h, |t| separable(t, k)));
                    let x = s.choose(input, &h);
                    s.choose(op, &[from_each(3), from_each(5), x.avg_pool(3), x.max_pool(3), x])
                })
            });
            h.push(s.sum(&parts));
        }
        s.scope("merge", || {
            let loose = h.iter().enumerate().map(|(i, t)| (t.relu().conv(1, filters), When::none(self.reads(i))));
            s.sum_when(loose).norm()
        })
    }
}

/// The micro space: a genome is two cells of five nodes, each `input, op, input, op` (40 numbers), as in section 2.4 of Pham
/// et al. 2018 and their released code. Reduction cells stand at a third and at two thirds.
///
/// In its search form, separable convolutions are applied twice, with weights of their own for each layer, node, side and
/// possible input; a layer's value is a 1x1 convolution of its cell's loose ends; and a reduction is a factorised one before a
/// cell that keeps the size.
///
/// In its final form, a layer's value is the loose ends side by side, which the layers after it project to their width; the
/// ops that read a reduction cell's inputs have stride 2; all ops but identity are dropped by drop-path (Larsson et al. 2017),
/// the deeper the likelier; and an auxiliary head (Szegedy et al. 2015) stands one layer after the second reduction. It
/// serves training alone and is in no count.
///
/// Paper and released code leave it open or differ here: windows of stride 2 are padded alike on both sides (released code:
/// as TensorFlow does); a layer is projected also where it has but one loose end; the auxiliary head's last convolution
/// covers its image once, and its weights are trained (the released code leaves them as they started); in the search form
/// there is dropout in training alone (released code: in rewards too).
pub fn enas_micro(config: &Micro) -> Built {
    if config.layers == 0 {
        return Err(Mistake::refused("the network has 0 layers, and needs at least 1"));
    }
    supernet_plugin::check_image(&config.image, 2)?;
    match config.form {
        Form::Search => search_form(config),
        Form::Final => final_form::build(config),
    }
}

fn search_form(config: &Micro) -> Built {
    let &Micro { layers, mut filters, ref image, classes, .. } = config;
    let s = Space::new("enas-micro");
    let (normal, reduce) = (Cell::decide(&s, "normal"), Cell::decide(&s, "reduce"));
    let stem = s.scope("stem", || s.input("image", image).conv(3, filters.saturating_mul(3)).norm());
    let (mut before, mut last) = (stem, stem);
    for l in 0..layers + 2 {
        s.scope(format!("layer{l}"), || {
            if config.halves(l) {
                filters = filters.saturating_mul(2);
                (before, last) = (last, s.scope("reduce", || last.factorized_reduction(filters)));
            }
            let same_size = before.height() == last.height();
            let a = s.scope("in0", || {
                if same_size { fit(before, filters) } else { before.relu().factorized_reduction(filters) }
            });
            let b = s.scope("in1", || fit(last, filters));
            let cell = if config.halves(l) { &reduce } else { &normal };
            (before, last) = (last, cell.build(&s, [a, b], filters));
        });
    }
    s.scope("head", || s.output(last.relu().global_avg_pool().dropout(0.1).linear(classes, false)));
    s.finish()
}

/// An input with as many channels as the layer has.
fn fit(t: Tensor<'_>, filters: u32) -> Tensor<'_> {
    if t.channels() == filters { t } else { t.relu().conv(1, filters).norm() }
}
