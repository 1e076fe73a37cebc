//! What every call reads and writes: the contract between a program and any device.
//!
//! A [`Call`] carries all sizes, so that [`Call::roles`] can say how many elements each operand has. A device lowers a
//! call to as many dispatches as it likes, with scratch that it sizes itself; results do not depend on that beyond
//! rounding. No call needs more than eight buffers, WebGPU's default limit. Operands stand in the order of the roles;
//! a call overwrites what it writes, whatever was there before.

use serde::{Deserialize, Serialize};

/// Elements of a parameter that one bit of a touched or decayed bitset stands for.
pub const BLOCK: usize = 64;
/// Elements of gradients that one partial norm sums over: a fixed number, so that the order of summation is fixed too.
pub const NORM_CHUNK: usize = 4096;
/// The most inputs that one [`Call::Sum`] or [`Call::Concat`] takes; longer ones are chained by the program's builder.
pub const MOST_INPUTS: usize = 7;

/// Where a sliding window reads: the geometry that convolutions and pools share.
///
/// Output row `oy` reads input rows `oy·stride + ky·dilation − top` for `ky` in `0..kernel[0]`; rows outside the image
/// are padding. `top` and `left` may be negative, which crops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Images in the batch.
    pub batch: u32,
    /// Height and width of the input.
    pub input: [u32; 2],
    /// Height and width of the output.
    pub output: [u32; 2],
    /// Height and width of the kernel.
    pub kernel: [u32; 2],
    /// Steps between neighbouring windows, in both directions.
    pub stride: u32,
    /// Steps between neighbouring taps of a window, in both directions.
    pub dilation: u32,
    /// Rows of padding above the input.
    pub top: i32,
    /// Columns of padding left of the input.
    pub left: i32,
}

impl Window {
    /// Pixels of the whole input batch.
    pub fn pixels_in(&self) -> usize {
        self.batch as usize * self.input[0] as usize * self.input[1] as usize
    }

    /// Pixels of the whole output batch.
    pub fn pixels_out(&self) -> usize {
        self.batch as usize * self.output[0] as usize * self.output[1] as usize
    }

    /// Taps of the kernel.
    pub fn taps(&self) -> usize {
        self.kernel[0] as usize * self.kernel[1] as usize
    }

    /// Whether every output pixel reads just the input pixel at its own place.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == 1 && self.top == 0 && self.left == 0 && self.input == self.output
    }
}

/// A dense convolution: x `[batch, h, w, inputs]`, W `[kh, kw, inputs, outputs]`, y `[batch, h′, w′, outputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Conv2d {
    /// The geometry.
    pub window: Window,
    /// Channels of the input.
    pub inputs: u32,
    /// Channels of the output.
    pub outputs: u32,
}

/// A window over each channel by itself: depthwise convolution (W `[kh, kw, channels]`) or a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PerChannel {
    /// The geometry.
    pub window: Window,
    /// Channels of input and output.
    pub channels: u32,
}

/// A matrix product: x `[rows, inputs]`, W `[inputs, outputs]` or, transposed, `[outputs, inputs]`, y `[rows, outputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Linear {
    /// Rows of x and y.
    pub rows: u32,
    /// Columns of x.
    pub inputs: u32,
    /// Columns of y.
    pub outputs: u32,
    /// Whether W is stored as `[outputs, inputs]`.
    pub transposed: bool,
}

/// A matrix whose last axis is the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rows {
    /// All axes but the last, multiplied.
    pub rows: u32,
    /// The last axis.
    pub channels: u32,
}

impl Rows {
    /// Elements of the matrix.
    pub fn len(&self) -> usize {
        self.rows as usize * self.channels as usize
    }

    /// Whether the matrix has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Batch normalisation of a matrix over its rows, followed by a ReLU if `relu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BatchNorm {
    /// The matrix: rows are batch and space.
    pub rows: Rows,
    /// Whether y passes through a ReLU.
    pub relu: bool,
    /// Whether γ and β are given (as operands after `stats`); without them γ is 1 and β is 0.
    pub affine: bool,
}

