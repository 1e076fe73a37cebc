use super::conv::Conv;
use super::size::{Size, Weights};
use super::tensor::{New, Tensor};
use crate::nearest::hint;
use crate::{Dim, Function, Init, Op, Pad, Per, Pooling};

/// Layers. Weights are initialised after He et al. (2015) unless stated otherwise, like all weights
/// of the published ENAS code.
impl<'s> Tensor<'s> {
    /// Convolution, `[h, w, c]` to `[h, w, filters]`, without a bias.
    pub fn conv(self, kernel: u32, filters: impl Into<Size<'s>>) -> Tensor<'s> {
        self.conv2d(Conv::new(kernel), filters)
    }

    /// Convolution with all its attributes.
    pub fn conv2d(self, conv: Conv, filters: impl Into<Size<'s>>) -> Tensor<'s> {
        let [kh, kw] = conv.kernel;
        let (channels, most) = self.last_dim();
        let filters = self.space.dim(filters.into());
        let fan_in = kh.saturating_mul(kw).saturating_mul(most);
        let shape = vec![Dim::Fixed(kh), Dim::Fixed(kw), channels, filters.clone()];
        let mut params = vec![New::weight(shape, Init::He { fan_in })];
        if conv.bias {
            params.push(New::vector("bias", filters, Init::Zeros));
        }
        let op = Op::Conv2d {
            stride: conv.stride,
            dilation: conv.dilation,
            pad: conv.pad,
        };
        self.layer(op, &[self], params)
    }

    /// Convolution of each channel with a separate kernel, without a bias.
    pub fn depthwise(self, kernel: u32) -> Tensor<'s> {
        self.depthwise_conv2d(Conv::new(kernel))
    }

    /// Convolution of each channel with a separate kernel, with all attributes.
    pub fn depthwise_conv2d(self, conv: Conv) -> Tensor<'s> {
        let [kh, kw] = conv.kernel;
        let (channels, _) = self.last_dim();
        let shape = vec![Dim::Fixed(kh), Dim::Fixed(kw), channels.clone()];
        // Each output sums over the window of a single channel.
        let mut params = vec![New::weight(
            shape,
            Init::He {
                fan_in: kh.saturating_mul(kw),
            },
        )];
        if conv.bias {
            params.push(New::vector("bias", channels, Init::Zeros));
        }
        let op = Op::DepthwiseConv2d {
            stride: conv.stride,
            dilation: conv.dilation,
            pad: conv.pad,
        };
        self.layer(op, &[self], params)
    }

    /// The same, with a kernel `[kh, kw, c]` that is a value of the network. It has no kernel on any
    /// device yet: such a space can be counted and drawn, and a search refuses it.
    pub fn depthwise_by(self, kernel: Tensor<'s>, stride: u32) -> Tensor<'s> {
        self.space.node(
            Op::DepthwiseConv2d {
                stride,
                dilation: 1,
                pad: Pad::Same,
            },
            &[self, kernel],
            &[],
        )
    }

    /// A depthwise convolution followed by a 1x1 convolution to `filters`.
    pub fn separable(self, kernel: u32, filters: impl Into<Size<'s>>) -> Tensor<'s> {
        self.depthwise(kernel).conv(1, filters)
    }

    /// Halves the image: a 1x1 convolution of the even pixels and another of the odd pixels, each
    /// to half of `filters`, concatenated, then batch norm.
    pub fn factorized_reduction(self, filters: u32) -> Tensor<'s> {
        self.factorized_halves(filters).norm()
    }

    /// A factorised reduction without its batch norm.
    pub fn factorized_halves(self, filters: u32) -> Tensor<'s> {
        if !filters.is_multiple_of(2) {
            self.space.wrong(|| {
                format!("a factorised reduction to {filters} filters: it makes two halves, so the number must be even")
            });
        }
        let half = |pad| self.conv2d(Conv::new(1).stride(2).pad(pad), filters / 2);
        let even = half(Pad::Valid);
        let odd = half(Pad::Explicit {
            top: -1,
            left: -1,
            bottom: 1,
            right: 1,
        });
        self.space.concat(&[even, odd])
    }

