//! What every call reads and writes: the contract between a program and any device.
//!
//! A [`Call`] carries all sizes, so that [`Call::roles`] can say how many elements each operand
//! has. A device lowers a call to as many dispatches as it likes, with scratch that it sizes
//! itself; results do not depend on that beyond rounding. No call needs more than eight buffers,
//! WebGPU's default limit. Operands stand in the order of the roles; a call overwrites what it
//! writes, whatever was there before.

mod custom;
mod key;
mod phase;
mod roles;
mod sizes;
mod work;

pub use custom::{CpuKernel, Custom, FUEL_CONSTANT, Run, text};
pub use phase::CallPhase;
pub use roles::{Access, Element, Role, bitset_words};
pub use sizes::{
    BatchNorm, Conv2d, Embedding, FactorizedReduction, Function, Highway, Linear, PerChannel, Rows,
    Update, Window,
};

/// Elements of a parameter that one bit of a touched or decayed bitset stands for.
pub const BLOCK: usize = 64;
/// Elements of gradients that one partial norm sums over: a fixed number, so that the order of
/// summation is fixed too.
pub const NORM_CHUNK: usize = 4096;
/// The most inputs that one [`Call::Sum`] or [`Call::Concat`] takes; longer ones are chained by the
/// program's builder.
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
    /// y = \[x ⋆ Wa, x ⋆ Wb\]: a factorised reduction, two pointwise convolutions that read
    /// different pixels of every square, side by side.
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
    /// Mean and 1/√(variance + eps) of every channel over the rows: stats `[2, channels]`. Biased
    /// variance, in two passes or by Welford's partials, never E\[x²\]−E\[x\]² (Ioffe and Szegedy
    /// 2015).
    BatchNormStats {
        /// The matrix.
        rows: Rows,
        /// Added to the variance.
        eps: f32,
    },
    /// y = γ·(x − mean)·rstd + β, then the ReLU.
    BatchNorm(BatchNorm),
    /// ∂γ and ∂β, masked by y > 0 under a ReLU. They are also what ∂x needs, so they are computed
    /// without γ, β too.
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
    /// y = f(x).
    Activation {
        /// f.
        function: Function,
        /// Elements.
        len: u32,
    },
    /// ∂x of [`Call::Activation`], from its result.
    ActivationGrad {
        /// f.
        function: Function,
        /// Elements.
        len: u32,
    },
    /// y = a + g·(b − a), element by element.
    Lerp {
        /// Elements.
        len: u32,
    },
    /// ∂a, ∂b and ∂g of [`Call::Lerp`].
    LerpGrad {
        /// Elements.
        len: u32,
    },
    /// A highway connection, as a node of the recurrent cell has it (Zilly et al. 2017, §4; ENAS
    /// §3.1): with gate and candidate \[u, v\] side by side in `both`, y = h + σ(u)·(f(v) − h).
    Highway(Highway),
    /// ∂both and ∂h of [`Call::Highway`]. The gate and the candidate are computed again, so that
    /// neither is kept.
    HighwayGrad(Highway),
    /// y = the rows of W that the tokens name.
    Embedding(Embedding),
    /// ∂W of [`Call::Embedding`]: each row the sum over its token's places in their order, zero for
    /// a token that does not occur.
    EmbeddingGrad(Embedding),
    /// The mean over the window's positions inside the image; 0 where none is.
    AveragePool(PerChannel),
    /// ∂x of [`Call::AveragePool`].
    AveragePoolGrad(PerChannel),
    /// The maximum over the window's positions inside the image, and which tap held it (the first
    /// of equal ones); 0 and tap 0 where none is inside.
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
    /// y = x/keep where kept, else 0. The mask follows from (seed, step, stream, element), so the
    /// gradient is the same call on dy. Element i goes by number m = (first + i) mod period: it is
    /// kept if `unit(philox(seed, [m/4, stream, step, 0])[m%4]) >= rate`. With a period that is
    /// shorter than a sequence all its steps share a mask (Gal and Ghahramani 2016, §3.2).
    Dropout {
        /// Elements.
        len: u32,
        /// Probability of a zero, in [0, 1).
        rate: f32,
        /// Which dropout of the supergraph this is.
        stream: u32,
        /// The number of the first element; a multiple of 4.
        first: u32,
        /// Elements after which the numbers begin again; a multiple of 4, or no less than first and
        /// all elements.
        period: u32,
    },
    /// y = x/keep in the rows whose token is kept, else 0: a token is dropped everywhere or nowhere
    /// (Gal and Ghahramani 2016, §4.2). Token t is kept if `unit(philox(seed, [t, stream, step,
    /// 1])[0]) >= rate`. The gradient is the same call on dy.
    WordDropout {
        /// The matrix, a token a row.
        rows: Rows,
        /// Probability of a zero, in [0, 1).
        rate: f32,
        /// Which dropout of the supergraph this is.
        stream: u32,
    },
    /// y = x/keep for the samples that are kept, else 0, keep = 1 − depth·p with p =
    /// [`Step::drop_path`] (Larsson et al. 2017, with the depth of Zoph et al. 2018). The gradient
    /// is the same call on dy. Sample s is kept if `unit(philox(seed, [s/4, stream, step, 0])[s%4])
    /// >= depth·p`.
    DropPath {
        /// Samples.
        samples: u32,
        /// Numbers of a sample.
        len: u32,
        /// How deep in the network it stands, from above 0 to 1.
        depth: f32,
        /// Which drop-path of the supergraph this is.
        stream: u32,
    },
    /// The cross-entropy of softmax(x) with the labels, row by row; smoothed labels are
    /// (1−s)·onehot + s/classes.
    CrossEntropy {
        /// Rows are samples, channels are classes.
        rows: Rows,
        /// s, in [0, 1).
        smoothing: f32,
    },
    /// ∂x of the sum of [`Call::CrossEntropy`] over the rows, divided by `of`: of a mean, if these
    /// are some of its rows.
    CrossEntropyGrad {
        /// Rows are samples, channels are classes.
        rows: Rows,
        /// s, in [0, 1).
        smoothing: f32,
        /// Samples that the mean is over.
        of: u32,
    },
    /// 1 where the largest logit (the first of equal ones) is the label's, else 0, row by row.
    Accuracy(Rows),
    /// Sums of squares of the touched blocks, one per [`NORM_CHUNK`] gradients.
    NormPartials {
        /// Gradients in the page.
        len: u32,
    },
    /// From all partials: \[norm, factor\] with factor = min(1, limit/norm) (1 where the norm is
    /// zero). A norm that is not finite gives factor 0, under which updates take every gradient for
    /// zero: one bad batch does not destroy the weights.
    ClipFactor {
        /// Partial sums.
        partials: u32,
        /// The largest norm let through.
        limit: f32,
    },
    /// g = factor·g + l2·w; v ← momentum·v + g; w ← w − rate·(g + momentum·v), or w − rate·v
    /// without Nesterov.
    Sgd {
        /// Which weights, and how they decay.
        update: Update,
        /// Momentum.
        momentum: f32,
        /// Nesterov's form, as in the ENAS code.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015) with bias correction by the step number; L2 enters the gradient. 1
    /// − βᵗ needs more than f32: at the first step its rounding is 1e-4 of it.
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
    /// A kernel of an op that the search space brought along.
    Custom(Custom),
}

/// What changes from step to step, in one small uniform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The learning rate.
    pub rate: f32,
    /// Counts updates, from 1.
    pub number: u32,
    /// Seeds dropout.
    pub seed: u64,
    /// The probability with which a path of depth 1 is dropped, in [0, 1).
    pub drop_path: f32,
}
