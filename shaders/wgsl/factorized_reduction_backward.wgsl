// The backward half of factorized_reduction.wgsl, to which it is appended.

@compute @workgroup_size(INVOCATIONS)
fn reduction_grad_input(
    @builtin(local_invocation_index) index: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let number = group.x + group.y * groups.x;
    let tiles = (sizes.inputs + COLUMNS - 1u) / COLUMNS;
    let phases = sizes.stride * sizes.stride;
    let own = number % phases;
    let phase = vec2<u32>(own / sizes.stride, own % sizes.stride);
    let column = number / phases % tiles * COLUMNS;
    let row = number / phases / tiles * ROWS;
    if row >= sizes.all_cells {
        return;
    }
    var half = 0u;
    if all(phase == sizes.halves[1].phase) {
        half = 1u;
    }
    // There is nothing to sum if neither half reads the pixels.
    var depth = 0u;
    if all(phase == sizes.halves[half].phase) {
        depth = sizes.outputs;
    }
    for (var i = index; i < ROWS; i += INVOCATIONS) {
        var from_dy = NOWHERE;
        var to_dx = NOWHERE;
        if row + i < sizes.all_cells {
            let cell = pixel(row + i, sizes.cells);
            to_dx = element(cell.x, cell.yz * sizes.stride + phase, sizes.input, sizes.inputs);
            let at = cell.yz + vec2<u32>(sizes.halves[half].shift);
            from_dy = element(cell.x, at, sizes.output, 2u * sizes.outputs);
            if from_dy != NOWHERE {
                from_dy += half * sizes.outputs;
            }
        }
        sources[i] = from_dy;
        targets[i] = to_dx;
    }
    workgroupBarrier();

    let quad = vec2<u32>(index / COLUMN_QUADS, index % COLUMN_QUADS);
    var sums = mat4x4<f32>();
    for (var slab = 0u; slab < depth; slab += SLAB) {
        for (var i = index; i < SLAB * ROW_QUADS; i += INVOCATIONS) {
            let slice = i % SLAB;
            let at = i / SLAB;
            a_tile[slice * PITCH + at] = vec4<f32>(
                dy_at(sources[at * 4u], slab + slice),
                dy_at(sources[at * 4u + 1u], slab + slice),
                dy_at(sources[at * 4u + 2u], slab + slice),
                dy_at(sources[at * 4u + 3u], slab + slice),
            );
        }
        for (var i = index; i < B_TILE; i += INVOCATIONS) {
            let slice = i % SLAB;
            let at = i / SLAB;
            let input = column + at * 4u;
            b_tile[slice * COLUMN_QUADS + at] = vec4<f32>(
                weight(half, input, slab + slice),
                weight(half, input + 1u, slab + slice),
                weight(half, input + 2u, slab + slice),
                weight(half, input + 3u, slab + slice),
            );
        }
        workgroupBarrier();
        sums = add_tiles(sums, quad, 0u);
        workgroupBarrier();
    }
    let input = column + quad.y * 4u;
    store_dx(targets[quad.x * 4u], input, sums[0]);
    store_dx(targets[quad.x * 4u + 1u], input, sums[1]);
    store_dx(targets[quad.x * 4u + 2u], input, sums[2]);
    store_dx(targets[quad.x * 4u + 3u], input, sums[3]);
}

fn store_dx(first: u32, input: u32, sum: vec4<f32>) {
    if first == NOWHERE {
        return;
    }
    if input < sizes.inputs { dx[first + input] = sum.x; }
    if input + 1u < sizes.inputs { dx[first + input + 1u] = sum.y; }
    if input + 2u < sizes.inputs { dx[first + input + 2u] = sum.z; }
    if input + 3u < sizes.inputs { dx[first + input + 3u] = sum.w; }
}

// The part of the weight gradients that a workgroup computes: rows and columns from `first` on, of
// one half, over one chunk.
struct Share {
    first: vec2<u32>,
    half: u32,
    chunk: u32,
}

fn share(number: u32) -> Share {
    let rows = (sizes.inputs + ROWS - 1u) / ROWS;
    let columns = (sizes.outputs + COLUMNS - 1u) / COLUMNS;
    let tile = number / 2u % (rows * columns);
    let first = vec2<u32>(tile / columns * ROWS, tile % columns * COLUMNS);
    return Share(first, number % 2u, number / 2u / (rows * columns));
}

var<workgroup> lane_sums: array<vec4<f32>, INVOCATIONS>;

// The sum over all lanes of a row of the same quad. All invocations must call this; those of the
// first lane get the sum.
fn add_lanes(sum: vec4<f32>, index: u32) -> vec4<f32> {
    lane_sums[index] = sum;
    workgroupBarrier();
    var total = sum;
    if index < QUADS {
        for (var i = index + QUADS; i < INVOCATIONS; i += QUADS) {
            total += lane_sums[i];
        }
    }
    workgroupBarrier();
    return total;
}

