// Smooth activations and the highway connection. One invocation per element of y.
//
// activation       y = f(x)                                    x, y [len]
// activation_grad  dx = dy·f′, from y                          y, dy, dx [len]
// activation_grad_from_input  the same, from x                x, dy, dx [len]
// lerp             y = a + g·(b − a)                           all [len]
// lerp_grad        da, db, dg from a, b, g, dy                 all [len]
// highway          y = h + σ(u)·(f(v) − h), [u, v] = both      h, y [rows, width],
//                                                             both [rows, 2·width]
// highway_grad     dboth and dh from both, h, dy               likewise
//
// `function` selects f: 0 is the identity, 1 ReLU, 2 tanh, 3 the sigmoid, 4 ReLU6, 5 the leaky ReLU,
// 6 ELU, 7 the hard sigmoid, 8 hard swish, 9 swish, 10 GELU. `from_result` is 1 if f′ follows from the
// value of f, and 0 if it needs the point.

struct Sizes { len: u32, function: u32, width: u32, from_result: u32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> y_in: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;
@group(0) @binding(7) var<storage, read> a: array<f32>;
@group(0) @binding(8) var<storage, read> b: array<f32>;
@group(0) @binding(9) var<storage, read> g: array<f32>;
@group(0) @binding(10) var<storage, read_write> da: array<f32>;
@group(0) @binding(11) var<storage, read_write> db: array<f32>;
@group(0) @binding(12) var<storage, read_write> dg: array<f32>;
@group(0) @binding(13) var<storage, read> both: array<f32>;
@group(0) @binding(14) var<storage, read> h: array<f32>;
@group(0) @binding(15) var<storage, read_write> dboth: array<f32>;
@group(0) @binding(16) var<storage, read_write> dh: array<f32>;

// The index of this invocation in a one-dimensional grid that may be folded over y.
fn element(id: vec3<u32>, groups: vec3<u32>) -> u32 {
    return id.x + id.y * groups.x * 64u;
}

// Beyond ±80 an f32 shows no difference, and exp stays finite.
fn sigmoid(v: f32) -> f32 {
    return 1.0 / (1.0 + exp(-clamp(v, -80.0, 80.0)));
}

// √(8/π)·(v + 0.044715·v³): GELU is v·σ of it. Beyond ±10, σ is 0 or 1 in an f32.
fn gelu_gate(v: f32) -> f32 {
    let c = clamp(v, -10.0, 10.0);
    return 1.5957692 * (c + 0.044715 * c * c * c);
}

fn apply(v: f32) -> f32 {
    switch sizes.function {
        case 1u: { return max(v, 0.0); }
        // Some compilers implement it with two exponentials, which overflow beyond ±44.
        case 2u: { return tanh(clamp(v, -15.0, 15.0)); }
        case 3u: { return sigmoid(v); }
        case 4u: { return min(max(v, 0.0), 6.0); }
        case 5u: { return select(0.01 * v, v, v > 0.0); }
        case 6u: { return select(exp(clamp(v, -80.0, 0.0)) - 1.0, v, v > 0.0); }
        case 7u: { return clamp(v + 3.0, 0.0, 6.0) / 6.0; }
        case 8u: { return v * clamp(v + 3.0, 0.0, 6.0) / 6.0; }
        case 9u: { return v * sigmoid(v); }
        case 10u: { return v * sigmoid(gelu_gate(v)); }
        case 0u, default: { return v; }
    }
}

// The slope of v·σ(t) where t has the slope `rate`. Both σ(t) and 1 − σ(t) come from e^−|t|, so that
// neither is a difference of almost equal numbers.
fn gated_slope(v: f32, t: f32, rate: f32) -> f32 {
    let e = exp(-min(abs(t), 80.0));
    let r = 1.0 / (1.0 + e);
    return select(r, e * r, t < 0.0) + v * rate * (e * r * r);
}

fn gelu_slope(v: f32) -> f32 {
    let c = clamp(v, -10.0, 10.0);
    return gated_slope(c, gelu_gate(c), 1.5957692 * (1.0 + 0.134145 * c * c));
}

// f′ at the point where f has the value `p`, or at the point `p` itself: see `from_result`.
fn slope(p: f32) -> f32 {
    switch sizes.function {
        case 1u: { return select(0.0, 1.0, p > 0.0); }
        case 2u: { return 1.0 - p * p; }
        case 3u: { return p * (1.0 - p); }
        case 4u: { return select(0.0, 1.0, p > 0.0 && p < 6.0); }
        case 5u: { return select(0.01, 1.0, p > 0.0); }
        case 6u: { return select(p + 1.0, 1.0, p > 0.0); }
        case 7u: { return select(0.0, 1.0 / 6.0, abs(p) < 3.0); }
        case 8u: { return select(select(0.0, 1.0, p > 0.0), p / 3.0 + 0.5, abs(p) < 3.0); }
        case 9u: { let c = clamp(p, -80.0, 80.0); return gated_slope(c, c, 1.0); }
        case 10u: { return gelu_slope(p); }
        case 0u, default: { return 1.0; }
    }
}

@compute @workgroup_size(64)
fn activation(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = apply(x[i]);
    }
}

@compute @workgroup_size(64)
fn activation_grad(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        dx[i] = dy[i] * slope(y_in[i]);
    }
}

@compute @workgroup_size(64)
fn activation_grad_from_input(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        dx[i] = dy[i] * slope(x[i]);
    }
}

@compute @workgroup_size(64)
fn lerp(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = a[i] + g[i] * (b[i] - a[i]);
    }
}

@compute @workgroup_size(64)
fn lerp_grad(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        da[i] = dy[i] * (1.0 - g[i]);
        db[i] = dy[i] * g[i];
        dg[i] = dy[i] * (b[i] - a[i]);
    }
}

@compute @workgroup_size(64)
fn highway(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        // Element i of h is in row r; the gate is in the same row of a matrix that is twice as
        // wide.
        let u = i + i / sizes.width * sizes.width;
        let gate = sigmoid(both[u]);
        y[i] = h[i] + gate * (apply(both[u + sizes.width]) - h[i]);
    }
}

@compute @workgroup_size(64)
fn highway_grad(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        let u = i + i / sizes.width * sizes.width;
        let gate = sigmoid(both[u]);
        let v = both[u + sizes.width];
        let f = apply(v);
        dboth[u] = dy[i] * (f - h[i]) * (gate * (1.0 - gate));
        dboth[u + sizes.width] = dy[i] * gate * slope(select(v, f, sizes.from_result != 0u));
        dh[i] = dy[i] * (1.0 - gate);
    }
}
