// A factor per channel.
//
// scale       y = x·s                                     one invocation per element
// scale_grad  ds = the sum of x·dy over the positions
//
// x, y, dy [batch, positions, channels], s, ds [batch, channels].
//
// A workgroup of scale_grad handles one row of s and a tile of neighbouring channels; its invocations
// form `lanes` rows of `width` channels.

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
@group(0) @binding(3) var<storage, read> s: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> ds: array<f32>;

@compute @workgroup_size(64)
fn scale(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i < sizes.batch * sizes.positions * sizes.channels {
        let row = i / sizes.channels;
        y[i] = x[i] * s[row / sizes.positions * sizes.channels + i - row * sizes.channels];
    }
}

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn scale_grad(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let number = group.x + group.y * groups.x;
    let sample = number / sizes.tiles;
    let lane = i / sizes.width;
    let channel = number % sizes.tiles * sizes.width + i % sizes.width;
    let inside = lane < sizes.lanes && channel < sizes.channels && sample < sizes.batch;
    let start = sample * sizes.positions;
    let end = select(0u, (start + sizes.positions) * sizes.channels, inside);
    var sum = 0.0;
    for (var at = (start + lane) * sizes.channels + channel; at < end; at += sizes.lanes * sizes.channels) {
        sum += x[at] * dy[at];
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
    if i < sizes.width && inside {
        ds[sample * sizes.channels + channel] = sums[i];
    }
}
