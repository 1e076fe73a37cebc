// Sums whose weights are data: one weight per input and slice of the batch.
//
// weighted_sum1 …             y = Σ w·x; one entry point per number of inputs
// continued_sum1 …            y = sum + Σ w·x
// weighted_sum_grad_input     dx = w·dy for one input
// weighted_sum_grad_partials  partials = Σ x·dy over each 4096 elements of a slice, for one input
// weighted_sum_grad_weights   dw = Σ partials
//
// w, dw [slices, inputs]; sum, x0 …, x, y, dy, dx [slices, row]; partials [slices, parts, inputs].
// The order of summation is fixed.

struct Sizes {
    // Elements of all slices, and of one.
    len: u32,
    row: u32,
    inputs: u32,
    // The input whose gradient is computed.
    input: u32,
    // Partial sums of a slice.
    parts: u32,
}

// The input whose products with dy are summed.
override INPUT: u32 = 0u;

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read> sum: array<f32>;
@group(0) @binding(5) var<storage, read> x0: array<f32>;
@group(0) @binding(6) var<storage, read> x1: array<f32>;
@group(0) @binding(7) var<storage, read> x2: array<f32>;
@group(0) @binding(8) var<storage, read> x3: array<f32>;
@group(0) @binding(9) var<storage, read> x4: array<f32>;
@group(0) @binding(10) var<storage, read> x5: array<f32>;
@group(0) @binding(11) var<storage, read> dy: array<f32>;
@group(0) @binding(12) var<storage, read_write> dx: array<f32>;
@group(0) @binding(13) var<storage, read> x: array<f32>;
@group(0) @binding(14) var<storage, read_write> partials: array<f32>;
@group(0) @binding(15) var<storage, read> partials_in: array<f32>;
@group(0) @binding(16) var<storage, read_write> dw: array<f32>;

// The index of this invocation in a one-dimensional grid that may be folded over y.
fn element(id: vec3<u32>, groups: vec3<u32>) -> u32 {
    return id.x + id.y * groups.x * 64u;
}

// The weight of an input for element i.
fn weight(i: u32, input: u32) -> f32 {
    return w[i / sizes.row * sizes.inputs + input];
}

// The sum of the first inputs, from the first to the last, after an earlier sum.
fn one(before: f32, i: u32) -> f32 { return before + weight(i, 0u) * x0[i]; }
fn two(before: f32, i: u32) -> f32 { return one(before, i) + weight(i, 1u) * x1[i]; }
fn three(before: f32, i: u32) -> f32 { return two(before, i) + weight(i, 2u) * x2[i]; }
fn four(before: f32, i: u32) -> f32 { return three(before, i) + weight(i, 3u) * x3[i]; }
fn five(before: f32, i: u32) -> f32 { return four(before, i) + weight(i, 4u) * x4[i]; }
fn six(before: f32, i: u32) -> f32 { return five(before, i) + weight(i, 5u) * x5[i]; }

@compute @workgroup_size(64)
fn weighted_sum1(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = one(0.0, i);
    }
}

@compute @workgroup_size(64)
fn weighted_sum2(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = two(0.0, i);
    }
}

@compute @workgroup_size(64)
fn weighted_sum3(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = three(0.0, i);
    }
}

@compute @workgroup_size(64)
fn weighted_sum4(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = four(0.0, i);
    }
}

@compute @workgroup_size(64)
fn weighted_sum5(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = five(0.0, i);
    }
}

@compute @workgroup_size(64)
fn weighted_sum6(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = six(0.0, i);
    }
}

@compute @workgroup_size(64)
fn continued_sum1(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = one(sum[i], i);
    }
}

@compute @workgroup_size(64)
fn continued_sum2(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = two(sum[i], i);
    }
}

@compute @workgroup_size(64)
fn continued_sum3(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = three(sum[i], i);
    }
}

@compute @workgroup_size(64)
fn continued_sum4(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = four(sum[i], i);
    }
}

@compute @workgroup_size(64)
fn continued_sum5(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = five(sum[i], i);
    }
}

@compute @workgroup_size(64)
fn weighted_sum_grad_input(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        dx[i] = weight(i, sizes.input) * dy[i];
    }
}

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn weighted_sum_grad_partials(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let number = group.x + group.y * groups.x;
    let begin = number / sizes.parts * sizes.row;
    let part = number % sizes.parts * 4096u;
    var total = 0.0;
    for (var at = part + i; at < min(part + 4096u, sizes.row) && begin < sizes.len; at += 256u) {
        total += x[begin + at] * dy[begin + at];
    }
    sums[i] = total;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if i < half {
            sums[i] += sums[i + half];
        }
    }
    if i == 0u && begin < sizes.len {
        partials[number * sizes.inputs + INPUT] = sums[0];
    }
}

@compute @workgroup_size(64)
fn weighted_sum_grad_weights(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i >= sizes.len / sizes.row * sizes.inputs {
        return;
    }
    let first = i / sizes.inputs * sizes.parts;
    var total = 0.0;
    for (var part = 0u; part < sizes.parts; part++) {
        total += partials_in[(first + part) * sizes.inputs + i % sizes.inputs];
    }
    dw[i] = total;
}
