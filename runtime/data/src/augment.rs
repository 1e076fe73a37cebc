//! Random changes to images in training, never in scoring.

use serde::{Deserialize, Serialize};
use supernet_shaders::random::{Random, RngStream};

/// How training images are augmented; everything is off by default.
///
/// Shift and flip follow the residual networks (He et al. 2016, §4.2), cutout follows DeVries and
/// Taylor 2017. All are applied after standardising, so the fill value, zero, is the mean of the
/// training split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AugmentSettings {
    /// Pixels of zero padding around an image before a random crop of the original size; 0 disables
    /// it.
    pub pad: u32,
    /// Whether each image is flipped left to right with probability one half.
    pub flip: bool,
    /// Side of a square that is zeroed around a random pixel, clipped at the borders; 0 disables
    /// it.
    pub cutout: u32,
}

/// Random numbers drawn per image: always from the same positions, whatever is enabled.
const DRAWN: usize = 5;

impl AugmentSettings {
    /// Whether nothing is changed.
    pub fn off(&self) -> bool {
        *self == Self::default()
    }

    /// Augments a minibatch of standardised images, NHWC of this shape. What happens to an image
    /// depends only on the seed, the number of the step and its position in the minibatch.
    pub fn apply(
        &self,
        seed: u64,
        step: u32,
        shape: [u32; 3],
        images: &mut [f32],
        spare: &mut Vec<f32>,
    ) {
        let [height, width, channels] = shape.map(|n| n as usize);
        if self.off() {
            return;
        }
        let mut random = Random::new(seed, RngStream::Augmentation { step });
        for image in images.chunks_exact_mut(height * width * channels) {
            // Multiply and shift consumes a fixed count of random numbers; the bias of any shift is
            // at most 2^-16.
            let drawn: [u64; DRAWN] = std::array::from_fn(|_| random.bits().into());
            let below =
                |number: usize, bound: usize| ((drawn[number] * bound as u64) >> 32) as usize;
            let reach = 2 * self.pad as usize + 1;
            let (down, right) = (below(0, reach), below(1, reach));
            let flip = self.flip && below(2, 2) == 1;
            if self.pad > 0 || flip {
                spare.clear();
                spare.extend_from_slice(image);
                let (rows, pixels) = (shift(down, self.pad, height), shift(right, self.pad, width));
                for (y, row) in image.chunks_exact_mut(width * channels).enumerate() {
                    let from = rows(y).map(|y| &spare[y * width * channels..][..width * channels]);
                    fill(row, from, channels, &pixels, flip);
                }
            }
            if self.cutout > 0 {
                let (rows, columns) = (
                    self.hole(below(3, height), height),
                    self.hole(below(4, width), width),
                );
                for y in rows {
                    image[(y * width + columns.start) * channels
                        ..(y * width + columns.end) * channels]
                        .fill(0.0);
                }
            }
        }
    }

    /// The range of a side of `len` pixels that the square around `centre` covers.
    fn hole(&self, centre: usize, len: usize) -> std::ops::Range<usize> {
        let (side, half) = (self.cutout as usize, self.cutout as usize / 2);
        centre.saturating_sub(half)..(centre + side - half).min(len)
    }
}

/// The source pixel of a position when a padded side is cropped at `cut`: `None` in the padding.
fn shift(cut: usize, pad: u32, len: usize) -> impl Fn(usize) -> Option<usize> {
    move |at| {
        (at + cut)
            .checked_sub(pad as usize)
            .filter(|from| *from < len)
    }
}

