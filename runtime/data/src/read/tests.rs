//! Every form that is read, sound and wrong in every way that was thought of.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat, RgbImage};

use crate::{DataError, Dataset};

/// An empty folder of this test's own.
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

/// CIFAR records: their labels, and pixels that count on.
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
fn idx_files_are_read_plain_and_packed_and_their_folder_is_named_by_any_of_them() {
    let place = place("idx");
    let images: Vec<u8> = (0..24).collect();
    write(
        &place,
        &[
            (
                "train-images-idx3-ubyte.gz",
                gzip(&idx(&[4, 2, 3], &images)),
            ),
            ("train-labels-idx1-ubyte", idx(&[4], &[0, 1, 2, 1])),
            // Unpacked beside its packed self.
            (
                "train-labels-idx1-ubyte.gz",
                gzip(&idx(&[4], &[0, 1, 2, 1])),
            ),
            ("t10k-images-idx3-ubyte", idx(&[1, 2, 3], &images[..6])),
            ("t10k-labels-idx1-ubyte.gz", gzip(&idx(&[1], &[3]))),
            ("README", Vec::new()),
        ],
    );
    let data = Dataset::read(&place).unwrap();
    assert_eq!(
        (data.shape(), data.classes(), data.own_test()),
        ([2, 3, 1], 4, 1)
    );
    assert_eq!(data.labels(), [0, 1, 2, 1, 3]);
    assert_eq!(
        data.images()[18..30],
        [
            18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0
        ]
    );
    assert_eq!(data.name(), place.file_name().unwrap().to_str().unwrap());
    assert_eq!(Dataset::named(data.address()).unwrap(), data);
    assert_eq!(
        Dataset::read(&place.join("t10k-images-idx3-ubyte")).unwrap(),
        data
    );
}

#[test]
fn damaged_idx_files_are_named_with_the_place() {
    let good = idx(&[4, 2, 3], &[7; 24]);
    let labels = idx(&[4], &[0, 1, 2, 1]);
    let change = |at: usize, byte: u8| [&good[..at], &[byte], &good[at + 1..]].concat();
    let cases = [
        (
            good[..30].to_vec(),
            labels.clone(),
            "train-images-idx3-ubyte, byte 30: there are fewer than the 24 bytes",
        ),
        (
            good[..10].to_vec(),
            labels.clone(),
            "byte 8: its header cannot be read",
        ),
        (
            [&good[..], &[1]].concat(),
            labels.clone(),
            "byte 40: there are more than the 24 bytes",
        ),
        (
            change(0, 9),
            labels.clone(),
            "byte 0: an IDX file begins with",
        ),
        (
            change(2, 13),
            labels.clone(),
            "byte 2: its numbers are of the kind 0x0d",
        ),
        (
            change(4, 255),
            labels.clone(),
            "byte 4: its header promises [4278190084, 2, 3] numbers, more than",
        ),
        (
            idx(&[u32::MAX; 4], &[1]),
            labels.clone(),
            "byte 4: its header promises",
        ),
        (idx(&[0, 2, 3], &[]), labels.clone(), "which is none at all"),
        (
            labels.clone(),
            labels.clone(),
            "byte 3: images have 3 or 4 sizes, but these have 1",
        ),
        (
            good.clone(),
            good.clone(),
            "train-labels-idx1-ubyte, byte 3: labels have 1 size, but these have 3",
        ),
        (
            good.clone(),
            idx(&[3], &[0, 1, 2]),
            "byte 4: there are 3 labels here, but 4 images",
        ),
        (
            good.clone(),
            idx(&[4], &[1; 4]),
            "all training images have one class",
        ),
        (
            gzip(&good)[..25].to_vec(),
            labels.clone(),
            "it is damaged, so get it again",
        ),
        // A bomb: its header promises little, and it unpacks to much.
        (
            gzip(&[&good[..], &[0; 1 << 22]].concat()),
            labels.clone(),
            "byte 40: there are more",
        ),
        // The other way round: little is there.
        (
            gzip(&idx(&[1 << 30, 2, 3], &[1])),
            labels.clone(),
            "more than the file can hold",
        ),
    ];
    let place = place("bad-idx");
    for (images, labels, sentence) in cases {
        write(
            &place,
            &[
                ("train-images-idx3-ubyte", images),
                ("train-labels-idx1-ubyte", labels),
            ],
        );
        assert!(
            said(&place).contains(sentence),
            "{sentence}: {}",
            said(&place)
        );
    }
    fs::remove_file(place.join("train-labels-idx1-ubyte")).unwrap();
    assert!(
        said(&place).contains("no file whose name says that it has the training labels"),
        "{}",
        said(&place)
    );
    write(&place, &[("other-images-idx3-ubyte", good)]);
    assert!(
        said(&place).contains("could both be its training images"),
        "{}",
        said(&place)
    );
}