/// An update of `len` weights (one page). Only blocks whose touched bit is set change, unless `everywhere`: then the
/// others change too, with a gradient of zero. L2 is added to the gradient of blocks whose decayed bit is set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Weights in the page.
    pub len: u32,
    /// λ: the gradient of λ/2·‖w‖².
    pub l2: f32,
    /// Whether blocks that the path did not touch move too.
    pub everywhere: bool,
}

/// One kernel of the catalogue with its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Call {
    /// y = x ⋆ W.
    Conv2d(Conv2d),
    /// ∂x of [`Call::Conv2d`].
    Conv2dGradInput(Conv2d),
    /// ∂W of [`Call::Conv2d`].
    Conv2dGradWeight(Conv2d),
    /// y = x ⋆ W, channel by channel.
    Depthwise(PerChannel),
    /// ∂x of [`Call::Depthwise`].
    DepthwiseGradInput(PerChannel),
    /// ∂W of [`Call::Depthwise`].
    DepthwiseGradWeight(PerChannel),
    /// y = x·W.
    Linear(Linear),
    /// ∂x of [`Call::Linear`].
    LinearGradInput(Linear),
    /// ∂W of [`Call::Linear`].
    LinearGradWeight(Linear),
    /// y = x + b, b `[channels]` added to every row.
    Bias(Rows),
    /// ∂b: the sum over the rows.
    BiasGrad(Rows),
    /// Mean and 1/√(variance + eps) of every channel over the rows: stats `[2, channels]`. Biased variance, in two
    /// passes or by Welford's partials, never E\[x²\]−E\[x\]² (Ioffe and Szegedy 2015).
    BatchNormStats {
        /// The matrix.
        rows: Rows,
        /// Added to the variance.
        eps: f32,
    },
    /// y = γ·(x − mean)·rstd + β, then the ReLU.
    BatchNorm(BatchNorm),
    /// ∂γ and ∂β, masked by y > 0 under a ReLU. They are also what ∂x needs, so they are computed without γ, β too.
    BatchNormGradSums(BatchNorm),
    /// ∂x, through the batch's statistics: γ·rstd·(dy − ∂β/rows − x̂·∂γ/rows).
    BatchNormGradInput(BatchNorm),
    /// y = max(x, 0).
    Relu {
        /// Elements.
        len: u32,
    },
    /// ∂x = dy where y > 0.
    ReluGrad {
        /// Elements.
        len: u32,
    },
    /// The mean over the window's positions inside the image.
    AveragePool(PerChannel),
    /// ∂x of [`Call::AveragePool`].
    AveragePoolGrad(PerChannel),
    /// The maximum over the window's positions inside the image, and which tap held it (the first of equal ones).
    MaxPool(PerChannel),
    /// ∂x of [`Call::MaxPool`].
    MaxPoolGrad(PerChannel),
    /// y = scale·Σ xᵢ, summed from the first to the last; one input makes it a scaled copy.
    Sum {
        /// Elements.
        len: u32,
        /// Inputs, 1 to [`MOST_INPUTS`].
        inputs: u32,
        /// Factor of the sum.
        scale: f32,
    },
    /// y = the inputs side by side on the channel axis.
    Concat {
        /// Rows of every input.
        rows: u32,
        /// Channels of each input; unused places are zero.
        widths: [u32; MOST_INPUTS],
    },
    /// y = channels start..start+len of x.
    Slice {
        /// The matrix x.
        rows: Rows,
        /// First channel.
        start: u32,
        /// Channels of y.
        len: u32,
    },
    /// Every element becomes `value`.
    Fill {
        /// Elements.
        len: u32,
        /// The value.
        value: f32,
    },
    /// x `[batch, positions, channels]` to its mean over the positions `[batch, channels]`.
    GlobalAveragePool {
        /// Images.
        batch: u32,
        /// Pixels of an image.
        positions: u32,
        /// Channels.
        channels: u32,
    },
    /// ∂x of [`Call::GlobalAveragePool`].
    GlobalAveragePoolGrad {
        /// Images.
        batch: u32,
        /// Pixels of an image.
        positions: u32,
        /// Channels.
        channels: u32,
    },
    /// y = x/keep where kept, else 0. The mask follows from (seed, step, stream, element), so the gradient is the same
    /// call on dy. Element i is kept if `unit(philox(seed, [i/4, stream, step, 0])[i%4]) >= rate`.
    Dropout {
        /// Elements.
        len: u32,
        /// Probability of a zero, in [0, 1).
        rate: f32,
        /// Which dropout of the supergraph this is.
        stream: u32,
    },
    /// The cross-entropy of softmax(x) with the labels, row by row; smoothed labels are (1−s)·onehot + s/classes.
    CrossEntropy {
        /// Rows are samples, channels are classes.
        rows: Rows,
        /// s, in [0, 1).
        smoothing: f32,
    },
    /// ∂x of the mean of [`Call::CrossEntropy`] over the rows.
    CrossEntropyGrad {
        /// Rows are samples, channels are classes.
        rows: Rows,
        /// s, in [0, 1).
        smoothing: f32,
    },
    /// 1 where the largest logit (the first of equal ones) is the label's, else 0, row by row.
    Accuracy(Rows),
    /// The mean of all elements, one number.
    Mean {
        /// Elements.
        len: u32,
    },
    /// Sums of squares of the touched blocks, one per [`NORM_CHUNK`] gradients.
    NormPartials {
        /// Gradients in the page.
        len: u32,
    },
    /// From all partials: \[norm, factor\] with factor = min(1, limit/norm) (1 where the norm is zero). A norm that is
    /// not finite gives factor 0, so that one bad batch does not destroy the weights.
    ClipFactor {
        /// Partial sums.
        partials: u32,
        /// The largest norm let through.
        limit: f32,
    },
    /// g = factor·g + l2·w; v ← momentum·v + g; w ← w − rate·(g + momentum·v), or w − rate·v without Nesterov.
    Sgd {
        /// Which weights, and how they decay.
        update: Update,
        /// Momentum.
        momentum: f32,
        /// Nesterov's form, as in the ENAS code.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015) with bias correction by the step number; L2 enters the gradient.
    Adam {
        /// Which weights, and how they decay.
        update: Update,
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Added to the root of the second moment.
        eps: f32,
    },
}

