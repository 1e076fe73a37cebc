//! Windows on padded images: none of their taps lies outside, so all pixels of a row are summed over
//! the same taps, in one run.

use super::frame::Frame;
use crate::catalogue::{PerChannel, Window};

/// A window with the padding that its images need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Padded {
    pub(super) frame: Frame,
    /// The window on padded images.
    pub(super) c: PerChannel,
}

impl Padded {
    /// Pads where this saves time: for stride 1, unless so much of the window lies outside that the
    /// products with zeros cost more. Elsewhere images stay as they are.
    pub(super) fn of(c: &PerChannel) -> Self {
        let w = &c.window;
        let reach = [0, 1].map(|axis| (w.kernel[axis] - 1) * w.dilation);
        let frame = Frame {
            origin: [-w.top as isize, -w.left as isize],
            size: [0, 1].map(|axis| (w.output[axis] + reach[axis]) as usize),
            image: w.input.map(|n| n as usize),
            channels: c.channels as usize,
        };
        let worth = w.stride == 1 && (0..2).all(|axis| reach[axis] < w.output[axis]);
        if !worth || frame.inside() {
            let frame = Frame {
                origin: [0, 0],
                size: [0, 0],
                ..frame
            };
            return Self { frame, c: *c };
        }
        let window = Window {
            input: frame.size.map(|n| n as u32),
            top: 0,
            left: 0,
            ..*w
        };
        Self {
            frame,
            c: PerChannel { window, ..*c },
        }
    }
}
