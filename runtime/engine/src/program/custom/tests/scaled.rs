//! A custom op that exercises every kind of operand.

use supernet_plugin::Operand::*;
use supernet_plugin::{CustomOp, Kernel, Length};
use supernet_shaders::catalogue::{CpuKernel, Run};

/// y = x·p per channel: two kernels in each direction, with a saved and a scratch buffer between
/// them, so that every kind of operand occurs.
const SCALED: &str = "
struct Dims { batch: u32, x: vec4<u32>, p: vec4<u32>, y: vec4<u32> }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;
@group(0) @binding(5) var<storage, read_write> d: array<f32>;

fn len() -> u32 { return dims.batch * dims.x.x * dims.x.y * dims.x.z; }
fn at(own: u32, group: vec3<u32>, groups: vec3<u32>) -> u32 { return (group.x + group.y * groups.x) * 32u + own; }

@compute @workgroup_size(32) fn copy1(@builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>) {
    let i = at(own, group, groups);
    if i < len() { c[i] = a[i]; d[i] = a[i]; }
}
@compute @workgroup_size(32) fn scale2(@builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>) {
    let i = at(own, group, groups);
    if i < len() { c[i] = a[i] * b[i % dims.x.z]; }
}
@compute @workgroup_size(32) fn sums(@builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>) {
    let channel = at(own, group, groups);
    if channel >= dims.x.z { return; }
    var sum = 0.0;
    for (var i = channel; i < len(); i += dims.x.z) { sum += a[i] * b[i]; }
    c[channel] = sum;
}
@compute @workgroup_size(32) fn param(@builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>) {
    let i = at(own, group, groups);
    if i < dims.x.z { c[i] = a[i]; }
}
";

pub(super) fn scaled() -> CustomOp {
    let forward = |entry: &str| Kernel::per_element(entry, Output);
    CustomOp::kernels("scaled", SCALED)
        .params(1)
        .macs(1)
        .saved(Length::Like(Input(0)))
        .scratch(Length::Like(Output))
        .scratch(Length::Like(Param(0)))
        .forward(
            forward("copy1")
                .bind(0, Dims)
                .bind(2, Input(0))
                .bind(4, Saved(0))
                .bind(5, Scratch(0)),
        )
        .forward(
            forward("scale2")
                .bind(0, Dims)
                .bind(2, Scratch(0))
                .bind(3, Param(0))
                .bind(4, Output),
        )
        .backward(
            Kernel::per_element("scale2", GradInput(0))
                .bind(0, Dims)
                .bind(2, GradOutput)
                .bind(3, Param(0))
                .bind(4, GradInput(0)),
        )
        .backward(
            Kernel::per_element("sums", Param(0))
                .bind(0, Dims)
                .bind(2, Saved(0))
                .bind(3, GradOutput)
                .bind(4, Scratch(1)),
        )
        .backward(
            Kernel::per_element("param", Param(0))
                .bind(0, Dims)
                .bind(2, Scratch(1))
                .bind(4, GradParam(0)),
        )
}

#[derive(Debug)]
pub(super) struct Scaled;

impl CpuKernel for Scaled {
    fn run(&self, run: &Run, reads: &[&[f32]], writes: &mut [&mut [f32]]) -> Result<(), String> {
        let channels = run.dims[6] as usize;
        match (run.name, reads, writes) {
            ("copy1", [x], [saved, scratch]) => {
                saved.copy_from_slice(x);
                scratch.copy_from_slice(x);
            }
            ("scale2", [x, p], [y]) => {
                y.iter_mut()
                    .zip(*x)
                    .enumerate()
                    .for_each(|(i, (y, x))| *y = x * p[i % channels]);
            }
            ("sums", [x, dy], [sums]) => {
                sums.fill(0.0);
                x.iter()
                    .zip(*dy)
                    .enumerate()
                    .for_each(|(i, (x, dy))| sums[i % channels] += x * dy);
            }
            ("param", [sums], [dp]) => dp.copy_from_slice(sums),
            (kernel, ..) => return Err(format!("there is no kernel `{kernel}`")),
        }
        Ok(())
    }
}
