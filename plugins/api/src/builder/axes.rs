use super::conv::Conv;
use super::tensor::{New, Tensor};
use crate::{Dim, Init, Op};

/// Layers over whole axes: changes of shape, products of two values, attention.
impl<'s> Tensor<'s> {
    /// Two axes exchanged, counted from 0: `[tokens, channels]` becomes `[channels, tokens]` by
    /// `transpose(0, 1)`, so that a linear layer mixes tokens (Tolstikhin et al. 2021, §2).
    pub fn transpose(self, first: u32, second: u32) -> Tensor<'s> {
        self.then(Op::Transpose {
            axes: [first, second],
        })
    }

    /// The same numbers in another shape: the pixels of an image become tokens by `x.reshape(&[h *
    /// w, c])`.
    pub fn reshape(self, shape: &[u32]) -> Tensor<'s> {
        let shape = shape.iter().map(|&size| Dim::Fixed(size)).collect();
        self.then(Op::Reshape { shape })
    }

    /// The product of two values, `[..., n, k]` times `[..., k, m]` to `[..., n, m]`.
    pub fn matmul(self, other: Tensor<'s>) -> Tensor<'s> {
        self.product(other, false, 1.0)
    }

    /// The product with a transposed value, `[..., n, k]` times `[..., m, k]` to `[..., n, m]`, times
    /// `scale`.
    pub fn matmul_transposed(self, other: Tensor<'s>, scale: f32) -> Tensor<'s> {
        self.product(other, true, scale)
    }

    fn product(self, other: Tensor<'s>, transposed: bool, scale: f32) -> Tensor<'s> {
        let op = Op::MatMul { transposed, scale };
        self.space.node(op, &[self, other], &[])
    }

    /// Softmax over the last axis.
    pub fn softmax(self) -> Tensor<'s> {
        self.then(Op::Softmax)
    }

    /// Scaled dot-product attention (Vaswani et al. 2017, §3.2.1): these queries `[..., n, k]`, keys
    /// `[..., m, k]` and values `[..., m, d]` to `[..., n, d]`.
    pub fn attend(self, keys: Tensor<'s>, values: Tensor<'s>) -> Tensor<'s> {
        let scale = 1.0 / (self.channels() as f32).sqrt();
        self.matmul_transposed(keys, scale).softmax().matmul(values)
    }

    /// Self-attention with several heads (Vaswani et al. 2017, §3.2.2), `[tokens, channels]` to the
    /// same shape. The heads share the channels among them.
    pub fn self_attention(self, heads: u32) -> Tensor<'s> {
        let [tokens, channels] = self.shape()[..] else {
            self.space.wrong(|| {
                format!("self-attention reads [tokens, channels], and this is {self:?}; an image becomes tokens by `reshape`")
            });
            return self;
        };
        if heads == 0 || !channels.is_multiple_of(heads) {
            self.space.wrong(|| {
                format!("self-attention: {channels} channels are not {heads} heads of one size")
            });
            return self;
        }
        let split = [tokens, heads, channels / heads];
        let part = |x: Tensor<'s>| x.linear(channels, true).reshape(&split).transpose(0, 1);
        let [queries, keys, values] = [(); 3].map(|()| part(self));
        let joined = queries.attend(keys, values).transpose(0, 1);
        joined.reshape(&[tokens, channels]).linear(channels, true)
    }

    /// A learned vector added at every position, in the shape of the value: where a token is
    /// (Dosovitskiy et al. 2021, §3.1). Initialised to a normal distribution with deviation 0.02.
    pub fn embed_positions(self) -> Tensor<'s> {
        let shape = self.shape().into_iter().map(Dim::Fixed).collect();
        let weight = New::weight(shape, Init::Normal { std: 0.02 });
        self.layer(Op::Bias, &[self], vec![weight])
    }

    /// A learned vector added to the last axis, initialised to zero.
    pub fn bias(self) -> Tensor<'s> {
        let (channels, _) = self.last_dim();
        let bias = New::vector("bias", channels, Init::Zeros);
        self.layer(Op::Bias, &[self], vec![bias])
    }

    /// Convolution in groups (Xie et al. 2017, §3), `[h, w, c]` to `[h, w, filters]`: each group of
    /// neighbouring channels has filters of its own. It is built of a slice and a convolution per
    /// group, so many groups are many calls; for as many groups as channels, see
    /// [`Tensor::depthwise`].
    pub fn grouped_conv2d(self, conv: Conv, groups: u32, filters: u32) -> Tensor<'s> {
        let channels = self.channels();
        let divides = |n: u32| groups > 0 && n.is_multiple_of(groups);
        if !divides(channels) || !divides(filters) {
            self.space.wrong(|| {
                format!(
                    "a convolution in {groups} groups: they must divide the {channels} channels and the {filters} filters"
                )
            });
            return self;
        }
        let width = channels / groups;
        let parts: Vec<_> = (0..groups)
            .map(|group| {
                self.slice(group * width, width)
                    .conv2d(conv, filters / groups)
            })
            .collect();
        self.space.concat(&parts)
    }

    /// Squeeze-and-excitation (Hu et al. 2018, §3), `[h, w, c]` to the same shape: the channels'
    /// means pass through a hidden layer of `hidden` neurons to a gate for every channel.
    pub fn squeeze_excite(self, hidden: u32) -> Tensor<'s> {
        let (squeezed, channels) = (self.global_avg_pool(), self.channels());
        let excited = squeezed.linear(hidden, true).relu().linear(channels, true);
        self.scale(excited.act("sigmoid"))
    }
}
