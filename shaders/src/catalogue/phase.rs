//! The part of a training step to which a call belongs.

use super::Call;

/// A part of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallPhase {
    /// From the inputs to the loss. Every such call is differentiable.
    Forward,
    /// From the loss to the gradients.
    Backward,
    /// From the gradients to the weights.
    Update,
}

impl Call {
    /// The part of a training step in which the call occurs first. (The backward pass also uses
    /// some of the forward calls.)
    pub fn phase(&self) -> CallPhase {
        match self {
            Self::Conv2d(_)
            | Self::FactorizedReduction(_)
            | Self::Depthwise(_)
            | Self::Linear(_)
            | Self::Bias(_)
            | Self::BatchNormStats { .. }
            | Self::BatchNorm(_)
            | Self::GroupNorm { .. }
            | Self::Scale(_)
            | Self::Softmax(_)
            | Self::Transpose(_)
            | Self::MatMul(_)
            | Self::Resize(_)
            | Self::Relu { .. }
            | Self::Activation { .. }
            | Self::Lerp { .. }
            | Self::Highway(_)
            | Self::Embedding(_)
            | Self::AveragePool(_)
            | Self::MaxPool(_)
            | Self::Sum { .. }
            | Self::WeightedSum(_)
            | Self::Concat { .. }
            | Self::Slice { .. }
            | Self::Fill { .. }
            | Self::GlobalAveragePool { .. }
            | Self::Dropout { .. }
            | Self::WordDropout { .. }
            | Self::DropPath { .. }
            | Self::CrossEntropy { .. }
            | Self::Accuracy(_)
            | Self::Custom(_) => CallPhase::Forward,
            Self::Conv2dGradInput(_)
            | Self::Conv2dGradWeight(_)
            | Self::FactorizedReductionGradInput(_)
            | Self::FactorizedReductionGradWeight(_)
            | Self::DepthwiseGradInput(_)
            | Self::DepthwiseGradWeight(_)
            | Self::LinearGradInput(_)
            | Self::LinearGradWeight(_)
            | Self::BiasGrad(_)
            | Self::BatchNormGradSums(_)
            | Self::BatchNormGradInput(_)
            | Self::GroupNormGrad(_)
            | Self::ScaleGrad(_)
            | Self::SoftmaxGrad(_)
            | Self::ResizeGrad(_)
            | Self::ReluGrad { .. }
            | Self::ActivationGrad { .. }
            | Self::LerpGrad { .. }
            | Self::HighwayGrad(_)
            | Self::EmbeddingGrad(_)
            | Self::AveragePoolGrad(_)
            | Self::MaxPoolGrad(_)
            | Self::WeightedSumGradInput { .. }
            | Self::WeightedSumGradWeights(_)
            | Self::GlobalAveragePoolGrad { .. }
            | Self::CrossEntropyGrad { .. } => CallPhase::Backward,
            Self::NormPartials { .. }
            | Self::ClipFactor { .. }
            | Self::Accumulate { .. }
            | Self::Sgd { .. }
            | Self::Adam { .. } => CallPhase::Update,
        }
    }
}
