//! A subset of a data set, which is read as minibatches.

use std::sync::Arc;

use super::Dataset;
use super::pixels::Pixels;

/// A subset of the samples, in a fixed order. It refers to the data set; only minibatches are
/// copied and standardised.
#[derive(Clone, Debug, PartialEq)]
pub struct Subset {
    pixels: Arc<Pixels>,
    /// Pixels times channels of one image.
    image: usize,
    /// Indices of the images in the data set.
    indices: Vec<u32>,
    /// One class per sample; for a text, its tokens.
    pub labels: Vec<u32>,
    scale: Arc<Scale>,
}

/// How pixels are standardised.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    mean: Vec<f32>,
    /// The divisor of each channel.
    std: Vec<f32>,
    /// The standardised value of each byte: 256 numbers per channel; empty if pixels are not bytes.
    bytes: Vec<f32>,
}

impl Scale {
    pub(super) fn new(data: &Dataset, mean: &[f32], std: &[f32]) -> Self {
        // A constant channel carries no information: centred, it is zero.
        let std: Vec<f32> = std
            .iter()
            .map(|d| if *d > 0.0 { *d } else { 1.0 })
            .collect();
        let bytes = match *data.pixels {
            Pixels::Floats(_) => Vec::new(),
            Pixels::Bytes(_) => mean
                .iter()
                .zip(&std)
                .flat_map(|(mean, std)| {
                    (0..=u8::MAX).map(move |byte| (f32::from(byte) - mean) / std)
                })
                .collect(),
        };
        Self {
            mean: mean.to_vec(),
            std,
            bytes,
        }
    }

    fn floats(&self, image: &[f32], out: &mut [f32]) {
        let channels = self.mean.len();
        for (from, to) in image
            .chunks_exact(channels)
            .zip(out.chunks_exact_mut(channels))
        {
            for (((to, from), mean), std) in to.iter_mut().zip(from).zip(&self.mean).zip(&self.std)
            {
                *to = (from - mean) / std;
            }
        }
    }

    fn bytes(&self, image: &[u8], out: &mut [f32]) {
        let channels = self.mean.len();
        for (from, to) in image
            .chunks_exact(channels)
            .zip(out.chunks_exact_mut(channels))
        {
            for ((to, from), table) in to.iter_mut().zip(from).zip(self.bytes.chunks_exact(256)) {
                *to = table[usize::from(*from)];
            }
        }
    }
}

impl Subset {
    /// The first `count` tokens of a text. They are its labels: each token is the label of the one
    /// before it.
    pub(super) fn text(tokens: &[u32], count: usize) -> Self {
        let scale = Scale {
            mean: Vec::new(),
            std: Vec::new(),
            bytes: Vec::new(),
        };
        let (pixels, labels) = (
            Arc::new(Pixels::Bytes(Vec::new())),
            tokens[..count.min(tokens.len())].to_vec(),
        );
        Self {
            pixels,
            image: 0,
            indices: Vec::new(),
            labels,
            scale: Arc::new(scale),
        }
    }

    pub(super) fn new(data: &Dataset, indices: Vec<u32>, scale: &Arc<Scale>) -> Self {
        let labels = indices
            .iter()
            .map(|index| data.labels[*index as usize])
            .collect();
        Self {
            pixels: Arc::clone(&data.pixels),
            image: data.image_len(),
            indices,
            labels,
            scale: Arc::clone(scale),
        }
    }

    /// This subset followed by another one of the same data set.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.indices.extend_from_slice(&other.indices);
        both.labels.extend_from_slice(&other.labels);
        both
    }

    /// Number of samples, or of tokens.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// One label per sample; for a text, its tokens.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Copies the samples `indices` into a minibatch of exactly that size: NHWC pixels,
    /// standardised.
    pub fn gather(
        &self,
        indices: impl Iterator<Item = usize>,
        images: &mut Vec<f32>,
        labels: &mut Vec<u32>,
    ) {
        labels.clear();
        let mut filled = 0;
        for index in indices {
            let from = self.indices[index] as usize * self.image;
            // Grows once; later minibatches overwrite the buffer.
            if images.len() < filled + self.image {
                images.resize(filled + self.image, 0.0);
            }
            let out = &mut images[filled..filled + self.image];
            match &*self.pixels {
                Pixels::Bytes(bytes) => self.scale.bytes(&bytes[from..from + self.image], out),
                Pixels::Floats(floats) => self.scale.floats(&floats[from..from + self.image], out),
            }
            filled += self.image;
            labels.push(self.labels[index]);
        }
        images.truncate(filled);
    }
}

