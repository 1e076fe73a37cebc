// Weight gradients: the second half of gemm_subgroup8.wgsl, to which it is appended.

// The y step, the x step and the channel of a tap.
fn tap(i: u32) -> vec3<i32> {
    let tap = i / sizes.channels;
    let y = tap / sizes.window;
    let at = vec2<i32>(vec2<u32>(y, tap - y * sizes.window));
    return vec3<i32>(at * sizes.dilation, i32(i - tap * sizes.channels));
}

// The start of the next line of the grid.
fn next_line(pixel: vec3<u32>) -> vec3<u32> {
    let y = pixel.y + 1u;
    return select(vec3<u32>(pixel.x, y, 0u), vec3<u32>(pixel.x + 1u, 0u, 0u), y == sizes.grid.x);
}

struct Line {
    // The first pixel of the line, and whether the line exists.
    first: i32,
    within: bool,
}

fn line_at(image: i32, y: i32) -> Line {
    return Line((image * i32(sizes.image.x) + y) * i32(sizes.image.y), y >= 0 && y < i32(sizes.image.x));
}

// The index of the pixel of a line at column x, or -1 if it is outside.
fn pixel_in(line: Line, x: i32) -> i32 {
    return select(-1, line.first + x, line.within && x >= 0 && x < i32(sizes.image.y));
}

fn wide_at(pixel: i32, quad: u32) -> vec4<f32> {
    return select(vec4<f32>(), a_wide[u32(max(pixel, 0)) * (sizes.channels / 4u) + quad], pixel >= 0);
}

@compute @workgroup_size(8)
fn taps_wide(
    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    // A lane has four rows, which are channels of one tap.
    let tile = tile_at(group, groups);
    let row = tile.x * 4u * LANES + lane * 4u;
    let column = tile.y * COLUMNS;
    let tap = tap(min(row, sizes.rows - 4u));
    let quad = u32(tap.z) / 4u;
    let chunk = group.z;
    let end = min((chunk + 1u) * sizes.chunk, sizes.depth);
    var slice = chunk * sizes.chunk;
    var pixel = pixel(slice);
    // Lanes 0 to 3 read one slice of b, lanes 4 to 7 the next. The last slice has no successor.
    let columns = sizes.columns / 4u;
    let b_quad = min(column / 4u + lane % 4u, columns - 1u);
    let b_last = (sizes.depth - 1u) * columns + b_quad;
    var at_b = (slice + lane / 4u) * columns + b_quad;
    var sum0 = Row();
    var sum1 = Row();
    var sum2 = Row();
    var sum3 = Row();
    while slice < end {
        // The pixels of one line of one image.
        let place = place(pixel);
        let line = line_at(place.x, place.y + tap.x);
        var x = place.z + tap.y;
        var left = min(sizes.grid.y - pixel.z, end - slice);
        slice += left;
        pixel = next_line(pixel);
        for (; left > 0u; left -= min(left, 2u)) {
            let x0 = wide_at(pixel_in(line, x), quad);
            let x1 = wide_at(select(-1, pixel_in(line, x + sizes.stride), left > 1u), quad);
            let w = b_wide[min(at_b, b_last)];
            x += 2 * sizes.stride;
            at_b += min(left, 2u) * columns;
            let s0 = slice_of_low(w);
            sum0 = add(sum0, x0.x, s0);
            sum1 = add(sum1, x0.y, s0);
            sum2 = add(sum2, x0.z, s0);
            sum3 = add(sum3, x0.w, s0);
            let s1 = slice_of_high(w);
            sum0 = add(sum0, x1.x, s1);
            sum1 = add(sum1, x1.y, s1);
            sum2 = add(sum2, x1.z, s1);
            sum3 = add(sum3, x1.w, s1);
        }
    }
    if row < sizes.rows {
        let first = chunk * sizes.rows + row;
        store_wide(first, column, sum0);
        store_wide(first + 1u, column, sum1);
        store_wide(first + 2u, column, sum2);
        store_wide(first + 3u, column, sum3);
    }
}

@compute @workgroup_size(8)
fn taps(
    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let tile = tile_at(group, groups);
    let row = tile.x * 2u * LANES + lane;
    let column = tile.y * COLUMNS;
    let tap0 = tap(min(row, sizes.rows - 1u));
    let tap1 = tap(min(row + LANES, sizes.rows - 1u));
    let chunk = group.z;
    let end = min((chunk + 1u) * sizes.chunk, sizes.depth);
    var slice = chunk * sizes.chunk;
    var pixel = pixel(slice);
    let b_first = min(column + lane, sizes.columns - 1u);
    let b_second = min(column + lane + LANES, sizes.columns - 1u);
    var sum0 = Row();
    var sum1 = Row();
    while slice < end {
        // The pixels of one line of one image.
        let place = place(pixel);
        let line0 = line_at(place.x, place.y + tap0.x);
        let line1 = line_at(place.x, place.y + tap1.x);
        var x0 = place.z + tap0.y;
        var x1 = place.z + tap1.y;
        let stop = min(end, slice + sizes.grid.y - pixel.z);
        pixel = next_line(pixel);
        for (; slice < stop; slice++) {
            let at_b = slice * sizes.columns;
            let w = slice_of_columns(b[at_b + b_first], b[at_b + b_second]);
            sum0 = add(sum0, narrow_at(pixel_in(line0, x0), u32(tap0.z)), w);
            sum1 = add(sum1, narrow_at(pixel_in(line1, x1), u32(tap1.z)), w);
            x0 += sizes.stride;
            x1 += sizes.stride;
        }
    }
    if row < sizes.rows {
        store(chunk * sizes.rows + row, column, sum0);
    }
    if row + LANES < sizes.rows {
        store(chunk * sizes.rows + row + LANES, column, sum1);
    }
}

fn narrow_at(pixel: i32, channel: u32) -> f32 {
    return select(0.0, a[u32(max(pixel, 0)) * sizes.channels + channel], pixel >= 0);
}

// Writes a row of c, from a column on.
fn store_wide(row: u32, column: u32, sum: Row) {
    let columns = sizes.columns / 4u;
    let at = column / 4u;
    let first = row * columns + at;
    c_wide[first] = sum.first;
    if at + 1u < columns {
        c_wide[first + 1u] = sum.second;
    }
    if at + 2u < columns {
        c_wide[first + 2u] = sum.third;
    }
    if COLUMNS > 12u && at + 3u < columns {
        c_wide[first + 3u] = sum.fourth;
    }
}

fn store(row: u32, column: u32, sum: Row) {
    store_quad(row, column, sum.first);
    store_quad(row, column + 4u, sum.second);
    store_quad(row, column + 8u, sum.third);
    if COLUMNS > 12u {
        store_quad(row, column + 12u, sum.fourth);
    }
}

fn store_quad(row: u32, column: u32, sum: vec4<f32>) {
    let first = row * sizes.columns + column;
    if column < sizes.columns {
        c[first] = sum.x;
    }
    if column + 1u < sizes.columns {
        c[first + 1u] = sum.y;
    }
    if column + 2u < sizes.columns {
        c[first + 2u] = sum.z;
    }
    if column + 3u < sizes.columns {
        c[first + 3u] = sum.w;
    }
}
