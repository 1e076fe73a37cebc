//! Degenerate texts: too long, too deep, or corrupted.

use std::panic::catch_unwind;
use std::thread;
use std::time::{Duration, Instant};

use super::fuel::fuelled;
use super::{MOST_SOURCE, module, op};
use crate::random::{Random, RngStream};

const GOOD: &str = "\
// A gate, and its mean over a row.
override slope: f32 = 1.0;
struct Dims { batch: u32, x: vec4<u32> }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
var<workgroup> sums: array<f32, 64>;
fn gate(v: f32) -> f32 { var s = v; for (var i = 0; i < 3; i++) { s = s / (1.0 + exp(-slope * s)); } return s; }
/* One workgroup a row. */
@compute @workgroup_size(64) fn forward(
    @builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
) {
    let start = group.x * dims.x.w;
    var sum = 0.0;
    for (var i = own; i < dims.x.w; i += 64u) { sum += gate(x[start + i]); }
    sums[own] = sum;
    workgroupBarrier();
    var half = 32u;
    loop {
        if half == 0u { break; }
        if own < half { sums[own] += sums[own + half]; }
        workgroupBarrier();
        continuing { half /= 2u; }
    }
    switch own { case 0u: { y[group.x] = sums[0]; } default: { while sum > 1e30 { sum *= 0.5; } } }
}
";

/// Everything that is done to the source of an op, on a stack as small as that of any thread.
fn load(source: String) -> Result<(), String> {
    let load = move || {
        let parsed = module(&source, "op")?;
        op::constants(&parsed);
        op::function(&parsed, "gate", 1);
        for entry in parsed.entries() {
            op::entry(&parsed, entry)?;
            op::workgroup(&parsed, entry, &[])?;
        }
        let fuelled = module(&fuelled(&parsed, Some(9))?, "op")?;
        fuelled
            .entries()
            .try_for_each(|entry| op::entry(&fuelled, entry).map(drop))
    };
    let thread = thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(load)
        .unwrap();
    thread.join().unwrap().map_err(|error| error.to_string())
}

fn body(statements: &str) -> String {
    GOOD.replace(
        "    sums[own] = sum;\n",
        &format!("    sums[own] = sum;\n{statements}\n"),
    )
}

/// Texts that nest `n` deep, each in a different way.
fn nested(n: usize) -> Vec<String> {
    let around = |open: &str, middle: &str, close: &str| open.repeat(n) + middle + &close.repeat(n);
    let chain = |first: &str, more: &str| first.to_owned() + &more.repeat(n);
    let named = |line: &dyn Fn(usize) -> String| (1..=n).map(line).collect::<String>();
    vec![
        body(&format!("sum = {};", around("(", "1.0", ")"))),
        body(&format!("sum = {};", around("abs(", "1.0", ")"))),
        body(&format!("sum = x[{}];", around("u32(x[", "0", "])"))),
        body(&around("{", "", "}")),
        body(&around("if sum > 0.0 {", "", "}")),
        body(&around("loop {", "", "}")),
        body(&around("for (;;) {", "", "}")),
        body(&around("switch own { default: {", "", "}}")),
        body(&around("loop { continuing {", "", "}}")),
        body(&around("if sum > 0.0 { } else {", "", "}")),
        body(&format!("sum = {};", chain("sum", " + sum"))),
        body(&format!("sum = {};", chain("sum", " / f32(own)"))),
        body(&format!("sum = f32({});", chain("own", "<< own"))),
        body(&format!("let b = {};", chain("true", " && sum > 0.0"))),
        body(&format!("let b = {};", chain("true", " || sum > 0.0"))),
        body(&format!("let b = {};", around("!", "true", ""))),
        body(&format!("sum = {};", around("- ", "sum", ""))),
        body(&format!("let b = {};", around("~", "own", ""))),
        body(&format!("let b = {};", around("*&", "sum", ""))),
        body(&format!("{} = 1.0;", around("*&", "sum", ""))),
        body(&format!("{} = 1.0;", around("(", "sum", ")"))),
        body(&format!("let b = {};", chain("vec4(sum)", ".xyzw"))),
        body(&format!("let b = {};", chain("sum", "[0]"))),
        body(&chain("if sum > 0.0 { }", " else if sum > 1.0 { }")),
        body(&format!("var a: {};", around("array<", "f32", ", 1>"))),
        format!("{GOOD}alias deep = {};", around("vec2<", "f32", ">")),
        format!("{GOOD}@{}id(1) override o = 1;", "(".repeat(n)),
        format!("{GOOD}const a = {};", chain("1", " + 1")),
        format!(
            "{GOOD}const a0 = 1;{}",
            named(&|i| format!("const a{i} = a{} + 1;", i - 1))
        ),
        format!(
            "{GOOD}override a0 = 1;{}",
            named(&|i| format!("override a{i} = a{} + 1;", i - 1))
        ),
        format!(
            "{GOOD}alias a0 = f32;{}",
            named(&|i| format!("alias a{i} = a{};", i - 1))
        ),
        format!(
            "{GOOD}struct a0 {{ v: f32 }}{}",
            named(&|i| format!("struct a{i} {{ v: a{} }}", i - 1))
        ),
        format!(
            "{GOOD}fn a0() {{ }}{}",
            named(&|i| format!("fn a{i}() {{ a{}(); }}", i - 1))
        ),
        body(&format!(
            "let a0 = sum;{}",
            named(&|i| format!("let a{i} = a{} + 1.0;", i - 1))
        )),
        format!("{GOOD}{}", around("/*", "", "*/")),
        format!("{GOOD}{}", around("{", "", "")),
        format!("{GOOD}{}", around("", "", ")")),
    ]
}