#[test]
fn parts_of_other_shapes_are_refused() {
    let place = place("shapes");
    write(
        &place,
        &[
            ("train-images-idx3-ubyte", idx(&[2, 2, 2], &[7; 8])),
            ("train-labels-idx1-ubyte", idx(&[2], &[0, 1])),
            ("t10k-images-idx3-ubyte", idx(&[1, 1, 2], &[7; 2])),
            ("t10k-labels-idx1-ubyte", idx(&[1], &[0])),
        ],
    );
    assert!(
        said(&place)
            .contains("shape [2, 2, 1] (height, width, channels) and its test images [1, 2, 1]")
    );
}

#[test]
fn cifar_is_read_as_what_its_lengths_say_with_colours_side_by_side() {
    let place = place("cifar10");
    write(
        &place,
        &[
            ("data_batch_1.bin", cifar(&[&[3], &[4]])),
            ("data_batch_2.bin", cifar(&[&[5]])),
            ("test_batch.bin", cifar(&[&[9]])),
            (
                "batches.meta.txt",
                b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".to_vec(),
            ),
        ],
    );
    let data = Dataset::read(&place).unwrap();
    assert_eq!(
        (data.shape(), data.classes(), data.labels()),
        ([32, 32, 3], 10, &[3, 4, 5, 9][..])
    );
    assert_eq!((data.own_test(), data.class_names()[9].as_str()), (1, "j"));
    assert_eq!(data.images()[3072..3078], planes());
    let hundred = self::place("cifar100");
    write(
        &hundred,
        &[
            ("train.bin", cifar(&[&[19, 99], &[0, 1]])),
            ("test.bin", cifar(&[&[1, 42]])),
        ],
    );
    let data = Dataset::read(&hundred).unwrap();
    assert_eq!(
        (data.classes(), data.labels(), data.own_test()),
        (100, &[99, 1, 42][..], 1)
    );
}

/// The first two pixels of a record of [`cifar`].
fn planes() -> [f32; 6] {
    let at = |i: usize| (i / 1024 * 60 + i % 50) as f32;
    [at(0), at(1024), at(2048), at(1), at(1025), at(2049)]
}

#[test]
fn damaged_cifar_files_are_named_with_the_place() {
    let good = cifar(&[&[3], &[4]]);
    let all_zero = |len: usize| vec![0; len];
    let cases = [
        (
            good[..4000].to_vec(),
            "train.bin, byte 3073: it ends within a record",
        ),
        (
            cifar(&[&[3], &[12]]),
            "train.bin, byte 3073: the label of record 1 is 12, but CIFAR-10 has the classes 0 to 9",
        ),
        (
            cifar(&[&[3, 4], &[3, 100]]),
            "train.bin, byte 3075: the label of record 1 is 100, but CIFAR-100",
        ),
        (Vec::new(), "train.bin: it is empty"),
        (
            all_zero(3073 * 3074),
            "records of CIFAR-10 and of CIFAR-100",
        ),
        (cifar(&[&[3], &[3]]), "all training images have one class"),
    ];
    let place = place("bad-cifar");
    for (file, sentence) in cases {
        write(&place, &[("train.bin", file)]);
        assert!(
            said(&place).contains(sentence),
            "{sentence}: {}",
            said(&place)
        );
    }
    // What is beside it says which it is.
    write(
        &place,
        &[
            ("train.bin", all_zero(3073 * 3074)),
            ("batches.meta.txt", b"only one".to_vec()),
        ],
    );
    assert!(
        said(&place).contains("all training images have one class"),
        "{}",
        said(&place)
    );
    write(
        &place,
        &[("train.bin", good.clone()), ("test.bin", cifar(&[&[1, 2]]))],
    );
    assert!(
        said(&place).contains("test.bin, byte 3073: it ends within a record"),
        "{}",
        said(&place)
    );
}