    /// x·W on the last axis, with or without a bias.
    pub fn linear(self, to: impl Into<Size<'s>>, bias: bool) -> Tensor<'s> {
        let (from, fan_in) = self.last_dim();
        let to = self.space.dim(to.into());
        let mut params = vec![New::weight(vec![from, to.clone()], Init::He { fan_in })];
        if bias {
            params.push(New::vector("bias", to, Init::Zeros));
        }
        self.layer(Op::Linear { transposed: false }, &[self], params)
    }

    /// x·W with shared weights W `[in, out]`.
    pub fn linear_by(self, weights: Weights<'s>) -> Tensor<'s> {
        self.shared(Op::Linear { transposed: false }, weights)
    }

    /// x·Wᵀ with shared weights W `[out, in]`: a decoder that is also the embedding.
    pub fn linear_transposed_by(self, weights: Weights<'s>) -> Tensor<'s> {
        self.shared(Op::Linear { transposed: true }, weights)
    }

    /// Rows of W `[vocabulary, width]`, looked up by tokens.
    pub fn embed_by(self, weights: Weights<'s>) -> Tensor<'s> {
        self.shared(Op::Embedding, weights)
    }

    fn shared(self, op: Op, weights: Weights<'s>) -> Tensor<'s> {
        let params: Vec<u32> = self.space.own(weights).into_iter().collect();
        self.space.node(op, &[self], &params)
    }

    /// Batch norm with scale and shift, eps 1e-5.
    pub fn norm(self) -> Tensor<'s> {
        self.scaled(Op::BatchNorm { eps: 1e-5 })
    }

    /// Batch norm without scale and shift.
    pub fn norm_plain(self) -> Tensor<'s> {
        self.then(Op::BatchNorm { eps: 1e-5 })
    }

    /// Layer norm over the last axis, with scale and shift, eps 1e-5 (Ba et al. 2016, §3.1).
    pub fn layer_norm(self) -> Tensor<'s> {
        self.scaled(Op::LayerNorm { eps: 1e-5 })
    }

    /// Group norm, with scale and shift, eps 1e-5: each sample is normalised by itself, over all
    /// positions and each of `groups` groups of channels (Wu and He 2018, §3).
    pub fn group_norm(self, groups: u32) -> Tensor<'s> {
        self.scaled(Op::GroupNorm { groups, eps: 1e-5 })
    }

    fn scaled(self, op: Op) -> Tensor<'s> {
        let (channels, _) = self.last_dim();
        let scale = New::vector("scale", channels.clone(), Init::Ones);
        let shift = New::vector("shift", channels, Init::Zeros);
        self.layer(op, &[self], vec![scale, shift])
    }