/// Mean and standard deviation of each channel over the images `indices`: in f64, in two passes.
pub(super) fn moments(data: &Dataset, indices: &[u32]) -> (Vec<f32>, Vec<f32>) {
    let channels = data.shape[2] as usize;
    let pixels = (indices.len() * data.image_len() / channels) as f64;
    let means = |of: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
        sums(data, indices, of)
            .into_iter()
            .map(|sum| sum / pixels)
            .collect()
    };
    let mean = means(&|_, x| x);
    let variance = means(&|channel, x| (x - mean[channel]).powi(2));
    (
        mean.iter().map(|m| *m as f32).collect(),
        variance.iter().map(|v| v.sqrt() as f32).collect(),
    )
}

/// Sums over the pixels of each channel, in the order of the images.
fn sums(data: &Dataset, indices: &[u32], of: &dyn Fn(usize, f64) -> f64) -> Vec<f64> {
    let (image, channels) = (data.image_len(), data.shape[2] as usize);
    let mut sums = vec![0.0; channels];
    for from in indices.iter().map(|index| *index as usize * image) {
        match &*data.pixels {
            Pixels::Bytes(bytes) => {
                add(&mut sums, &bytes[from..from + image], |x| f64::from(*x), of)
            }
            Pixels::Floats(floats) => add(
                &mut sums,
                &floats[from..from + image],
                |x| f64::from(*x),
                of,
            ),
        }
    }
    sums
}

fn add<T>(
    sums: &mut [f64],
    image: &[T],
    number: impl Fn(&T) -> f64,
    of: &dyn Fn(usize, f64) -> f64,
) {
    for pixel in image.chunks_exact(sums.len()) {
        for (channel, (sum, x)) in sums.iter_mut().zip(pixel).enumerate() {
            *sum += of(channel, number(x));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three images of two pixels and two channels, the second of which is constant.
    fn data(bytes: bool) -> Dataset {
        let images: Vec<u8> = vec![0, 7, 10, 7, 20, 7, 250, 7, 90, 7, 1, 7];
        let floats = images.iter().map(|x| f32::from(*x)).collect();
        match bytes {
            true => Dataset::from_bytes("toy", [1, 2, 2], 2, images, vec![0, 1, 0]),
            false => Dataset::new("toy", [1, 2, 2], 2, floats, vec![0, 1, 0]),
        }
        .unwrap()
    }

    #[test]
    fn bytes_and_floats_are_standardised_to_the_same_bits() {
        let gathered = [true, false].map(|bytes| {
            let data = data(bytes);
            let (mean, std) = moments(&data, &[2, 0]);
            assert_eq!((&mean[..], std[1]), (&[25.25, 7.0][..], 0.0));
            let part = Subset::new(
                &data,
                vec![2, 0, 1],
                &Arc::new(Scale::new(&data, &mean, &std)),
            );
            // Buffers that are too long or too short both end up correct.
            let (mut images, mut labels) = (vec![5.0; 99], vec![5; 99]);
            part.gather([2, 0].into_iter(), &mut images, &mut labels);
            assert_eq!((images.len(), &labels[..]), (8, &[1, 0][..]));
            assert_eq!([images[0], images[1]], [(20.0 - mean[0]) / std[0], 0.0]);
            let all = part.and(&part);
            all.gather(0..6, &mut images, &mut labels);
            assert_eq!((all.len(), &labels[..]), (6, &[0, 0, 1, 0, 0, 1][..]));
            images.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        });
        assert_eq!(gathered[0], gathered[1]);
    }
}
