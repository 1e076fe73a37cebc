//! How a call becomes dispatches: WGSL entry points, grids and sizes.
//!
//! [`lower`] is all that a GPU device needs to know about a call. Every module follows these
//! conventions, which [`crate::check`] enforces:
//!
//! * everything is in group 0: the sizes of the call as a uniform at [`SIZES`], the values that
//!   change from step to step as a uniform at [`STEP`], and the buffers that the [`Kernel`] lists
//!   at bindings from [`FIRST_BUFFER`] on; no two variables of a module share a binding;
//! * the variable of an operand has the name of its role, with a suffix (`y_in`) if a module both
//!   reads and writes a role of that name; a module that serves several calls may use any name that
//!   no other operand has; what a call keeps between two of its dispatches is scratch;
//! * a buffer may be longer than its operand, so kernels compare indices with `sizes`, never with
//!   the length of a buffer;
//! * all dispatches of a call share one uniform of sizes, which begins with the module's `Sizes`;
//! * workgroups are numbered over x and y ([`fold`]), since an axis of a grid takes at most 65,535;
//! * at most 256 invocations and 16 KiB of workgroup memory: WebGPU's defaults.

mod accumulate;
mod activation;
mod batch_norm;
mod bias;
mod row_tiles;
mod concat;
mod depthwise_weight;
mod dropout;
mod elementwise;
mod embedding;
mod global_pool;
mod group_norm;
mod mat_mul;
mod loss;
mod norm;
mod optimizer;
mod resize;
mod scale;
mod softmax;
mod transpose;
mod gemm;
mod factorized_reduction;
mod weighted_sum;
mod window;

use crate::catalogue::{Call, Step};

/// The binding of the uniform with the sizes of a call.
pub const SIZES: u32 = 0;
/// The binding of the uniform with the values that change from step to step.
pub const STEP: u32 = 1;
/// The first binding of a buffer.
pub const FIRST_BUFFER: u32 = 2;
/// The distance in bytes between two slots of a table of sizes: an offset at which any GPU can bind
/// a uniform.
pub const SLOT: usize = 256;
/// The most workgroups on one axis of a grid.
pub const MOST_GROUPS: u32 = 65_535;

/// One entry point of a WGSL module and the resources that its pipeline binds.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Kernel {
    /// The module: `wgsl/MODULE.wgsl`.
    pub module: &'static str,
    /// The text of the module.
    pub source: &'static str,
    /// The entry point.
    pub entry: &'static str,
    /// Its buffers.
    pub buffers: &'static [Buffer],
    /// Whether it reads the uniform at [`STEP`].
    pub step: bool,
    /// The subgroup size that the kernel requires, if it exchanges values within subgroups.
    pub lanes: Option<u32>,
    /// Whether it belongs to a custom op: its uniform of sizes may have any name, or be unused.
    pub own: bool,
}

/// One buffer of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Buffer {
    /// Its binding.
    pub binding: u32,
    /// Its variable: the name of the role or of the piece of scratch.
    pub name: &'static str,
    /// Whether it is written.
    pub written: bool,
}

/// A buffer that is only read.
pub(crate) const fn read(binding: u32, name: &'static str) -> Buffer {
    Buffer {
        binding,
        name,
        written: false,
    }
}

/// A buffer that is written.
pub(crate) const fn write(binding: u32, name: &'static str) -> Buffer {
    Buffer {
        binding,
        name,
        written: true,
    }
}

/// What a buffer of a kernel is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BufferRef {
    /// The operand of the call at this index, in the order of its roles.
    Operand(usize),
    /// The piece of scratch of the call at this index.
    Scratch(usize),
}

/// The value of an `override` constant of a module: the bits of an f64, the type in which WebGPU
/// accepts all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Constant(u64);

