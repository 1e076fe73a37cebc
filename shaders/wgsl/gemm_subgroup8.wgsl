// c = a · b, from registers of subgroups of 8 lanes. The matrices and the sizes are described in
// gemm.wgsl, whose `reduce_partials` adds the partial sums.
//
// pixels  rows are pixels and the depth is taps: y and dx
// taps    rows are taps and the depth is pixels: dW
//
// A workgroup is one subgroup. It computes COLUMNS columns of 16 rows or, in taps_wide, of 32. A
// lane keeps whole rows; of every slice of b it reads one element or four and broadcasts them to
// the other lanes. The entry points that end in _wide read and write vectors: the channels of a and
// the columns are multiples of four.
//
// CPU implementations are slow at workgroup memory and scalar loads: each load is a loop over the
// lanes, so a load of four numbers costs little more than a load of one.

struct Sizes {
    rows: u32,
    columns: u32,
    depth: u32,
    chunk: u32,
    grid: vec2<u32>,
    image: vec2<u32>,
    origin: vec2<i32>,
    channels: u32,
    window: u32,
    stride: i32,
    dilation: i32,
    apart: i32,
    b_tap: u32,
    b_channel: u32,
    b_column: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;
@group(0) @binding(5) var<storage, read> a_wide: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> b_wide: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> c_wide: array<vec4<f32>>;

// Columns of a tile: 12 or 16.
override COLUMNS: u32 = 16u;
// Whether the channels of b, rather than its columns, are contiguous in memory.
override TRANSPOSED: bool = false;

const LANES = 8u;

// A row of a tile of c, or a slice of b.
struct Row {
    first: vec4<f32>,
    second: vec4<f32>,
    third: vec4<f32>,
    fourth: vec4<f32>,
}

fn add(row: Row, x: f32, slice: Row) -> Row {
    var fourth = row.fourth;
    if COLUMNS > 12u {
        fourth = fma(vec4<f32>(x), slice.fourth, fourth);
    }
    return Row(
        fma(vec4<f32>(x), slice.first, row.first),
        fma(vec4<f32>(x), slice.second, row.second),
        fma(vec4<f32>(x), slice.third, row.third),
        fourth,
    );
}

fn low(x: f32) -> vec4<f32> {
    return vec4<f32>(
        subgroupBroadcast(x, 0u),
        subgroupBroadcast(x, 1u),
        subgroupBroadcast(x, 2u),
        subgroupBroadcast(x, 3u),
    );
}

fn high(x: f32) -> vec4<f32> {
    return vec4<f32>(
        subgroupBroadcast(x, 4u),
        subgroupBroadcast(x, 5u),
        subgroupBroadcast(x, 6u),
        subgroupBroadcast(x, 7u),
    );
}

// The slice of which every lane holds one column and the column 8 further.
fn slice_of_columns(x: f32, y: f32) -> Row {
    return Row(low(x), high(x), low(y), high(y));
}

// The slice of which lanes 0 to 3 hold four columns each.
fn slice_of_low(x: vec4<f32>) -> Row {
    return Row(subgroupBroadcast(x, 0u), subgroupBroadcast(x, 1u), subgroupBroadcast(x, 2u), subgroupBroadcast(x, 3u));
}

fn slice_of_high(x: vec4<f32>) -> Row {
    return Row(subgroupBroadcast(x, 4u), subgroupBroadcast(x, 5u), subgroupBroadcast(x, 6u), subgroupBroadcast(x, 7u));
}

// The row and column of a workgroup's tile among all tiles; neighbours share rows.
fn tile_at(group: vec3<u32>, groups: vec3<u32>) -> vec2<u32> {
    let tiles = (sizes.columns + COLUMNS - 1u) / COLUMNS;
    let number = group.x + group.y * groups.x;
    return vec2<u32>(number / tiles, number % tiles);
}

// The image, y and x of a pixel of the grid.
fn pixel(i: u32) -> vec3<u32> {
    let line = i / sizes.grid.y;
    let image = line / sizes.grid.x;
    return vec3<u32>(image, line - image * sizes.grid.x, i - line * sizes.grid.y);
}

// The position of the first tap of a pixel.
fn place(pixel: vec3<u32>) -> vec3<i32> {
    return vec3<i32>(i32(pixel.x), vec2<i32>(pixel.yz) * sizes.stride + sizes.origin);
}

// The index in `a` of the pixel at a position, or -1 if there is none.
fn pixel_at(place: vec3<i32>, apart: i32) -> i32 {
    var at = place.yz;
    if apart > 1 {
        let whole = at / apart;
        if any(whole * apart != at) {
            return -1;
        }
        at = whole;
    }
    let image = vec2<i32>(sizes.image);
    if any(at < vec2<i32>(0)) || any(at >= image) {
        return -1;
    }
    return (place.x * image.x + at.x) * image.y + at.y;
}

fn height() -> u32 {
    return sizes.depth / (sizes.channels * sizes.window);
}

@compute @workgroup_size(8)
fn pixels_wide(
    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let tile = tile_at(group, groups);
    let row = tile.x * 2u * LANES + lane;
    let column = tile.y * COLUMNS;
    let place0 = place(pixel(min(row, sizes.rows - 1u)));
    let place1 = place(pixel(min(row + LANES, sizes.rows - 1u)));
    let quads = sizes.channels / 4u;
    // What this lane reads of b for every four slices: four columns of one of the first two and of
    // one of the last two or, transposed, all four of two columns.
    let columns = sizes.columns / 4u;
    var b_first = lane / 4u * columns + min(column / 4u + lane % 4u, columns - 1u);
    var b_second = b_first + 2u * columns;
    var b_step = sizes.columns;
    // Divisions are slow, and only gradients need them.
    var apart = 1;
    if TRANSPOSED {
        apart = sizes.apart;
        b_first = min(column + lane, sizes.columns - 1u) * quads;
        b_second = min(column + lane + LANES, sizes.columns - 1u) * quads;
        b_step = 1u;
    }
    var sum0 = Row();
    var sum1 = Row();
    var tap = 0u;
    for (var y = 0u; y < height(); y++) {
        for (var x = 0u; x < sizes.window; x++) {
            let reach = vec3<i32>(0, vec2<i32>(vec2<u32>(y, x)) * sizes.dilation);
            let pixel0 = pixel_at(place0 + reach, apart);
            let pixel1 = pixel_at(place1 + reach, apart);
            let in0 = pixel0 >= 0;
            let in1 = pixel1 >= 0;
            if subgroupAny(in0 || in1) {
                let first0 = u32(max(pixel0, 0)) * quads;
                let first1 = u32(max(pixel1, 0)) * quads;
                var at_b = tap * sizes.b_tap / 4u;
                for (var quad = 0u; quad < quads; quad++) {
                    let x0 = select(vec4<f32>(), a_wide[first0 + quad], in0);
                    let x1 = select(vec4<f32>(), a_wide[first1 + quad], in1);
                    let w0 = b_wide[b_first + at_b];
                    let w1 = b_wide[b_second + at_b];
                    at_b += b_step;
                    var s0 = slice_of_low(w0);
                    var s1 = slice_of_high(w0);
                    var s2 = slice_of_low(w1);
                    var s3 = slice_of_high(w1);
                    if TRANSPOSED {
                        s0 = slice_of_columns(w0.x, w1.x);
                        s1 = slice_of_columns(w0.y, w1.y);
                        s2 = slice_of_columns(w0.z, w1.z);
                        s3 = slice_of_columns(w0.w, w1.w);
                    }
                    sum0 = add(sum0, x0.x, s0);
                    sum1 = add(sum1, x1.x, s0);
                    sum0 = add(sum0, x0.y, s1);
                    sum1 = add(sum1, x1.y, s1);
                    sum0 = add(sum0, x0.z, s2);
                    sum1 = add(sum1, x1.z, s2);
                    sum0 = add(sum0, x0.w, s3);
                    sum1 = add(sum1, x1.w, s3);
                }
            }
            tap += 1u;
        }
    }
    if row < sizes.rows {
        store_wide(row, column, sum0);
    }
    if row + LANES < sizes.rows {
        store_wide(row + LANES, column, sum1);
    }
}

@compute @workgroup_size(8)
fn pixels(
    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let tile = tile_at(group, groups);
    let row = tile.x * 2u * LANES + lane;
    let column = tile.y * COLUMNS;
    let place0 = place(pixel(min(row, sizes.rows - 1u)));
    let place1 = place(pixel(min(row + LANES, sizes.rows - 1u)));
    let b_first = min(column + lane, sizes.columns - 1u) * sizes.b_column;
    let b_second = min(column + lane + LANES, sizes.columns - 1u) * sizes.b_column;
    var sum0 = Row();
    var sum1 = Row();
    var tap = 0u;
    for (var y = 0u; y < height(); y++) {
        for (var x = 0u; x < sizes.window; x++) {
            let reach = vec3<i32>(0, vec2<i32>(vec2<u32>(y, x)) * sizes.dilation);
            let pixel0 = pixel_at(place0 + reach, sizes.apart);
            let pixel1 = pixel_at(place1 + reach, sizes.apart);
            let in0 = pixel0 >= 0;
            let in1 = pixel1 >= 0;
            if subgroupAny(in0 || in1) {
                let first0 = u32(max(pixel0, 0)) * sizes.channels;
                let first1 = u32(max(pixel1, 0)) * sizes.channels;
                var at_b = tap * sizes.b_tap;
                for (var channel = 0u; channel < sizes.channels; channel++) {
                    let x0 = select(0.0, a[first0 + channel], in0);
                    let x1 = select(0.0, a[first1 + channel], in1);
                    let slice = slice_of_columns(b[b_first + at_b], b[b_second + at_b]);
                    at_b += sizes.b_channel;
                    sum0 = add(sum0, x0, slice);
                    sum1 = add(sum1, x1, slice);
                }
            }
            tap += 1u;
        }
    }
    if row < sizes.rows {
        store(row, column, sum0);
    }
    if row + LANES < sizes.rows {
        store(row + LANES, column, sum1);
    }
}

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
