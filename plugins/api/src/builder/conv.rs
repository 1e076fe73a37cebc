use crate::Pad;

/// The attributes of a convolution: `Conv::new(3).stride(2)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    pub(crate) kernel: [u32; 2],
    pub(crate) stride: u32,
    pub(crate) dilation: u32,
    pub(crate) pad: Pad,
    pub(crate) bias: bool,
}

impl Conv {
    /// A square kernel with stride 1, no dilation, padding `same` and no bias.
    pub fn new(kernel: u32) -> Self {
        Conv::rectangle(kernel, kernel)
    }

    /// A kernel of the given height and width.
    pub fn rectangle(height: u32, width: u32) -> Self {
        Conv {
            kernel: [height, width],
            stride: 1,
            dilation: 1,
            pad: Pad::Same,
            bias: false,
        }
    }

    /// Sets the stride.
    #[must_use]
    pub fn stride(self, stride: u32) -> Self {
        Conv { stride, ..self }
    }

    /// Sets the dilation.
    #[must_use]
    pub fn dilation(self, dilation: u32) -> Self {
        Conv { dilation, ..self }
    }

    /// Sets the padding.
    #[must_use]
    pub fn pad(self, pad: Pad) -> Self {
        Conv { pad, ..self }
    }

    /// Adds a bias, which a batch norm directly afterwards would cancel.
    #[must_use]
    pub fn bias(self) -> Self {
        Conv { bias: true, ..self }
    }
}
