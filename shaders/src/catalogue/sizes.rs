//! The sizes that calls carry.

/// The geometry of a sliding window, shared by convolutions and pools.
///
/// Output row `oy` reads input rows `oy·stride + ky·dilation − top` for `ky` in `0..kernel[0]`;
/// rows outside the image are padding. `top` and `left` may be negative, which crops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Images in the batch.
    pub batch: u32,
    /// Height and width of the input.
    pub input: [u32; 2],
    /// Height and width of the output.
    pub output: [u32; 2],
    /// Height and width of the kernel.
    pub kernel: [u32; 2],
    /// The distance between neighbouring windows, in both directions.
    pub stride: u32,
    /// The distance between neighbouring taps of a window, in both directions.
    pub dilation: u32,
    /// Rows of padding above the input.
    pub top: i32,
    /// Columns of padding left of the input.
    pub left: i32,
}

impl Window {
    /// Pixels of the whole input batch.
    pub fn pixels_in(&self) -> usize {
        self.batch as usize * self.input[0] as usize * self.input[1] as usize
    }

    /// Pixels of the whole output batch.
    pub fn pixels_out(&self) -> usize {
        self.batch as usize * self.output[0] as usize * self.output[1] as usize
    }

    /// Taps of the kernel.
    pub fn taps(&self) -> usize {
        self.kernel[0] as usize * self.kernel[1] as usize
    }

    /// Whether every output pixel reads only the input pixel at the same position.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1]
            && self.stride == 1
            && self.top == 0
            && self.left == 0
            && self.input == self.output
    }
}

/// A dense convolution: x `[batch, h, w, inputs]`, W `[kh, kw, inputs, outputs]`, y `[batch, h′,
/// w′, outputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv2d {
    /// The geometry.
    pub window: Window,
    /// Channels of the input.
    pub inputs: u32,
    /// Channels of the output.
    pub outputs: u32,
}

/// Two pointwise convolutions of one image that read different pixels, with their outputs
/// concatenated: x `[batch, h, w, inputs]`, Wa and Wb `[inputs, outputs]`, y `[batch, h′, w′,
/// 2·outputs]`. No pixel of x is read by both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FactorizedReduction {
    /// The first convolution. Its kernel is 1x1 and its stride at least 2.
    pub first: Conv2d,
    /// `top` of the second window.
    pub top: i32,
    /// `left` of the second window.
    pub left: i32,
}

/// A window over each channel separately: depthwise convolution (W `[kh, kw, channels]`) or a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PerChannel {
    /// The geometry.
    pub window: Window,
    /// Channels of input and output.
    pub channels: u32,
}

/// A matrix product: x `[rows, inputs]`, W `[inputs, outputs]` or, transposed, `[outputs, inputs]`,
/// y `[rows, outputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Linear {
    /// Rows of x and y.
    pub rows: u32,
    /// Columns of x.
    pub inputs: u32,
    /// Columns of y.
    pub outputs: u32,
    /// Whether W is stored as `[outputs, inputs]`.
    pub transposed: bool,
}

/// A matrix whose last axis is the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rows {
    /// The product of all axes except the last.
    pub rows: u32,
    /// The last axis.
    pub channels: u32,
}

impl Rows {
    /// Elements of the matrix.
    pub fn len(&self) -> usize {
        self.rows as usize * self.channels as usize
    }

    /// Whether the matrix has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Declares an enum with the list of its variants, so that a new one is in every test.
macro_rules! listed {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$of:meta])* $variant:ident,)* }) => {
        $(#[$about])*
        pub enum $name {
            $($(#[$of])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: [Self; [$(stringify!($variant)),*].len()] = [$(Self::$variant),*];
        }
    };
}

listed! {
    /// A function per element.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Function {
        /// x.
        Identity,
        /// max(x, 0).
        Relu,
        /// tanh x.
        Tanh,
        /// 1/(1 + e⁻ˣ).
        Sigmoid,
        /// min(max(x, 0), 6) (Sandler et al. 2018, §3.3).
        Relu6,
        /// x where it is positive, else x/100 (Maas et al. 2013).
        LeakyRelu,
        /// x where it is positive, else eˣ − 1 (Clevert et al. 2016, with α = 1).
        Elu,
        /// min(max(x + 3, 0), 6)/6 (Howard et al. 2019, §5.2).
        HardSigmoid,
        /// x times its hard sigmoid (Howard et al. 2019, §5.2).
        HardSwish,
        /// x·σ(x) (Ramachandran et al. 2017).
        Swish,
        /// x·σ(√(8/π)·(x + 0.044715·x³)): GELU in its approximation by tanh (Hendrycks and Gimpel
        /// 2016, §2), where ½(1 + tanh u) is written σ(2u).
        Gelu,
    }
}

impl Function {
    /// Whether f′ follows from the value of f. Otherwise a gradient is computed from x: there are
    /// two points with the same value but different slopes.
    pub fn slope_from_result(self) -> bool {
        match self {
            Self::Identity
            | Self::Relu
            | Self::Tanh
            | Self::Sigmoid
            | Self::Relu6
            | Self::LeakyRelu
            | Self::Elu => true,
            // The hard sigmoid would do, but rounding may move its value onto a kink.
            Self::HardSigmoid | Self::HardSwish | Self::Swish | Self::Gelu => false,
        }
    }
}

/// A highway connection: h and y `[rows, width]`, gate and candidate `[rows, 2·width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Highway {
    /// Rows of h, y, and the gate and candidate.
    pub rows: u32,
    /// Columns of h and y.
    pub width: u32,
    /// The activation of the candidate.
    pub function: Function,
}

