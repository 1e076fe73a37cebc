// The norm of the gradients, and the factor that limits it.
//
// norm_partials  partials = Σ g² over the touched blocks of each 4096 gradients
// clip_factor    clip = norm, factor: the square root of the sum of all partials, and
//                min(1, limit/norm); 1 if the norm is zero, 0 if it is not finite
//
// g [len], touched: one bit per 64 of them, partials [⌈len/4096⌉], clip [2]. The order of summation
// is fixed.

// `len` counts gradients for norm_partials, partials for clip_factor.
struct Sizes { len: u32, limit: f32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read> touched: array<u32>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;
@group(0) @binding(5) var<storage, read> partials_in: array<f32>;
@group(0) @binding(6) var<storage, read_write> clip: array<f32>;

var<workgroup> sums: array<f32, 256>;

// The sum of the values of all invocations, for the first one.
fn sum_all(i: u32, value: f32) -> f32 {
    sums[i] = value;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if i < half {
            sums[i] += sums[i + half];
        }
    }
    return sums[i];
}

@compute @workgroup_size(256)
fn norm_partials(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let chunk = group.x + group.y * groups.x;
    var sum = 0.0;
    // Two words hold the bits of 64 blocks; each iteration handles the next four.
    for (var word = 2u * chunk; word < 2u * chunk + 2u && word * 2048u < sizes.len; word++) {
        var bits = touched[word] >> (i / 64u);
        for (var at = word * 2048u + i; at < min((word + 1u) * 2048u, sizes.len); at += 256u) {
            // Gradients that were not touched may be anything, even NaN.
            if (bits & 1u) == 1u {
                let value = g[at];
                sum += value * value;
            }
            bits >>= 4u;
        }
    }
    sum = sum_all(i, sum);
    if i == 0u && chunk * 4096u < sizes.len {
        partials[chunk] = sum;
    }
}

@compute @workgroup_size(256)
fn clip_factor(@builtin(local_invocation_index) i: u32) {
    var sum = 0.0;
    for (var at = i; at < sizes.len; at += 256u) {
        sum += partials_in[at];
    }
    sum = sum_all(i, sum);
    if i == 0u {
        // Compilers may assume that numbers are finite, so the exponent bits are tested.
        let finite = (bitcast<u32>(sum) & 0x7f800000u) != 0x7f800000u;
        let norm = sqrt(sum);
        clip[0] = norm;
        clip[1] = select(0.0, select(1.0, sizes.limit / norm, norm > sizes.limit), finite);
    }
}
