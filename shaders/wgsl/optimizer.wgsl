// Updates of one page of weights, in place. A workgroup handles eight blocks of 64 weights, one
// after the other.
//
// sgd   v = momentum·v + g; w −= rate·(g + momentum·v) if `nesterov`, else rate·v
// adam  m = beta1·m + (1 − beta1)·g; v = beta2·v + (1 − beta2)·g²; w −= rate·m̂/(√v̂ + eps)
//       with m̂ = m/(1 − beta1^t), v̂ = v/(1 − beta2^t)
//
// where g = factor·g + l2·w: the gradient only in touched blocks, the decay only in decayed ones.
// Blocks that are not touched stay unchanged, unless `everywhere`. A factor of zero means that the
// gradients are unusable: they may be NaN.
//
// g, w, m, v [len], touched and decayed: one bit per 64 of them, clip: norm and factor.

struct Sizes {
    len: u32,
    l2: f32,
    everywhere: u32,
    // For SGD.
    momentum: f32,
    nesterov: u32,
    // For Adam.
    beta1: f32,
    beta2: f32,
    eps: f32,
}

// `corrections` are 1 − beta^t for Adam's moments.
struct Step { rate: f32, number: u32, seed: vec2<u32>, corrections: vec2<f32> }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read> touched: array<u32>;
@group(0) @binding(4) var<storage, read> decayed: array<u32>;
@group(0) @binding(5) var<storage, read> clip: array<f32>;
@group(0) @binding(6) var<storage, read_write> w: array<f32>;
@group(0) @binding(7) var<storage, read_write> m: array<f32>;
@group(0) @binding(8) var<storage, read_write> v: array<f32>;

const BLOCKS = 8u;

// Whether the bit of a block is set in its word.
fn is_set(bits: u32, block: u32) -> bool {
    return (bits >> (block % 32u) & 1u) == 1u;
}

// The gradient of a weight including its decay.
fn combine(i: u32, factor: f32, decay: bool, weight: f32) -> f32 {
    var sum = 0.0;
    if factor != 0.0 {
        sum = factor * g[i];
    }
    return sum + select(0.0, sizes.l2 * weight, decay);
}

@compute @workgroup_size(64)
fn sgd(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let start = (group.x + group.y * groups.x) * BLOCKS;
    if start * 64u >= sizes.len {
        return;
    }
    let on = touched[start / 32u];
    let decay = decayed[start / 32u];
    let factor = clip[1];
    for (var block = start; block < start + BLOCKS; block++) {
        let i = block * 64u + lane;
        if i < sizes.len && (is_set(on, block) || sizes.everywhere != 0u) {
            let weight = w[i];
            let grad = combine(i, select(0.0, factor, is_set(on, block)), is_set(decay, block), weight);
            let speed = sizes.momentum * v[i] + grad;
            v[i] = speed;
            w[i] = weight - step.rate * select(speed, grad + sizes.momentum * speed, sizes.nesterov != 0u);
        }
    }
}

@compute @workgroup_size(64)
fn adam(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let start = (group.x + group.y * groups.x) * BLOCKS;
    if start * 64u >= sizes.len {
        return;
    }
    let on = touched[start / 32u];
    let decay = decayed[start / 32u];
    let factor = clip[1];
    for (var block = start; block < start + BLOCKS; block++) {
        let i = block * 64u + lane;
        if i < sizes.len && (is_set(on, block) || sizes.everywhere != 0u) {
            let weight = w[i];
            let grad = combine(i, select(0.0, factor, is_set(on, block)), is_set(decay, block), weight);
            let mean = sizes.beta1 * m[i] + (1.0 - sizes.beta1) * grad;
            let square = sizes.beta2 * v[i] + (1.0 - sizes.beta2) * grad * grad;
            m[i] = mean;
            v[i] = square;
            w[i] = weight - step.rate * (mean / step.corrections.x) / (sqrt(square / step.corrections.y) + sizes.eps);
        }
    }
}