/// Rows of a matrix W `[words, width]`, looked up by tokens `[rows]`: y `[rows, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Embedding {
    /// The number of tokens. All are below `words`.
    pub rows: u32,
    /// Rows of W.
    pub words: u32,
    /// Columns of W.
    pub width: u32,
}

impl Highway {
    /// Elements of h.
    pub fn len(&self) -> usize {
        self.rows as usize * self.width as usize
    }

    /// Whether h has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Embedding {
    /// Elements of W.
    pub fn len_w(&self) -> usize {
        self.words as usize * self.width as usize
    }

    /// Elements of y.
    pub fn len_y(&self) -> usize {
        self.rows as usize * self.width as usize
    }
}

/// Batch normalisation of a matrix over its rows, followed by a ReLU if `relu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BatchNorm {
    /// The matrix: its rows are batch and positions.
    pub rows: Rows,
    /// Whether y passes through a ReLU.
    pub relu: bool,
    /// Whether γ and β are given (as operands after `stats`); otherwise γ is 1 and β is 0.
    pub affine: bool,
}

/// An update of `len` weights (one page). Only blocks whose touched bit is set change, unless
/// `everywhere`: then the others change too, with zero gradient. L2 is added to the gradient of
/// blocks whose decayed bit is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// Weights in the page.
    pub len: u32,
    /// λ: the gradient of λ/2·‖w‖².
    pub l2: f32,
    /// Whether blocks that were not touched are updated too.
    pub everywhere: bool,
}

impl Conv2d {
    /// Elements of x.
    pub fn len_x(&self) -> usize {
        self.window.pixels_in() * self.inputs as usize
    }
    /// Elements of W.
    pub fn len_w(&self) -> usize {
        self.window.taps() * self.inputs as usize * self.outputs as usize
    }
    /// Elements of y.
    pub fn len_y(&self) -> usize {
        self.window.pixels_out() * self.outputs as usize
    }
}

impl FactorizedReduction {
    /// Fuses two convolutions, if they have the same shape and read different pixels.
    pub fn of(first: Conv2d, second: Conv2d) -> Option<Self> {
        let Window {
            top, left, stride, ..
        } = second.window;
        let moved = Conv2d {
            window: Window {
                top,
                left,
                ..first.window
            },
            ..first
        };
        let apart = |a: i32, b: i32| (a - b).rem_euclid(stride as i32) != 0;
        let disjoint = apart(first.window.top, top) || apart(first.window.left, left);
        (moved == second && first.window.kernel == [1, 1] && disjoint).then_some(Self {
            first,
            top,
            left,
        })
    }

    /// The two convolutions.
    pub fn halves(&self) -> [Conv2d; 2] {
        let window = Window {
            top: self.top,
            left: self.left,
            ..self.first.window
        };
        [
            self.first,
            Conv2d {
                window,
                ..self.first
            },
        ]
    }

    /// Elements of y.
    pub fn len_y(&self) -> usize {
        2 * self.first.len_y()
    }
}

impl PerChannel {
    /// Elements of x.
    pub fn len_x(&self) -> usize {
        self.window.pixels_in() * self.channels as usize
    }
    /// Elements of a depthwise kernel.
    pub fn len_w(&self) -> usize {
        self.window.taps() * self.channels as usize
    }
    /// Elements of y.
    pub fn len_y(&self) -> usize {
        self.window.pixels_out() * self.channels as usize
    }
}

impl Linear {
    /// Elements of x.
    pub fn len_x(&self) -> usize {
        self.rows as usize * self.inputs as usize
    }
    /// Elements of W.
    pub fn len_w(&self) -> usize {
        self.inputs as usize * self.outputs as usize
    }
    /// Elements of y.
    pub fn len_y(&self) -> usize {
        self.rows as usize * self.outputs as usize
    }
}
