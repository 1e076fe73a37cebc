//! What is reported about the sources of ops, and what is rejected.

use super::{MOST_OP_BUFFERS, Parsed, module, op};

const SOURCE: &str = "
override rate: f32 = 0.5;
override width = 2u * tile;
override tile: u32;
override gated: bool = true;
struct Dims { batch: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(5) var<storage> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<storage> unused: array<f32>;
var<workgroup> sums: array<f32, 64>;
fn f(x: f32) -> f32 { return x * rate; }
fn df(x: f32, y: f32, gy: f32) -> f32 { return gy; }
fn g(x: f32, n: u32) -> f32 { return x; }
fn h(x: f32) { }
fn outer(i: u32) { inner(i); }
fn inner(i: u32) { for (var k = 0u; k < 3; k++) { y[i] = f(x[i]); } storageBarrier(); }
@compute @workgroup_size(8, width) fn forward(@builtin(workgroup_id) at: vec3u) { outer(at.x + dims.batch); }
@compute @workgroup_size(tile) fn plain(@builtin(global_invocation_id) at: vec3u) { y[at.x] = 1.0; }
";

fn parsed(source: &str) -> Parsed {
    module(source, "op").unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(sentence: &str, source: &str) {
    let verdict = module(source, "op")
        .and_then(|parsed| op::entry(&parsed, "forward"))
        .map_err(|e| e.to_string());
    assert!(
        verdict.as_ref().is_err_and(|said| said.contains(sentence)),
        "{sentence}\n{verdict:?}"
    );
}

#[test]
fn an_entry_point_is_what_it_calls() {
    let facts = op::entry(&parsed(SOURCE), "forward").unwrap();
    let variables: Vec<_> = facts
        .variables
        .iter()
        .map(|v| (v.binding, &v.name[..], v.written, v.uniform))
        .collect();
    assert_eq!(
        variables,
        [
            (0, "dims", false, true),
            (3, "y", true, false),
            (5, "x", false, false)
        ]
    );
    assert!(facts.barriers && facts.loops);
    let facts = op::entry(&parsed(SOURCE), "plain").unwrap();
    assert_eq!(
        facts
            .variables
            .iter()
            .map(|v| v.binding)
            .collect::<Vec<_>>(),
        [3]
    );
    assert!(!facts.barriers && !facts.loops);
}

#[test]
fn invocations_wait_at_more_than_barriers() {
    for wait in [
        "_ = workgroupUniformLoad(&sums[0]);",
        "textureBarrier();",
        "_ = subgroupAdd(1.0);",
        "workgroupBarrier();",
    ] {
        let source = SOURCE.replace("storageBarrier();", wait);
        assert!(
            op::entry(&parsed(&source), "forward").unwrap().barriers,
            "{wait}"
        );
    }
    assert!(
        !op::entry(&parsed(&SOURCE.replace("storageBarrier();", "")), "forward")
            .unwrap()
            .barriers
    );
}

#[test]
fn constants_and_functions() {
    let parsed = parsed(SOURCE);
    assert_eq!(op::constants(&parsed), ["rate", "width", "tile", "gated"]);
    assert!(op::function(&parsed, "f", 1) && op::function(&parsed, "df", 3));
    let others = [("f", 2), ("g", 2), ("h", 1), ("forward", 1), ("none", 1)];
    assert!(
        others
            .iter()
            .all(|(name, parameters)| !op::function(&parsed, name, *parameters))
    );
}

#[test]
fn workgroups_follow_constants() {
    let parsed = parsed(SOURCE);
    assert_eq!(
        op::workgroup(&parsed, "forward", &[("tile", 4.into())]).unwrap(),
        [8, 8, 1]
    );
    let sentence = |entry: &str, constants: &[_]| {
        op::workgroup(&parsed, entry, constants)
            .unwrap_err()
            .to_string()
    };
    assert!(sentence("forward", &[]).contains("`tile` has no default"));
    assert!(sentence("forward", &[("tile", 32.into())]).contains("512 invocations; at most 256"));
    assert!(sentence("forward", &[("tile", 0.into())]).contains("op, `forward`: "));
    assert!(
        sentence("forward", &[("side", 1.into())])
            .contains("`side`, which the module does not have")
    );
    assert!(
        sentence("other", &[])
            .contains("there is no such entry point; the module has forward, plain")
    );
}

#[test]
fn errors_are_sentences() {
    refused(
        "there is no such entry point; the module has none",
        "fn forward() { }",
    );
    refused(
        "op:2:29",
        "\n@compute @workgroup_size(1, x) fn forward() { }",
    );
    refused(
        "this is not WGSL",
        &SOURCE.replace("y[i] = f(x[i])", "y[i] = f(z[i])"),
    );
    refused("z[i]", &SOURCE.replace("y[i] = f(x[i])", "y[i] = f(z[i])"));
    refused(
        "`rate` has an @id",
        &SOURCE.replace("override rate", "@id(3) override rate"),
    );
    refused(
        "not all invocations of a workgroup may reach the barrier in line 17, in `inner`",
        &SOURCE
            .replace("at.x +", "u32(x[0] + y[0]) +")
            .replace("storageBarrier();", "if i > 3 { storageBarrier(); }"),
    );
    refused(
        "is neither a uniform nor a storage buffer",
        &SOURCE
            .replace("var<uniform> dims: Dims", "var dims: texture_2d<f32>")
            .replace("dims.batch", "textureDimensions(dims).x"),
    );
}

#[test]
fn one_buffer_is_left_for_the_host() {
    let source = |n: usize| {
        let declared = (0..n).map(|i| {
            format!("@group(0) @binding({i}) var<storage, read_write> b{i}: array<f32>;\n")
        });
        let used: String = (0..n).map(|i| format!("b{i}[0] = 1.0; ")).collect();
        declared.collect::<String>()
            + &format!("@compute @workgroup_size(1) fn forward() {{ {used} }}")
    };
    assert_eq!(
        op::entry(&parsed(&source(MOST_OP_BUFFERS)), "forward")
            .unwrap()
            .variables
            .len(),
        MOST_OP_BUFFERS
    );
    refused(
        "uses 8 storage buffers; at most 7 are allowed in an op",
        &source(MOST_OP_BUFFERS + 1),
    );
}

#[test]
fn a_panic_of_naga_is_a_sentence() {
    let source = "override n: u32 = 2; var<workgroup> a: array<f32, n * n>; override m: u32 = 3;
        @compute @workgroup_size(n) fn forward() { a[m] = f32(m); }";
    let verdict = op::workgroup(&parsed(source), "forward", &[]).map_err(|error| error.to_string());
    assert!(
        verdict.is_err_and(
            |said| said.contains("op, `forward`: the WGSL compiler fails on this source")
        )
    );
}
