//! The operands of every call.

use super::{BLOCK, Call, NORM_CHUNK, Update};

/// How a call uses an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Only read.
    Read,
    /// Overwritten; the previous content is ignored.
    Write,
    /// Read and overwritten in place.
    Update,
}

/// The type of the 32-bit elements of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// A float.
    F32,
    /// An unsigned integer.
    U32,
}

/// One operand of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    /// Its name in the kernel.
    pub name: &'static str,
    /// Its use.
    pub access: Access,
    /// The type of its elements.
    pub element: Element,
    /// The number of its elements.
    pub len: usize,
}

const fn role(name: &'static str, access: Access, element: Element, len: usize) -> Role {
    Role {
        name,
        access,
        element,
        len,
    }
}
pub(super) const fn read(name: &'static str, len: usize) -> Role {
    role(name, Access::Read, Element::F32, len)
}
const fn read_u32(name: &'static str, len: usize) -> Role {
    role(name, Access::Read, Element::U32, len)
}
pub(super) const fn write(name: &'static str, len: usize) -> Role {
    role(name, Access::Write, Element::F32, len)
}
const fn update(name: &'static str, len: usize) -> Role {
    role(name, Access::Update, Element::F32, len)
}

/// The 32-bit words of a bitset with one bit per [`BLOCK`] of `len` elements.
pub fn bitset_words(len: usize) -> usize {
    len.div_ceil(BLOCK).div_ceil(32)
}

