//! IDX files, valid and damaged.

use super::*;

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
            // Unpacked, next to its packed copy.
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
        // A decompression bomb: the header promises little, but much is unpacked.
        (
            gzip(&[&good[..], &[0; 1 << 22]].concat()),
            labels.clone(),
            "byte 40: there are more",
        ),
        // The opposite: much is promised, but little is there.
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
