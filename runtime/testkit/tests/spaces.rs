//! The kit on valid and invalid spaces.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::panic::catch_unwind;

use supernet::plugin::{CustomOp, Fact, Field, Space, SpaceEntry, inventory};
use supernet_darts as _;
use supernet_enas as _;
use supernet_plugin_testkit::{check, check_with};

fn with(df: &'static str) -> supernet::plugin::Built {
    let s = Space::new("square");
    s.define_op(CustomOp::per_element(
        "square",
        format!("fn f(x: f32) -> f32 {{ return x * x; }} {df}"),
    ));
    let x = s
        .input("image", &[6, 6, 1])
        .conv(3, 4)
        .norm()
        .custom("square");
    s.output(x.global_avg_pool().linear(3, true));
    s.finish()
}

inventory::submit! {
    SpaceEntry {
        name: "right",
        summary: "an op that squares",
        fields: Vec::new,
        build: |_| with("fn df(x: f32, y: f32, gy: f32) -> f32 { return 2.0 * x * gy; }"),
    }
}
inventory::submit! {
    SpaceEntry {
        name: "wrong",
        summary: "an op whose gradient lacks a factor",
        fields: Vec::new,
        build: |_| with("fn df(x: f32, y: f32, gy: f32) -> f32 { return x * gy; }"),
    }
}
inventory::submit! {
    SpaceEntry {
        name: "picky",
        summary: "refuses some settings",
        fields: || vec![Field::int("width", 4, 1..=8, "the width"), Field::from_data("classes", Fact::Classes, "classes")],
        build: |config| {
            let s = Space::new("picky");
            let x = s.input("image", &[6, 6, 1]).conv(3, config.size("width")?).relu();
            s.output(x.global_avg_pool().linear(config.size("classes")?, true));
            s.finish()
        },
    }
}

fn said(name: &'static str) -> String {
    let panic = catch_unwind(|| check(name)).unwrap_err();
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn spaces_that_are_right_pass() {
    let report = check_with(
        "enas-macro",
        &[("layers", 3_u32.into()), ("filters", 4_u32.into())],
    );
    assert_eq!(
        (report.decisions, report.ran.first().map(String::as_str)),
        (6, Some("cpu"))
    );
    let report = check("right");
    assert!(
        report.notes[0].contains("`square` has no function for the CPU"),
        "{:?}",
        report.notes
    );
    assert!(
        report
            .ops
            .iter()
            .all(|tried| tried.op == "square" && tried.points > 0)
    );
    check_with("picky", &[("classes", 7_u32.into())]);
}

#[test]
fn what_is_wrong_is_said() {
    let wrong = said("wrong");
    assert!(
        wrong.contains("does not pass") && wrong.contains("the op `square` has a wrong gradient"),
        "{wrong}"
    );
    let missing = said("rihgt");
    assert!(
        missing.contains("there is no search space `rihgt`; the nearest is `right`"),
        "{missing}"
    );
    let picky = catch_unwind(|| check_with("picky", &[("width", 9_u32.into())])).unwrap_err();
    let picky = picky.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(
        picky.contains("`width` is 9, and must be between 1 and 8"),
        "{picky}"
    );
}

#[test]
fn partial_channels_of_darts_train() {
    for partial in [1_u32, 4] {
        let report = check_with(
            "darts",
            &[
                ("cells", 3_u32.into()),
                ("channels", 4_u32.into()),
                ("partial", partial.into()),
                ("image", [9, 8, 1][..].into()),
            ],
        );
        assert_eq!(
            (report.decisions, report.ran.first().map(String::as_str)),
            (28, Some("cpu"))
        );
    }
}
