//! The part of an image that windows read.

/// The rectangle of an image that is read, possibly beyond its edges, where it is padded with
/// zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) origin: [isize; 2],
    pub(super) size: [usize; 2],
    pub(super) image: [usize; 2],
    pub(super) channels: usize,
}

impl Frame {
    /// Whether the rectangle lies inside the image, which then need not be copied.
    pub(super) fn inside(&self) -> bool {
        (0..2).all(|axis| {
            self.origin[axis] >= 0
                && self.origin[axis] as usize + self.size[axis] <= self.image[axis]
        })
    }

    /// Floats from one line to the next, and floats before the first pixel.
    pub(super) fn layout(&self) -> (usize, usize) {
        if self.inside() {
            let line = self.image[1] * self.channels;
            (
                line,
                self.origin[0] as usize * line + self.origin[1] as usize * self.channels,
            )
        } else {
            (self.size[1] * self.channels, 0)
        }
    }

    /// Floats of the copy that [`Frame::framed`] makes.
    pub(super) fn len(&self) -> usize {
        if self.inside() {
            0
        } else {
            self.size[0] * self.size[1] * self.channels
        }
    }

    /// `image` itself, or a copy of the rectangle padded with zeros.
    pub(super) fn framed<'a>(&self, image: &'a [f32], copy: &'a mut [f32]) -> &'a [f32] {
        if self.inside() {
            return image;
        }
        let copy = &mut copy[..self.len()];
        copy.fill(0.0);
        let [height, width] = self.image.map(|n| n as isize);
        let [top, left] = self.origin;
        let first = left.max(0);
        let last = (left + self.size[1] as isize).min(width);
        if first >= last {
            return copy;
        }
        let run = (last - first) as usize * self.channels;
        for (y, line) in copy
            .chunks_exact_mut(self.size[1] * self.channels)
            .enumerate()
        {
            let from = top + y as isize;
            if (0..height).contains(&from) {
                let source = (from * width + first) as usize * self.channels;
                let target = (first - left) as usize * self.channels;
                line[target..target + run].copy_from_slice(&image[source..source + run]);
            }
        }
        copy
    }
}
