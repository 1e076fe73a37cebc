//! Folders of images, valid and damaged.

use super::*;

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

    // One colour image makes all of them colour, wherever it is.
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
            "b/2.png: it is not a PNG or JPEG that can be read",
        ),
        (checksum, "b/2.png: it is not a PNG or JPEG"),
        (b"GIF89a".to_vec(), "b/2.png: it is not a PNG or JPEG"),
        (Vec::new(), "b/2.png: it is not a PNG or JPEG"),
        (
            coloured(4, 3, ImageFormat::Jpeg)[..100].to_vec(),
            "b/2.png: it is not a PNG or JPEG",
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