    /// max(x, 0)
    pub fn relu(self) -> Tensor<'s> {
        self.activation(Function::Relu)
    }

    /// An elementwise function, by name: "relu", "relu6", "leaky_relu", "elu", "tanh", "sigmoid",
    /// "hard_sigmoid", "hard_swish", "swish" or "gelu". See [`Function`] for what they compute.
    pub fn act(self, name: &str) -> Tensor<'s> {
        match Function::ALL
            .into_iter()
            .find(|function| function.name() == name)
        {
            Some(function) => self.activation(function),
            None => {
                let names = || Function::ALL.into_iter().map(Function::name);
                self.space.wrong(|| {
                    let known = names().collect::<Vec<_>>().join(", ");
                    format!(
                        "there is no activation `{name}`{}; there are {known}",
                        hint(name, names())
                    )
                });
                self
            }
        }
    }

    /// An elementwise function.
    pub fn activation(self, function: Function) -> Tensor<'s> {
        self.then(Op::Activation { function })
    }

    /// The mean over a `kernel` x `kernel` window, stride 1, padding `same`.
    pub fn avg_pool(self, kernel: u32) -> Tensor<'s> {
        self.pool(Pooling::Average, kernel, 1, Pad::Same)
    }

    /// The maximum over a `kernel` x `kernel` window, stride 1, padding `same`.
    pub fn max_pool(self, kernel: u32) -> Tensor<'s> {
        self.pool(Pooling::Max, kernel, 1, Pad::Same)
    }

    /// Pooling with all its attributes.
    pub fn pool(self, kind: Pooling, kernel: u32, stride: u32, pad: Pad) -> Tensor<'s> {
        self.then(Op::Pool {
            kind,
            kernel,
            stride,
            pad,
        })
    }

    /// The mean over all positions, `[h, w, c]` to `[c]`.
    pub fn global_avg_pool(self) -> Tensor<'s> {
        self.then(Op::GlobalAvgPool)
    }

    /// The maximum over all positions, `[h, w, c]` to `[c]`.
    pub fn global_max_pool(self) -> Tensor<'s> {
        self.then(Op::GlobalMaxPool)
    }

    /// Zeroes elements with this probability during training.
    pub fn dropout(self, rate: f32) -> Tensor<'s> {
        self.dropout_per(rate, Per::Element)
    }

    /// The same, with draws that are shared.
    pub fn dropout_per(self, rate: f32, per: Per) -> Tensor<'s> {
        self.then(Op::Dropout { rate, per })
    }

    /// Zeroes whole samples during training; more likely the greater the depth of the layer (0 to
    /// 1).
    pub fn drop_path(self, depth: f32) -> Tensor<'s> {
        self.then(Op::DropPath { depth })
    }

    /// Zeros in this shape, with height and width divided by `stride`. It keeps nothing alive.
    pub fn zero(self, stride: u32) -> Tensor<'s> {
        self.then(Op::Zero { stride })
    }

    /// The elementwise product.
    pub fn multiply(self, other: Tensor<'s>) -> Tensor<'s> {
        self.space.node(Op::Multiply, &[self, other], &[])
    }

    /// x `[h, w, c]` times `scale` `[c]`, a gate for every channel of a sample.
    pub fn scale(self, scale: Tensor<'s>) -> Tensor<'s> {
        self.space.node(Op::Scale, &[self, scale], &[])
    }

    /// x + gate·(to − x): a highway connection.
    pub fn lerp(self, to: Tensor<'s>, gate: Tensor<'s>) -> Tensor<'s> {
        self.space.node(Op::Lerp, &[self, to, gate], &[])
    }

    /// `[start, start + len)` of the last axis.
    pub fn slice(self, start: u32, len: u32) -> Tensor<'s> {
        self.then(Op::Slice { start, len })
    }

    /// Bilinear resizing with half-pixel centres, `[h, w, c]` to `[height, width, c]`.
    pub fn resize(self, height: impl Into<Size<'s>>, width: impl Into<Size<'s>>) -> Tensor<'s> {
        let (height, width) = (self.space.dim(height.into()), self.space.dim(width.into()));
        self.then(Op::Resize { height, width })
    }

    /// The `size` x `size` centre of a kernel. It has no kernel on any device yet: such a space can be
    /// counted and drawn, and a search refuses it.
    pub fn crop(self, size: u32) -> Tensor<'s> {
        self.then(Op::Crop { size })
    }

    /// A kernel `[k, k, c]` times a matrix `[k², k²]` that all channels share and that is
    /// initialised to the identity. It has no kernel on any device yet: such a space can be counted and
    /// drawn, and a search refuses it.
    pub fn kernel_transform(self) -> Tensor<'s> {
        let shape = self.shape();
        let area = shape
            .iter()
            .take(2)
            .fold(1u32, |area, &size| area.saturating_mul(size));
        let matrix = New::weight(vec![Dim::Fixed(area), Dim::Fixed(area)], Init::Eye);
        self.layer(Op::KernelTransform, &[self], vec![matrix])
    }
}