/// What changes from step to step, in one small uniform.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The learning rate.
    pub rate: f32,
    /// Counts updates, from 1.
    pub number: u32,
    /// Seeds dropout.
    pub seed: u64,
}

/// How a call uses an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Only read.
    Read,
    /// Overwritten; what was there does not matter.
    Write,
    /// Read and overwritten in place.
    Update,
}

/// What an operand's 32-bit elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// A float.
    F32,
    /// A whole number.
    U32,
}

/// One operand of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    /// What the kernel calls it.
    pub name: &'static str,
    /// How it is used.
    pub access: Access,
    /// What its elements are.
    pub element: Element,
    /// How many there are.
    pub len: usize,
}

const fn role(name: &'static str, access: Access, element: Element, len: usize) -> Role {
    Role { name, access, element, len }
}
const fn read(name: &'static str, len: usize) -> Role {
    role(name, Access::Read, Element::F32, len)
}
const fn read_u32(name: &'static str, len: usize) -> Role {
    role(name, Access::Read, Element::U32, len)
}
const fn write(name: &'static str, len: usize) -> Role {
    role(name, Access::Write, Element::F32, len)
}
const fn update(name: &'static str, len: usize) -> Role {
    role(name, Access::Update, Element::F32, len)
}

/// 32-bit words of a bitset with one bit for each [`BLOCK`] of `len` elements.
pub fn bitset_words(len: usize) -> usize {
    len.div_ceil(BLOCK).div_ceil(32)
}

