//! Correct ops, and ops with each of the defects that the check must find.

use supernet_engine::device::Probe;
use supernet_engine::program::CustomOps;
use supernet_plugin::Operand::*;
use supernet_plugin::{CustomOp, Init, Kernel, SearchSpace, Setting, Space, Supergraph};

use super::nodes::Nodes;
use super::{OpCheck, all, nodes};

/// y = x·sigmoid(g·x) with one g per channel: a swish with a learnt slope.
const GATE: &str = "
struct Dims { batch: u32, x: vec4<u32>, g: vec4<u32>, y: vec4<u32> }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> g: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;
@group(0) @binding(7) var<storage, read_write> dg: array<f32>;
override SCALE: f32 = 1.0;

fn sigmoid(v: f32) -> f32 { return 1.0 / (1.0 + exp(-SCALE * v)); }
fn len() -> u32 { return dims.batch * dims.x.x * dims.x.y * dims.x.z; }

@compute @workgroup_size(64) fn forward(
    @builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let i = (group.x + group.y * groups.x) * 64u + own;
    if i < len() { y[i] = x[i] * sigmoid(g[i % dims.x.z] * x[i]); }
}

@compute @workgroup_size(64) fn by_x(
    @builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let i = (group.x + group.y * groups.x) * 64u + own;
    if i < len() {
        let k = g[i % dims.x.z];
        let s = sigmoid(k * x[i]);
        dx[i] = dy[i] * (s + x[i] * SCALE * k * s * (1.0 - s));
    }
}

var<workgroup> parts: array<f32, 64>;

@compute @workgroup_size(64) fn by_g(
    @builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let channel = group.x + group.y * groups.x;
    var sum = 0.0;
    for (var i = channel + own * dims.x.z; i < len(); i += 64u * dims.x.z) {
        let s = sigmoid(g[channel] * x[i]);
        sum += dy[i] * x[i] * x[i] * SCALE * s * (1.0 - s);
    }
    parts[own] = sum;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if own < half { parts[own] += parts[own + half]; }
    }
    if own == 0u && channel < dims.x.z { dg[channel] = parts[0]; }
}
";

fn gate(source: &str) -> CustomOp {
    let by_x = Kernel::per_element("by_x", GradInput(0))
        .bind(0, Dims)
        .bind(2, Input(0))
        .bind(3, Param(0));
    let by_g = Kernel {
        grid: supernet_plugin::Grid::Fixed([3, 1, 1]),
        ..Kernel::per_element("by_g", Output)
    };
    CustomOp::kernels("gate", source)
        .params(1)
        .forward(
            Kernel::per_element("forward", Output)
                .bind(0, Dims)
                .bind(2, Input(0))
                .bind(3, Param(0))
                .bind(4, Output),
        )
        .backward(by_x.bind(5, GradOutput).bind(6, GradInput(0)))
        .backward(
            by_g.bind(0, Dims)
                .bind(2, Input(0))
                .bind(3, Param(0))
                .bind(5, GradOutput)
                .bind(7, GradParam(0))
                .barriers(),
        )
}

fn space(op: CustomOp) -> SearchSpace {
    let (s, name, params) = (Space::new("tried"), op.name.clone(), op.params);
    let attributes = if op.wgsl.contains("override SCALE") {
        [("SCALE".into(), Setting::Float(1.5))].into()
    } else {
        Default::default()
    };
    s.define_op(op);
    let x = s.input("image", &[6, 5, 3]);
    let weights: Vec<_> = (0..params)
        .map(|i| s.weights(format!("w{i}"), &[3], Init::Ones))
        .collect();
    let y = s.custom(&name, &[x], &weights, attributes);
    s.output(y.global_avg_pool().linear(10, true));
    s.finish().unwrap()
}

fn nodes_of(space: SearchSpace) -> Result<Nodes, String> {
    let supergraph = Supergraph::new(space).map_err(|problems| format!("{problems:?}"))?;
    let custom = CustomOps::new(supergraph.space(), |_| None).map_err(|error| error.to_string())?;
    let mut found = Nodes::new();
    nodes::add(&mut found, &custom, &supergraph.child(&[]).unwrap());
    Ok(found)
}

fn on(device: &mut dyn Probe, op: CustomOp) -> Result<Vec<OpCheck>, String> {
    let tried = all(nodes_of(space(op))?, 64, device);
    tried.map_err(|errors| {
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    })
}

#[cfg(feature = "gpu")]
mod gpu {
    use supernet_engine::device::gpu::{Gpu, adapters};

    use super::*;

