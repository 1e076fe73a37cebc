//! Calls as map keys: a device prepares equal calls once.

use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use super::{Call, Update};

// No size of a checked program is NaN, so equality of calls is an equivalence relation.
impl Eq for Call {}

impl Hash for Call {
    fn hash<H: Hasher>(&self, state: &mut H) {
        discriminant(self).hash(state);
        let mut real = |x: f32| (x + 0.0).to_bits().hash(state);
        match self {
            Call::BatchNormStats { eps, .. } | Call::GroupNorm { eps, .. } => real(*eps),
            Call::Sum { scale, .. } => real(*scale),
            Call::Fill { value, .. } => real(*value),
            Call::Dropout { rate, .. } | Call::WordDropout { rate, .. } => real(*rate),
            Call::DropPath { depth, .. } => real(*depth),
            Call::CrossEntropy { smoothing, .. } | Call::CrossEntropyGrad { smoothing, .. } => {
                real(*smoothing)
            }
            Call::ClipFactor { limit, .. } => real(*limit),
            Call::Sgd { momentum, .. } => real(*momentum),
            Call::Adam {
                beta1, beta2, eps, ..
            } => [*beta1, *beta2, *eps].into_iter().for_each(real),
            _ => {}
        }
        match self {
            Call::Conv2d(c) | Call::Conv2dGradInput(c) | Call::Conv2dGradWeight(c) => c.hash(state),
            Call::FactorizedReduction(r)
            | Call::FactorizedReductionGradInput(r)
            | Call::FactorizedReductionGradWeight(r) => r.hash(state),
            Call::Depthwise(c) | Call::DepthwiseGradInput(c) | Call::DepthwiseGradWeight(c) => {
                c.hash(state)
            }
            Call::AveragePool(c)
            | Call::AveragePoolGrad(c)
            | Call::MaxPool(c)
            | Call::MaxPoolGrad(c) => c.hash(state),
            Call::Linear(l) | Call::LinearGradInput(l) | Call::LinearGradWeight(l) => l.hash(state),
            Call::Bias(rows) | Call::BiasGrad(rows) | Call::Accuracy(rows) => rows.hash(state),
            Call::BatchNormStats { rows, .. } => rows.hash(state),
            Call::BatchNorm(b) | Call::BatchNormGradSums(b) | Call::BatchNormGradInput(b) => {
                b.hash(state)
            }
            Call::GroupNorm { norm, .. } | Call::GroupNormGrad(norm) => norm.hash(state),
            Call::Scale(s) | Call::ScaleGrad(s) => s.hash(state),
            Call::Softmax(rows) | Call::SoftmaxGrad(rows) => rows.hash(state),
            Call::Transpose(t) => t.hash(state),
            Call::MatMul(m) => m.hash(state),
            Call::Resize(r) | Call::ResizeGrad(r) => r.hash(state),
            Call::Relu { len } | Call::ReluGrad { len } | Call::Fill { len, .. } => len.hash(state),
            Call::Sum { len, inputs, .. } => (len, inputs).hash(state),
            Call::WeightedSum(sum) | Call::WeightedSumGradWeights(sum) => sum.hash(state),
            Call::WeightedSumGradInput { sum, input } => (sum, input).hash(state),
            Call::Concat { rows, widths } => (rows, widths).hash(state),
            Call::Slice { rows, start, len } => (rows, start, len).hash(state),
            Call::GlobalAveragePool {
                batch,
                positions,
                channels,
            }
            | Call::GlobalAveragePoolGrad {
                batch,
                positions,
                channels,
            } => (batch, positions, channels).hash(state),
            Call::Activation { function, len } | Call::ActivationGrad { function, len } => {
                (function, len).hash(state)
            }
            Call::Lerp { len } | Call::LerpGrad { len } => len.hash(state),
            Call::Highway(h) | Call::HighwayGrad(h) => h.hash(state),
            Call::Embedding(e) | Call::EmbeddingGrad(e) => e.hash(state),
            Call::Dropout {
                len,
                stream,
                first,
                period,
                ..
            } => (len, stream, first, period).hash(state),
            Call::WordDropout { rows, stream, .. } => (rows, stream).hash(state),
            Call::CrossEntropy { rows, .. } => rows.hash(state),
            Call::CrossEntropyGrad { rows, of, .. } => (rows, of).hash(state),
            Call::DropPath {
                samples,
                len,
                stream,
                ..
            } => (samples, len, stream).hash(state),
            Call::NormPartials { len } => len.hash(state),
            Call::ClipFactor { partials, .. } => partials.hash(state),
            Call::Accumulate { len, first } => (len, first).hash(state),
            Call::Sgd {
                update, nesterov, ..
            } => (update, nesterov).hash(state),
            Call::Adam { update, .. } => update.hash(state),
            Call::Custom(custom) => custom.hash(state),
        }
    }
}

impl Hash for Update {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.len, (self.l2 + 0.0).to_bits(), self.everywhere).hash(state);
    }
}
