//! Insertion of counters into loops.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::every_case::{lowered, modules, none};
use super::fuel::{FUEL, SPENT, fuelled};
use super::trial::trial;
use super::{MOST_CALLS, Parsed, dispatch, module, op, translate};

fn parsed(source: &str) -> Parsed {
    module(source, "op").unwrap_or_else(|error| panic!("{error}"))
}

/// The text with counters, whose validity [`fuelled`] has checked.
fn with_counters(source: &str, spent: Option<u32>) -> String {
    fuelled(&parsed(source), spent).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(sentence: &str, source: &str) {
    let verdict = fuelled(&parsed(source), Some(9)).map_err(|error| error.to_string());
    assert!(
        verdict.as_ref().is_err_and(|said| said.contains(sentence)),
        "{sentence}\n{verdict:?}"
    );
}

/// A kernel with this body, in which `x` is a buffer and `own` the number of the invocation.
fn kernel(body: &str) -> String {
    format!(
        "@group(0) @binding(2) var<storage, read_write> x: array<f32>;\n\
         @compute @workgroup_size(64) fn run(@builtin(local_invocation_index) own: u32) {{\n{body}\n}}\n"
    )
}

const SHARED: &str = "if supernet_rounds_of_all >=";
const ALONE: &str = "if supernet_rounds_of_one >=";

#[test]
fn every_loop_has_a_counter() {
    let source = "
        fn helper(n: u32) -> f32 { var s = 0.0; for (var i = 0u; i < n; i++) { s += 1.0; } return s; }
        fn idle() { loop { } }
    "
    .to_owned()
        + &kernel(
            "loop { }
            loop { break; continuing { } }
            loop { x[own] = 1.0; continue; continuing { x[own] = 2.0; break if own > 3; } }
            for (;;) { }
            for (var i = 0; i < 3 && x[i] > 0.0; i++) { if i == 2 { continue; } x[i] = helper(own); }
            while x[own] > 0.0 || own == 3 { while true { { loop { x[own] = 0.0; } } } }
            switch own { case 1: { loop { continue; } } case 2, 3: { for (;;) { break; } } default: { } }
            if own > 4 { loop { if own > 2 { break; } } } else if own > 3 { loop { } }
            loop { continuing { loop { } break if x[own] > 0.0; } }
            while (x[own] > 0.0) { }
            for (var a = array(1, 2); a[0] < 3; a[0]++) { }
            loop /* { */ // {
            { }",
        );
    for spent in [None, Some(9)] {
        let text = with_counters(&source, spent);
        let all = text.matches(SHARED).count() + text.matches(ALONE).count();
        assert_eq!(all, 19, "{text}");
        assert_eq!(
            text.matches(&format!("{SPENT}[0] = 1u; break;")).count(),
            if spent.is_some() { all } else { 0 }
        );
        assert_eq!(
            text.contains("@binding(9) var<storage, read_write> supernet_spent"),
            spent.is_some()
        );
        let lines = |text: &str| text.find("fn run(").map(|at| text[..at].lines().count());
        assert_eq!(lines(&text), lines(&source));
    }
}

#[test]
fn a_text_without_loops_is_left_alone() {
    let source = kernel("x[own] = 1.0; // loop { }") + "/* for (;;) { } */";
    assert_eq!(with_counters(&source, Some(9)), source);
}

#[test]
fn all_kinds_of_comments_end() {
    let lines: Vec<_> = [
        "\n", "\u{b}", "\u{c}", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{2029}",
    ]
    .iter()
    .map(|end| format!("// loop {{{end} loop {{ break; }} /* /* */ loop {{ */"))
    .collect();
    let text = with_counters(&(kernel(&lines.concat()) + "// the last line"), None);
    assert_eq!(text.matches(SHARED).count(), 8, "{text}");
}

#[test]
fn loops_that_all_go_round_together_have_a_counter_of_their_own() {
    let barriers = "
        var<workgroup> tile: array<f32, 64>;
        fn wait(n: u32) { for (var i = 0u; i < n; i++) { workgroupBarrier(); } }
        fn own_pace(n: u32) { for (var i = 0u; i < n; i++) { } }
    "
    .to_owned()
        + &kernel(
            "for (var i = 0u; i < 8; i++) {
                for (var j = 0u; j < own; j++) { }
                loop { if workgroupUniformLoad(&tile[0]) > 0.0 { break; } loop { storageBarrier(); break; } }
                wait(i);
                own_pace(own);
            }",
        );
    let text = with_counters(&barriers, Some(9));
    let heads: Vec<_> = text
        .split("supernet_rounds_")
        .skip(1)
        .filter_map(|rest| rest.split_once(" >= "))
        .collect();
    let counters: Vec<_> = heads.iter().map(|(counter, _)| *counter).collect();
    assert_eq!(
        counters,
        ["of_all", "of_one", "of_all", "of_one", "of_all", "of_all"]
    );
    let facts = op::entry(&parsed(&text), "run").unwrap();
    assert!(facts.barriers && facts.loops);
}

