// bias       y = x + b                     x, y [rows, channels], b [channels]
// bias_grad  db = Σ over the rows of dy    dy [rows, channels], db [channels]
//
// A workgroup handles one chunk of rows and a tile of neighbouring channels; its invocations form
// `lanes` rows of `width` channels. With a single chunk, `bias_grad` writes db; otherwise db is
// scratch of [chunks, channels], which `bias_grad_total` adds in order.

struct Sizes {
    rows: u32,
    channels: u32,
    // Channels of a workgroup; rows of invocations; tiles of all channels.
    width: u32,
    lanes: u32,
    tiles: u32,
    // Rows per chunk; number of chunks.
    chunk: u32,
    chunks: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> db: array<f32>;
@group(0) @binding(7) var<storage, read> partials: array<f32>;

// The elements of one invocation: from `at` up to `end` in steps of `step`, all in channel
// `channel`, in chunk `chunk`.
struct Share { at: u32, end: u32, step: u32, channel: u32, chunk: u32 }

fn share(number: u32, i: u32) -> Share {
    let tile = number % sizes.tiles;
    let chunk = number / sizes.tiles;
    let lane = i / sizes.width;
    let channel = tile * sizes.width + i % sizes.width;
    var end = min((chunk + 1u) * sizes.chunk, sizes.rows) * sizes.channels;
    if lane >= sizes.lanes || channel >= sizes.channels {
        end = 0u;
    }
    let at = (chunk * sizes.chunk + lane) * sizes.channels + channel;
    return Share(at, end, sizes.lanes * sizes.channels, channel, chunk);
}

@compute @workgroup_size(256)
fn bias(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    if own.at >= own.end {
        return;
    }
    let shift = b[own.channel];
    for (var at = own.at; at < own.end; at += own.step) {
        y[at] = x[at] + shift;
    }
}

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn bias_grad(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    var sum = 0.0;
    for (var at = own.at; at < own.end; at += own.step) {
        sum += dy[at];
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
    if i < sizes.width && own.channel < sizes.channels && own.chunk < sizes.chunks {
        db[own.chunk * sizes.channels + own.channel] = sums[i];
    }
}

var<workgroup> totals: array<array<f32, 8>, 32>;

// A workgroup adds eight columns of the sums of the chunks, in 32 rows.
@compute @workgroup_size(8, 32)
fn bias_grad_total(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) id: vec3<u32>,
) {
    let channel = (group.x + group.y * groups.x) * 8u + id.x;
    var sum = 0.0;
    if channel < sizes.channels {
        for (var chunk = id.y; chunk < sizes.chunks; chunk += 32u) {
            sum += partials[chunk * sizes.channels + channel];
        }
    }
    totals[id.y][id.x] = sum;
    for (var half = 16u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if id.y < half {
            totals[id.y][id.x] += totals[id.y + half][id.x];
        }
    }
    if id.y == 0u && channel < sizes.channels {
        db[channel] = totals[0][id.x];
    }
}
