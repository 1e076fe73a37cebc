//! Data sets from arrays: what is accepted, and what the fingerprint covers.

use super::*;

fn toy() -> Dataset {
    Dataset::from_bytes("toy", [1, 1, 2], 3, vec![1, 2, 3, 4, 5, 6], vec![0, 1, 2]).unwrap()
}

#[test]
fn a_label_out_of_range_is_named() {
    let error = Dataset::new("toy", [1, 1, 1], 2, vec![0.0; 2], vec![0, 2])
        .unwrap_err()
        .to_string();
    assert!(error.contains("label 2 of sample 1"), "{error}");
}

#[test]
fn a_test_part_is_added_once_and_has_to_fit() {
    let bytes = toy().with_test_bytes(vec![9, 9], vec![1]).unwrap();
    assert_eq!((bytes.own_test(), bytes.labels()), (1, &[0, 1, 2, 1][..]));
    assert!(matches!(*bytes.pixels, Pixels::Bytes(_)));
    let floats = toy().with_test(vec![9.0, 9.0], vec![1]).unwrap();
    assert_eq!(floats.images(), bytes.images());
    assert!(
        bytes
            .with_test(vec![9.0, 9.0], vec![1])
            .unwrap_err()
            .to_string()
            .contains("already")
    );
    assert!(toy().with_test(vec![9.0], vec![1]).is_err());
    assert!(
        toy()
            .with_test(vec![9.0, 9.0], vec![3])
            .unwrap_err()
            .to_string()
            .contains("label 3 of sample 3")
    );
    assert!(
        toy()
            .with_test(vec![], vec![])
            .unwrap_err()
            .to_string()
            .contains("empty")
    );
}

#[test]
fn class_names_fit_the_classes() {
    let names = ["a", "b", "c"].map(String::from).to_vec();
    assert_eq!(
        toy().with_class_names(names.clone()).unwrap().class_names(),
        names
    );
    assert!(
        toy()
            .with_class_names(names[..2].to_vec())
            .unwrap_err()
            .to_string()
            .contains("2 names")
    );
}

#[test]
fn classes_are_numbered_as_others_are_by_their_names() {
    let named = |names: &[&str]| {
        toy()
            .with_class_names(names.iter().map(|name| (*name).to_owned()).collect())
            .unwrap()
    };
    let known = ["c", "d", "b", "a"].map(String::from);
    let numbered = named(&["a", "b", "c"]).numbered_as(&known).unwrap();
    assert_eq!(
        (
            numbered.labels(),
            numbered.classes(),
            numbered.class_names()
        ),
        (&[3, 2, 0][..], 4, &known[..])
    );
    let unknown = named(&["a", "b", "e"])
        .numbered_as(&known)
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("its class `e` is not among those that are known: `c`, `d`, `b`, `a`"),
        "{unknown}"
    );
    assert_eq!(
        toy().numbered_as(&known).unwrap(),
        toy(),
        "without names the numbers stand"
    );
}

#[test]
fn the_brightest_pixels_have_the_number_that_was_said() {
    assert_eq!(
        (
            toy().max_pixel(),
            toy().with_white(6.0).unwrap().max_pixel()
        ),
        (255.0, 6.0)
    );
    let tested = toy()
        .with_white(6.0)
        .unwrap()
        .with_test_bytes(vec![9, 9], vec![1])
        .unwrap();
    assert_eq!(tested.max_pixel(), 6.0);
    assert!(
        toy()
            .with_white(0.0)
            .unwrap_err()
            .to_string()
            .contains("above 0")
    );
    assert!(toy().with_white(f32::NAN).is_err());
}

#[test]
fn floats_from_0_to_1_end_at_1_and_any_others_at_255() {
    let white = |images: [f32; 4]| {
        let data = Dataset::new("toy", [1, 1, 2], 2, images.to_vec(), vec![0, 1]).unwrap();
        data.max_pixel()
    };
    assert_eq!(white([0.0, 0.5, 1.0, 0.25]), 1.0);
    assert_eq!(white([0.0, 0.5, 1.5, 0.25]), 255.0);
    assert_eq!(white([0.0, -0.5, 1.0, 0.25]), 255.0);
    let dark = Dataset::from_bytes("toy", [1, 1, 2], 2, vec![0, 1, 1, 0], vec![0, 1]).unwrap();
    assert_eq!(dark.max_pixel(), 255.0);
}

#[test]
fn a_fingerprint_sees_whatever_a_search_sees() {
    let moved =
        Dataset::from_bytes("toy", [1, 1, 2], 3, vec![1, 2, 3, 4, 5, 7], vec![0, 1, 2]).unwrap();
    let labelled =
        Dataset::from_bytes("toy", [1, 1, 2], 3, vec![1, 2, 3, 4, 5, 6], vec![0, 1, 1]).unwrap();
    let turned =
        Dataset::from_bytes("toy", [1, 2, 1], 3, vec![1, 2, 3, 4, 5, 6], vec![0, 1, 2]).unwrap();
    let first = Dataset::from_bytes("toy", [1, 1, 2], 3, vec![1, 2, 3, 4], vec![0, 1]).unwrap();
    let tested = first.with_test_bytes(vec![5, 6], vec![2]).unwrap();
    let named =
        Dataset::from_bytes("other", [1, 1, 2], 3, vec![1, 2, 3, 4, 5, 6], vec![0, 1, 2]).unwrap();
    for other in [moved, labelled, turned, tested] {
        assert_ne!(toy().fingerprint(), other.fingerprint());
    }
    assert_eq!(toy().fingerprint(), named.fingerprint());
}