#[test]
fn what_a_loop_without_barriers_computes_may_decide_on_one() {
    // If the counter of this loop were not uniform, `n` would not be either once the fuel runs out.
    let source = kernel(
        "for (var j = 0u; j < own; j++) { }
        var n = 0u;
        for (var i = 0u; i < 8; i++) { n += i; }
        if n > 3 { workgroupBarrier(); }",
    );
    let text = with_counters(&source, None);
    assert_eq!(
        (text.matches(SHARED).count(), text.matches(ALONE).count()),
        (1, 1),
        "{text}"
    );
}

#[test]
fn barriers_that_not_all_reach_are_refused() {
    refused(
        "op, `run`: not all invocations of a workgroup may reach the barrier in line 3, in `run`",
        &kernel("for (var j = 0u; j < own; j++) { workgroupBarrier(); }"),
    );
}

#[test]
fn names_stay() {
    // Naga's writer would add a `_` to these, and lose that the workgroup size is an override.
    let source = "
        // First.
        diagnostic(off, derivative_uniformity);
        override tile2: u32 = 8u;
        override SIDE_: u32 = tile2 * 2u;
        @group(0) @binding(2) var<storage, read_write> x1: array<f32>;
        var<workgroup> shared8: array<f32, tile2 * 2>;
        @compute @workgroup_size(SIDE_, tile2) fn forward1(@builtin(local_invocation_index) i: u32) {
            for (var k = 0u; k < i; k++) { x1[i] += shared8[k % tile2]; }
        }
        @compute @workgroup_size(tile2) fn texture2() { while x1[0] > 0.0 { x1[0] -= 1.0; } }
    ";
    let text = parsed(&with_counters(source, Some(3)));
    assert_eq!(text.entries().collect::<Vec<_>>(), ["forward1", "texture2"]);
    assert_eq!(op::constants(&text), [FUEL, "tile2", "SIDE_"]);
    assert_eq!(
        op::workgroup(&text, "forward1", &[("tile2", 4.into()), (FUEL, 7.into())]).unwrap(),
        [8, 4, 1]
    );
    let variables = op::entry(&text, "forward1").unwrap().variables;
    assert_eq!(
        variables.iter().map(|v| &v.name[..]).collect::<Vec<_>>(),
        ["x1", SPENT]
    );
    assert!(variables[1].written && !variables[1].uniform && variables[1].binding == 3);
}

#[test]
fn names_of_the_host_are_refused() {
    refused(
        "`supernet_left` begins with `supernet_`",
        &kernel("var supernet_left = 0; loop { }"),
    );
    refused(
        "`x` and `supernet_spent` share binding 9",
        &kernel("loop { }").replace("binding(2)", "binding(9)"),
    );
}

#[test]
fn redefined_words_do_no_harm() {
    let source =
        "alias u32 = f32;\n".to_owned() + &kernel("loop { }").replace("own: u32", "own: vec3i");
    // Naga checks the types of builtins, so only valid texts get here.
    if let Ok(parsed) = module(&source, "op") {
        assert!(fuelled(&parsed, Some(9)).is_err());
    }
    let source = "fn select() { loop { } }\nconst min = 3;\n".to_owned()
        + &kernel("loop { select(); break; }");
    with_counters(&source, Some(9));
}

