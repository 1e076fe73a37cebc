//! The operations of cells, by their published names.

use supernet_plugin::{Conv, Pad, Pooling, Space, Tensor};

use crate::Form;

/// An operation on a value that keeps its number of channels. A `stride` of 2 halves the image.
///
/// As in the released DARTS code, separable convolutions are applied twice and dilated ones once,
/// both after ReLU; where an image is halved, `skip_connect` is a factorised reduction. The 7x1
/// convolution halves both sides after the 1x7 one, instead of each halving one side: the results
/// are the same, and the 1x7 convolution takes twice as many multiply-accumulates.
pub(crate) fn operation<'s>(
    s: &'s Space,
    name: &str,
    x: Tensor<'s>,
    stride: u32,
    form: Form,
) -> Tensor<'s> {
    let channels = x.channels();
    let separable =
        |x: Tensor<'s>, conv: Conv| form.norm(x.relu().depthwise_conv2d(conv).conv(1, channels));
    let twice = |k| separable(separable(x, Conv::new(k).stride(stride)), Conv::new(k));
    let dilated = |k| separable(x, Conv::new(k).stride(stride).dilation(2));
    let pool = |kind| {
        let y = x.pool(kind, 3, stride, Pad::Same);
        if form == Form::Search {
            form.norm(y)
        } else {
            y
        }
    };
    s.scope(name, || match name {
        "none" => x.zero(stride),
        "max_pool_3x3" => pool(Pooling::Max),
        "avg_pool_3x3" => pool(Pooling::Average),
        "sep_conv_3x3" => twice(3),
        "sep_conv_5x5" => twice(5),
        "sep_conv_7x7" => twice(7),
        "dil_conv_3x3" => dilated(3),
        "dil_conv_5x5" => dilated(5),
        "conv_7x1_1x7" => {
            let wide = x.relu().conv2d(Conv::rectangle(1, 7), channels);
            form.norm(wide.conv2d(Conv::rectangle(7, 1).stride(stride), channels))
        }
        _ if stride == 1 => x,
        _ => form.norm(x.relu().factorized_halves(channels)),
    })
}
