// Normalisation of each sample over all positions of a group of channels (Wu and He 2018), with one
// workgroup per group of every sample.
//
// group_norm       y = (x − mean)·rstd, rstd = 1/√(variance + eps)
// group_norm_grad  dx = rstd·(dy − mean(dy) − y·mean(dy·y))
//
// x, y, dy, dx [batch, positions, groups, width], rstd [batch, groups].

struct Sizes { batch: u32, positions: u32, groups: u32, width: u32, eps: f32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(5) var<storage, read> y_in: array<f32>;
@group(0) @binding(6) var<storage, read> rstd_in: array<f32>;
@group(0) @binding(7) var<storage, read> dy: array<f32>;
@group(0) @binding(8) var<storage, read_write> dx: array<f32>;

// The place of element `k` of a group: set s is group s % groups of sample s / groups.
fn element(s: u32, k: u32) -> u32 {
    let row = s / sizes.groups * sizes.positions + k / sizes.width;
    return (row * sizes.groups + s % sizes.groups) * sizes.width + k % sizes.width;
}

var<workgroup> values: array<f32, 64>;

// The sum of the values of all invocations, always in the same order.
fn sum_all(i: u32, value: f32) -> f32 {
    // Another invocation may still be reading the last result.
    workgroupBarrier();
    values[i] = value;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if i < half {
            values[i] += values[i + half];
        }
    }
    workgroupBarrier();
    return values[0];
}

@compute @workgroup_size(64)
fn group_norm(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let number = group.x + group.y * groups.x;
    let s = min(number, sizes.batch * sizes.groups - 1u);
    let count = sizes.positions * sizes.width;
    // Differences from an element of the group: with a mean far from zero, too few digits would
    // remain for the deviations.
    let origin = x[element(s, 0u)];
    var sum = 0.0;
    for (var k = i; k < count; k += 64u) {
        sum += x[element(s, k)] - origin;
    }
    let mean = origin + sum_all(i, sum) / f32(count);
    var squares = 0.0;
    for (var k = i; k < count; k += 64u) {
        let deviation = x[element(s, k)] - mean;
        squares += deviation * deviation;
    }
    let scale = inverseSqrt(sum_all(i, squares) / f32(count) + sizes.eps);
    if number >= sizes.batch * sizes.groups {
        return;
    }
    for (var k = i; k < count; k += 64u) {
        let at = element(s, k);
        y[at] = (x[at] - mean) * scale;
    }
    if i == 0u {
        rstd[s] = scale;
    }
}

@compute @workgroup_size(64)
fn group_norm_grad(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let number = group.x + group.y * groups.x;
    let s = min(number, sizes.batch * sizes.groups - 1u);
    let count = sizes.positions * sizes.width;
    var sum = 0.0;
    var product = 0.0;
    for (var k = i; k < count; k += 64u) {
        let at = element(s, k);
        sum += dy[at];
        product += dy[at] * y_in[at];
    }
    let plain = sum_all(i, sum) / f32(count);
    let along = sum_all(i, product) / f32(count);
    if number >= sizes.batch * sizes.groups {
        return;
    }
    let scale = rstd_in[s];
    for (var k = i; k < count; k += 64u) {
        let at = element(s, k);
        dx[at] = scale * (dy[at] - plain - y_in[at] * along);
    }
}
