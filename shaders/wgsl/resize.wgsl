// Bilinear resizing with half-pixel centres. One invocation per element of the result.
//
// resize       y = x in another size
// resize_grad  dx = the sum over the pixels of y that read a pixel of x, in order
//
// x, dx [batch, height, width, channels], y, dy [batch, to_height, to_width, channels].

struct Sizes { len: u32, height: u32, width: u32, to_height: u32, to_width: u32, channels: u32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

// The two pixels that position `at` of an axis reads, and the weight of the second one.
struct Tap { low: u32, high: u32, share: f32 }

fn tap(at: u32, input: u32, output: u32) -> Tap {
    // (at + ½)·input/output − ½ in whole numbers, but not below zero.
    let scaled = max((2u * at + 1u) * input, output) - output;
    let low = min(scaled / (2u * output), input - 1u);
    return Tap(low, min(low + 1u, input - 1u), f32(scaled % (2u * output)) / f32(2u * output));
}

// The weight with which a tap reads pixel `at`.
fn weight(t: Tap, at: u32) -> f32 {
    return select(0.0, 1.0 - t.share, t.low == at) + select(0.0, t.share, t.high == at);
}

// The positions from x up to y that may read pixel `at` of an axis.
fn readers(at: u32, input: u32, output: u32) -> vec2<u32> {
    var first = 0u;
    if at > 1u {
        first = max(output * (2u * at - 1u) / (2u * input), 1u) - 1u;
    }
    var end = output;
    if at + 1u < input {
        end = min(output * (2u * at + 3u) / (2u * input) + 2u, output);
    }
    return vec2<u32>(first, end);
}

@compute @workgroup_size(64)
fn resize(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i < sizes.len {
        let channel = i % sizes.channels;
        let pixel = i / sizes.channels;
        let down = tap(pixel / sizes.to_width % sizes.to_height, sizes.height, sizes.to_height);
        let across = tap(pixel % sizes.to_width, sizes.width, sizes.to_width);
        let image = pixel / sizes.to_width / sizes.to_height * sizes.height;
        let upper = (image + down.low) * sizes.width;
        let lower = (image + down.high) * sizes.width;
        let top = (1.0 - across.share) * x[(upper + across.low) * sizes.channels + channel]
            + across.share * x[(upper + across.high) * sizes.channels + channel];
        let bottom = (1.0 - across.share) * x[(lower + across.low) * sizes.channels + channel]
            + across.share * x[(lower + across.high) * sizes.channels + channel];
        y[i] = (1.0 - down.share) * top + down.share * bottom;
    }
}

@compute @workgroup_size(64)
fn resize_grad(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i < sizes.len {
        let channel = i % sizes.channels;
        let pixel = i / sizes.channels;
        let row = pixel / sizes.width % sizes.height;
        let column = pixel % sizes.width;
        let image = pixel / sizes.width / sizes.height * sizes.to_height;
        let rows = readers(row, sizes.height, sizes.to_height);
        let columns = readers(column, sizes.width, sizes.to_width);
        var sum = 0.0;
        for (var oy = rows.x; oy < rows.y; oy += 1u) {
            let down = weight(tap(oy, sizes.height, sizes.to_height), row);
            for (var ox = columns.x; ox < columns.y; ox += 1u) {
                let across = weight(tap(ox, sizes.width, sizes.to_width), column);
                sum += down * across * dy[((image + oy) * sizes.to_width + ox) * sizes.channels + channel];
            }
        }
        dx[i] = sum;
    }
}
