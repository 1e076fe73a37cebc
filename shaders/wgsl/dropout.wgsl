// dropout       y = scale·x where kept, else 0                x, y [len]
// word_dropout  y = scale·x where the row's token is kept     x, y [rows, period], tokens [rows]
// drop_path     y = x/keep for the samples that are kept,     x, y [samples, len]
//               else 0, keep = 1 − depth·p
//
// Element i has the number m = (first + i) mod period. It is kept if the 24 high bits of
// philox(seed, [m/4, stream, step, 0])[m%4], which are the same on every device, are at least
// `threshold`. One invocation handles four elements, since Philox returns four words. Token t is
// kept by the same test on philox(seed, [t, stream, step, 1])[0]. In drop_path, samples take the
// place of elements, and each of the `runs` parts of a sample has one workgroup.

struct Sizes {
    len: u32,
    // For dropout.
    threshold: u32,
    stream: u32,
    scale: f32,
    first: u32,
    period: u32,
    // For drop-path.
    samples: u32,
    depth: f32,
    runs: u32,
}

// `corrections` belong to Adam, `drop_path` is p.
struct Step { rate: f32, number: u32, seed: vec2<u32>, corrections: vec2<f32>, drop_path: f32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> tokens: array<u32>;

// The high 32 bits of a·b.
fn high(a: u32, b: u32) -> u32 {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    // Neither sum overflows: (2¹⁶ − 1)² + 2·(2¹⁶ − 1) = 2³² − 1.
    let middle = a_high * b_low + ((a_low * b_low) >> 16u);
    let other = a_low * b_high + (middle & 0xffffu);
    return a_high * b_high + (middle >> 16u) + (other >> 16u);
}

// Ten rounds of Philox4x32 (Salmon et al. 2011).
fn philox(seed: vec2<u32>, start: vec4<u32>) -> vec4<u32> {
    var key = seed;
    var c = start;
    for (var round = 0u; round < 10u; round++) {
        let a = 0xd2511f53u;
        let b = 0xcd9e8d57u;
        c = vec4(high(c.z, b) ^ c.y ^ key.x, c.z * b, high(c.x, a) ^ c.w ^ key.y, c.x * a);
        key += vec2(0x9e3779b9u, 0xbb67ae85u);
    }
    return c;
}

@compute @workgroup_size(64)
fn dropout(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let block = id.x + id.y * groups.x * 64u;
    let i = 4u * block;
    if i >= sizes.len {
        return;
    }
    let number = (sizes.first + i) % sizes.period / 4u;
    let bits = philox(step.seed, vec4(number, sizes.stream, step.number, 0u));
    let kept = (bits >> vec4(8u)) >= vec4(sizes.threshold);
    y[i] = select(0.0, sizes.scale * x[i], kept.x);
    if i + 1u < sizes.len { y[i + 1u] = select(0.0, sizes.scale * x[i + 1u], kept.y); }
    if i + 2u < sizes.len { y[i + 2u] = select(0.0, sizes.scale * x[i + 2u], kept.z); }
    if i + 3u < sizes.len { y[i + 3u] = select(0.0, sizes.scale * x[i + 3u], kept.w); }
}

@compute @workgroup_size(64)
fn word_dropout(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i < sizes.len {
        let bits = philox(step.seed, vec4(tokens[i / sizes.period], sizes.stream, step.number, 1u));
        y[i] = select(0.0, sizes.scale * x[i], bits.x >> 8u >= sizes.threshold);
    }
}

const RUN = 1024u;

@compute @workgroup_size(64)
fn drop_path(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = group.x + group.y * groups.x;
    let sample = number / sizes.runs;
    if sample >= sizes.samples {
        return;
    }
    let bits = philox(step.seed, vec4(sample / 4u, sizes.stream, step.number, 0u));
    let drawn = f32(bits[sample % 4u] >> 8u) * (1.0 / 16777216.0);
    let rate = sizes.depth * step.drop_path;
    let factor = select(0.0, 1.0 / (1.0 - rate), drawn >= rate);
    let first = (number % sizes.runs) * RUN;
    let end = min(first + RUN, sizes.len);
    for (var at = first + local; at < end; at += 64u) {
        let i = sample * sizes.len + at;
        // A dropped element may be NaN or infinite.
        y[i] = select(0.0, factor * x[i], factor > 0.0);
    }
}
