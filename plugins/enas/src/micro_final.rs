use supernet_plugin::{Built, Conv, Pad, Pooling, Space, Tensor, When};

use crate::micro::{Cell, Micro, Side};

/// The value of a cell: several of the same size, side by side. Which of them there are follows from the decisions.
type Value<'s> = Vec<(Tensor<'s>, When)>;

/// The decisions of the micro space as the network that is trained in the end.
///
/// Structure as in the released code's networks of a fixed architecture: a cell's value is everything that no node reads, side
/// by side, so that the next cells bring it to their width themselves; a reduction cell halves inside, in the operations on its
/// inputs, padding as TensorFlow does. The released code leaves a fit out where a cell has one loose end and the width is right
/// already; here it is always there. Drop path and the auxiliary head, which have no weights in the network that is kept, are not
/// part of it.
pub fn enas_micro_final(config: &Micro) -> Built {
    let &Micro { layers, mut filters, ref image, classes } = config;
    config.check()?;
    let s = Space::new("enas-micro");
    let (normal, reduce) = (Cell::decide(&s, "normal"), Cell::decide(&s, "reduce"));
    let stem = s.scope("stem", || s.input("image", image).conv(3, filters.saturating_mul(3)).norm());
    let stem = vec![(stem, When::ALWAYS)];
    let (mut before, mut last): (Value<'_>, Value<'_>) = (stem.clone(), stem);
    for l in 0..layers + 2 {
        s.scope(format!("layer{l}"), || {
            let cell = if config.halves(l) { &reduce } else { &normal };
            if config.halves(l) {
                filters = filters.saturating_mul(2);
            }
            let a = s.scope("in0", || {
                if height(&before) == height(&last) { fit(&s, &before, filters) } else { halve(&s, &before, filters) }
            });
            // Twice, as released: once to the width, and once more.
            let b = s.scope("in1", || fit(&s, &last, filters).relu().conv(1, filters).norm());
            let value = cell.finished(&s, [a, b], filters, config.halves(l));
            before = std::mem::replace(&mut last, value);
        });
    }
    s.scope("head", || {
        s.output(per_part(&s, &last, |t| t.relu().global_avg_pool().dropout(0.2).linear(classes, false)));
    });
    s.finish()
}

fn height(value: &Value<'_>) -> u32 {
    value.first().map_or(1, |(t, _)| t.height())
}

/// What `layer` does to the parts side by side, as the sum of what it does to each.
fn per_part<'s>(s: &'s Space, value: &Value<'s>, layer: impl Fn(Tensor<'s>) -> Tensor<'s>) -> Tensor<'s> {
    s.sum_when(value.iter().map(|(t, when)| (layer(*t), when.clone())))
}

/// To a width, by ReLU, a 1x1 convolution and batch norm.
fn fit<'s>(s: &'s Space, value: &Value<'s>, filters: u32) -> Tensor<'s> {
    per_part(s, value, |t| t.relu().conv(1, filters)).norm()
}

/// To a width and half the size, by ReLU and a factorised reduction.
fn halve<'s>(s: &'s Space, value: &Value<'s>, filters: u32) -> Tensor<'s> {
    per_part(s, value, |t| t.relu().factorized_halves(filters)).norm()
}

impl<'s> Cell<'s> {
    /// The cell's value: everything that no node reads.
    fn finished(&self, s: &'s Space, inputs: [Tensor<'s>; 2], filters: u32, halves: bool) -> Value<'s> {
        let mut h = inputs.to_vec();
        for (n, sides) in self.nodes.iter().enumerate() {
            let parts = [0, 1].map(|i| s.scope(format!("n{n}.{}", ["x", "y"][i]), || side(s, sides[i], &h, halves)));
            h.push(s.sum(&parts));
        }
        let loose = |(i, t): (usize, &Tensor<'s>)| {
            let t = if halves && i < 2 { s.scope(format!("loose{i}"), || t.factorized_reduction(filters)) } else { *t };
            (t, When::none(self.reads(i)))
        };
        h.iter().enumerate().map(loose).collect()
    }
}

/// An operation on what is chosen among `h`. Where the cell halves, what is done depends on it: only the cell's inputs are
/// large.
fn side<'s>(s: &'s Space, Side { input, op }: Side<'s>, h: &[Tensor<'s>], halves: bool) -> Tensor<'s> {
    let build = |name: &str, x: Tensor<'s>, stride: u32| match name {
        "sepconv3x3" => separable(x, 3, stride),
        "sepconv5x5" => separable(x, 5, stride),
        "avgpool3x3" => x.pool(Pooling::Average, 3, stride, Pad::SameUpper),
        "maxpool3x3" => x.pool(Pooling::Max, 3, stride, Pad::SameUpper),
        _ if stride == 1 => x,
        _ => x.factorized_reduction(x.channels()),
    };
    let chosen = (!halves).then(|| s.choose(input, h));
    let branches = crate::micro::OPS.map(|name| {
        s.scope(name, || match chosen {
            Some(x) => build(name, x, 1),
            None => {
                let from_each = h
                    .iter()
                    .enumerate()
                    .map(|(i, &x)| s.scope(format!("from{i}"), || build(name, x, if i < 2 { 2 } else { 1 })));
                s.choose(input, &from_each.collect::<Vec<_>>())
            }
        })
    });
    s.choose(op, &branches)
}

/// A separable convolution twice, each after ReLU and before batch norm.
fn separable(x: Tensor<'_>, k: u32, stride: u32) -> Tensor<'_> {
    let conv = Conv::new(k).pad(Pad::SameUpper);
    let first = x.relu().depthwise_conv2d(conv.stride(stride)).conv(1, x.channels()).norm();
    first.relu().depthwise_conv2d(conv).conv(1, x.channels()).norm()
}
