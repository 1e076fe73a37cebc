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