impl Call {
    /// The kernel's name, under which its reference, its twin and its WGSL stand.
    pub fn name(&self) -> &'static str {
        match self {
            Call::Conv2d(_) => "conv2d",
            Call::Conv2dGradInput(_) => "conv2d_grad_input",
            Call::Conv2dGradWeight(_) => "conv2d_grad_weight",
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
            Call::Relu { .. } => "relu",
            Call::ReluGrad { .. } => "relu_grad",
            Call::AveragePool(_) => "average_pool",
            Call::AveragePoolGrad(_) => "average_pool_grad",
            Call::MaxPool(_) => "max_pool",
            Call::MaxPoolGrad(_) => "max_pool_grad",
            Call::Sum { .. } => "sum",
            Call::Concat { .. } => "concat",
            Call::Slice { .. } => "slice",
            Call::Fill { .. } => "fill",
            Call::GlobalAveragePool { .. } => "global_average_pool",
            Call::GlobalAveragePoolGrad { .. } => "global_average_pool_grad",
            Call::Dropout { .. } => "dropout",
            Call::CrossEntropy { .. } => "cross_entropy",
            Call::CrossEntropyGrad { .. } => "cross_entropy_grad",
            Call::Accuracy(_) => "accuracy",
            Call::Mean { .. } => "mean",
            Call::NormPartials { .. } => "norm_partials",
            Call::ClipFactor { .. } => "clip_factor",
            Call::Sgd { .. } => "sgd",
            Call::Adam { .. } => "adam",
        }
    }

    /// The operands: all that are read, then all that are written or updated.
    pub fn roles(&self) -> Vec<Role> {
        match *self {
            Call::Conv2d(c) => vec![read("x", c.len_x()), read("w", c.len_w()), write("y", c.len_y())],
            Call::Conv2dGradInput(c) => vec![read("dy", c.len_y()), read("w", c.len_w()), write("dx", c.len_x())],
            Call::Conv2dGradWeight(c) => vec![read("x", c.len_x()), read("dy", c.len_y()), write("dw", c.len_w())],
            Call::Depthwise(c) => vec![read("x", c.len_x()), read("w", c.len_w()), write("y", c.len_y())],
            Call::DepthwiseGradInput(c) => vec![read("dy", c.len_y()), read("w", c.len_w()), write("dx", c.len_x())],
            Call::DepthwiseGradWeight(c) => vec![read("x", c.len_x()), read("dy", c.len_y()), write("dw", c.len_w())],
            Call::Linear(l) => vec![read("x", l.len_x()), read("w", l.len_w()), write("y", l.len_y())],
            Call::LinearGradInput(l) => vec![read("dy", l.len_y()), read("w", l.len_w()), write("dx", l.len_x())],
            Call::LinearGradWeight(l) => vec![read("x", l.len_x()), read("dy", l.len_y()), write("dw", l.len_w())],
            Call::Bias(r) => vec![read("x", r.len()), read("b", r.channels as usize), write("y", r.len())],
            Call::BiasGrad(r) => vec![read("dy", r.len()), write("db", r.channels as usize)],
            Call::BatchNormStats { rows, .. } => {
                vec![read("x", rows.len()), write("stats", 2 * rows.channels as usize)]
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
                let mut roles = vec![read("x", b.rows.len()), read("dy", b.rows.len()), read("stats", 2 * channels)];
                roles.extend(b.relu.then(|| read("y", b.rows.len())));
                roles.extend([write("dgamma", channels), write("dbeta", channels)]);
                roles
            }
            Call::BatchNormGradInput(b) => {
                let channels = b.rows.channels as usize;
                let mut roles = vec![read("x", b.rows.len()), read("dy", b.rows.len()), read("stats", 2 * channels)];
                roles.extend([read("dgamma", channels), read("dbeta", channels)]);
                roles.extend(b.affine.then(|| read("gamma", channels)));
                roles.extend(b.relu.then(|| read("y", b.rows.len())));
                roles.push(write("dx", b.rows.len()));
                roles
            }
            Call::Relu { len } => vec![read("x", len as usize), write("y", len as usize)],
            Call::ReluGrad { len } => {
                vec![read("y", len as usize), read("dy", len as usize), write("dx", len as usize)]
            }
            Call::AveragePool(c) => vec![read("x", c.len_x()), write("y", c.len_y())],
            Call::AveragePoolGrad(c) => vec![read("dy", c.len_y()), write("dx", c.len_x())],
            Call::MaxPool(c) => {
                let tap = role("tap", Access::Write, Element::U32, c.len_y());
                vec![read("x", c.len_x()), write("y", c.len_y()), tap]
            }
            Call::MaxPoolGrad(c) => vec![read("dy", c.len_y()), read_u32("tap", c.len_y()), write("dx", c.len_x())],
            Call::Sum { len, inputs, .. } => {
                let names = ["x0", "x1", "x2", "x3", "x4", "x5", "x6"];
                let mut roles: Vec<_> = names[..inputs as usize].iter().map(|n| read(n, len as usize)).collect();
                roles.push(write("y", len as usize));
                roles
            }
            Call::Concat { rows, widths } => {
                let names = ["x0", "x1", "x2", "x3", "x4", "x5", "x6"];
                let used = widths.iter().zip(names).filter(|(w, _)| **w > 0);
                let mut roles: Vec<_> = used.map(|(w, n)| read(n, rows as usize * *w as usize)).collect();
                roles.push(write("y", rows as usize * widths.iter().sum::<u32>() as usize));
                roles
            }
            Call::Slice { rows, len, .. } => {
                vec![read("x", rows.len()), write("y", rows.rows as usize * len as usize)]
            }
            Call::Fill { len, .. } => vec![write("y", len as usize)],
            Call::GlobalAveragePool { batch, positions, channels } => {
                let y = batch as usize * channels as usize;
                vec![read("x", y * positions as usize), write("y", y)]
            }
            Call::GlobalAveragePoolGrad { batch, positions, channels } => {
                let y = batch as usize * channels as usize;
                vec![read("dy", y), write("dx", y * positions as usize)]
            }
            Call::Dropout { len, .. } => vec![read("x", len as usize), write("y", len as usize)],
            Call::CrossEntropy { rows, .. } => {
                let n = rows.rows as usize;
                vec![read("x", rows.len()), read_u32("labels", n), write("loss", n)]
            }
            Call::CrossEntropyGrad { rows, .. } => {
                vec![read("x", rows.len()), read_u32("labels", rows.rows as usize), write("dx", rows.len())]
            }
            Call::Accuracy(rows) => {
                let n = rows.rows as usize;
                vec![read("x", rows.len()), read_u32("labels", n), write("right", n)]
            }
            Call::Mean { len } => vec![read("x", len as usize), write("y", 1)],
            Call::NormPartials { len } => {
                let len = len as usize;
                let bits = bitset_words(len);
                vec![read("g", len), read_u32("touched", bits), write("partials", len.div_ceil(NORM_CHUNK))]
            }
            Call::ClipFactor { partials, .. } => vec![read("partials", partials as usize), write("clip", 2)],
            Call::Sgd { update: u, .. } => u.roles(&["w", "v"]),
            Call::Adam { update: u, .. } => u.roles(&["w", "m", "v"]),
        }
    }
}

