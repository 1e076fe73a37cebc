//! The f64 references: slow and simple, the ground truth for the kernels.
//!
//! With every value, a reference returns the same sum over absolute values and the number of terms.
//! Together they bound the rounding error of a correct f32 kernel, whatever its order of summation.

use crate::catalogue::{Call, Element, Step};

mod activation;
mod batch_norm;
mod combine;
mod conv2d;
mod depthwise;
mod dropout;
mod embedding;
#[cfg(test)]
mod gradients;
mod group_norm;
mod highway;
mod linear;
mod layers;
mod loss;
mod optimizer;
mod pool;
mod factorized_reduction;
mod value;
mod weighted_sum;
mod window;

pub use value::{Miss, Value};

/// Runs one call and returns one [`Value`] per operand that it writes or updates.
///
/// Operands are in the order of [`Call::roles`]; `updated` holds the previous contents of the
/// updated ones. Integers (labels, taps, words of bitsets) are passed and returned as numbers: see
/// [`numbers`].
///
/// # Panics
/// If operands are missing or shorter than the roles say, or if the call is custom.
pub fn run(call: &Call, step: &Step, reads: &[&[f64]], updated: &[&[f64]]) -> Vec<Value> {
    let r = reads;
    match call {
        Call::Conv2d(c) => vec![conv2d::conv2d(c, r[0], r[1])],
        Call::Conv2dGradInput(c) => vec![conv2d::grad_input(c, r[0], r[1])],
        Call::Conv2dGradWeight(c) => vec![conv2d::grad_weight(c, r[0], r[1])],
        Call::FactorizedReduction(c) => {
            vec![factorized_reduction::reduction(c, r[0], [r[1], r[2]])]
        }
        Call::FactorizedReductionGradInput(c) => {
            vec![factorized_reduction::grad_input(c, r[0], [r[1], r[2]])]
        }
        Call::FactorizedReductionGradWeight(c) => factorized_reduction::grad_weight(c, r[0], r[1]),
        Call::Depthwise(c) => vec![depthwise::depthwise(c, r[0], r[1])],
        Call::DepthwiseGradInput(c) => vec![depthwise::grad_input(c, r[0], r[1])],
        Call::DepthwiseGradWeight(c) => vec![depthwise::grad_weight(c, r[0], r[1])],
        Call::Linear(l) => vec![linear::linear(l, r[0], r[1])],
        Call::LinearGradInput(l) => vec![linear::grad_input(l, r[0], r[1])],
        Call::LinearGradWeight(l) => vec![linear::grad_weight(l, r[0], r[1])],
        Call::Bias(rows) => vec![linear::bias(rows, r[0], r[1])],
        Call::BiasGrad(rows) => vec![linear::bias_grad(rows, r[0])],
        Call::BatchNormStats { rows, eps } => vec![batch_norm::stats(rows, f64::from(*eps), r[0])],
        Call::BatchNorm(b) => vec![batch_norm::apply(b, r)],
        Call::BatchNormGradSums(b) => batch_norm::grad_sums(b, r),
        Call::BatchNormGradInput(b) => vec![batch_norm::grad_input(b, r)],
        Call::GroupNorm { norm, eps } => group_norm::group_norm(norm, f64::from(*eps), r[0]),
        Call::GroupNormGrad(norm) => vec![group_norm::grad(norm, [r[0], r[1], r[2]])],
        Call::Scale(s) => vec![layers::scale(s, r[0], r[1])],
        Call::ScaleGrad(s) => vec![layers::scale_grad(s, r[0], r[1])],
        Call::Softmax(rows) => vec![layers::softmax(rows, r[0])],
        Call::SoftmaxGrad(rows) => vec![layers::softmax_grad(rows, r[0], r[1])],
        Call::Transpose(t) => vec![layers::transpose(t, r[0])],
        Call::MatMul(m) => vec![layers::mat_mul(m, r[0], r[1])],
        Call::Resize(c) => vec![layers::resize(c, r[0])],
        Call::ResizeGrad(c) => vec![layers::resize_grad(c, r[0])],
        Call::Relu { .. } => vec![activation::relu(r[0])],
        Call::ReluGrad { .. } => vec![activation::relu_grad(r[0], r[1])],
        Call::Activation { function, .. } => vec![activation::activation(*function, r[0])],
        Call::ActivationGrad { function, .. } => {
            vec![activation::activation_grad(*function, r[0], r[1])]
        }
        Call::Lerp { .. } => vec![highway::lerp(r)],
        Call::LerpGrad { .. } => highway::lerp_grad(r),
        Call::Highway(h) => vec![highway::highway(h, r[0], r[1])],
        Call::HighwayGrad(h) => highway::highway_grad(h, r),
        Call::Embedding(e) => vec![embedding::embedding(e, r[0], r[1])],
        Call::EmbeddingGrad(e) => vec![embedding::embedding_grad(e, r[0], r[1])],
        Call::AveragePool(c) => vec![pool::average(c, r[0])],
        Call::AveragePoolGrad(c) => vec![pool::average_grad(c, r[0])],
        Call::MaxPool(c) => pool::max(c, r[0]),
        Call::MaxPoolGrad(c) => vec![pool::max_grad(c, r[0], r[1])],
        Call::Sum { scale, .. } => vec![combine::sum(r, f64::from(*scale))],
        Call::WeightedSum(sum) => vec![weighted_sum::sum(sum, r)],
        Call::WeightedSumGradInput { sum, input } => {
            vec![weighted_sum::grad_input(sum, *input as usize, r[0], r[1])]
        }
        Call::WeightedSumGradWeights(sum) => {
            vec![weighted_sum::grad_weights(sum, r[0], &r[1..])]
        }
        Call::Concat { rows, .. } => vec![combine::concat(r, *rows as usize)],
        Call::Slice { rows, start, len } => {
            vec![combine::slice(rows, *start as usize, *len as usize, r[0])]
        }
        Call::Fill { len, value } => vec![Value::exact(vec![f64::from(*value); *len as usize])],
        Call::GlobalAveragePool {
            positions,
            channels,
            ..
        } => {
            vec![pool::global_average(
                *positions as usize,
                *channels as usize,
                r[0],
            )]
        }
        Call::GlobalAveragePoolGrad {
            positions,
            channels,
            ..
        } => {
            vec![pool::global_average_grad(
                *positions as usize,
                *channels as usize,
                r[0],
            )]
        }
        Call::Dropout {
            rate,
            stream,
            first,
            period,
            ..
        } => {
            vec![dropout::dropout(
                *rate,
                *stream,
                [*first, *period],
                step,
                r[0],
            )]
        }
        Call::WordDropout { rows, rate, stream } => {
            vec![dropout::word_dropout(
                rows, *rate, *stream, step, r[0], r[1],
            )]
        }
        Call::DropPath {
            len, depth, stream, ..
        } => {
            vec![dropout::drop_path(
                *len as usize,
                *depth,
                *stream,
                step,
                r[0],
            )]
        }
        Call::CrossEntropy { rows, smoothing } => {
            vec![loss::cross_entropy(rows, f64::from(*smoothing), r[0], r[1])]
        }
        Call::CrossEntropyGrad {
            rows,
            smoothing,
            of,
        } => {
            vec![loss::cross_entropy_grad(
                rows,
                f64::from(*smoothing),
                f64::from(*of),
                r[0],
                r[1],
            )]
        }
        Call::Accuracy(rows) => vec![loss::accuracy(rows, r[0], r[1])],
        Call::NormPartials { .. } => vec![optimizer::norm_partials(r[0], r[1])],
        Call::ClipFactor { limit, .. } => vec![optimizer::clip_factor(f64::from(*limit), r[0])],
        Call::Accumulate { first, .. } => {
            vec![optimizer::accumulate(*first, r[0], r[1], updated[0])]
        }
        Call::Sgd {
            update,
            momentum,
            nesterov,
        } => optimizer::sgd(update, f64::from(*momentum), *nesterov, step, r, updated),
        Call::Adam {
            update,
            beta1,
            beta2,
            eps,
        } => {
            let constants = [*beta1, *beta2, *eps].map(f64::from);
            optimizer::adam(update, constants, step, r, updated)
        }
        Call::Custom(custom) => panic!(
            "`{}` is a space's own op, which has no reference",
            custom.op
        ),
    }
}

/// The elements of an operand as numbers: floats unchanged, integers from their bits.
pub fn numbers(element: Element, operand: &[f32]) -> Vec<f64> {
    match element {
        Element::F32 => operand.iter().map(|x| f64::from(*x)).collect(),
        Element::U32 => operand.iter().map(|x| f64::from(x.to_bits())).collect(),
    }
}
