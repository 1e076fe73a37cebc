// One invocation per element of the result.
//
// relu       y = max(x, 0)                      x, y [len]
// relu_grad  dx = dy where y > 0                y, dy, dx [len]
// fill       y = value                          y [len]
// sum1 …     y = value·(x0 + x1 + …)            x0 …, y [len]; one entry point per number of inputs

struct Sizes { len: u32, value: f32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> y_in: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;
@group(0) @binding(7) var<storage, read> x0: array<f32>;
@group(0) @binding(8) var<storage, read> x1: array<f32>;
@group(0) @binding(9) var<storage, read> x2: array<f32>;
@group(0) @binding(10) var<storage, read> x3: array<f32>;
@group(0) @binding(11) var<storage, read> x4: array<f32>;
@group(0) @binding(12) var<storage, read> x5: array<f32>;
@group(0) @binding(13) var<storage, read> x6: array<f32>;

// The index of this invocation in a one-dimensional grid that may be folded over y.
fn element(id: vec3<u32>, groups: vec3<u32>) -> u32 {
    return id.x + id.y * groups.x * 64u;
}

@compute @workgroup_size(64)
fn relu(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = max(x[i], 0.0);
    }
}

@compute @workgroup_size(64)
fn relu_grad(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        dx[i] = select(0.0, dy[i], y_in[i] > 0.0);
    }
}

@compute @workgroup_size(64)
fn fill(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = sizes.value;
    }
}

// The sum of the first inputs, from the first to the last.
fn two(i: u32) -> f32 { return x0[i] + x1[i]; }
fn three(i: u32) -> f32 { return two(i) + x2[i]; }
fn four(i: u32) -> f32 { return three(i) + x3[i]; }
fn five(i: u32) -> f32 { return four(i) + x4[i]; }
fn six(i: u32) -> f32 { return five(i) + x5[i]; }

@compute @workgroup_size(64)
fn sum1(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = sizes.value * x0[i];
    }
}

@compute @workgroup_size(64)
fn sum2(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = sizes.value * two(i);
    }
}

@compute @workgroup_size(64)
fn sum3(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = sizes.value * three(i);
    }
}

@compute @workgroup_size(64)
fn sum4(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = sizes.value * four(i);
    }
}

@compute @workgroup_size(64)
fn sum5(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = sizes.value * five(i);
    }
}

@compute @workgroup_size(64)
fn sum6(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = sizes.value * six(i);
    }
}

@compute @workgroup_size(64)
fn sum7(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = sizes.value * (six(i) + x6[i]);
    }
}
