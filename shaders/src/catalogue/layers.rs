//! The sizes and operands of calls on whole axes: normalisation of each sample, gates, softmax,
//! products of two values, transposition, resizing.

use super::Role;
use super::roles::{read, write};

/// Normalisation of each sample by itself, over all positions of a group of neighbouring channels
/// (Wu and He 2018, §3): x and y `[batch, positions, groups, width]`. With one group and one
/// position it is layer norm (Ba et al. 2016, §3.1); with groups of one channel, instance norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupNorm {
    /// Samples.
    pub batch: u32,
    /// Positions of a sample.
    pub positions: u32,
    /// Groups of channels.
    pub groups: u32,
    /// Channels of a group.
    pub width: u32,
}

/// A factor per channel: x and y `[batch, positions, channels]`, s `[batch, channels]`.
///
/// With the batch of a minibatch it is the gate of squeeze-and-excitation (Hu et al. 2018, §3.2);
/// with a batch of 1, s is a parameter that all positions share; with one position it is the product
/// of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scale {
    /// Rows of s.
    pub batch: u32,
    /// Rows of x for each row of s.
    pub positions: u32,
    /// Channels.
    pub channels: u32,
}

/// The exchange of two axes: x `[batch, rows, columns, width]`, y `[batch, columns, rows, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transpose {
    /// Matrices.
    pub batch: u32,
    /// Rows of x.
    pub rows: u32,
    /// Columns of x.
    pub columns: u32,
    /// Elements of an entry, which stay together.
    pub width: u32,
}

/// Which factor of a [`MatMul`] is stored transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transposed {
    /// None: a·b.
    Neither,
    /// The left one: aᵀ·b.
    Left,
    /// The right one: a·bᵀ.
    Right,
}

/// Products of two values, matrix by matrix: y `[batch, rows, columns]` is the product of a `[batch,
/// rows, inner]`, or `[batch, inner, rows]` if it is stored transposed, and b `[batch, inner,
/// columns]` or `[batch, columns, inner]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MatMul {
    /// Products.
    pub batch: u32,
    /// Rows of y.
    pub rows: u32,
    /// Terms of every sum.
    pub inner: u32,
    /// Columns of y.
    pub columns: u32,
    /// The factor that is stored transposed.
    pub transposed: Transposed,
}

/// Bilinear resizing of images with half-pixel centres: x `[batch, h, w, channels]`, y `[batch, h′,
/// w′, channels]`. Coordinates outside are clamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resize {
    /// Images.
    pub batch: u32,
    /// Height and width of the input.
    pub input: [u32; 2],
    /// Height and width of the output.
    pub output: [u32; 2],
    /// Channels.
    pub channels: u32,
}

/// The two pixels that one output position of a [`Resize`] reads along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// The first pixel.
    pub low: u32,
    /// The second pixel; the first one again at the edge.
    pub high: u32,
    /// The weight of the second pixel is this number divided by `of`.
    pub part: u32,
    /// Twice the output's size.
    pub of: u32,
}

impl GroupNorm {
    /// Elements of x.
    pub fn len(&self) -> usize {
        self.sample() * self.batch as usize
    }

    /// Whether x has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements of a sample.
    pub fn sample(&self) -> usize {
        self.positions as usize * self.channels()
    }

    /// Channels of all groups.
    pub fn channels(&self) -> usize {
        self.groups as usize * self.width as usize
    }

    /// Groups of all samples: each has statistics of its own.
    pub fn sets(&self) -> usize {
        self.batch as usize * self.groups as usize
    }

    /// x, result, and 1/√(variance + eps) of every group.
    pub(super) fn roles(&self) -> Vec<Role> {
        let len = self.len();
        vec![read("x", len), write("y", len), write("rstd", self.sets())]
    }

    /// Result, 1/√(variance + eps), gradients.
    pub(super) fn grad_roles(&self) -> Vec<Role> {
        let len = self.len();
        vec![
            read("y", len),
            read("rstd", self.sets()),
            read("dy", len),
            write("dx", len),
        ]
    }
}

impl Scale {
    /// Elements of x.
    pub fn len(&self) -> usize {
        self.len_s() * self.positions as usize
    }

    /// Whether x has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements of s.
    pub fn len_s(&self) -> usize {
        self.batch as usize * self.channels as usize
    }

    pub(super) fn roles(&self) -> Vec<Role> {
        let len = self.len();
        vec![read("x", len), read("s", self.len_s()), write("y", len)]
    }

    pub(super) fn grad_roles(&self) -> Vec<Role> {
        let len = self.len();
        vec![read("x", len), read("dy", len), write("ds", self.len_s())]
    }
}

impl Transpose {
    /// Elements of x.
    pub fn len(&self) -> usize {
        [self.batch, self.rows, self.columns, self.width]
            .map(|n| n as usize)
            .iter()
            .product()
    }