impl Constant {
    /// The number.
    pub fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl<T: Into<f64>> From<T> for Constant {
    fn from(value: T) -> Self {
        Self(value.into().to_bits())
    }
}

/// One run of one kernel.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// What runs.
    pub kernel: &'static Kernel,
    /// Values of the module's `override` constants; constants that are not given keep their
    /// defaults.
    pub overrides: Vec<(&'static str, Constant)>,
    /// The bindings of the kernel's buffers, in order.
    pub places: Vec<BufferRef>,
    /// The grid, in workgroups.
    pub groups: [u32; 3],
}

/// A call, lowered for a GPU.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The uniform at [`SIZES`]: at most [`SLOT`] bytes.
    pub sizes: Vec<u32>,
    /// The number of 32-bit elements of every piece of scratch.
    pub scratch: Vec<usize>,
    /// The dispatches; each sees all writes of those before it.
    pub dispatches: Vec<Dispatch>,
}

impl Dispatch {
    /// A run of `kernel` with the default values of its constants.
    fn new(kernel: &'static Kernel, places: Vec<BufferRef>, groups: [u32; 3]) -> Self {
        Self {
            kernel,
            overrides: vec![],
            places,
            groups,
        }
    }
}

impl Lowered {
    /// A single dispatch on the operands of the call, in order.
    pub(crate) fn one(kernel: &'static Kernel, sizes: Vec<u32>, groups: [u32; 3]) -> Self {
        let places = (0..kernel.buffers.len()).map(BufferRef::Operand).collect();
        Self {
            sizes,
            scratch: vec![],
            dispatches: vec![Dispatch::new(kernel, places, groups)],
        }
    }
}

/// The properties of a GPU on which the choice between variants of a kernel depends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// The subgroup size, if it is the same for all subgroups and kernels may use subgroups.
    pub lanes: Option<u32>,
}

/// The grid for `groups` workgroups in one dimension. A kernel numbers its workgroups `group.x +
/// group.y * groups.x` and must do nothing past the end.
pub fn fold(groups: usize) -> [u32; 3] {
    let most = MOST_GROUPS as usize;
    if groups <= most {
        return [groups.max(1) as u32, 1, 1];
    }
    let y = groups.div_ceil(most);
    [groups.div_ceil(y) as u32, y as u32, 1]
}

/// The uniform at [`STEP`]: rate, number, seed (low, high), 1 − β₁ᵗ and 1 − β₂ᵗ for the decays of
/// Adam's moments, which need more precision than f32, and the probability of drop-path.
pub fn step_words(step: &Step, betas: [f32; 2]) -> [u32; 8] {
    let correction = |beta: f32| {
        let power = f64::from(step.update) * f64::from(beta).ln();
        ((-power.exp_m1()) as f32).to_bits()
    };
    let [first, second] = betas.map(correction);
    [
        step.rate.to_bits(),
        step.number,
        step.seed as u32,
        (step.seed >> 32) as u32,
        first,
        second,
        step.drop_path.to_bits(),
        0,
    ]
}