// The sums of invocation `index`, if it is in the first lane.
fn weight_sums(own: Share, index: u32) -> mat4x4<f32> {
    let lane = index / QUADS;
    let quad = vec2<u32>(index % QUADS / COLUMN_QUADS, index % COLUMN_QUADS);
    let start = own.chunk * sizes.chunk;
    let end = min(start + sizes.chunk, sizes.all_outputs);
    var sums = mat4x4<f32>();
    for (var slab = start; slab < end; slab += SLAB) {
        for (var i = index; i < SLAB; i += INVOCATIONS) {
            sources[i] = source(own.half, slab + i);
        }
        workgroupBarrier();
        for (var i = index; i < SLAB * ROW_QUADS; i += INVOCATIONS) {
            let slice = i / ROW_QUADS;
            let at = i % ROW_QUADS;
            let input = own.first.x + at * 4u;
            a_tile[slice * PITCH + at] = vec4<f32>(
                x_at(sources[slice], input),
                x_at(sources[slice], input + 1u),
                x_at(sources[slice], input + 2u),
                x_at(sources[slice], input + 3u),
            );
        }
        for (var i = index; i < B_TILE; i += INVOCATIONS) {
            let slice = slab + i / COLUMN_QUADS;
            let output = own.first.y + i % COLUMN_QUADS * 4u;
            var first = NOWHERE;
            if slice < end {
                first = (slice * 2u + own.half) * sizes.outputs;
            }
            b_tile[i] = vec4<f32>(
                dy_at(first, output),
                dy_at(first, output + 1u),
                dy_at(first, output + 2u),
                dy_at(first, output + 3u),
            );
        }
        workgroupBarrier();
        sums = add_tiles(sums, quad, lane);
        workgroupBarrier();
    }
    if LANES == 1u {
        return sums;
    }
    return mat4x4<f32>(
        add_lanes(sums[0], index),
        add_lanes(sums[1], index),
        add_lanes(sums[2], index),
        add_lanes(sums[3], index),
    );
}

@compute @workgroup_size(INVOCATIONS)
fn reduction_grad_weight(
    @builtin(local_invocation_index) index: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let own = share(group.x + group.y * groups.x);
    if own.chunk * sizes.chunk >= sizes.all_outputs {
        return;
    }
    var sums = weight_sums(own, index);
    if index >= QUADS {
        return;
    }
    let at = own.first + vec2<u32>(index / COLUMN_QUADS, index % COLUMN_QUADS) * 4u;
    for (var row = 0u; row < 4u && at.x + row < sizes.inputs; row++) {
        let to = (at.x + row) * sizes.outputs;
        for (var column = 0u; column < 4u && at.y + column < sizes.outputs; column++) {
            if own.half == 0u {
                dwa[to + at.y + column] = sums[row][column];
            } else {
                dwb[to + at.y + column] = sums[row][column];
            }
        }
    }
}

@compute @workgroup_size(INVOCATIONS)
fn reduction_grad_weight_partials(
    @builtin(local_invocation_index) index: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let own = share(group.x + group.y * groups.x);
    if own.chunk * sizes.chunk >= sizes.all_outputs {
        return;
    }
    var sums = weight_sums(own, index);
    if index >= QUADS {
        return;
    }
    let at = own.first + vec2<u32>(index / COLUMN_QUADS, index % COLUMN_QUADS) * 4u;
    let half = own.chunk * 2u + own.half;
    for (var row = 0u; row < 4u && at.x + row < sizes.inputs; row++) {
        let to = (half * sizes.inputs + at.x + row) * sizes.outputs;
        for (var column = 0u; column < 4u && at.y + column < sizes.outputs; column++) {
            partials[to + at.y + column] = sums[row][column];
        }
    }
}

var<workgroup> totals: array<array<f32, 8>, 32>;

// A workgroup adds the partial sums of eight weights, in 32 rows.
@compute @workgroup_size(8, 32)
fn reduction_grad_weight_total(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) id: vec3<u32>,
) {
    let at = (group.x + group.y * groups.x) * 8u + id.x;
    let len = sizes.inputs * sizes.outputs;
    let chunks = (sizes.all_outputs + sizes.chunk - 1u) / sizes.chunk;
    var sum = 0.0;
    if at < 2u * len {
        for (var chunk = id.y; chunk < chunks; chunk += 32u) {
            sum += partials_in[chunk * 2u * len + at];
        }
    }
    totals[id.y][id.x] = sum;
    for (var half = 16u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if id.y < half {
            totals[id.y][id.x] += totals[id.y + half][id.x];
        }
    }
    if id.y == 0u && at < len {
        dwa[at] = totals[0][id.x];
    } else if id.y == 0u && at < 2u * len {
        dwb[at - len] = totals[0][id.x];
    }
}
