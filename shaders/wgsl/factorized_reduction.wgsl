// Factorised reductions: two convolutions with windows of one pixel that read different pixels of
// one image, with their outputs concatenated.
//
//   reduction              y [.., outputs of a | outputs of b] = [x ⋆ wa | x ⋆ wb]
//   reduction_grad_input   dx from dy, wa and wb
//   reduction_grad_weight  dwa and dwb from x and dy; with many pixels in two steps:
//     .._partials          the sums over chunks of the pixels: [chunks, 2, inputs, outputs]
//     .._total             their sums
//
// x, dx [image, input height, input width, inputs]; y, dy [image, output height, output width,
// 2·outputs]; wa, wb, dwa, dwb [inputs, outputs].
//
// Images of x are divided into cells of `stride` by `stride` pixels, cut off at the end. For each
// half, pixel p of y reads the pixel `phase` of the cell p − shift. The two phases differ, so a
// pixel of x belongs to one half or to none.
//
// All are products of matrices: a workgroup computes 4·ROW_QUADS rows of 4·COLUMN_QUADS columns of
// one half, from tiles in workgroup memory that hold SLAB slices of the sum; an invocation computes
// four rows of four columns. The rows are
//
//   reduction              pixels of y, summed over the inputs
//   reduction_grad_input   cells of x, of which the pixels of one phase are taken, summed over the
//                          outputs
//   reduction_grad_weight  inputs, summed over pixels of y, which are divided between LANES sets of
//                          invocations

struct Half {
    phase: vec2<u32>,
    shift: vec2<i32>,
}

