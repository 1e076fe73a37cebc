//! The CPU kernels.
//!
//! Every call of the catalogue on plain slices, on the threads of the current rayon pool. The bits
//! of a result do not depend on the number of threads: work is divided by shape alone, and partial
//! sums are added in a fixed order. Small calls stay on the calling thread.

use crate::catalogue::{Access, Call, Step};

mod activation;
mod batch_norm;
mod chunks;
mod combine;
mod conv2d;
mod depthwise;
mod dropout;
mod embedding;
mod exponential;
mod factorized_reduction;
mod frame;
mod gemm;
mod grid;
mod group_norm;
mod highway;
mod linear;
mod loss;
mod mat_mul;
mod max_pool;
mod optimizer;
mod padded;
mod panel;
mod pool;
mod resize;
mod scale;
mod softmax;
mod span;
mod sums;
mod transpose;
mod window_runs;
mod vectorised;
mod weighted_sum;
mod window_sum;
mod workspace;

pub use workspace::Workspace;

/// Runs one call.
///
/// Operands are in the order of [`Call::roles`]; those that are only read are in `reads`, the
/// others in `writes`. Integers are passed as floats with the same bits (`bytemuck::cast_slice`).
///
/// # Panics
/// If operands are missing or do not have the lengths of the roles, or if the call is custom: see
/// [`CpuKernel`](crate::catalogue::CpuKernel).
pub fn run(
    call: &Call,
    step: &Step,
    workspace: &mut Workspace,
    reads: &[&[f32]],
    writes: &mut [&mut [f32]],
) {
    debug_assert!(
        fits(call, reads, writes),
        "{call:?} does not fit its operands"
    );
    let r = reads;
    match (call, writes) {
        (Call::Conv2d(c), [y]) => conv2d::conv2d(c, workspace, r[0], r[1], y),
        (Call::Conv2dGradInput(c), [dx]) => conv2d::grad_input(c, workspace, r[0], r[1], dx),
        (Call::Conv2dGradWeight(c), [dw]) => conv2d::grad_weight(c, workspace, r[0], r[1], dw),
        (Call::FactorizedReduction(c), [y]) => {
            factorized_reduction::reduction(c, workspace, r[0], [r[1], r[2]], y)
        }
        (Call::FactorizedReductionGradInput(c), [dx]) => {
            factorized_reduction::grad_input(c, workspace, r[0], [r[1], r[2]], dx)
        }
        (Call::FactorizedReductionGradWeight(c), [a, b]) => {
            factorized_reduction::grad_weight(c, workspace, r[0], r[1], [a, b])
        }
        (Call::Depthwise(c), [y]) => depthwise::depthwise(c, workspace, r[0], r[1], y),
        (Call::DepthwiseGradInput(c), [dx]) => depthwise::grad_input(c, workspace, r[0], r[1], dx),
        (Call::DepthwiseGradWeight(c), [dw]) => {
            depthwise::grad_weight(c, workspace, r[0], r[1], dw)
        }
        (Call::Linear(l), [y]) => linear::linear(l, workspace, r[0], r[1], y),
        (Call::LinearGradInput(l), [dx]) => linear::grad_input(l, workspace, r[0], r[1], dx),
        (Call::LinearGradWeight(l), [dw]) => linear::grad_weight(l, workspace, r[0], r[1], dw),
        (Call::Bias(rows), [y]) => linear::bias(rows, workspace, r[0], r[1], y),
        (Call::BiasGrad(rows), [db]) => linear::bias_grad(rows, workspace, r[0], db),
        (Call::BatchNormStats { rows, eps }, [stats]) => {
            batch_norm::stats(rows, *eps, workspace, r[0], stats)
        }
        (Call::BatchNorm(b), [y]) => batch_norm::apply(b, workspace, r, y),
        (Call::BatchNormGradSums(b), [dgamma, dbeta]) => {
            batch_norm::grad_sums(b, workspace, r, dgamma, dbeta)
        }
        (Call::BatchNormGradInput(b), [dx]) => batch_norm::grad_input(b, workspace, r, dx),
        (Call::GroupNorm { norm, eps }, [y, rstd]) => {
            group_norm::group_norm(norm, *eps, r[0], y, rstd)
        }
        (Call::GroupNormGrad(norm), [dx]) => group_norm::grad(norm, [r[0], r[1], r[2]], dx),
        (Call::Scale(s), [y]) => scale::scale(s, r[0], r[1], y),
        (Call::ScaleGrad(s), [ds]) => scale::grad(s, r[0], r[1], ds),
        (Call::Softmax(rows), [y]) => softmax::softmax(rows, r[0], y),
        (Call::SoftmaxGrad(rows), [dx]) => softmax::grad(rows, r[0], r[1], dx),
        (Call::Transpose(t), [y]) => transpose::transpose(t, r[0], y),
        (Call::MatMul(m), [y]) => mat_mul::product(m, r[0], r[1], y),
        (Call::Resize(c), [y]) => resize::resize(c, r[0], y),
        (Call::ResizeGrad(c), [dx]) => resize::grad(c, r[0], dx),
        (Call::Relu { .. }, [y]) => activation::relu(r[0], y),
        (Call::ReluGrad { .. }, [dx]) => activation::relu_grad(r[0], r[1], dx),
        (Call::Activation { function, .. }, [y]) => activation::activation(*function, r[0], y),
        (Call::ActivationGrad { function, .. }, [dx]) => {
            activation::activation_grad(*function, r[0], r[1], dx)
        }
        (Call::Lerp { .. }, [y]) => highway::lerp(r, y),
        (Call::LerpGrad { .. }, [da, db, dg]) => highway::lerp_grad(r, [da, db, dg]),
        (Call::Highway(h), [y]) => highway::highway(h, r[0], r[1], y),
        (Call::HighwayGrad(h), [dboth, dh]) => highway::highway_grad(h, r, dboth, dh),
        (Call::Embedding(e), [y]) => embedding::embedding(e, r[0], r[1], y),
        (Call::EmbeddingGrad(e), [dw]) => embedding::embedding_grad(e, r[0], r[1], dw),
        (Call::AveragePool(c), [y]) => pool::average(c, workspace, r[0], y),
        (Call::AveragePoolGrad(c), [dx]) => pool::average_grad(c, workspace, r[0], dx),
        (Call::MaxPool(c), [y, tap]) => max_pool::max(c, workspace, r[0], y, tap),
        (Call::MaxPoolGrad(c), [dx]) => max_pool::max_grad(c, workspace, r[0], r[1], dx),
        (Call::Sum { scale, .. }, [y]) => combine::sum(r, *scale, y),
        (Call::WeightedSum(sum), [y]) => weighted_sum::sum(sum, r, y),
        (Call::WeightedSumGradInput { sum, input }, [dx]) => {
            weighted_sum::grad_input(sum, *input as usize, r[0], r[1], dx)
        }
        (Call::WeightedSumGradWeights(sum), [dw]) => {
            weighted_sum::grad_weights(sum, workspace, r[0], &r[1..], dw)
        }
        (Call::Concat { widths, .. }, [y]) => combine::concat(r, widths, y),
        (Call::Slice { rows, start, len }, [y]) => {
            combine::slice(rows, *start as usize, *len as usize, r[0], y)
        }
        (Call::Fill { value, .. }, [y]) => combine::fill(*value, y),
        (
            Call::GlobalAveragePool {
                positions,
                channels,
                ..
            },
            [y],
        ) => {
            pool::global_average(workspace, *positions as usize, *channels as usize, r[0], y);
        }
        (
            Call::GlobalAveragePoolGrad {
                positions,
                channels,
                ..
            },
            [dx],
        ) => {
            pool::global_average_grad(*positions as usize, *channels as usize, r[0], dx);
        }
        (
            Call::Dropout {
                rate,
                stream,
                first,
                period,
                ..
            },
            [y],
        ) => {
            dropout::dropout(*rate, *stream, [*first, *period], step, r[0], y);
        }
        (Call::WordDropout { rows, rate, stream }, [y]) => {
            dropout::word_dropout(rows, *rate, *stream, step, r[0], r[1], y);
        }
        (
            Call::DropPath {
                len, depth, stream, ..
            },
            [y],
        ) => {
            dropout::drop_path(*len as usize, *depth, *stream, step, r[0], y);
        }
        (Call::CrossEntropy { rows, smoothing }, [loss]) => {
            loss::cross_entropy(rows, *smoothing, r[0], r[1], loss)
        }
        (
            Call::CrossEntropyGrad {
                rows,
                smoothing,
                of,
            },
            [dx],
        ) => {
            loss::cross_entropy_grad(rows, *smoothing, *of, r[0], r[1], dx);
        }
        (Call::Accuracy(rows), [right]) => loss::accuracy(rows, r[0], r[1], right),
        (Call::NormPartials { .. }, [partials]) => optimizer::norm_partials(r[0], r[1], partials),
        (Call::ClipFactor { limit, .. }, [clip]) => optimizer::clip_factor(*limit, r[0], clip),
        (Call::Accumulate { first, .. }, [sum]) => optimizer::accumulate(*first, r[0], r[1], sum),
        (
            Call::Sgd {
                update,
                momentum,
                nesterov,
            },
            [w, v],
        ) => {
            optimizer::sgd(*update, *momentum, *nesterov, step, r, w, v);
        }
        (
            Call::Adam {
                update,
                beta1,
                beta2,
                eps,
            },
            [w, m, v],
        ) => {
            optimizer::adam(*update, (*beta1, *beta2, *eps), step, r, [w, m, v]);
        }
        (Call::Custom(custom), _) => panic!(
            "`{}` is a space's custom op, which has a CPU kernel of its own",
            custom.op
        ),
        (call, writes) => panic!(
            "{} writes another number of operands than {}",
            call.name(),
            writes.len()
        ),
    }
}

/// Whether the operands have the lengths of the roles.
fn fits(call: &Call, reads: &[&[f32]], writes: &[&mut [f32]]) -> bool {
    let roles = call.roles();
    let read = roles
        .iter()
        .filter(|r| r.access == Access::Read)
        .map(|r| r.len);
    let written = roles
        .iter()
        .filter(|r| r.access != Access::Read)
        .map(|r| r.len);
    read.eq(reads.iter().map(|x| x.len())) && written.eq(writes.iter().map(|y| y.len()))
}
