// c = a · b, from tiles in workgroup memory: the product to which dense convolutions and linear
// layers reduce.
//
// product          c [rows, columns] from a [rows, depth] and b [depth, columns],
//                  or its partial sums [chunks, rows, columns]
// reduce_partials  c [rows, columns], the sum of the partial sums
//
// The matrix `a` is never stored. Its elements are those of images [image, height, width,
// channels], each at the position that a pixel of the grid and a tap of the window determine:
// (image, y·stride + top, x·stride + left, 0) plus (0, ky·dilation, kx·dilation, channel).
// Positions outside the image read zero.
//
//                      rows         depth        a   b   c
//   conv2d             pixels of y  taps of W    x   W   y
//   conv2d_grad_input  pixels of x  taps of W    dy  W   dx   dilation < 0, the pixels of dy are
//                                                             `apart` steps apart
//   conv2d_grad_weight taps of W    pixels of y  x   dy  dW   WEIGHTS
//   linear and its gradients: one of these with a window of one tap
//
// Here, a tap is a tap of the window together with a channel of a. A workgroup computes 64 rows of
// COLUMNS columns, an invocation 4 rows of 4 columns. Every sum goes through its chunk of the depth
// in a fixed order.

struct Sizes {
    rows: u32,
    columns: u32,
    depth: u32,
    chunk: u32,           // part of the depth that one workgroup sums
    grid: vec2<u32>,      // height and width of the pixels
    image: vec2<u32>,     // height and width of the images in a
    origin: vec2<i32>,    // position of the first tap of the first pixel
    channels: u32,        // channels of a
    window: u32,          // width of the window
    stride: i32,          // steps between windows
    dilation: i32,        // steps between taps
    apart: i32,           // steps between two pixels of an image
    b_tap: u32,           // elements of b between two taps, channels and columns
    b_channel: u32,
    b_column: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;
@group(0) @binding(5) var<storage, read> partial: array<f32>;

// Whether rows are taps and the depth is pixels, rather than the reverse.
override WEIGHTS: bool = false;
// Columns of a tile: 16, 32, 48 or 64.
override COLUMNS: u32 = 64u;
override INVOCATIONS: u32 = COLUMNS * 4u;
override QUADS: u32 = COLUMNS / 4u;

const ROWS = 64u;
const SLAB = 16u;
// The distance in vectors between two slices of `a_tile`: one more than needed, so that they do not
// share memory banks.
const PITCH = 17u;

// The positions of rows and slices in the images; past the end, they are far outside.
var<workgroup> row_places: array<vec4<i32>, 64>;
var<workgroup> slice_places: array<vec4<i32>, 16>;
var<workgroup> slice_weights: array<u32, 16>;
// [slice][row / 4] and [slice][column / 4].
var<workgroup> a_tile: array<vec4<f32>, 272>;
var<workgroup> b_tile: array<vec4<f32>, QUADS * 16u>;

const NOWHERE = vec4<i32>(0, -1073741824, 0, 0);

fn pixel(i: u32) -> vec4<i32> {
    let line = i / sizes.grid.y;
    let image = line / sizes.grid.x;
    let at = vec2<i32>(vec2<u32>(line - image * sizes.grid.x, i - line * sizes.grid.y));
    return vec4<i32>(i32(image), at * sizes.stride + sizes.origin, 0);
}

fn tap(i: u32) -> vec4<i32> {
    let tap = i / sizes.channels;
    let y = tap / sizes.window;
    let at = vec2<i32>(vec2<u32>(y, tap - y * sizes.window));
    return vec4<i32>(0, at * sizes.dilation, i32(i - tap * sizes.channels));
}

fn row_place(row: u32) -> vec4<i32> {
    if row >= sizes.rows {
        return NOWHERE;
    }
    if WEIGHTS {
        return tap(row);
    }
    return pixel(row);
}

fn slice_place(slice: u32, end: u32) -> vec4<i32> {
    if slice >= end {
        return NOWHERE;
    }
    if WEIGHTS {
        return pixel(slice);
    }
    return tap(slice);
}

// The first element of a slice of b.
fn slice_weight(slice: u32) -> u32 {
    if WEIGHTS {
        return slice * sizes.columns;
    }
    let tap = slice / sizes.channels;
    return tap * sizes.b_tap + (slice - tap * sizes.channels) * sizes.b_channel;
}

fn a_at(place: vec4<i32>) -> f32 {
    var at = place.yz;
    if sizes.apart > 1 {
        let whole = at / sizes.apart;
        if any(whole * sizes.apart != at) {
            return 0.0;
        }
        at = whole;
    }
    let image = vec2<i32>(sizes.image);
    if any(at < vec2<i32>(0)) || any(at >= image) {
        return 0.0;
    }
    return a[u32((place.x * image.x + at.x) * image.y + at.y) * sizes.channels + u32(place.w)];
}

fn b_at(slice: u32, first: u32, column: u32, end: u32) -> f32 {
    if slice >= end || column >= sizes.columns {
        return 0.0;
    }
    return b[first + column * sizes.b_column];
}

@compute @workgroup_size(INVOCATIONS)
fn product(
    @builtin(local_invocation_index) index: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    // Neighbouring workgroups share rows.
    let tiles = (sizes.columns + COLUMNS - 1u) / COLUMNS;
    let number = group.x + group.y * groups.x;
    let row = number / tiles * ROWS;
    let column = number % tiles * COLUMNS;
    if row >= sizes.rows {
        return;
    }
    let chunk = group.z;
    let start = chunk * sizes.chunk;
    let end = min(start + sizes.chunk, sizes.depth);

    for (var i = index; i < ROWS; i += INVOCATIONS) {
        row_places[i] = row_place(row + i);
    }
    if index < SLAB {
        slice_places[index] = slice_place(start + index, end);
        slice_weights[index] = slice_weight(start + index);
    }
    let x = index % QUADS;
    let y = index / QUADS;
    var sum0 = vec4<f32>();
    var sum1 = vec4<f32>();
    var sum2 = vec4<f32>();
    var sum3 = vec4<f32>();
    workgroupBarrier();
    for (var slab = start; slab < end; slab += SLAB) {
        // Neighbouring invocations read neighbouring channels.
        for (var i = index; i < SLAB * ROWS / 4u; i += INVOCATIONS) {
            var slice = i % SLAB;
            var quad = i / SLAB;
            if WEIGHTS {
                slice = i / (ROWS / 4u);
                quad = i % (ROWS / 4u);
            }
            let place = slice_places[slice];
            a_tile[slice * PITCH + quad] = vec4<f32>(
                a_at(place + row_places[quad * 4u]),
                a_at(place + row_places[quad * 4u + 1u]),
                a_at(place + row_places[quad * 4u + 2u]),
                a_at(place + row_places[quad * 4u + 3u]),
            );
        }
        for (var i = index; i < SLAB * QUADS; i += INVOCATIONS) {
            let slice = i / QUADS;
            let first = slice_weights[slice];
            let at = column + i % QUADS * 4u;
            b_tile[i] = vec4<f32>(
                b_at(slab + slice, first, at, end),
                b_at(slab + slice, first, at + 1u, end),
                b_at(slab + slice, first, at + 2u, end),
                b_at(slab + slice, first, at + 3u, end),
            );
        }
        workgroupBarrier();
        if index < SLAB {
            slice_places[index] = slice_place(slab + SLAB + index, end);
            slice_weights[index] = slice_weight(slab + SLAB + index);
        }
        for (var slice = 0u; slice < SLAB; slice++) {
            let p = a_tile[slice * PITCH + y];
            let q = b_tile[slice * QUADS + x];
            sum0 = fma(vec4<f32>(p.x), q, sum0);
            sum1 = fma(vec4<f32>(p.y), q, sum1);
            sum2 = fma(vec4<f32>(p.z), q, sum2);
            sum3 = fma(vec4<f32>(p.w), q, sum3);
        }
        workgroupBarrier();
    }
    let to = vec2<u32>(row + y * 4u, column + x * 4u);
    store(chunk, to, sum0);
    store(chunk, to + vec2<u32>(1u, 0u), sum1);
    store(chunk, to + vec2<u32>(2u, 0u), sum2);
    store(chunk, to + vec2<u32>(3u, 0u), sum3);
}

fn store(chunk: u32, at: vec2<u32>, sum: vec4<f32>) {
    if at.x >= sizes.rows {
        return;
    }
    let first = (chunk * sizes.rows + at.x) * sizes.columns;
    for (var i = 0u; i < min(4u, sizes.columns - min(sizes.columns, at.y)); i++) {
        c[first + at.y + i] = sum[i];
    }
}

@compute @workgroup_size(64)
fn reduce_partials(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    let len = sizes.rows * sizes.columns;
    if i >= len {
        return;
    }
    let chunks = (sizes.depth + sizes.chunk - 1u) / sizes.chunk;
    var sum = 0.0;
    for (var chunk = 0u; chunk < chunks; chunk++) {
        sum += partial[chunk * len + i];
    }
    c[i] = sum;
}