impl Conv2d {
    /// Elements of x.
    pub fn len_x(&self) -> usize {
        self.window.pixels_in() * self.inputs as usize
    }
    /// Elements of W.
    pub fn len_w(&self) -> usize {
        self.window.taps() * self.inputs as usize * self.outputs as usize
    }
    /// Elements of y.
    pub fn len_y(&self) -> usize {
        self.window.pixels_out() * self.outputs as usize
    }
}

impl PerChannel {
    /// Elements of x.
    pub fn len_x(&self) -> usize {
        self.window.pixels_in() * self.channels as usize
    }
    /// Elements of a depthwise kernel.
    pub fn len_w(&self) -> usize {
        self.window.taps() * self.channels as usize
    }
    /// Elements of y.
    pub fn len_y(&self) -> usize {
        self.window.pixels_out() * self.channels as usize
    }
}

impl Linear {
    /// Elements of x.
    pub fn len_x(&self) -> usize {
        self.rows as usize * self.inputs as usize
    }
    /// Elements of W.
    pub fn len_w(&self) -> usize {
        self.inputs as usize * self.outputs as usize
    }
    /// Elements of y.
    pub fn len_y(&self) -> usize {
        self.rows as usize * self.outputs as usize
    }
}

impl Update {
    fn roles(&self, updated: &[&'static str]) -> Vec<Role> {
        let len = self.len as usize;
        let bits = bitset_words(len);
        let mut roles = vec![read("g", len), read_u32("touched", bits), read_u32("decayed", bits), read("clip", 2)];
        roles.extend(updated.iter().map(|name| update(name, len)));
        roles
    }
}
