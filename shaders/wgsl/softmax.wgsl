// Softmax over the last axis, with one workgroup per row.
//
// softmax       y = exp(x − max x)/Σ exp(x − max x)
// softmax_grad  dx = y·(dy − Σ y·dy)
//
// x, y, dy, dx [rows, channels].

struct Sizes { rows: u32, channels: u32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> y_in: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;

var<workgroup> values: array<f32, 64>;

// The largest of the values of all invocations.
fn largest_of_all(i: u32, value: f32) -> f32 {
    workgroupBarrier();
    values[i] = value;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if i < half {
            values[i] = max(values[i], values[i + half]);
        }
    }
    workgroupBarrier();
    return values[0];
}

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
fn softmax(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let number = group.x + group.y * groups.x;
    let start = min(number, sizes.rows - 1u) * sizes.channels;
    // An invocation past the last channel repeats the last channel.
    var top = x[start + min(i, sizes.channels - 1u)];
    for (var c = i + 64u; c < sizes.channels; c += 64u) {
        top = max(top, x[start + c]);
    }
    top = largest_of_all(i, top);
    var sum = 0.0;
    for (var c = i; c < sizes.channels; c += 64u) {
        sum += exp(x[start + c] - top);
    }
    sum = sum_all(i, sum);
    if number >= sizes.rows {
        return;
    }
    for (var c = i; c < sizes.channels; c += 64u) {
        y[start + c] = exp(x[start + c] - top) / sum;
    }
}

@compute @workgroup_size(64)
fn softmax_grad(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let number = group.x + group.y * groups.x;
    let start = min(number, sizes.rows - 1u) * sizes.channels;
    var sum = 0.0;
    for (var c = i; c < sizes.channels; c += 64u) {
        sum += y_in[start + c] * dy[start + c];
    }
    sum = sum_all(i, sum);
    if number >= sizes.rows {
        return;
    }
    for (var c = i; c < sizes.channels; c += 64u) {
        dx[start + c] = y_in[start + c] * (dy[start + c] - sum);
    }
}