#[test]
fn calls_that_double_are_counted() {
    let levels = |n: usize, twice: &str| -> String {
        let functions = (1..=n).map(|i| {
            format!(
                "fn to{i}() {{ to{}(); {} }}\n",
                i - 1,
                twice.replace("AGAIN", &format!("to{}", i - 1))
            )
        });
        "fn to0() { }\n".to_owned() + &functions.collect::<String>() + &kernel(&format!("to{n}();"))
    };
    refused("op, `run`: the entry point makes", &levels(40, "AGAIN();"));
    refused(
        &format!("at most {MOST_CALLS} are allowed"),
        &levels(16, "AGAIN();"),
    );
    with_counters(&levels(15, "AGAIN();"), None);
    with_counters(&levels(60, ""), None);
    refused("functions that call functions, 70 deep", &levels(69, ""));
}

#[test]
fn tangled_calls_end_in_a_sentence() {
    // In the second iteration, every function finds that its variable differs, and so visits the
    // next one twice.
    let functions = (1..=40).map(|i| {
        format!(
            "fn to{i}(a: u32) -> u32 {{ var s = 0u; let t = to{}(s); s = a; return t + s; }}\n",
            i - 1
        )
    });
    let source = "fn to0(a: u32) -> u32 { return a; }\n".to_owned()
        + &functions.collect::<String>()
        + &kernel("x[own] = f32(to40(own));");
    refused("too tangled", &source);
}

#[test]
fn the_trial_kernel_keeps_its_conventions() {
    let counted =
        trial(|t| t.source = fuelled(&module(&t.source, "trial").unwrap(), None).unwrap());
    assert!(counted.source.contains(SHARED));
    counted.verdict().unwrap();
    let unequal = trial(|t| {
        t.source = fuelled(&module(&t.source, "trial").unwrap(), None).unwrap();
        t.replace("var<private> supernet_rounds_of_one = 0u;", "");
        t.replace("supernet_rounds_of_all", "supernet_rounds_of_one");
    });
    assert!(
        unequal
            .verdict()
            .is_err_and(|said| said.contains("may reach the barrier"))
    );
    let apart = trial(|t| {
        t.source = fuelled(&module(&t.source, "trial").unwrap(), None).unwrap();
        t.replace(
            "    for (var",
            "    if own > 3 { supernet_rounds_of_all += 1u; }\n    for (var",
        );
    });
    assert!(
        apart
            .verdict()
            .is_err_and(|said| said.contains("that share it may reach the count of rounds"))
    );
}

#[test]
fn the_catalogue_keeps_its_conventions() {
    let lowered = lowered();
    let modules = modules(&lowered);
    let counted: std::collections::BTreeMap<_, _> = modules
        .par_iter()
        .map(|(name, parsed)| {
            let text =
                fuelled(parsed.as_ref().unwrap(), None).unwrap_or_else(|error| panic!("{error}"));
            fuelled(parsed.as_ref().unwrap(), Some(77)).unwrap_or_else(|error| panic!("{error}"));
            (*name, module(&text, name).unwrap())
        })
        .collect();
    let violations = lowered.par_iter().flat_map_iter(|(of, _, lowered)| {
        let roles = of.roles();
        let all = lowered.dispatches.iter().filter_map(|run| {
            dispatch(&counted[run.kernel.module], run, lowered, &roles)
                .err()
                .map(|violation| violation.to_string())
        });
        all.collect::<Vec<_>>()
    });
    none(violations.collect::<BTreeSet<_>>());
    let mut seen = BTreeSet::new();
    for run in lowered.iter().flat_map(|(.., lowered)| &lowered.dispatches) {
        if seen.insert((run.kernel.module, run.kernel.entry)) {
            let translation = translate(&counted[run.kernel.module], run).unwrap();
            assert!(
                translation.msl.contains("kernel void")
                    && translation.hlsl.contains("[numthreads(")
            );
        }
    }
}
