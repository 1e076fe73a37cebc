//! Fuzzing of the readers: any bytes give a result or an error, with bounded memory.
//! `SUPERNET_FUZZ_CASES` sets the number of cases per reader.

use image::{DynamicImage, ImageFormat};
use supernet_shaders::random::{Random, RngStream};

use super::tests::{cifar as records, encoded, gzip, idx as file, npy as array};
use super::{cifar, idx, images, npy};
use crate::error::Flaw;

fn cases() -> u64 {
    std::env::var("SUPERNET_FUZZ_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(20_000)
}

/// Half of the cases are random bytes, half are valid files with mutations. Some of the latter must
/// still be readable, or the fuzzing would test nothing.
pub(crate) fn fuzz(stream: u64, sound: &[Vec<u8>], read: impl Fn(&[u8]) -> Result<(), Flaw>) {
    let mut random = Random::new(7, RngStream::Test(stream));
    let mut sound_ones = 0;
    for case in 0..cases() {
        let bytes = match case % 2 {
            0 => {
                // Random bytes get further behind a valid beginning.
                let whole = &sound[random.below(sound.len() as u32) as usize];
                let kept = random.below(17).min(whole.len() as u32) as usize;
                let more = random.below(120);
                let noise: Vec<u8> = (0..more).map(|_| random.bits() as u8).collect();
                [&whole[..kept], &noise].concat()
            }
            _ => mutated(
                &sound[random.below(sound.len() as u32) as usize],
                &mut random,
            ),
        };
        match read(&bytes) {
            Ok(()) => sound_ones += 1,
            Err(flaw) => assert!(flaw.of("file").to_string().lines().count() == 1),
        }
    }
    assert!(sound_ones > 0);
}

fn mutated(sound: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len().max(1) as u32) as usize;
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), random.bits() as u8),
            2 => drop((at < bytes.len()).then(|| bytes.remove(at))),
            3 => bytes
                .iter_mut()
                .skip(at)
                .take(4)
                .for_each(|byte| *byte = 0xff),
            // The header matters most.
            4 => bytes
                .iter_mut()
                .skip(at % 64)
                .take(1)
                .for_each(|byte| *byte = random.bits() as u8),
            _ => bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|byte| *byte ^= 1 << random.below(8)),
        }
    }
    bytes
}

#[test]
fn idx_from_strangers() {
    let sound = [file(&[2, 2, 3], &[7; 12]), file(&[5], &[0, 1, 2, 3, 4])];
    fuzz(1, &sound, |bytes| {
        let read = idx::read(bytes)?;
        assert!(read.bytes.len() <= 1032 * bytes.len() && !read.bytes.is_empty());
        Ok(())
    });
}

#[test]
fn packed_idx_from_strangers() {
    let sound = [
        gzip(&file(&[2, 2, 3], &[7; 12])),
        gzip(&file(&[3, 20, 20], &[0; 1200])),
        gzip(&file(&[5], &[1; 5])),
    ];
    fuzz(2, &sound, |bytes| {
        let read = idx::read(bytes)?;
        assert!(read.bytes.len() <= 1032 * bytes.len());
        assert_eq!(
            read.bytes.len() as u64,
            read.sizes
                .iter()
                .map(|size| u64::from(*size))
                .product::<u64>()
        );
        Ok(())
    });
}

#[test]
fn cifar_from_strangers() {
    for (stream, kind, sound) in [
        (3, cifar::Kind::Cifar10, records(&[&[9], &[0]])),
        (4, cifar::Kind::Cifar100, records(&[&[19, 99], &[0, 0]])),
    ] {
        fuzz(stream, &[sound], |bytes| {
            let (mut pixels, mut labels) = (Vec::new(), Vec::new());
            cifar::read(bytes, kind, &mut pixels, &mut labels)?;
            assert_eq!(pixels.len(), 3072 * labels.len());
            Ok(())
        });
    }
}

#[test]
fn numpy_from_strangers() {
    let sound = [
        array(1, "|u1", "(2, 2, 3)", &[7; 12]),
        array(2, "<f4", "(1, 1, 2, 3)", &[1; 24]),
        array(3, "<f8", "(1, 2, 1)", &[1; 16]),
        array(1, "<i8", "(2,)", &[0; 16]),
    ];
    fuzz(5, &sound, |bytes| {
        let array = npy::read(bytes)?;
        let (images, labels) = (npy::images(&array), npy::labels(&array));
        if let Ok((shape, pixels, count)) = &images {
            let promised =
                shape.iter().map(|size| u64::from(*size)).product::<u64>() * u64::from(*count);
            assert!(pixels.len() as u64 == promised && pixels.len() <= bytes.len());
        }
        if let Ok(labels) = &labels {
            assert!(labels.len() <= bytes.len() && labels.iter().all(|label| *label < 1 << 16));
        }
        images.map(drop).or(labels.map(drop))
    });
}

#[test]
fn images_from_strangers() {
    let picture = image::RgbImage::from_fn(9, 7, |x, y| {
        image::Rgb([(x * 20) as u8, (y * 30) as u8, 99])
    });
    let grey = DynamicImage::from(picture.clone()).into_luma8();
    let sound = [
        encoded(picture.clone().into(), ImageFormat::Png),
        encoded(grey.clone().into(), ImageFormat::Png),
        encoded(picture.into(), ImageFormat::Jpeg),
        encoded(grey.into(), ImageFormat::Jpeg),
    ];
    fuzz(6, &sound, |bytes| {
        let image = images::decode(bytes)?;
        let pixels = u64::from(image.height) * u64::from(image.width);
        assert_eq!(
            image.bytes.len() as u64,
            pixels * if image.grey { 1 } else { 3 }
        );
        assert!(pixels <= 8 * 1032 * bytes.len() as u64);
        Ok(())
    });
}
