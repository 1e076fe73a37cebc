// global_average_pool       y = mean of x over the positions
// global_average_pool_grad  dx = dy/positions
//
// x, dx [batch, positions, channels], y, dy [batch, channels].
//
// A workgroup handles one image and a tile of neighbouring channels; its invocations form `lanes`
// rows of `width` channels.

struct Sizes {
    batch: u32,
    positions: u32,
    channels: u32,
    // Channels of a workgroup; rows of invocations; tiles of all channels.
    width: u32,
    lanes: u32,
    tiles: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

// The elements of x of one invocation: from `at` up to `end` in steps of `step`; `to` is their
// element of y.
struct Share { at: u32, end: u32, step: u32, to: u32 }

fn share(number: u32, i: u32) -> Share {
    let tile = number % sizes.tiles;
    let image = number / sizes.tiles;
    let lane = i / sizes.width;
    let channel = tile * sizes.width + i % sizes.width;
    let start = image * sizes.positions;
    var end = (start + sizes.positions) * sizes.channels;
    if lane >= sizes.lanes || channel >= sizes.channels || image >= sizes.batch {
        end = 0u;
    }
    let at = (start + lane) * sizes.channels + channel;
    return Share(at, end, sizes.lanes * sizes.channels, image * sizes.channels + channel);
}

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn global_average_pool(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    var sum = 0.0;
    for (var at = own.at; at < own.end; at += own.step) {
        sum += x[at];
    }
    // A tree reduction over the rows of invocations, always in the same order.
    sums[i] = sum;
    var rows = sizes.lanes;
    while rows > 1u {
        let half = (rows + 1u) / 2u;
        workgroupBarrier();
        if i < (rows - half) * sizes.width {
            sums[i] += sums[i + half * sizes.width];
        }
        rows = half;
    }
    if i < sizes.width && own.at < own.end {
        y[own.to] = sums[i] / f32(sizes.positions);
    }
}

@compute @workgroup_size(256)
fn global_average_pool_grad(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    if own.at >= own.end {
        return;
    }
    let value = dy[own.to] / f32(sizes.positions);
    for (var at = own.at; at < own.end; at += own.step) {
        dx[at] = value;
    }
}
