//! NumPy files, valid and damaged.

use super::*;

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
    let targets: Vec<u8> = [1_f32, 0.5].iter().flat_map(|x| x.to_le_bytes()).collect();
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
            "images.npy, sample 1: NaN is not a pixel value",
        ),
        (
            images.clone(),
            npy(1, "<i4", "(2,)", &whole),
            "labels.npy, sample 1: the label is -1",
        ),
        (
            images.clone(),
            npy(1, "<f4", "(2,)", &[0; 8]),
            "labels are whole numbers, and these are stored as floats",
        ),
        (
            images.clone(),
            npy(1, "<f4", "(2,)", &targets),
            "labels.npy, sample 1: the label is 0.5, and a label is the number of a class: networks classify, there is no \
             regression",
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