/// Fills a row from another, shifted and then possibly flipped.
fn fill(
    row: &mut [f32],
    from: Option<&[f32]>,
    channels: usize,
    pixels: &impl Fn(usize) -> Option<usize>,
    flip: bool,
) {
    let Some(from) = from else {
        return row.fill(0.0);
    };
    let width = row.len() / channels;
    for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
        match pixels(if flip { width - 1 - x } else { x }) {
            Some(x) => pixel.copy_from_slice(&from[x * channels..(x + 1) * channels]),
            None => pixel.fill(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [u32; 3] = [4, 5, 2];

    /// 200 images whose pixels are numbered from 1.
    fn images() -> Vec<f32> {
        (0..200 * 40).map(|i| (1 + i % 40) as f32).collect()
    }

    fn changed(settings: AugmentSettings, seed: u64, step: u32) -> Vec<f32> {
        let (mut images, mut spare) = (images(), Vec::new());
        settings.apply(seed, step, SHAPE, &mut images, &mut spare);
        images
    }

    #[test]
    fn off_changes_nothing_and_any_step_can_be_replayed() {
        let off = AugmentSettings::default();
        assert_eq!(changed(off, 0, 1), images());
        let all = AugmentSettings {
            pad: 1,
            flip: true,
            cutout: 2,
        };
        assert_eq!(changed(all, 3, 7), changed(all, 3, 7));
        assert_ne!(changed(all, 3, 7), changed(all, 3, 8));
        assert_ne!(changed(all, 3, 7), changed(all, 4, 7));
        // Enabling one augmentation does not change the random numbers of another.
        let (flip, both) = (
            AugmentSettings { flip: true, ..off },
            AugmentSettings {
                flip: true,
                cutout: 1,
                ..off
            },
        );
        let (flipped, holed) = (changed(flip, 3, 7), changed(both, 3, 7));
        assert!(flipped.iter().zip(&holed).all(|(a, b)| a == b || *b == 0.0));
    }

    #[test]
    fn half_are_flipped_and_pixels_stay_whole() {
        let flip = AugmentSettings {
            flip: true,
            ..Default::default()
        };
        let (before, after) = (images(), changed(flip, 1, 1));
        let mut flipped = 0;
        for (before, after) in before.chunks(40).zip(after.chunks(40)) {
            let turned: Vec<f32> = before
                .chunks(10)
                .flat_map(|row| row.chunks(2).rev().flatten().copied().collect::<Vec<_>>())
                .collect();
            assert!(after == before || after == turned);
            flipped += usize::from(after == turned);
        }
        assert!((75..125).contains(&flipped), "{flipped}");
    }

    #[test]
    fn shifts_reach_as_far_as_the_padding_each_about_as_often() {
        let pad = AugmentSettings {
            pad: 1,
            ..Default::default()
        };
        let mut seen = [0; 9];
        for after in changed(pad, 1, 1).chunks(40) {
            // The new position of the pixel that was at (1, 1); every shift keeps it inside.
            let at = after.iter().position(|x| *x == 13.0).unwrap() / 2;
            seen[at / 5 * 3 + at % 5] += 1;
            let zeros = after.iter().filter(|x| **x == 0.0).count();
            assert_eq!(
                zeros,
                40 - 2 * (4 - (at / 5).abs_diff(1)) * (5 - (at % 5).abs_diff(1))
            );
        }
        assert!(seen.iter().all(|n| (8..40).contains(n)), "{seen:?}");
    }

    #[test]
    fn a_hole_has_its_side_or_is_cut_off_at_the_borders() {
        let cutout = AugmentSettings {
            cutout: 3,
            ..Default::default()
        };
        let mut areas = std::collections::BTreeSet::new();
        for after in changed(cutout, 1, 1).chunks(40) {
            areas.insert(after.iter().filter(|x| **x == 0.0).count() / 2);
        }
        assert_eq!(areas.into_iter().collect::<Vec<_>>(), [4, 6, 9]);
        let all = AugmentSettings {
            cutout: 99,
            ..Default::default()
        };
        assert!(changed(all, 1, 1).iter().all(|x| *x == 0.0));
        assert_eq!(
            (all.hole(0, 5), cutout.hole(0, 5), cutout.hole(4, 5)),
            (0..5, 0..2, 3..5)
        );
    }
}