#[test]
fn depth_ends_in_a_sentence() {
    for n in [10, 60, 110, 120, 190, 240, 260, 900, 5_000, 40_000, 100_000] {
        for (way, source) in nested(n).into_iter().enumerate() {
            let begun = Instant::now();
            let verdict = load(source);
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{n} {way}: {verdict:?}"
            );
        }
    }
}

#[test]
fn length_is_refused() {
    let long = |bytes: usize| " ".repeat(bytes - GOOD.len()) + GOOD;
    load(long(MOST_SOURCE - 1000)).unwrap();
    assert!(
        load(long(MOST_SOURCE + 1))
            .unwrap_err()
            .contains("has 1048577 bytes, of which at most 1048576 are read")
    );
    load(body(&"sum = sum + 1.0;".repeat(7_000))).unwrap();
    assert!(
        load(body(&"sum = sum + 1.0;".repeat(9_000)))
            .unwrap_err()
            .contains("at most 8192 are allowed")
    );
    assert!(
        load(GOOD.to_owned() + &"const a = 1;".repeat(1100))
            .unwrap_err()
            .contains("declares 11")
    );
    let many: String = (0..900).map(|i| format!("const a{i} = 1;")).collect();
    load(many + GOOD).unwrap();
    let deep = load(body(&format!("sum = {} sum;", "-".repeat(300)))).unwrap_err();
    assert!(deep.contains("nested more than 250 deep"), "{deep}");
    load(body(&"if sum > 0.0 { sum = 1.0; }".repeat(1000))).unwrap();
}

/// The text with a random range removed, duplicated or replaced by another.
fn torn(source: &str, random: &mut Random) -> String {
    let mut bytes = source.as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        let range = |random: &mut Random, len: usize| {
            let start = random.below(len as u32) as usize;
            start..(start + 1 + random.below(24) as usize).min(len)
        };
        let what = range(random, bytes.len());
        match random.below(3) {
            0 => drop(bytes.drain(what)),
            1 => {
                let copy = bytes[what.clone()].to_vec();
                bytes.splice(what.end..what.end, copy).for_each(drop);
            }
            _ => {
                let from = range(random, bytes.len());
                let copy = bytes[from].to_vec();
                bytes.splice(what, copy).for_each(drop);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn torn_texts_end_in_a_sentence() {
    load(GOOD.into()).unwrap();
    let mut random = Random::new(17, RngStream::Test(0));
    let mut good = 0;
    let begun = Instant::now();
    for _ in 0..2000 {
        let source = torn(GOOD, &mut random);
        let verdict = catch_unwind(|| load(source.clone()));
        good += usize::from(matches!(verdict, Ok(Ok(()))));
        assert!(verdict.is_ok(), "{source}");
    }
    assert!(good > 20, "{good} of the texts were good");
    assert!(begun.elapsed() < Duration::from_secs(60));
}