#[test]
fn numpy_files_are_read_in_every_version_and_kind() {
    let place = place("npy");
    let floats: Vec<u8> = (0..12)
        .flat_map(|i| (i as f32 / 4.0).to_le_bytes())
        .collect();
    let doubles: Vec<u8> = (0..6).flat_map(|i| f64::from(i).to_le_bytes()).collect();
    let labels: Vec<u8> = [1_i64, 0]
        .iter()
        .flat_map(|label| label.to_le_bytes())
        .collect();
    write(
        &place,
        &[
            ("x_train.npy", npy(1, "<f4", "(2, 2, 1, 3)", &floats)),
            ("y_train.npy", npy(2, "<i8", "(2,)", &labels)),
            ("x_test.npy", npy(3, "<f8", "(1, 2, 1, 3)", &doubles)),
            ("y_test.npy", npy(1, "|u1", "(1, 1)", &[2])),
        ],
    );
    let data = Dataset::read(&place).unwrap();
    assert_eq!(
        (data.shape(), data.classes(), data.labels()),
        ([2, 1, 3], 3, &[1, 0, 2][..])
    );
    assert_eq!(
        (data.images()[11], data.images()[17], data.own_test()),
        (2.75, 5.0, 1)
    );
    let bytes = self::place("npy-bytes");
    let signed: Vec<u8> = [0_i16, 1]
        .iter()
        .flat_map(|label| label.to_le_bytes())
        .collect();
    write(
        &bytes,
        &[
            ("images.npy", npy(1, "|u1", "(2, 1, 2)", &[1, 2, 3, 255])),
            ("labels.npy", npy(1, "<i2", "(2,)", &signed)),
        ],
    );
    let data = Dataset::read(&bytes).unwrap();
    assert_eq!(
        (data.shape(), &data.images()[..], data.own_test()),
        ([1, 2, 1], &[1.0, 2.0, 3.0, 255.0][..], 0)
    );
}

