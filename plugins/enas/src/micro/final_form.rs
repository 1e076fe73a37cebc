//! The final form: the network that is trained separately once its cells are chosen.

use supernet_plugin::{BuildError, Built, Conv, Init, Pad, Pooling, Role, Space, Tensor, When};

use super::{Cell, Micro, NODES, OPS, Side};

/// Channels of the auxiliary head's two convolutions (released code).
const AUXILIARY: [u32; 2] = [128, 768];

/// The output of a layer as parts, to be concatenated on the channel axis: the loose ends of its
/// cell. Which of them exist follows from the genome, so whatever reads a layer has separate
/// weights for each part and adds the results.
struct Parts<'s>(Vec<(Tensor<'s>, When)>);

impl<'s> Parts<'s> {
    fn height(&self) -> u32 {
        self.0.first().map_or(0, |(t, _)| t.height())
    }

    /// The sum of `read` applied to each existing part, in the scopes `part0`, `part1` and so on.
    fn sum(&self, s: &'s Space, read: impl Fn(Tensor<'s>) -> Tensor<'s>) -> Tensor<'s> {
        let parts = self.0.iter().enumerate();
        s.sum_when(
            parts.map(|(i, (t, when))| (s.scope(format!("part{i}"), || read(*t)), when.clone())),
        )
    }

    /// ReLU, 1x1 convolution, batch norm.
    fn project(&self, s: &'s Space, filters: u32) -> Tensor<'s> {
        self.sum(s, |t| t.relu().conv(1, filters)).norm()
    }

    /// ReLU, factorised reduction.
    fn halve(&self, s: &'s Space, filters: u32) -> Tensor<'s> {
        let half = |t: Tensor<'s>, pad| t.conv2d(Conv::new(1).stride(2).pad(pad), filters / 2);
        let odd = Pad::Explicit {
            top: -1,
            left: -1,
            bottom: 1,
            right: 1,
        };
        self.sum(s, |t| {
            let t = t.relu();
            s.concat(&[half(t, Pad::Valid), half(t, odd)])
        })
        .norm()
    }
}

/// The decisions of the micro space as the network that is finally trained.
///
/// The output of a layer is the concatenation of the loose ends, which later layers project to
/// their width; ops that read the inputs of a reduction cell have stride 2; all ops except identity
/// are subject to drop-path (Larsson et al. 2017), with a probability that grows with depth; and an
/// auxiliary head (Szegedy et al. 2015) comes one layer after the second reduction. The head serves
/// only training and is not part of any count.
///
/// This differs from the paper and the released code, or decides what they leave open, as follows:
/// windows of stride 2 are padded equally on both sides (the released code pads like TensorFlow); a
/// layer is projected even if it has only one loose end; the last convolution of the auxiliary head
/// covers its image once, and its weights are trained (the released code leaves them at their
/// initial values).
pub fn enas_micro_final(config: &Micro) -> Built {
    config.check()?;
    let &Micro {
        layers,
        mut filters,
        ref image,
        classes,
        auxiliary,
        ..
    } = config;
    if !filters.is_multiple_of(2) {
        let said = format!(
            "the network has {filters} filters, and needs an even number: a reduction makes two halves"
        );
        return Err(BuildError::refused(said));
    }
    let s = Space::new("enas-micro");
    let (normal, reduce) = (Cell::decide(&s, "normal"), Cell::decide(&s, "reduce"));
    let stem = s.scope("stem", || {
        s.input("image", image)
            .conv(3, filters.saturating_mul(3))
            .norm()
    });
    let mut before = Parts(vec![(stem, When::ALWAYS)]);
    let mut last = Parts(vec![(stem, When::ALWAYS)]);
    for l in 0..layers + 2 {
        s.scope(format!("layer{l}"), || {
            let halves = config.halves(l);
            if halves {
                filters = filters.saturating_mul(2);
            }
            let a = s.scope("in0", || {
                if before.height() == last.height() {
                    before.project(&s, filters)
                } else {
                    before.halve(&s, filters)
                }
            });
            let b = s.scope("in1", || last.project(&s, filters));
            let b = s.scope("base", || b.relu().conv(1, filters).norm());
            let (cell, stride) = if halves { (&reduce, 2) } else { (&normal, 1) };
            let depth = (l + 1) as f32 / (layers + 2) as f32;
            let next = nodes(
                cell,
                &s,
                [a, b],
                Layer {
                    filters,
                    stride,
                    depth,
                },
            );
            before = std::mem::replace(&mut last, next);
        });
        // One layer after the second reduction.
        if auxiliary && l == 2 * (layers / 3) + 2 {
            s.scope("auxiliary", || {
                s.output_as(head(&s, &last, classes), Role::Auxiliary)
            });
        }
    }
    s.scope("head", || {
        // Each part has separate weights: they are initialised like those of the concatenation of
        // all parts, if every node were loose.
        let init = Init::He {
            fan_in: filters.saturating_mul(NODES as u32),
        };
        s.output(last.sum(&s, |t| {
            let weights = s.local_weights("weight", &[filters, classes], init);
            t.relu().global_avg_pool().dropout(0.2).linear_by(weights)
        }));
    });
    s.finish()
}

/// The parameters for the ops of a layer.
#[derive(Clone, Copy)]
struct Layer {
    filters: u32,
    /// The stride of the ops that read the inputs of the cell.
    stride: u32,
    /// The depth for drop-path.
    depth: f32,
}

/// The loose ends of a cell whose ops on its inputs may have a stride.
fn nodes<'s>(cell: &Cell<'s>, s: &'s Space, inputs: [Tensor<'s>; 2], layer: Layer) -> Parts<'s> {
    let mut h = inputs.to_vec();
    let whole = inputs[0].height();
    let shrinks = |t: Tensor<'s>| layer.stride > 1 && t.height() == whole;
    for (n, sides) in cell.nodes.iter().enumerate() {
        let parts = [0, 1].map(|i| {
            s.scope(format!("n{n}.{}", ["x", "y"][i]), || {
                let Side { input, op } = sides[i];
                let from_each = |name: &str| {
                    s.scope(name, || {
                        s.choose_of(input, &h, |t| apply(name, t, shrinks(t), layer))
                    })
                };
                // Identity is never dropped.
                let dropped = |name: &&str| {
                    if *name == "identity" {
                        from_each(name)
                    } else {
                        from_each(name).drop_path(layer.depth)
                    }
                };
                s.choose(op, &OPS.each_ref().map(dropped))
            })
        });
        h.push(s.sum(&parts));
    }
    let end = |(i, t): (usize, &Tensor<'s>)| {
        let when = When::none(cell.reads(i));
        let t = if shrinks(*t) {
            s.scope(format!("end{i}"), || t.factorized_reduction(layer.filters))
        } else {
            *t
        };
        (t, when)
    };
    Parts(h.iter().enumerate().map(end).collect())
}

