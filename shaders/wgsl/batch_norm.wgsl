// Batch normalisation of a matrix over its rows (Ioffe and Szegedy 2015).
//
// batch_norm_stats       stats = mean and 1/√(variance + eps) of every channel
// batch_norm             y = gamma·(x − mean)·rstd + beta, then the ReLU if `relu`
// batch_norm_grad_sums   dgamma = Σ over the rows of dy·(x − mean)·rstd, dbeta = Σ of dy
// batch_norm_grad_input  dx = gamma·rstd·(dy − dbeta/rows − (x − mean)·rstd·dgamma/rows)
//
// x, y, dy, dx [rows, channels], stats [2, channels], all others [channels]. Entry points without
// `affine` in their names use 1 for gamma and 0 for beta; those with `relu` treat dy as zero where
// y is not positive.
//
// A workgroup handles one chunk of rows and a tile of neighbouring channels; its invocations form
// `lanes` rows of `width` channels. A reduction with a single chunk is complete after one dispatch;
// otherwise each chunk writes [2, channels] to `partials`, and an entry point in `_total` combines
// them in order.

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
    eps: f32,
    relu: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> stats: array<f32>;
@group(0) @binding(4) var<storage, read> stats_in: array<f32>;
@group(0) @binding(5) var<storage, read> gamma: array<f32>;
@group(0) @binding(6) var<storage, read> beta: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;
@group(0) @binding(8) var<storage, read> y_in: array<f32>;
@group(0) @binding(9) var<storage, read> dy: array<f32>;
@group(0) @binding(10) var<storage, read_write> dgamma: array<f32>;
@group(0) @binding(11) var<storage, read_write> dbeta: array<f32>;
@group(0) @binding(12) var<storage, read> dgamma_in: array<f32>;
@group(0) @binding(13) var<storage, read> dbeta_in: array<f32>;
@group(0) @binding(14) var<storage, read_write> dx: array<f32>;
@group(0) @binding(15) var<storage, read_write> partials: array<f32>;
@group(0) @binding(16) var<storage, read> partials_in: array<f32>;

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

// Whether this invocation writes the result of the workgroup for its channel.
fn writes(i: u32, own: Share) -> bool {
    return i < sizes.width && own.channel < sizes.channels && own.chunk < sizes.chunks;
}

// The number of values, their mean, and the sum of their squared deviations from it. The values are
// differences from the first row of the channel: with a mean far from zero, too few digits would
// remain for the deviations.
struct Moments { count: f32, mean: f32, squares: f32 }

// The moments of the union of two sets (Chan, Golub and LeVeque 1983).
fn both(a: Moments, b: Moments) -> Moments {
    let count = a.count + b.count;
    let share = b.count / max(count, 1.0);
    let delta = b.mean - a.mean;
    return Moments(count, a.mean + delta * share, a.squares + b.squares + delta * delta * a.count * share);
}

var<workgroup> parts: array<Moments, 256>;

// The moments of one channel of a chunk, for the invocation that writes them.
fn moments(i: u32, own: Share) -> Moments {
    let origin = x[min(own.channel, sizes.channels - 1u)];
    // Welford's recurrence (1962).
    var found = Moments(0.0, 0.0, 0.0);
    for (var at = own.at; at < own.end; at += own.step) {
        found.count += 1.0;
        let value = x[at] - origin;
        let delta = value - found.mean;
        found.mean += delta / found.count;
        found.squares += delta * (value - found.mean);
    }
    // A tree reduction over the rows of invocations, always in the same order.
    parts[i] = found;
    var rows = sizes.lanes;
    while rows > 1u {
        let half = (rows + 1u) / 2u;
        workgroupBarrier();
        if i < (rows - half) * sizes.width {
            parts[i] = both(parts[i], parts[i + half * sizes.width]);
        }
        rows = half;
    }
    return parts[i];
}

fn write_stats(channel: u32, all: Moments) {
    stats[channel] = x[channel] + all.mean;
    stats[sizes.channels + channel] = inverseSqrt(max(all.squares, 0.0) / all.count + sizes.eps);
}

@compute @workgroup_size(256)
fn batch_norm_stats(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    let found = moments(i, own);
    if writes(i, own) {
        write_stats(own.channel, found);
    }
}

@compute @workgroup_size(256)
fn batch_norm_stats_partials(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    let found = moments(i, own);
    if writes(i, own) {
        let at = 2u * own.chunk * sizes.channels + own.channel;
        partials[at] = found.mean;
        partials[at + sizes.channels] = found.squares;
    }
}

var<workgroup> chunk_parts: array<array<Moments, 8>, 32>;

// A workgroup combines the moments of the chunks for eight channels; each of its 32 rows takes
// every 32nd chunk.
@compute @workgroup_size(8, 32)
fn batch_norm_stats_total(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) id: vec3<u32>,
) {
    let channel = (group.x + group.y * groups.x) * 8u + id.x;
    var found = Moments(0.0, 0.0, 0.0);
    if channel < sizes.channels {
        for (var chunk = id.y; chunk < sizes.chunks; chunk += 32u) {
            let count = f32(min(sizes.chunk, sizes.rows - chunk * sizes.chunk));
            let at = 2u * chunk * sizes.channels + channel;
            found = both(found, Moments(count, partials_in[at], partials_in[at + sizes.channels]));
        }
    }
    chunk_parts[id.y][id.x] = found;
    for (var half = 16u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if id.y < half {
            chunk_parts[id.y][id.x] = both(chunk_parts[id.y][id.x], chunk_parts[id.y + half][id.x]);
        }
    }
    if id.y == 0u && channel < sizes.channels {
        write_stats(channel, chunk_parts[0][id.x]);
    }
}

fn apply(own: Share, scale: f32, shift: f32) {
    let mean = stats_in[own.channel];
    for (var at = own.at; at < own.end; at += own.step) {
        let value = (x[at] - mean) * scale + shift;
        y[at] = select(value, 0.0, sizes.relu != 0u && value <= 0.0);
    }
}

@compute @workgroup_size(256)
fn batch_norm(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    if own.at < own.end {
        apply(own, stats_in[sizes.channels + own.channel], 0.0);
    }
}

@compute @workgroup_size(256)
fn batch_norm_affine(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    if own.at < own.end {
        apply(own, gamma[own.channel] * stats_in[sizes.channels + own.channel], beta[own.channel]);
    }
}