    /// Runs a test on every available adapter.
    fn each(test: impl Fn(&mut dyn Probe)) {
        let found = adapters();
        let wanted = ["CI", "SUPERNET_WANTS_GPU"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
        assert!(
            !found.is_empty() || !wanted,
            "GPU tests are wanted, but there is no adapter"
        );
        for adapter in &found {
            test(&mut Gpu::new(adapter).unwrap());
        }
    }

    #[track_caller]
    fn refused(op: CustomOp, sentence: &str) {
        each(|device| {
            let said = on(device, op.clone()).unwrap_err();
            assert!(
                said.contains(sentence),
                "{}: {said}, not: {sentence}",
                device.name()
            );
        });
    }

    fn spoilt(from: &str, to: &str) -> CustomOp {
        assert!(GATE.contains(from), "{from}");
        gate(&GATE.replace(from, to))
    }

    #[test]
    fn a_right_op_passes() {
        each(|device| {
            let tried = on(device, gate(GATE)).unwrap().remove(0);
            println!("{tried:?}");
            assert!(
                tried.points >= 24 && tried.rough == 0 && tried.worst < 0.5,
                "{tried:?}"
            );
            assert_eq!(tried.shapes, "[6, 5, 3] with [3] to [6, 5, 3]");
            let easy = "fn f(x: f32) -> f32 { return tanh(x); }
                fn df(x: f32, y: f32, gy: f32) -> f32 { return gy * (1.0 - y * y); }";
            let tried = on(device, CustomOp::per_element("mine", easy))
                .unwrap()
                .remove(0);
            assert!(tried.points >= 20 && tried.worst < 0.5, "{tried:?}");
            for honest in [
                "fn f(x: f32) -> f32 { return sin(30.0 * x); }
                    fn df(x: f32, y: f32, gy: f32) -> f32 { return 30.0 * cos(30.0 * x) * gy; }",
                "fn f(x: f32) -> f32 { return 1e-5 * x; } fn df(x: f32, y: f32, gy: f32) -> f32 { return 1e-5 * gy; }",
                "fn f(x: f32) -> f32 { return 1e5 + x; } fn df(x: f32, y: f32, gy: f32) -> f32 { return gy; }",
                "fn f(x: f32) -> f32 { return 1.0; } fn df(x: f32, y: f32, gy: f32) -> f32 { return 1e-7 * gy; }",
            ] {
                let tried = on(device, CustomOp::per_element("mine", honest));
                assert!(tried.is_ok(), "{honest}: {tried:?}");
            }
        });
    }

    #[test]
    fn sources_that_do_not_fit_what_the_space_says() {
        refused(
            spoilt("y[i] = x[i] *", "y[i] = z[i] *"),
            "y[i] = z[i] * sigmoid(g[i % dims.x.z] * x[i]);",
        );
        refused(
            spoilt("var<storage, read> x", "var<storage, read_write> x"),
            "which it may only read",
        );
        refused(
            spoilt("var<storage, read_write> y", "var<storage, read> y"),
            "this is not valid",
        );
        refused(
            spoilt(
                "@workgroup_size(64) fn by_x",
                "@workgroup_size(512) fn by_x",
            ),
            "has 512 invocations along x; between 1 and 256",
        );
        refused(
            spoilt("fn forward", "fn forwards"),
            "there is no such entry point; the module has forwards, by_x, by_g",
        );
        refused(
            spoilt("y[i] = x[i] *", "y[i] += x[i] *"),
            "`y` is read besides written",
        );
        refused(
            spoilt("i < len() { y", "i < arrayLength(&x) { y"),
            "buffers may be longer than operands",
        );
        let mut op = gate(GATE);
        let supernet_plugin::Form::Kernels(kernels) = &mut op.form else {
            panic!()
        };
        kernels.backward[1].barriers = false;
        refused(op, "`by_g` has a barrier, and the space does not say so");
        refused(
            spoilt(
                "if own < half {",
                "if own >= half { break; } if own < half {",
            ),
            "not all invocations of a workgroup may reach the barrier",
        );
        refused(
            CustomOp::per_element("mine", "fn f(x: f32) -> f32 { return x; }"),
            "df",
        );
    }

    #[test]
    fn kernels_that_do_not_do_what_they_should() {
        refused(
            spoilt("* k * s", "* 0.9 * k * s"),
            "has a wrong gradient: number ",
        );
        refused(
            spoilt("sum += dy[i]", "sum += 2.0 * dy[i]"),
            "of the gradient by param 0 is ",
        );
        refused(
            spoilt(
                "y[i] = x[i] * sig",
                "y[i] = bitcast<f32>(2143289344u + min(i, 0u)) * sig",
            ),
            "gives NaN",
        );
        refused(
            spoilt("dims.batch * dims.x.x", "dims.x.x"),
            "leaves gaps: its kernel `forward` must write all 180 numbers of the output",
        );
        refused(
            spoilt(
                "y[i] = x[i] *",
                "var k = 0u; loop { if x[i] > 1e30 { break; } k += 1u; } y[i] = f32(k) + x[i] *",
            ),
            "has a loop that does not end: its kernel `forward` was stopped",
        );
        refused(
            spoilt("if i < len() { y[i]", "{ y[i]"),
            "writes beyond the end",
        );
        let step = "fn f(x: f32) -> f32 { return floor(100.0 * x); } fn df(x: f32, y: f32, gy: f32) -> f32 { return gy; }";
        refused(CustomOp::per_element("mine", step), "declare");
        let saw = "fn f(x: f32) -> f32 { return abs(fract(64.0 * x) - 0.5); } fn df(x: f32, y: f32, gy: f32) -> f32 { return gy; }";
        refused(
            CustomOp::per_element("mine", saw),
            "the gradient of the op `mine` cannot be checked",
        );
        each(|device| {
            let tried = on(device, CustomOp::per_element("mine", step).surrogate())
                .unwrap()
                .remove(0);
            assert!(tried.surrogate && tried.points == 0);
        });
    }

    #[test]
    fn reading_out_of_bounds_harms_nothing_but_the_op() {
        each(|device| {
            let wild = GATE.replace("y[i] = x[i] *", "y[i] = 0.0 * x[4000000000u] + x[i] *");
            let _ = on(device, gate(&wild));
            on(device, gate(GATE)).unwrap();
        });
    }
}