/// The dispatches of a call on a GPU with these traits.
pub fn lower(call: &Call, traits: Traits) -> Lowered {
    match *call {
        Call::FactorizedReduction(r) => factorized_reduction::reduction(&r),
        Call::FactorizedReductionGradInput(r) => factorized_reduction::grad_input(&r),
        Call::FactorizedReductionGradWeight(r) => factorized_reduction::grad_weight(&r),
        Call::Conv2d(c) => gemm::conv2d(c, traits),
        Call::Conv2dGradInput(c) => gemm::conv2d_grad_input(c, traits),
        Call::Conv2dGradWeight(c) => gemm::conv2d_grad_weight(c, traits),
        Call::Linear(l) => gemm::linear(l, traits),
        Call::LinearGradInput(l) => gemm::linear_grad_input(l, traits),
        Call::LinearGradWeight(l) => gemm::linear_grad_weight(l, traits),
        Call::Depthwise(c) => window::depthwise(&c),
        Call::DepthwiseGradInput(c) => window::depthwise_grad_input(&c),
        Call::DepthwiseGradWeight(c) => depthwise_weight::grad_weight(&c),
        Call::Bias(rows) => bias::bias(rows),
        Call::BiasGrad(rows) => bias::bias_grad(rows),
        Call::BatchNormStats { rows, eps } => batch_norm::stats(rows, eps),
        Call::BatchNorm(b) => batch_norm::apply(b),
        Call::BatchNormGradSums(b) => batch_norm::grad_sums(b),
        Call::BatchNormGradInput(b) => batch_norm::grad_input(b),
        Call::GroupNorm { norm, eps } => group_norm::group_norm(norm, eps),
        Call::GroupNormGrad(norm) => group_norm::grad(norm),
        Call::Scale(s) => scale::scale(s),
        Call::ScaleGrad(s) => scale::grad(s),
        Call::Softmax(rows) => softmax::softmax(rows),
        Call::SoftmaxGrad(rows) => softmax::grad(rows),
        Call::Transpose(t) => transpose::transpose(t),
        Call::MatMul(m) => mat_mul::product(m),
        Call::Resize(r) => resize::resize(r),
        Call::ResizeGrad(r) => resize::grad(r),
        Call::Relu { len } => elementwise::relu(len),
        Call::ReluGrad { len } => elementwise::relu_grad(len),
        Call::Activation { function, len } => activation::activation(function, len),
        Call::ActivationGrad { function, len } => activation::activation_grad(function, len),
        Call::Lerp { len } => activation::lerp(len),
        Call::LerpGrad { len } => activation::lerp_grad(len),
        Call::Highway(h) => activation::highway(h),
        Call::HighwayGrad(h) => activation::highway_grad(h),
        Call::Embedding(e) => embedding::embedding(e),
        Call::EmbeddingGrad(e) => embedding::embedding_grad(e),
        Call::AveragePool(c) => window::average_pool(&c),
        Call::AveragePoolGrad(c) => window::average_pool_grad(&c),
        Call::MaxPool(c) => window::max_pool(&c),
        Call::MaxPoolGrad(c) => window::max_pool_grad(&c),
        Call::Sum { len, inputs, scale } => elementwise::sum(len, inputs, scale),
        Call::WeightedSum(sum) => weighted_sum::sum(sum),
        Call::WeightedSumGradInput { sum, input } => weighted_sum::grad_input(sum, input),
        Call::WeightedSumGradWeights(sum) => weighted_sum::grad_weights(sum),
        Call::Concat { rows, widths } => concat::concat(rows, widths),
        Call::Slice { rows, start, len } => concat::slice(rows, start, len),
        Call::Fill { len, value } => elementwise::fill(len, value),
        Call::GlobalAveragePool {
            batch,
            positions,
            channels,
        } => global_pool::average(batch, positions, channels),
        Call::GlobalAveragePoolGrad {
            batch,
            positions,
            channels,
        } => global_pool::average_grad(batch, positions, channels),
        Call::Dropout {
            len,
            rate,
            stream,
            first,
            period,
        } => dropout::dropout(len, rate, stream, [first, period]),
        Call::WordDropout { rows, rate, stream } => dropout::word_dropout(rows, rate, stream),
        Call::DropPath {
            samples,
            len,
            depth,
            stream,
        } => dropout::drop_path(samples, len, depth, stream),
        Call::CrossEntropy { rows, smoothing } => loss::cross_entropy(rows, smoothing),
        Call::CrossEntropyGrad {
            rows,
            smoothing,
            of,
        } => loss::cross_entropy_grad(rows, smoothing, of),
        Call::Accuracy(rows) => loss::accuracy(rows),
        Call::NormPartials { len } => norm::partials(len),
        Call::ClipFactor { partials, limit } => norm::clip_factor(partials, limit),
        Call::Accumulate { len, first } => accumulate::accumulate(len, first),
        Call::Sgd {
            update,
            momentum,
            nesterov,
        } => optimizer::sgd(update, momentum, nesterov),
        Call::Adam {
            update,
            beta1,
            beta2,
            eps,
        } => optimizer::adam(update, [beta1, beta2, eps]),
        Call::Custom(custom) => custom.lower(),
    }
}