/// Applies an operation of a cell to one tensor; halves it if it `shrinks`.
fn apply<'s>(name: &str, t: Tensor<'s>, shrinks: bool, layer: Layer) -> Tensor<'s> {
    let Layer { filters, .. } = layer;
    let stride = if shrinks { layer.stride } else { 1 };
    let separable = |k: u32| {
        let first = t
            .relu()
            .depthwise_conv2d(Conv::new(k).stride(stride))
            .conv(1, filters)
            .norm();
        first.relu().separable(k, filters).norm()
    };
    match name {
        "sepconv3x3" => separable(3),
        "sepconv5x5" => separable(5),
        "avgpool3x3" => t.pool(Pooling::Average, 3, stride, Pad::Same),
        "maxpool3x3" => t.pool(Pooling::Max, 3, stride, Pad::Same),
        _ if shrinks => t.factorized_reduction(filters),
        _ => t,
    }
}

/// The auxiliary head: pooling, 1x1 convolution to 128, one convolution over the whole remaining
/// image to 768, classes. The pooling window of 5x5 is limited to the size of the image.
fn head<'s>(s: &'s Space, parts: &Parts<'s>, classes: u32) -> Tensor<'s> {
    let [narrow, wide] = AUXILIARY;
    let pooled = parts.sum(s, |t| {
        let kernel = t
            .shape()
            .iter()
            .take(2)
            .fold(5, |least, side| least.min(*side));
        t.relu()
            .pool(Pooling::Average, kernel, 3, Pad::Valid)
            .conv(1, narrow)
    });
    let x = pooled.norm().relu();
    let [height, width] = [0, 1].map(|axis| x.shape().get(axis).copied().unwrap_or(1));
    let x = x
        .conv2d(Conv::rectangle(height, width).pad(Pad::Valid), wide)
        .norm()
        .relu();
    x.global_avg_pool().linear(classes, false)
}