impl Call {
    /// The name of the kernel, shared by its reference, its CPU kernel and its WGSL.
    pub fn name(&self) -> &'static str {
        match self {
            Call::Conv2d(_) => "conv2d",
            Call::Conv2dGradInput(_) => "conv2d_grad_input",
            Call::Conv2dGradWeight(_) => "conv2d_grad_weight",
            Call::FactorizedReduction(_) => "reduction",
            Call::FactorizedReductionGradInput(_) => "reduction_grad_input",
            Call::FactorizedReductionGradWeight(_) => "reduction_grad_weight",
            Call::Depthwise(_) => "depthwise",
            Call::DepthwiseGradInput(_) => "depthwise_grad_input",
            Call::DepthwiseGradWeight(_) => "depthwise_grad_weight",
            Call::Linear(_) => "linear",
            Call::LinearGradInput(_) => "linear_grad_input",
            Call::LinearGradWeight(_) => "linear_grad_weight",
            Call::Bias(_) => "bias",
            Call::BiasGrad(_) => "bias_grad",
            Call::BatchNormStats { .. } => "batch_norm_stats",
            Call::BatchNorm(_) => "batch_norm",
            Call::BatchNormGradSums(_) => "batch_norm_grad_sums",
            Call::BatchNormGradInput(_) => "batch_norm_grad_input",
            Call::GroupNorm { .. } => "group_norm",
            Call::GroupNormGrad(_) => "group_norm_grad",
            Call::Scale(_) => "scale",
            Call::ScaleGrad(_) => "scale_grad",
            Call::Softmax(_) => "softmax",
            Call::SoftmaxGrad(_) => "softmax_grad",
            Call::Transpose(_) => "transpose",
            Call::MatMul(_) => "mat_mul",
            Call::Resize(_) => "resize",
            Call::ResizeGrad(_) => "resize_grad",
            Call::Relu { .. } => "relu",
            Call::ReluGrad { .. } => "relu_grad",
            Call::Activation { .. } => "activation",
            Call::ActivationGrad { .. } => "activation_grad",
            Call::Lerp { .. } => "lerp",
            Call::LerpGrad { .. } => "lerp_grad",
            Call::Highway(_) => "highway",
            Call::HighwayGrad(_) => "highway_grad",
            Call::Embedding(_) => "embedding",
            Call::EmbeddingGrad(_) => "embedding_grad",
            Call::AveragePool(_) => "average_pool",
            Call::AveragePoolGrad(_) => "average_pool_grad",
            Call::MaxPool(_) => "max_pool",
            Call::MaxPoolGrad(_) => "max_pool_grad",
            Call::Sum { .. } => "sum",
            Call::WeightedSum(_) => "weighted_sum",
            Call::WeightedSumGradInput { .. } => "weighted_sum_grad_input",
            Call::WeightedSumGradWeights(_) => "weighted_sum_grad_weights",
            Call::Concat { .. } => "concat",
            Call::Slice { .. } => "slice",
            Call::Fill { .. } => "fill",
            Call::GlobalAveragePool { .. } => "global_average_pool",
            Call::GlobalAveragePoolGrad { .. } => "global_average_pool_grad",
            Call::Dropout { .. } => "dropout",
            Call::DropPath { .. } => "drop_path",
            Call::WordDropout { .. } => "word_dropout",
            Call::CrossEntropy { .. } => "cross_entropy",
            Call::CrossEntropyGrad { .. } => "cross_entropy_grad",
            Call::Accuracy(_) => "accuracy",
            Call::NormPartials { .. } => "norm_partials",
            Call::ClipFactor { .. } => "clip_factor",
            Call::Accumulate { .. } => "accumulate",
            Call::Sgd { .. } => "sgd",
            Call::Adam { .. } => "adam",
            Call::Custom(custom) => custom.op,
        }
    }

    /// The operands: first all that are read, then all that are written or updated.
    pub fn roles(&self) -> Vec<Role> {
        match *self {
            Call::Conv2d(c) => vec![
                read("x", c.len_x()),
                read("w", c.len_w()),
                write("y", c.len_y()),
            ],
            Call::Conv2dGradInput(c) => vec![
                read("dy", c.len_y()),
                read("w", c.len_w()),
                write("dx", c.len_x()),
            ],
            Call::Conv2dGradWeight(c) => vec![
                read("x", c.len_x()),
                read("dy", c.len_y()),
                write("dw", c.len_w()),
            ],
            Call::FactorizedReduction(r) => {
                let w = r.first.len_w();
                vec![
                    read("x", r.first.len_x()),
                    read("wa", w),
                    read("wb", w),
                    write("y", r.len_y()),
                ]
            }
            Call::FactorizedReductionGradInput(r) => {
                let w = r.first.len_w();
                vec![
                    read("dy", r.len_y()),
                    read("wa", w),
                    read("wb", w),
                    write("dx", r.first.len_x()),
                ]
            }
            Call::FactorizedReductionGradWeight(r) => {
                let w = r.first.len_w();
                vec![
                    read("x", r.first.len_x()),
                    read("dy", r.len_y()),
                    write("dwa", w),
                    write("dwb", w),
                ]
            }
            Call::Depthwise(c) => vec![
                read("x", c.len_x()),
                read("w", c.len_w()),
                write("y", c.len_y()),
            ],
            Call::DepthwiseGradInput(c) => vec![
                read("dy", c.len_y()),
                read("w", c.len_w()),
                write("dx", c.len_x()),
            ],
            Call::DepthwiseGradWeight(c) => vec![
                read("x", c.len_x()),
                read("dy", c.len_y()),
                write("dw", c.len_w()),
            ],
            Call::Linear(l) => vec![
                read("x", l.len_x()),
                read("w", l.len_w()),
                write("y", l.len_y()),
            ],
            Call::LinearGradInput(l) => vec![
                read("dy", l.len_y()),
                read("w", l.len_w()),
                write("dx", l.len_x()),
            ],
            Call::LinearGradWeight(l) => vec![
                read("x", l.len_x()),
                read("dy", l.len_y()),
                write("dw", l.len_w()),
            ],
            Call::Bias(r) => vec![
                read("x", r.len()),
                read("b", r.channels as usize),
                write("y", r.len()),
            ],
            Call::BiasGrad(r) => vec![read("dy", r.len()), write("db", r.channels as usize)],
            Call::BatchNormStats { rows, .. } => {
                vec![
                    read("x", rows.len()),
                    write("stats", 2 * rows.channels as usize),
                ]
            }
            Call::BatchNorm(b) => {
                let channels = b.rows.channels as usize;
                let mut roles = vec![read("x", b.rows.len()), read("stats", 2 * channels)];
                if b.affine {
                    roles.extend([read("gamma", channels), read("beta", channels)]);
                }
                roles.push(write("y", b.rows.len()));
                roles
            }
            Call::BatchNormGradSums(b) => {
                let channels = b.rows.channels as usize;
                let mut roles = vec![
                    read("x", b.rows.len()),
                    read("dy", b.rows.len()),
                    read("stats", 2 * channels),
                ];
                roles.extend(b.relu.then(|| read("y", b.rows.len())));
                roles.extend([write("dgamma", channels), write("dbeta", channels)]);
                roles
            }
            Call::BatchNormGradInput(b) => {
                let channels = b.rows.channels as usize;
                let mut roles = vec![
                    read("x", b.rows.len()),
                    read("dy", b.rows.len()),
                    read("stats", 2 * channels),
                ];
                roles.extend([read("dgamma", channels), read("dbeta", channels)]);
                roles.extend(b.affine.then(|| read("gamma", channels)));
                roles.extend(b.relu.then(|| read("y", b.rows.len())));
                roles.push(write("dx", b.rows.len()));
                roles
            }
            Call::GroupNorm { norm, .. } => norm.roles(),
            Call::GroupNormGrad(norm) => norm.grad_roles(),
            Call::Scale(s) => s.roles(),
            Call::ScaleGrad(s) => s.grad_roles(),
            Call::Softmax(rows) => vec![read("x", rows.len()), write("y", rows.len())],
            Call::SoftmaxGrad(rows) => {
                let [y, dy] = ["y", "dy"].map(|name| read(name, rows.len()));
                vec![y, dy, write("dx", rows.len())]
            }
            Call::Transpose(t) => t.roles(),
            Call::MatMul(m) => m.roles(),
            Call::Resize(r) => r.roles(),
            Call::ResizeGrad(r) => r.grad_roles(),
            Call::Relu { len } => vec![read("x", len as usize), write("y", len as usize)],
            Call::ReluGrad { len } => {
                vec![
                    read("y", len as usize),
                    read("dy", len as usize),
                    write("dx", len as usize),
                ]
            }
            Call::Activation { len, .. } => vec![read("x", len as usize), write("y", len as usize)],
            Call::ActivationGrad { function, len } => {
                let point = if function.slope_from_result() {
                    "y"
                } else {
                    "x"
                };
                vec![
                    read(point, len as usize),
                    read("dy", len as usize),
                    write("dx", len as usize),
                ]
            }
            Call::Lerp { len } => {
                let mut roles: Vec<_> = ["a", "b", "g"]
                    .map(|name| read(name, len as usize))
                    .to_vec();
                roles.push(write("y", len as usize));
                roles
            }
            Call::LerpGrad { len } => {
                let reads = ["a", "b", "g", "dy"].map(|name| read(name, len as usize));
                let writes = ["da", "db", "dg"].map(|name| write(name, len as usize));
                [reads.as_slice(), &writes].concat()
            }
            Call::Highway(h) => vec![
                read("both", 2 * h.len()),
                read("h", h.len()),
                write("y", h.len()),
            ],
            Call::HighwayGrad(h) => {
                let reads = [
                    read("both", 2 * h.len()),
                    read("h", h.len()),
                    read("dy", h.len()),
                ];
                let writes = [write("dboth", 2 * h.len()), write("dh", h.len())];
                [reads.as_slice(), &writes].concat()
            }
            Call::Embedding(e) => {
                vec![
                    read_u32("tokens", e.rows as usize),
                    read("w", e.len_w()),
                    write("y", e.len_y()),
                ]
            }
            Call::EmbeddingGrad(e) => {
                vec![
                    read_u32("tokens", e.rows as usize),
                    read("dy", e.len_y()),
                    write("dw", e.len_w()),
                ]
            }
            Call::AveragePool(c) => vec![read("x", c.len_x()), write("y", c.len_y())],
            Call::AveragePoolGrad(c) => vec![read("dy", c.len_y()), write("dx", c.len_x())],
            Call::MaxPool(c) => {
                let tap = role("tap", Access::Write, Element::U32, c.len_y());
                vec![read("x", c.len_x()), write("y", c.len_y()), tap]
            }
            Call::MaxPoolGrad(c) => vec![
                read("dy", c.len_y()),
                read_u32("tap", c.len_y()),
                write("dx", c.len_x()),
            ],
            Call::Sum { len, inputs, .. } => {
                let names = ["x0", "x1", "x2", "x3", "x4", "x5", "x6"];
                let mut roles: Vec<_> = names[..inputs as usize]
                    .iter()
                    .map(|n| read(n, len as usize))
                    .collect();
                roles.push(write("y", len as usize));
                roles
            }
            Call::WeightedSum(sum) => sum.roles(),
            Call::WeightedSumGradInput { sum, .. } => sum.grad_input_roles(),
            Call::WeightedSumGradWeights(sum) => sum.grad_weights_roles(),
            Call::Concat { rows, widths } => {
                let names = ["x0", "x1", "x2", "x3", "x4", "x5", "x6"];
                let used = widths.iter().zip(names).filter(|(w, _)| **w > 0);
                let mut roles: Vec<_> = used
                    .map(|(w, n)| read(n, rows as usize * *w as usize))
                    .collect();
                roles.push(write(
                    "y",
                    rows as usize * widths.iter().sum::<u32>() as usize,
                ));
                roles
            }
            Call::Slice { rows, len, .. } => {
                vec![
                    read("x", rows.len()),
                    write("y", rows.rows as usize * len as usize),
                ]
            }
            Call::Fill { len, .. } => vec![write("y", len as usize)],
            Call::GlobalAveragePool {
                batch,
                positions,
                channels,
            } => {
                let y = batch as usize * channels as usize;
                vec![read("x", y * positions as usize), write("y", y)]
            }
            Call::GlobalAveragePoolGrad {
                batch,
                positions,
                channels,
            } => {
                let y = batch as usize * channels as usize;
                vec![read("dy", y), write("dx", y * positions as usize)]
            }
            Call::Dropout { len, .. } => vec![read("x", len as usize), write("y", len as usize)],
            Call::DropPath { samples, len, .. } => {
                let all = samples as usize * len as usize;
                vec![read("x", all), write("y", all)]
            }
            Call::WordDropout { rows, .. } => {
                vec![
                    read("x", rows.len()),
                    read_u32("tokens", rows.rows as usize),
                    write("y", rows.len()),
                ]
            }
            Call::CrossEntropy { rows, .. } => {
                let n = rows.rows as usize;
                vec![
                    read("x", rows.len()),
                    read_u32("labels", n),
                    write("loss", n),
                ]
            }
            Call::CrossEntropyGrad { rows, .. } => {
                vec![
                    read("x", rows.len()),
                    read_u32("labels", rows.rows as usize),
                    write("dx", rows.len()),
                ]
            }
            Call::Accuracy(rows) => {
                let n = rows.rows as usize;
                vec![
                    read("x", rows.len()),
                    read_u32("labels", n),
                    write("right", n),
                ]
            }
            Call::NormPartials { len } => {
                let len = len as usize;
                let bits = bitset_words(len);
                vec![
                    read("g", len),
                    read_u32("touched", bits),
                    write("partials", len.div_ceil(NORM_CHUNK)),
                ]
            }
            Call::ClipFactor { partials, .. } => {
                vec![read("partials", partials as usize), write("clip", 2)]
            }
            Call::Accumulate { len, .. } => {
                let len = len as usize;
                vec![
                    read("g", len),
                    read("shares", len.div_ceil(BLOCK)),
                    update("sum", len),
                ]
            }
            Call::Sgd { update: u, .. } => u.roles(&["w", "v"]),
            Call::Adam { update: u, .. } => u.roles(&["w", "m", "v"]),
            Call::Custom(custom) => custom.roles.clone(),
        }
    }
}

impl Update {
    fn roles(&self, updated: &[&'static str]) -> Vec<Role> {
        let len = self.len as usize;
        let bits = bitset_words(len);
        let mut roles = vec![
            read("g", len),
            read_u32("touched", bits),
            read_u32("decayed", bits),
            read("clip", 2),
        ];
        roles.extend(updated.iter().map(|name| update(name, len)));
        roles
    }
}
