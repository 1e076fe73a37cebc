// depthwise_grad_weight  dw = Σ over all outputs of dy·x
//
// x [batch, input height, input width, channels], dy [batch, output height, output width,
// channels], dw [kernel height, kernel width, channels].
//
// The pixels of the output are handled in groups of four of one row, `apart` columns apart. As in
// window.wgsl, this is the distance at which the value that one pixel reads at one tap is the value
// that its neighbour reads `tap_step` taps later.
//
// A workgroup handles one chunk of the groups of four, a tile of neighbouring channels, and up to
// five neighbouring taps of one row of the kernel; its invocations form `lanes` rows of `width`
// channels. With a single chunk, it writes dw; otherwise dw is scratch of [chunks, kernel height,
// kernel width, channels], which `depthwise_grad_weight_total` adds in order.

struct Sizes {
    // Heights and widths.
    input: vec2<u32>,
    output: vec2<u32>,
    kernel: vec2<u32>,
    // Rows of padding above, columns of padding to the left; negative values crop.
    before: vec2<i32>,
    channels: u32,
    stride: u32,
    dilation: u32,
    tap_step: u32,
    apart: u32,
    // Groups of four in a row, in all images, in a chunk; number of chunks.
    fours: u32,
    all: u32,
    chunk: u32,
    chunks: u32,
    // Channels of a workgroup; rows of invocations; tiles of all channels.
    width: u32,
    lanes: u32,
    tiles: u32,
    // `lanes` groups of four, as images, rows, and groups in a row.
    step_images: u32,
    step_rows: u32,
    step_fours: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dw: array<f32>;
@group(0) @binding(5) var<storage, read> partials: array<f32>;

const TAPS = 5u;

var<workgroup> sums: array<vec4<f32>, 256>;
var<workgroup> last_sums: array<f32, 256>;

// n/by for a uniform `by` that is usually 1.
fn divide(n: u32, by: u32) -> u32 {
    if by == 1u {
        return n;
    }
    return n / by;
}

// Column `column` of a line of x; zero outside the image.
fn input(line: u32, column: i32) -> f32 {
    if u32(column) < sizes.input.y {
        return x[line + u32(column) * sizes.channels];
    }
    return 0.0;
}

// Column `column` of a line of dy; zero outside the image.
fn gradient(line: u32, column: u32) -> f32 {
    if column < sizes.output.y {
        return dy[line + column * sizes.channels];
    }
    return 0.0;
}

// What four pixels read at a tap, if the first of them reads column `at` and they read `values` at
// the previous tap.
fn next(values: vec4<f32>, line: u32, at: i32, step: i32) -> vec4<f32> {
    if sizes.tap_step == 1u {
        return vec4(values.yzw, input(line, at + 3 * step));
    }
    return vec4(input(line, at), input(line, at + step), input(line, at + 2 * step), input(line, at + 3 * step));
}

@compute @workgroup_size(256)
fn depthwise_grad_weight(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let number = group.x + group.y * groups.x;
    let tile = number % sizes.tiles;
    let columns = (sizes.kernel.y + TAPS - 1u) / TAPS;
    let taps = number / sizes.tiles % (sizes.kernel.x * columns);
    let chunk = number / sizes.tiles / (sizes.kernel.x * columns);
    let tap_row = taps / columns;
    let tap_column = taps % columns * TAPS;
    let used = min(sizes.kernel.y - tap_column, TAPS);

    let lane = i / sizes.width;
    let c = tile * sizes.width + i % sizes.width;
    var own = chunk * sizes.chunk + lane;
    var end = min((chunk + 1u) * sizes.chunk, sizes.all);
    if lane >= sizes.lanes || c >= sizes.channels {
        end = 0u;
    }
    var four = own % sizes.fours;
    var row = own / sizes.fours % sizes.output.x;
    var image = own / sizes.fours / sizes.output.x;
    let first = vec2<i32>(vec2(tap_row, tap_column) * sizes.dilation) - sizes.before;
    let step = i32(sizes.apart * sizes.stride);
    let to_next = i32(sizes.dilation);
    var sum = vec4(0.0);
    var last = 0.0;
    while own < end {
        let at_row = u32(i32(row * sizes.stride) + first.x);
        if at_row < sizes.input.x {
            let column = four + 3u * sizes.apart * divide(four, sizes.apart);
            let line = (image * sizes.output.x + row) * sizes.output.y * sizes.channels + c;
            let g = vec4(
                gradient(line, column),
                gradient(line, column + sizes.apart),
                gradient(line, column + 2u * sizes.apart),
                gradient(line, column + 3u * sizes.apart),
            );
            let start = (image * sizes.input.x + at_row) * sizes.input.y * sizes.channels + c;
            var at = i32(column * sizes.stride) + first.y;
            var values = vec4(0.0);
            if sizes.tap_step == 1u {
                values = vec4(0.0, input(start, at), input(start, at + step), input(start, at + 2 * step));
            }
            values = next(values, start, at, step);
            sum.x += dot(g, values);
            if used > 1u {
                at += to_next;
                values = next(values, start, at, step);
                sum.y += dot(g, values);
            }
            if used > 2u {
                at += to_next;
                values = next(values, start, at, step);
                sum.z += dot(g, values);
            }
            if used > 3u {
                at += to_next;
                values = next(values, start, at, step);
                sum.w += dot(g, values);
            }
            if used > 4u {
                at += to_next;
                values = next(values, start, at, step);
                last += dot(g, values);
            }
        }
        own += sizes.lanes;
        four += sizes.step_fours;
        row += sizes.step_rows;
        image += sizes.step_images;
        if four >= sizes.fours {
            four -= sizes.fours;
            row++;
        }
        if row >= sizes.output.x {
            row -= sizes.output.x;
            image++;
        }
    }

    // A tree reduction over the rows of invocations, always in the same order.
    sums[i] = sum;
    last_sums[i] = last;
    var rows = sizes.lanes;
    while rows > 1u {
        let half = (rows + 1u) / 2u;
        workgroupBarrier();
        if i < (rows - half) * sizes.width {
            sums[i] += sums[i + half * sizes.width];
            last_sums[i] += last_sums[i + half * sizes.width];
        }
        rows = half;
    }
    if lane == 0u && c < sizes.channels && chunk < sizes.chunks {
        sum = sums[i];
        let tap = (chunk * sizes.kernel.x + tap_row) * sizes.kernel.y + tap_column;
        dw[tap * sizes.channels + c] = sum.x;
        if used > 1u { dw[(tap + 1u) * sizes.channels + c] = sum.y; }
        if used > 2u { dw[(tap + 2u) * sizes.channels + c] = sum.z; }
        if used > 3u { dw[(tap + 3u) * sizes.channels + c] = sum.w; }
        if used > 4u { dw[(tap + 4u) * sizes.channels + c] = last_sums[i]; }
    }
}

var<workgroup> totals: array<array<f32, 8>, 32>;

// A workgroup adds eight columns of the sums of the chunks, in 32 rows.
@compute @workgroup_size(8, 32)
fn depthwise_grad_weight_total(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) id: vec3<u32>,
) {
    let column = (group.x + group.y * groups.x) * 8u + id.x;
    let columns = sizes.kernel.x * sizes.kernel.y * sizes.channels;
    var sum = 0.0;
    if column < columns {
        for (var chunk = id.y; chunk < sizes.chunks; chunk += 32u) {
            sum += partials[chunk * columns + column];
        }
    }
    totals[id.y][id.x] = sum;
    for (var half = 16u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if id.y < half {
            totals[id.y][id.x] += totals[id.y + half][id.x];
        }
    }
    if id.y == 0u && column < columns {
        dw[column] = totals[0][id.x];
    }
}