struct Sizes {
    halves: array<Half, 2>,
    // Heights and widths of x, of y, and of x in cells.
    input: vec2<u32>,
    output: vec2<u32>,
    cells: vec2<u32>,
    // Pixels of y in all images.
    all_outputs: u32,
    all_cells: u32,
    stride: u32,
    inputs: u32,
    outputs: u32,
    // Pixels of y that a workgroup sums over.
    chunk: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read> wa: array<f32>;
@group(0) @binding(5) var<storage, read> wb: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;
@group(0) @binding(8) var<storage, read_write> dwa: array<f32>;
@group(0) @binding(9) var<storage, read_write> dwb: array<f32>;
@group(0) @binding(10) var<storage, read_write> partials: array<f32>;
@group(0) @binding(11) var<storage, read> partials_in: array<f32>;

override ROW_QUADS: u32 = 16u;
override COLUMN_QUADS: u32 = 5u;
override SLAB: u32 = 32u;
override LANES: u32 = 1u;
override ROWS: u32 = ROW_QUADS * 4u;
override COLUMNS: u32 = COLUMN_QUADS * 4u;
override QUADS: u32 = ROW_QUADS * COLUMN_QUADS;
override INVOCATIONS: u32 = QUADS * LANES;
// The distance in vectors between two slices of `a_tile`: one more than needed, so that slices do
// not share memory banks.
override PITCH: u32 = ROW_QUADS + 1u;
override A_TILE: u32 = SLAB * PITCH;
override B_TILE: u32 = SLAB * COLUMN_QUADS;

// [slice][row / 4] and [slice][column / 4].
var<workgroup> a_tile: array<vec4<f32>, A_TILE>;
var<workgroup> b_tile: array<vec4<f32>, B_TILE>;
// Offsets of pixels in the matrix that is read, and in the matrix that is written.
var<workgroup> sources: array<u32, 64>;
var<workgroup> targets: array<u32, 64>;

const NOWHERE = 0xffffffffu;

// The image, line and column of pixel `i` in images of this height and width.
fn pixel(i: u32, size: vec2<u32>) -> vec3<u32> {
    let line = i / size.y;
    let image = line / size.x;
    return vec3<u32>(image, line - image * size.x, i - line * size.y);
}

// The first element of a pixel, if it is inside the images, which have `channels` channels.
fn element(image: u32, at: vec2<u32>, size: vec2<u32>, channels: u32) -> u32 {
    if any(at >= size) {
        return NOWHERE;
    }
    return ((image * size.x + at.x) * size.y + at.y) * channels;
}

// The pixel of x that pixel `i` of y reads. Coordinates to the left of an image or above it wrap
// around, and so count as outside.
fn source(half: u32, i: u32) -> u32 {
    if i >= sizes.all_outputs {
        return NOWHERE;
    }
    let at = pixel(i, sizes.output);
    let cell = at.yz - vec2<u32>(sizes.halves[half].shift);
    return element(at.x, cell * sizes.stride + sizes.halves[half].phase, sizes.input, sizes.inputs);
}

fn x_at(source: u32, channel: u32) -> f32 {
    if source == NOWHERE || channel >= sizes.inputs {
        return 0.0;
    }
    return x[source + channel];
}

fn dy_at(source: u32, channel: u32) -> f32 {
    if source == NOWHERE || channel >= sizes.outputs {
        return 0.0;
    }
    return dy[source + channel];
}

fn weight(half: u32, input: u32, output: u32) -> f32 {
    if input >= sizes.inputs || output >= sizes.outputs {
        return 0.0;
    }
    let at = input * sizes.outputs + output;
    if half == 0u {
        return wa[at];
    }
    return wb[at];
}

// `sums` plus the sums of the rows and columns of `quad` over the slices of the tiles that belong
// to `lane`.
fn add_tiles(sums: mat4x4<f32>, quad: vec2<u32>, lane: u32) -> mat4x4<f32> {
    var sum0 = sums[0];
    var sum1 = sums[1];
    var sum2 = sums[2];
    var sum3 = sums[3];
    for (var slice = lane; slice < SLAB; slice += LANES) {
        let p = a_tile[slice * PITCH + quad.x];
        let q = b_tile[slice * COLUMN_QUADS + quad.y];
        sum0 = fma(vec4<f32>(p.x), q, sum0);
        sum1 = fma(vec4<f32>(p.y), q, sum1);
        sum2 = fma(vec4<f32>(p.z), q, sum2);
        sum3 = fma(vec4<f32>(p.w), q, sum3);
    }
    return mat4x4<f32>(sum0, sum1, sum2, sum3);
}

@compute @workgroup_size(INVOCATIONS)
fn reduction(
    @builtin(local_invocation_index) index: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let number = group.x + group.y * groups.x;
    let tiles = (sizes.outputs + COLUMNS - 1u) / COLUMNS;
    let half = number % 2u;
    let column = number / 2u % tiles * COLUMNS;
    let row = number / 2u / tiles * ROWS;
    if row >= sizes.all_outputs {
        return;
    }
    for (var i = index; i < ROWS; i += INVOCATIONS) {
        sources[i] = source(half, row + i);
    }
    workgroupBarrier();

    let quad = vec2<u32>(index / COLUMN_QUADS, index % COLUMN_QUADS);
    var sums = mat4x4<f32>();
    for (var slab = 0u; slab < sizes.inputs; slab += SLAB) {
        // Neighbouring invocations read neighbouring channels.
        for (var i = index; i < SLAB * ROW_QUADS; i += INVOCATIONS) {
            let slice = i % SLAB;
            let at = i / SLAB;
            a_tile[slice * PITCH + at] = vec4<f32>(
                x_at(sources[at * 4u], slab + slice),
                x_at(sources[at * 4u + 1u], slab + slice),
                x_at(sources[at * 4u + 2u], slab + slice),
                x_at(sources[at * 4u + 3u], slab + slice),
            );
        }
        for (var i = index; i < B_TILE; i += INVOCATIONS) {
            let input = slab + i / COLUMN_QUADS;
            let output = column + i % COLUMN_QUADS * 4u;
            b_tile[i] = vec4<f32>(
                weight(half, input, output),
                weight(half, input, output + 1u),
                weight(half, input, output + 2u),
                weight(half, input, output + 3u),
            );
        }
        workgroupBarrier();
        sums = add_tiles(sums, quad, 0u);
        workgroupBarrier();
    }
    let pixel = row + quad.x * 4u;
    let output = column + quad.y * 4u;
    store_y(half, pixel, output, sums[0]);
    store_y(half, pixel + 1u, output, sums[1]);
    store_y(half, pixel + 2u, output, sums[2]);
    store_y(half, pixel + 3u, output, sums[3]);
}

fn store_y(half: u32, pixel: u32, output: u32, sum: vec4<f32>) {
    if pixel >= sizes.all_outputs {
        return;
    }
    let first = (pixel * 2u + half) * sizes.outputs;
    if output < sizes.outputs { y[first + output] = sum.x; }
    if output + 1u < sizes.outputs { y[first + output + 1u] = sum.y; }
    if output + 2u < sizes.outputs { y[first + output + 2u] = sum.z; }
    if output + 3u < sizes.outputs { y[first + output + 3u] = sum.w; }
}

