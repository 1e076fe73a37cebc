//! What every call reads and writes: the contract between a program and a device.
//!
//! A [`Call`] carries all sizes, so that [`Call::roles`] can state the number of elements of each
//! operand. A device may lower a call to any number of dispatches, with scratch that it sizes
//! itself; results do not depend on this beyond rounding. No call needs more than eight buffers,
//! the default limit of WebGPU. Operands are in the order of the roles. A call overwrites its
//! outputs completely, whatever they contained.

mod custom;
mod key;
mod layers;
mod phase;
mod roles;
mod sizes;
mod weighted_sum;
mod work;

pub use custom::{CpuKernel, Custom, FUEL_CONSTANT, Run, text};
pub use layers::{GroupNorm, MatMul, Resize, Scale, Tap, Transpose, Transposed};
pub use phase::CallPhase;
pub use roles::{Access, Element, Role, bitset_words};
pub use sizes::{
    BatchNorm, Conv2d, Embedding, FactorizedReduction, Function, Highway, Linear, PerChannel, Rows,
    Update, Window,
};
pub use weighted_sum::{MOST_WEIGHTED, WeightedSum};

/// Elements of a parameter per bit of a touched or decayed bitset.
pub const BLOCK: usize = 64;
/// Gradients per partial sum of the norm: a fixed number, so that the order of summation is fixed.
pub const NORM_CHUNK: usize = 4096;
/// The most inputs of a [`Call::Sum`] or [`Call::Concat`]; the program builder chains calls for
/// more inputs.
pub const MOST_INPUTS: usize = 7;

