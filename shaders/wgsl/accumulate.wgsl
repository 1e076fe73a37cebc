// The sum of the gradients of several passes, in place.
//
// accumulate  sum = share·g if `first`, else sum + share·g, with one share per block of 64
//
// g, sum [len], shares [⌈len/64⌉]. The gradients of a block with share 0 may be anything, even NaN.

struct Sizes { len: u32, first: u32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read> shares: array<f32>;
@group(0) @binding(4) var<storage, read_write> sum: array<f32>;

@compute @workgroup_size(64)
fn accumulate(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i >= sizes.len {
        return;
    }
    var total = 0.0;
    if sizes.first == 0u {
        total = sum[i];
    }
    let share = shares[i / 64u];
    if share != 0.0 {
        total += share * g[i];
    }
    sum[i] = total;
}
