// The backward half of batch_norm.wgsl, to which it is appended.

var<workgroup> sums: array<vec2<f32>, 256>;

// The sums of the values of the workgroup, for the invocations that write them; a tree reduction
// over the rows of invocations, always in the same order.
fn sum_rows(i: u32, value: vec2<f32>) -> vec2<f32> {
    sums[i] = value;
    var rows = sizes.lanes;
    while rows > 1u {
        let half = (rows + 1u) / 2u;
        workgroupBarrier();
        if i < (rows - half) * sizes.width {
            sums[i] += sums[i + half * sizes.width];
        }
        rows = half;
    }
    return sums[i];
}

// The sums of dy·(x − mean)·rstd and of dy over one channel of a chunk.
fn grad_sums(i: u32, own: Share) -> vec2<f32> {
    let channel = min(own.channel, sizes.channels - 1u);
    let mean = stats_in[channel];
    var sum = vec2(0.0);
    for (var at = own.at; at < own.end; at += own.step) {
        sum += dy[at] * vec2(x[at] - mean, 1.0);
    }
    return sum_rows(i, sum) * vec2(stats_in[sizes.channels + channel], 1.0);
}

// The same where y > 0.
fn grad_sums_relu(i: u32, own: Share) -> vec2<f32> {
    let channel = min(own.channel, sizes.channels - 1u);
    let mean = stats_in[channel];
    var sum = vec2(0.0);
    for (var at = own.at; at < own.end; at += own.step) {
        sum += select(0.0, dy[at], y_in[at] > 0.0) * vec2(x[at] - mean, 1.0);
    }
    return sum_rows(i, sum) * vec2(stats_in[sizes.channels + channel], 1.0);
}

fn keep_grad_sums(i: u32, own: Share, sum: vec2<f32>) {
    if writes(i, own) {
        dgamma[own.channel] = sum.x;
        dbeta[own.channel] = sum.y;
    }
}

fn keep_partial_grad_sums(i: u32, own: Share, sum: vec2<f32>) {
    if writes(i, own) {
        let at = 2u * own.chunk * sizes.channels + own.channel;
        partials[at] = sum.x;
        partials[at + sizes.channels] = sum.y;
    }
}

@compute @workgroup_size(256)
fn batch_norm_grad_sums(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    keep_grad_sums(i, own, grad_sums(i, own));
}

@compute @workgroup_size(256)
fn batch_norm_grad_sums_relu(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    keep_grad_sums(i, own, grad_sums_relu(i, own));
}

@compute @workgroup_size(256)
fn batch_norm_grad_sums_partials(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    keep_partial_grad_sums(i, own, grad_sums(i, own));
}

@compute @workgroup_size(256)
fn batch_norm_grad_sums_relu_partials(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    keep_partial_grad_sums(i, own, grad_sums_relu(i, own));
}

var<workgroup> chunk_sums: array<array<vec2<f32>, 8>, 32>;

// A workgroup adds the sums of the chunks for eight channels; each of its 32 rows takes every 32nd
// chunk.
@compute @workgroup_size(8, 32)
fn batch_norm_grad_sums_total(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) id: vec3<u32>,
) {
    let channel = (group.x + group.y * groups.x) * 8u + id.x;
    var sum = vec2(0.0);
    if channel < sizes.channels {
        for (var chunk = id.y; chunk < sizes.chunks; chunk += 32u) {
            let at = 2u * chunk * sizes.channels + channel;
            sum += vec2(partials_in[at], partials_in[at + sizes.channels]);
        }
    }
    chunk_sums[id.y][id.x] = sum;
    for (var half = 16u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if id.y < half {
            chunk_sums[id.y][id.x] += chunk_sums[id.y + half][id.x];
        }
    }
    if id.y == 0u && channel < sizes.channels {
        dgamma[channel] = chunk_sums[0][id.x].x;
        dbeta[channel] = chunk_sums[0][id.x].y;
    }
}

// dx = scale·(dy − middle − (x − mean)·slope)
struct Line { mean: f32, middle: f32, slope: f32, scale: f32 }

fn line(channel: u32) -> Line {
    let rows = f32(sizes.rows);
    let rstd = stats_in[sizes.channels + channel];
    return Line(stats_in[channel], dbeta_in[channel] / rows, rstd * dgamma_in[channel] / rows, rstd);
}

fn grad_input(own: Share, l: Line) {
    for (var at = own.at; at < own.end; at += own.step) {
        dx[at] = l.scale * (dy[at] - l.middle - (x[at] - l.mean) * l.slope);
    }
}

fn grad_input_relu(own: Share, l: Line) {
    for (var at = own.at; at < own.end; at += own.step) {
        let masked = select(0.0, dy[at], y_in[at] > 0.0);
        dx[at] = l.scale * (masked - l.middle - (x[at] - l.mean) * l.slope);
    }
}

@compute @workgroup_size(256)
fn batch_norm_grad_input(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    if own.at < own.end {
        grad_input(own, line(own.channel));
    }
}

@compute @workgroup_size(256)
fn batch_norm_grad_input_relu(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    if own.at < own.end {
        grad_input_relu(own, line(own.channel));
    }
}

@compute @workgroup_size(256)
fn batch_norm_grad_input_affine(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    if own.at < own.end {
        var l = line(own.channel);
        l.scale *= gamma[own.channel];
        grad_input(own, l);
    }
}

@compute @workgroup_size(256)
fn batch_norm_grad_input_affine_relu(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let own = share(group.x + group.y * groups.x, i);
    if own.at < own.end {
        var l = line(own.channel);
        l.scale *= gamma[own.channel];
        grad_input_relu(own, l);
    }
}