    /// Whether x has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The exchange that undoes this one.
    #[must_use]
    pub fn back(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            ..self
        }
    }

    pub(super) fn roles(&self) -> Vec<Role> {
        vec![read("x", self.len()), write("y", self.len())]
    }
}

impl MatMul {
    /// Elements of a.
    pub fn len_a(&self) -> usize {
        self.batch as usize * self.rows as usize * self.inner as usize
    }

    /// Elements of b.
    pub fn len_b(&self) -> usize {
        self.batch as usize * self.inner as usize * self.columns as usize
    }

    /// Elements of y.
    pub fn len_y(&self) -> usize {
        self.batch as usize * self.rows as usize * self.columns as usize
    }

    /// ∂a as a product, and whether its factors are (∂y, b) or (b, ∂y).
    pub fn grad_a(self) -> (Self, bool) {
        let Self {
            rows,
            inner,
            columns,
            ..
        } = self;
        let (transposed, left) = match self.transposed {
            Transposed::Neither => (Transposed::Right, true),
            Transposed::Right => (Transposed::Neither, true),
            Transposed::Left => (Transposed::Right, false),
        };
        // ∂a is [rows, inner], or [inner, rows] if a is stored transposed.
        let sizes = match left {
            true => [rows, columns, inner],
            false => [inner, columns, rows],
        };
        (self.with(sizes, transposed), left)
    }

    /// ∂b as a product, and whether its factors are (a, ∂y) or (∂y, a).
    pub fn grad_b(self) -> (Self, bool) {
        let Self {
            rows,
            inner,
            columns,
            ..
        } = self;
        let (transposed, left) = match self.transposed {
            Transposed::Neither => (Transposed::Left, true),
            Transposed::Left => (Transposed::Neither, true),
            Transposed::Right => (Transposed::Left, false),
        };
        let sizes = match left {
            true => [inner, rows, columns],
            false => [columns, rows, inner],
        };
        (self.with(sizes, transposed), left)
    }

    fn with(self, [rows, inner, columns]: [u32; 3], transposed: Transposed) -> Self {
        Self {
            batch: self.batch,
            rows,
            inner,
            columns,
            transposed,
        }
    }

    pub(super) fn roles(&self) -> Vec<Role> {
        vec![
            read("a", self.len_a()),
            read("b", self.len_b()),
            write("y", self.len_y()),
        ]
    }
}

impl Resize {
    /// Elements of x.
    pub fn len_x(&self) -> usize {
        self.elements(self.input)
    }

    /// Elements of y.
    pub fn len_y(&self) -> usize {
        self.elements(self.output)
    }

    fn elements(&self, [height, width]: [u32; 2]) -> usize {
        [self.batch, height, width, self.channels]
            .map(|n| n as usize)
            .iter()
            .product()
    }

    /// What output position `at` reads along an axis. In whole numbers, so that every device reads
    /// the same pixels with the same weights.
    pub fn tap(&self, axis: usize, at: u32) -> Tap {
        let (input, output) = (self.input[axis], self.output[axis]);
        let of = 2 * output;
        // (at + ½)·input/output − ½, times `of`; zero if it is negative.
        let scaled = ((2 * at + 1) * input).saturating_sub(output);
        let low = (scaled / of).min(input - 1);
        Tap {
            low,
            high: (low + 1).min(input - 1),
            part: scaled % of,
            of,
        }
    }

    /// The output positions that may read input position `at` along an axis.
    pub fn readers(&self, axis: usize, at: u32) -> std::ops::Range<u32> {
        let (input, output) = (self.input[axis], self.output[axis]);
        let first = match at {
            0 | 1 => 0,
            _ => (output * (2 * at - 1) / (2 * input)).saturating_sub(1),
        };
        let end = match at + 1 < input {
            true => (output * (2 * at + 3) / (2 * input) + 2).min(output),
            false => output,
        };
        first..end
    }

    pub(super) fn roles(&self) -> Vec<Role> {
        vec![read("x", self.len_x()), write("y", self.len_y())]
    }

    pub(super) fn grad_roles(&self) -> Vec<Role> {
        vec![read("dy", self.len_y()), write("dx", self.len_x())]
    }
}

impl Tap {
    /// The weights of the two pixels.
    pub fn weights(&self) -> [f64; 2] {
        let high = f64::from(self.part) / f64::from(self.of);
        [1.0 - high, high]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_of_a_pixel_is_among_those_named() {
        for input in 1..12 {
            for output in 1..30 {
                let resize = Resize {
                    batch: 1,
                    input: [input, 1],
                    output: [output, 1],
                    channels: 1,
                };
                for at in 0..output {
                    let tap = resize.tap(0, at);
                    assert!(tap.low <= tap.high && tap.high < input && tap.part < tap.of);
                    for pixel in [tap.low, tap.high] {
                        let readers = resize.readers(0, pixel);
                        assert!(readers.contains(&at), "{input} to {output}: {at} {tap:?}");
                    }
                }
            }
        }
    }
}
