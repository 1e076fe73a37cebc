//! Every supported format, valid and invalid.

mod cifar;
mod idx;
mod images;
mod npy;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat, RgbImage};

use crate::{DataError, Dataset};

/// An empty folder for one test.
fn place(test: &str) -> PathBuf {
    let place = std::env::temp_dir().join(format!("supernet-data-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    place
}

fn write(folder: &Path, files: &[(&str, Vec<u8>)]) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn said(folder: &Path) -> String {
    Dataset::read(folder).unwrap_err().to_string()
}

/// An IDX file of bytes.
pub(super) fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    file.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    file.extend_from_slice(bytes);
    file
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A NumPy file.
pub(super) fn npy(version: u8, descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY".to_vec();
    file.extend([version, 0]);
    match version {
        1 => file.extend((header.len() as u16).to_le_bytes()),
        _ => file.extend((header.len() as u32).to_le_bytes()),
    }
    [&file, header.as_bytes(), bytes].concat()
}

/// CIFAR records with the given labels and counting pixels.
pub(super) fn cifar(labels: &[&[u8]]) -> Vec<u8> {
    let planes: Vec<u8> = (0..3072).map(|i| (i / 1024 * 60 + i % 50) as u8).collect();
    labels
        .iter()
        .flat_map(|labels| [labels, &planes[..]].concat())
        .collect()
}

pub(super) fn encoded(image: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn grey(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let image = image::GrayImage::from_pixel(width, height, image::Luma([shade]));
    encoded(image.into(), ImageFormat::Png)
}

fn coloured(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    encoded(
        RgbImage::from_pixel(width, height, image::Rgb([200, 100, 50])).into(),
        format,
    )
}

#[test]
fn what_is_nothing_gets_a_sentence_with_what_could_be() {
    let place = place("nothing");
    assert!(matches!(
        Dataset::read(&place),
        Err(DataError::Layout { .. })
    ));
    write(&place, &[("notes.txt", Vec::new())]);
    let said = said(&place);
    assert!(
        said.contains("the files notes.txt and no folders") && said.contains("train_images.npy"),
        "{said}"
    );
    let said = Dataset::named("mnist").unwrap_err().to_string();
    assert!(
        said.contains("`digits`") && said.contains("the path of your data"),
        "{said}"
    );
}