/// One kernel of the catalogue with its sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Call {
    /// y = x ⋆ W.
    Conv2d(Conv2d),
    /// ∂x of [`Call::Conv2d`].
    Conv2dGradInput(Conv2d),
    /// ∂W of [`Call::Conv2d`].
    Conv2dGradWeight(Conv2d),
    /// y = \[x ⋆ Wa, x ⋆ Wb\], concatenated: a factorised reduction, that is, two pointwise
    /// convolutions that read different pixels of every square.
    FactorizedReduction(FactorizedReduction),
    /// ∂x of [`Call::FactorizedReduction`].
    FactorizedReductionGradInput(FactorizedReduction),
    /// ∂Wa and ∂Wb of [`Call::FactorizedReduction`].
    FactorizedReductionGradWeight(FactorizedReduction),
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
    /// Mean and 1/√(variance + eps) of every channel over the rows: stats `[2, channels]`. The
    /// variance is biased and computed in two passes or with Welford's algorithm, never as
    /// E\[x²\]−E\[x\]² (Ioffe and Szegedy 2015).
    BatchNormStats {
        /// The matrix.
        rows: Rows,
        /// Added to the variance.
        eps: f32,
    },
    /// y = γ·(x − mean)·rstd + β, then the ReLU, if any.
    BatchNorm(BatchNorm),
    /// ∂γ and ∂β, masked by y > 0 if there is a ReLU. ∂x needs them too, so they are computed even
    /// without γ and β.
    BatchNormGradSums(BatchNorm),
    /// ∂x, through the statistics of the batch: γ·rstd·(dy − ∂β/rows − x̂·∂γ/rows).
    BatchNormGradInput(BatchNorm),
    /// y = (x − mean)/√(variance + eps) over every group of every sample, and the factor
    /// 1/√(variance + eps) of each. The variance is biased and computed from the deviations.
    GroupNorm {
        /// The groups.
        norm: GroupNorm,
        /// Added to the variance.
        eps: f32,
    },
    /// ∂x of [`Call::GroupNorm`], through its statistics: rstd·(dy − mean(dy) − y·mean(dy·y)).
    GroupNormGrad(GroupNorm),
    /// y = x·s, channel by channel. ∂x is the same call on dy.
    Scale(Scale),
    /// ∂s of [`Call::Scale`]: the sum of x·dy over the positions.
    ScaleGrad(Scale),
    /// y = softmax(x), row by row.
    Softmax(Rows),
    /// ∂x of [`Call::Softmax`], from its result: y·(dy − Σ y·dy).
    SoftmaxGrad(Rows),
    /// y = x with two axes exchanged. The gradient is the exchange back.
    Transpose(Transpose),
    /// y = a·b, where both are values. The gradients are such products too.
    MatMul(MatMul),
    /// y = x in another size.
    Resize(Resize),
    /// ∂x of [`Call::Resize`]: each pixel sums over the pixels of y that read it, in order.
    ResizeGrad(Resize),
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
    /// y = f(x).
    Activation {
        /// The function f.
        function: Function,
        /// Elements.
        len: u32,
    },
    /// ∂x of [`Call::Activation`], from its result where that determines the slope, else from x: see
    /// [`Function::slope_from_result`].
    ActivationGrad {
        /// The function f.
        function: Function,
        /// Elements.
        len: u32,
    },
    /// y = a + g·(b − a), elementwise.
    Lerp {
        /// Elements.
        len: u32,
    },
    /// ∂a, ∂b and ∂g of [`Call::Lerp`].
    LerpGrad {
        /// Elements.
        len: u32,
    },
    /// A highway connection, as in a node of the recurrent cell (Zilly et al. 2017, §4; ENAS §3.1):
    /// y = h + σ(u)·(f(v) − h), where `both` is the concatenation \[u, v\] of gate and candidate.
    Highway(Highway),
    /// ∂both and ∂h of [`Call::Highway`]. The gate and the candidate are recomputed instead of
    /// stored.
    HighwayGrad(Highway),
    /// y = the rows of W at the given tokens.
    Embedding(Embedding),
    /// ∂W of [`Call::Embedding`]: each row is the sum over the positions of its token in order, and
    /// zero for a token that does not occur.
    EmbeddingGrad(Embedding),
    /// The mean over the positions of the window inside the image; 0 if there are none.
    AveragePool(PerChannel),
    /// ∂x of [`Call::AveragePool`].
    AveragePoolGrad(PerChannel),
    /// The maximum over the positions of the window inside the image, and the tap that holds it
    /// (the first on a tie); 0 and tap 0 if there are none.
    MaxPool(PerChannel),
    /// ∂x of [`Call::MaxPool`].
    MaxPoolGrad(PerChannel),
    /// y = scale·Σ xᵢ, summed from first to last; with one input it is a scaled copy.
    Sum {
        /// Elements.
        len: u32,
        /// The number of inputs, 1 to [`MOST_INPUTS`].
        inputs: u32,
        /// Factor of the sum.
        scale: f32,
    },
    /// y = Σ wᵢ·xᵢ, summed from first to last, after the earlier sum, if there is one.
    WeightedSum(WeightedSum),
    /// ∂x of an input of [`Call::WeightedSum`]: wᵢ·dy.
    WeightedSumGradInput {
        /// The sum.
        sum: WeightedSum,
        /// The index of the input.
        input: u32,
    },
    /// ∂w of [`Call::WeightedSum`]: ⟨xᵢ, dy⟩ for every slice of the batch and every input.
    WeightedSumGradWeights(WeightedSum),
    /// y = the inputs concatenated on the channel axis.
    Concat {
        /// Rows of every input.
        rows: u32,
        /// Channels of each input; unused entries are zero.
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
    /// Sets every element to `value`.
    Fill {
        /// Elements.
        len: u32,
        /// The value.
        value: f32,
    },
    /// The mean over the positions: x `[batch, positions, channels]` to y `[batch, channels]`.
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
    /// y = x/keep where kept, else 0. The mask is a function of (seed, step, stream, element), so
    /// the gradient is the same call on dy. Element i has the number m = (first + i) mod period; it
    /// is kept if `unit(philox(seed, [m/4, stream, step, 0])[m%4]) >= rate`. With a period shorter
    /// than a sequence, all its steps share a mask (Gal and Ghahramani 2016, §3.2).
    Dropout {
        /// Elements.
        len: u32,
        /// Probability of a zero, in [0, 1).
        rate: f32,
        /// The index of this dropout in the supergraph.
        stream: u32,
        /// The number of the first element; a multiple of 4.
        first: u32,
        /// The number of elements after which numbers repeat; a multiple of 4, or at least `first`
        /// plus the number of elements.
        period: u32,
    },
    /// y = x/keep in the rows whose token is kept, else 0: a token is dropped at all its positions
    /// or at none (Gal and Ghahramani 2016, §4.2). Token t is kept if `unit(philox(seed, [t,
    /// stream, step, 1])[0]) >= rate`. The gradient is the same call on dy.
    WordDropout {
        /// The matrix, with one token per row.
        rows: Rows,
        /// Probability of a zero, in [0, 1).
        rate: f32,
        /// The index of this dropout in the supergraph.
        stream: u32,
    },
    /// y = x/keep for the samples that are kept, else 0, with keep = 1 − depth·p and p =
    /// [`Step::drop_path`] (Larsson et al. 2017, with the depth of Zoph et al. 2018). The gradient
    /// is the same call on dy. Sample s is kept if `unit(philox(seed, [s/4, stream, step, 0])[s%4])
    /// >= depth·p`.
    DropPath {
        /// Samples.
        samples: u32,
        /// Elements of a sample.
        len: u32,
        /// The relative depth in the network, above 0 and at most 1.
        depth: f32,
        /// The index of this drop-path in the supergraph.
        stream: u32,
    },
    /// The cross-entropy of softmax(x) with the labels, per row; smoothed labels are (1−s)·onehot +
    /// s/classes.
    CrossEntropy {
        /// Rows are samples, channels are classes.
        rows: Rows,
        /// s, in [0, 1).
        smoothing: f32,
    },
    /// ∂x of the sum of [`Call::CrossEntropy`] over the rows, divided by `of`: the gradient of a
    /// mean that includes these rows.
    CrossEntropyGrad {
        /// Rows are samples, channels are classes.
        rows: Rows,
        /// s, in [0, 1).
        smoothing: f32,
        /// The number of samples in the mean.
        of: u32,
    },
    /// 1 if the largest logit (the first on a tie) is that of the label, else 0, per row.
    Accuracy(Rows),
    /// Sums of squares of the touched blocks, one per [`NORM_CHUNK`] gradients.
    NormPartials {
        /// Gradients in the page.
        len: u32,
    },
    /// From all partial sums: \[norm, factor\] with factor = min(1, limit/norm), or 1 if the norm
    /// is zero. A norm that is not finite gives factor 0, for which updates treat every gradient as
    /// zero, so that one bad batch does not destroy the weights.
    ClipFactor {
        /// Partial sums.
        partials: u32,
        /// The maximum norm.
        limit: f32,
    },
    /// sum ← sum + share·g, or sum ← share·g for the first of several passes that make one update,
    /// with one share per block of 64 gradients. The gradients of a block with share 0 may be
    /// anything; it adds nothing.
    Accumulate {
        /// Gradients in the page.
        len: u32,
        /// Whether this pass is the first.
        first: bool,
    },
    /// g = factor·g + l2·w; v ← momentum·v + g; w ← w − rate·(g + momentum·v), or w − rate·v
    /// without Nesterov.
    Sgd {
        /// The weights to update, and their decay.
        update: Update,
        /// Momentum.
        momentum: f32,
        /// Whether to use Nesterov's form, as in the ENAS code.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015) with bias correction by the step number; L2 is added to the
    /// gradient. 1 − βᵗ needs more precision than f32: at the first step, its relative rounding
    /// error would be 1e-4.
    Adam {
        /// The weights to update, and their decay.
        update: Update,
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Added to the square root of the second moment.
        eps: f32,
    },
    /// A kernel of a custom op of the search space.
    Custom(Custom),
}

/// The values that change from step to step, in one small uniform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The learning rate.
    pub rate: f32,
    /// The number of the minibatch, from 1: dropout is a function of it.
    pub number: u32,
    /// The number of the update that the minibatch belongs to, from 1: Adam corrects its bias by
    /// it. The same as `number` if every minibatch makes an update of its own.
    pub update: u32,
    /// The seed of dropout.
    pub seed: u64,
    /// The probability with which a path of depth 1 is dropped, in [0, 1).
    pub drop_path: f32,
}

#[cfg(test)]
impl Call {
    /// The names of all variants, from the source: a new one is in every test that asks for it.
    pub(crate) fn kinds() -> Vec<&'static str> {
        let source = include_str!("catalogue.rs");
        let declared = source.split("pub enum Call {\n").nth(1).unwrap_or("");
        let body = declared.split("\n}\n").next().unwrap_or("");
        body.lines()
            .filter_map(|line| line.strip_prefix("    "))
            .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
            .filter_map(|line| line.split(['(', ' ', ',']).next())
            .collect()
    }

    /// The name of its variant.
    pub(crate) fn kind(&self) -> &'static str {
        let shown = format!("{self:?}");
        let name = shown.split(['(', ' ']).next().unwrap_or("");
        let known = Self::kinds().into_iter().find(|kind| *kind == name);
        known.unwrap_or_else(|| panic!("`{name}` is not in the source of the catalogue"))
    }
}
