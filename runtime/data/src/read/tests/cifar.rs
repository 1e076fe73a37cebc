//! CIFAR files, valid and damaged.

use super::*;

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
    // A neighbouring file tells which kind it is.
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