#[test]
fn damaged_numpy_files_are_named_with_the_place() {
    let (images, labels) = (
        npy(1, "|u1", "(2, 1, 2)", &[1, 2, 3, 4]),
        npy(1, "|u1", "(2,)", &[0, 1]),
    );
    let mut fortran = images.clone();
    let at = fortran
        .windows(5)
        .position(|word| word == b"False")
        .unwrap();
    fortran[at..at + 5].copy_from_slice(b"True ");
    let nan: Vec<u8> = [1.0, 2.0, f32::NAN, 4.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let whole: Vec<u8> = [0_i32, -1].iter().flat_map(|x| x.to_le_bytes()).collect();
    let cases = [
        (
            images[..images.len() - 1].to_vec(),
            labels.clone(),
            "does not take the 3 bytes that follow",
        ),
        (
            images[..20].to_vec(),
            labels.clone(),
            "images.npy, byte 20: it ends within its header",
        ),
        (
            b"PK".to_vec(),
            labels.clone(),
            "images.npy, byte 0: a NumPy file begins with",
        ),
        (
            [&b"\x93NUMPY\x07"[..], &images[7..]].concat(),
            labels.clone(),
            "byte 6: its version is 7",
        ),
        (fortran, labels.clone(), "Fortran's order"),
        (
            npy(1, ">f4", "(1, 1, 1)", &[0; 4]),
            labels.clone(),
            "its numbers are `>f4`",
        ),
        (
            npy(1, "|u1", "(4,)", &[0; 4]),
            labels.clone(),
            "images have the shape (N, H, W)",
        ),
        (
            npy(1, "|u1", "(4294967295, 4294967295, 4294967295)", &[0; 4]),
            labels.clone(),
            "does not take",
        ),
        (
            npy(1, "|u1", "(-1, 2, 2)", &[0; 4]),
            labels.clone(),
            "no 'shape' that can be read",
        ),
        (
            npy(1, "|u1", "(0, 2, 2)", &[]),
            labels.clone(),
            "there is no number in an array",
        ),
        (
            npy(1, "<f4", "(2, 1, 2)", &nan),
            labels.clone(),
            "images.npy, sample 1: NaN is no number of a pixel",
        ),
        (
            images.clone(),
            npy(1, "<i4", "(2,)", &whole),
            "labels.npy, sample 1: the label is -1",
        ),
        (
            images.clone(),
            npy(1, "<f4", "(2,)", &[0; 8]),
            "labels are whole numbers",
        ),
        (
            images.clone(),
            npy(1, "|u1", "(1, 2)", &[0, 1]),
            "labels have the shape (N,)",
        ),
        (
            images.clone(),
            npy(1, "|u1", "(3,)", &[0, 1, 1]),
            "there are 3 labels here, but 2 images",
        ),
    ];
    let place = place("bad-npy");
    for (images, labels, sentence) in cases {
        write(&place, &[("images.npy", images), ("labels.npy", labels)]);
        assert!(
            said(&place).contains(sentence),
            "{sentence}: {}",
            said(&place)
        );
    }
}

#[test]
fn folders_of_images_are_classes() {
    let place = place("folders");
    write(
        &place,
        &[
            ("train/cat/1.png", grey(4, 3, 10)),
            ("train/cat/notes.txt", Vec::new()),
            ("train/dog/1.PNG", grey(4, 3, 20)),
            ("train/empty/nothing.txt", Vec::new()),
            ("test/dog/1.png", grey(4, 3, 30)),
        ],
    );
    let data = Dataset::read(&place).unwrap();
    assert_eq!(
        (data.shape(), data.class_names(), data.own_test()),
        ([3, 4, 1], &["cat".to_owned(), "dog".to_owned()][..], 1)
    );
    assert_eq!(
        (data.labels(), data.images()[12], data.images()[35]),
        (&[0, 1, 1][..], 20.0, 30.0)
    );

    // One with colours makes all of them coloured, wherever it stands.
    write(
        &place,
        &[
            ("train/dog/2.jpg", coloured(4, 3, ImageFormat::Jpeg)),
            ("train/dog/3.png", coloured(4, 3, ImageFormat::Png)),
        ],
    );
    let data = Dataset::read(&place).unwrap();
    assert_eq!(
        (data.shape(), data.labels()),
        ([3, 4, 3], &[0, 1, 1, 1, 1][..])
    );
    let images = data.images();
    assert_eq!(
        (&images[..3], &images[3 * 36..3 * 36 + 3], images[4 * 36]),
        (&[10.0; 3][..], &[200.0, 100.0, 50.0][..], 30.0)
    );
    assert!((images[2 * 36] - 200.0).abs() < 8.0);

    let flat = self::place("flat");
    write(
        &flat,
        &[("a/1.png", grey(1, 1, 1)), ("b/1.png", grey(1, 1, 2))],
    );
    assert_eq!(Dataset::read(&flat).unwrap().own_test(), 0);
}

#[test]
fn damaged_images_are_named() {
    let good = grey(4, 3, 10);
    let mut checksum = good.clone();
    let middle = checksum.len() / 2;
    checksum[middle] ^= 0x55;
    // A header that promises 8000x8000 pixels, with its checksum.
    let huge = {
        let mut huge = good.clone();
        huge[16..24].copy_from_slice(&[0, 0, 0x1f, 0x40, 0, 0, 0x1f, 0x40]);
        let mut crc = flate2::Crc::new();
        crc.update(&huge[12..29]);
        huge[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        huge
    };
    let cases = [
        (
            good[..good.len() / 2].to_vec(),
            "b/2.png: it is no PNG or JPEG that can be read",
        ),
        (checksum, "b/2.png: it is no PNG or JPEG"),
        (b"GIF89a".to_vec(), "b/2.png: it is no PNG or JPEG"),
        (Vec::new(), "b/2.png: it is no PNG or JPEG"),
        (
            coloured(4, 3, ImageFormat::Jpeg)[..100].to_vec(),
            "b/2.png: it is no PNG or JPEG",
        ),
        (huge, "b/2.png: it promises 8000x8000 pixels, which its"),
        (grey(4, 4, 10), "b/2.png: it is 4x4 pixels, and"),
    ];
    for (file, sentence) in cases {
        let place = place("bad-images");
        write(
            &place,
            &[
                ("a/1.png", good.clone()),
                ("b/1.png", good.clone()),
                ("b/2.png", file),
                ("b/3.png", grey(9, 9, 1)),
            ],
        );
        let said = said(&place);
        assert!(
            said.contains(sentence) && said.lines().count() == 1,
            "{sentence}: {said}"
        );
    }
    let place = place("strange-class");
    write(
        &place,
        &[
            ("train/a/1.png", good.clone()),
            ("train/b/1.png", good.clone()),
            ("test/c/1.png", good.clone()),
        ],
    );
    assert!(
        said(&place).contains("test/c: there is no class of this name"),
        "{}",
        said(&place)
    );
    fs::remove_dir_all(place.join("train/b")).unwrap();
    fs::remove_dir_all(place.join("test")).unwrap();
    assert!(
        said(&place).contains("all training images have one class"),
        "{}",
        said(&place)
    );
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
