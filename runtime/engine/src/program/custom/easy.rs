//! The per-element form of an op: two functions, with a generated loop over all elements.

use supernet_plugin::{Binding, Grid, Kernel, Kernels, Operand};

/// A prefix of the names of the generated kernels, so that they do not collide with the author's.
/// CPU kernels are named without it.
pub(super) const PREFIX: &str = "per_element_";

const LOOP: &str = "

struct PerElementDims { batch: u32, input: vec4<u32> }
@group(0) @binding(0) var<uniform> per_element_dims: PerElementDims;
@group(0) @binding(2) var<storage, read> per_element_x: array<f32>;
@group(0) @binding(3) var<storage, read_write> per_element_y: array<f32>;
@group(0) @binding(4) var<storage, read> per_element_output: array<f32>;
@group(0) @binding(5) var<storage, read> per_element_gy: array<f32>;
@group(0) @binding(6) var<storage, read_write> per_element_gx: array<f32>;

fn per_element_len() -> u32 {
    let shape = per_element_dims.input;
    return per_element_dims.batch * shape.x * shape.y * shape.z * shape.w;
}

@compute @workgroup_size(64)
fn per_element_forward(
    @builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let i = (group.x + group.y * groups.x) * 64u + own;
    if i < per_element_len() {
        per_element_y[i] = f(per_element_x[i]);
    }
}

@compute @workgroup_size(64)
fn per_element_backward(
    @builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let i = (group.x + group.y * groups.x) * 64u + own;
    if i < per_element_len() {
        per_element_gx[i] = df(per_element_x[i], per_element_output[i], per_element_gy[i]);
    }
}
";

/// The whole module. The author's functions come first, so that line numbers in errors are correct.
pub(super) fn source(functions: &str) -> String {
    format!("{functions}{LOOP}")
}

/// The bindings of the generated kernels.
pub(super) fn kernels() -> Kernels {
    let kernel = |entry: &str, operands: &[(u32, Operand)]| Kernel {
        entry: format!("{PREFIX}{entry}"),
        grid: Grid::PerElement(Operand::Input(0)),
        bindings: operands
            .iter()
            .map(|&(binding, operand)| Binding { binding, operand })
            .collect(),
        barriers: false,
    };
    let forward = kernel(
        "forward",
        &[
            (0, Operand::Dims),
            (2, Operand::Input(0)),
            (3, Operand::Output),
        ],
    );
    let backward = [
        (0, Operand::Dims),
        (2, Operand::Input(0)),
        (4, Operand::Output),
        (5, Operand::GradOutput),
        (6, Operand::GradInput(0)),
    ];
    let backward = kernel("backward", &backward);
    Kernels {
        forward: vec![forward],
        backward: vec![backward],
        ..Kernels::default()
    }
}
