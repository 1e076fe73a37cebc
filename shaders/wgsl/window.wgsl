// A window over each channel separately.
//
// depthwise             y = Σ over the taps of w·x
// depthwise_grad_input  dx = Σ over the taps of w·dy
// average_pool          y = mean of x over the taps inside the image, 0 if there are none
// average_pool_grad     dx
// max_pool              y = maximum of x over the taps inside the image, tap = the first that holds
//                       it; 0, 0 if there are none
// max_pool_grad         dx
//
// x, dx [batch, input height, input width, channels], w [kernel height, kernel width, channels],
// y, tap, dy [batch, output height, output width, channels].
//
// An invocation computes four elements of the result in one row, `apart` columns apart: the
// distance at which the value that one of them reads at one tap is the value that its neighbour
// reads `tap_step` taps later. Along a row of the kernel, each tap then takes one load for the
// four, and their values shift by one.

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
    // Stride and dilation divided by their greatest common divisor: `tap_step` taps span as much as
    // `output_step` outputs.
    tap_step: u32,
    output_step: u32,
    // Columns of the result between two of an invocation's four elements; groups of four in a row.
    apart: u32,
    fours: u32,
    // Invocations.
    len: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;
@group(0) @binding(7) var<storage, read_write> tap: array<u32>;
@group(0) @binding(8) var<storage, read> tap_in: array<u32>;

// No tap.
const NONE = 0xffffffffu;

// n/by for a uniform `by` that is usually 1.
fn divide(n: u32, by: u32) -> u32 {
    if by == 1u {
        return n;
    }
    return n / by;
}

// The position of the first element of an invocation.
struct Place { image: u32, row: u32, column: u32, channel: u32 }

fn place(i: u32, height: u32) -> Place {
    let pixels = i / sizes.channels;
    let line = pixels / sizes.fours;
    let image = line / height;
    let four = pixels - line * sizes.fours;
    let column = four + 3u * sizes.apart * divide(four, sizes.apart);
    return Place(image, line - image * height, column, i - pixels * sizes.channels);
}

// The index of the first element of a row in images of this size.
fn line(p: Place, row: u32, size: vec2<u32>) -> u32 {
    return (p.image * size.x + row) * size.y * sizes.channels + p.channel;
}

struct Range { start: u32, end: u32 }

// Along one axis, the taps inside the image of a window that begins at `first`.
fn inside(first: i32, extent: u32, taps: u32) -> Range {
    let up = sizes.dilation - 1u;
    let start = divide(u32(max(-first, 0)) + up, sizes.dilation);
    let end = divide(u32(max(i32(extent) - first, 0)) + up, sizes.dilation);
    return Range(start, min(end, taps));
}

// The number of these taps.
fn count(first: i32, extent: u32, taps: u32) -> u32 {
    let range = inside(first, extent, taps);
    return select(0u, range.end - range.start, range.start < range.end);
}

// The first row and column of the window of an output.
fn corner(row: u32, column: u32) -> vec2<i32> {
    return vec2<i32>(vec2(row, column) * sizes.stride) - sizes.before;
}

fn is_input(column: i32) -> bool {
    return u32(column) < sizes.input.y;
}

// Column `column` of a line of x; zero outside the image.
fn input(line: u32, column: i32) -> f32 {
    if is_input(column) {
        return x[line + u32(column) * sizes.channels];
    }
    return 0.0;
}

fn write_outputs(p: Place, values: vec4<f32>) {
    let start = line(p, p.row, sizes.output);
    for (var j = 0u; j < 4u; j++) {
        let column = p.column + j * sizes.apart;
        if column < sizes.output.y {
            y[start + column * sizes.channels] = values[j];
        }
    }
}

@compute @workgroup_size(64)
fn depthwise(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i >= sizes.len {
        return;
    }
    let p = place(i, sizes.output.x);
    let first = corner(p.row, p.column);
    let rows = inside(first.x, sizes.input.x, sizes.kernel.x);
    let step = i32(sizes.apart * sizes.stride);
    var sum = vec4(0.0);
    for (var row = rows.start; row < rows.end; row++) {
        let start = line(p, u32(first.x + i32(row * sizes.dilation)), sizes.input);
        let weights = row * sizes.kernel.y * sizes.channels + p.channel;
        for (var phase = 0u; phase < sizes.tap_step; phase++) {
            var at = first.y + i32(phase * sizes.dilation);
            var values = vec4(0.0, input(start, at), input(start, at + step), input(start, at + 2 * step));
            at += 3 * step;
            for (var column = phase; column < sizes.kernel.y; column += sizes.tap_step) {
                values = vec4(values.yzw, input(start, at));
                sum += w[weights + column * sizes.channels] * values;
                at += step;
            }
        }
    }
    write_outputs(p, sum);
}

@compute @workgroup_size(64)
fn average_pool(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i >= sizes.len {
        return;
    }
    let p = place(i, sizes.output.x);
    let first = corner(p.row, p.column);
    let rows = inside(first.x, sizes.input.x, sizes.kernel.x);
    let step = i32(sizes.apart * sizes.stride);
    var sum = vec4(0.0);
    for (var row = rows.start; row < rows.end; row++) {
        let start = line(p, u32(first.x + i32(row * sizes.dilation)), sizes.input);
        for (var phase = 0u; phase < sizes.tap_step; phase++) {
            var at = first.y + i32(phase * sizes.dilation);
            var values = vec4(0.0, input(start, at), input(start, at + step), input(start, at + 2 * step));
            at += 3 * step;
            for (var column = phase; column < sizes.kernel.y; column += sizes.tap_step) {
                values = vec4(values.yzw, input(start, at));
                sum += values;
                at += step;
            }
        }
    }
    let high = count(first.x, sizes.input.x, sizes.kernel.x);
    let wide = vec4(
        count(first.y, sizes.input.y, sizes.kernel.y),
        count(first.y + step, sizes.input.y, sizes.kernel.y),
        count(first.y + 2 * step, sizes.input.y, sizes.kernel.y),
        count(first.y + 3 * step, sizes.input.y, sizes.kernel.y),
    );
    write_outputs(p, sum / vec4<f32>(max(high * wide, vec4(1u))));
}

@compute @workgroup_size(64)
fn max_pool(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i >= sizes.len {
        return;
    }
    let p = place(i, sizes.output.x);
    let first = corner(p.row, p.column);
    let rows = inside(first.x, sizes.input.x, sizes.kernel.x);
    let step = i32(sizes.apart * sizes.stride);
    var best = vec4(0.0);
    var own = vec4(NONE);
    for (var row = rows.start; row < rows.end; row++) {
        let start = line(p, u32(first.x + i32(row * sizes.dilation)), sizes.input);
        for (var phase = 0u; phase < sizes.tap_step; phase++) {
            var at = first.y + i32(phase * sizes.dilation);
            var values = vec4(0.0, input(start, at), input(start, at + step), input(start, at + 2 * step));
            var real = vec4(false, is_input(at), is_input(at + step), is_input(at + 2 * step));
            at += 3 * step;
            for (var column = phase; column < sizes.kernel.y; column += sizes.tap_step) {
                values = vec4(values.yzw, input(start, at));
                real = vec4(real.yzw, is_input(at));
                // Phases do not visit the taps in order: among equal maxima, the tap with the
                // lowest number is the first.
                let number = vec4(row * sizes.kernel.y + column);
                let more = values > best | (values == best & number < own) | own == vec4(NONE);
                best = select(best, values, real & more);
                own = select(own, number, real & more);
                at += step;
            }
        }
    }
    write_outputs(p, best);
    let start = line(p, p.row, sizes.output);
    for (var j = 0u; j < 4u; j++) {
        let column = p.column + j * sizes.apart;
        if column < sizes.output.y {
            tap[start + column * sizes.channels] = select(own[j], 0u, own[j] == NONE);
        }
    }
}

// Along one axis, the windows that read a position of the input: tap `tap` of the window at
// `output`, and every `tap_step`-th tap after it of every `output_step`-th window before. Some of
// these windows may not exist.
struct Reader { tap: u32, output: i32 }

fn reader(position: u32, before: i32) -> Reader {
    var distance = i32(position) + before;
    if sizes.stride == 1u {
        return Reader(0u, distance);
    }
    let stride = i32(sizes.stride);
    for (var tap = 0u; tap < sizes.tap_step; tap++) {
        if distance % stride == 0 {
            return Reader(tap, distance / stride);
        }
        distance -= i32(sizes.dilation);
    }
    return Reader(NONE, 0);
}

fn is_output(column: i32) -> bool {
    return u32(column) < sizes.output.y;
}

// Column `column` of a line of dy; zero outside the image.
fn gradient(line: u32, column: i32) -> f32 {
    if is_output(column) {
        return dy[line + u32(column) * sizes.channels];
    }
    return 0.0;
}

fn write_inputs(p: Place, values: vec4<f32>) {
    let start = line(p, p.row, sizes.input);
    for (var j = 0u; j < 4u; j++) {
        let column = p.column + j * sizes.apart;
        if column < sizes.input.y {
            dx[start + column * sizes.channels] = values[j];
        }
    }
}

@compute @workgroup_size(64)
fn depthwise_grad_input(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i >= sizes.len {
        return;
    }
    let p = place(i, sizes.input.x);
    let rows = reader(p.row, sizes.before.x);
    let columns = reader(p.column, sizes.before.y);
    let step = i32(sizes.output_step);
    var output = rows.output;
    var sum = vec4(0.0);
    for (var row = rows.tap; row < sizes.kernel.x; row += sizes.tap_step) {
        if u32(output) < sizes.output.x && columns.tap < sizes.kernel.y {
            let start = line(p, u32(output), sizes.output);
            let weights = row * sizes.kernel.y * sizes.channels + p.channel;
            var at = columns.output;
            var values = vec4(
                gradient(start, at + step),
                gradient(start, at + 2 * step),
                gradient(start, at + 3 * step),
                0.0,
            );
            for (var column = columns.tap; column < sizes.kernel.y; column += sizes.tap_step) {
                values = vec4(gradient(start, at), values.xyz);
                sum += w[weights + column * sizes.channels] * values;
                at -= step;
            }
        }
        output -= step;
    }
    write_inputs(p, sum);
}

// The same, divided by the number of taps of that window inside the image.
fn shared_gradient(line: u32, column: i32, high: u32) -> f32 {
    if is_output(column) {
        let wide = count(column * i32(sizes.stride) - sizes.before.y, sizes.input.y, sizes.kernel.y);
        return dy[line + u32(column) * sizes.channels] / f32(max(high * wide, 1u));
    }
    return 0.0;
}

@compute @workgroup_size(64)
fn average_pool_grad(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i >= sizes.len {
        return;
    }
    let p = place(i, sizes.input.x);
    let rows = reader(p.row, sizes.before.x);
    let columns = reader(p.column, sizes.before.y);
    let step = i32(sizes.output_step);
    var output = rows.output;
    var sum = vec4(0.0);
    for (var row = rows.tap; row < sizes.kernel.x; row += sizes.tap_step) {
        if u32(output) < sizes.output.x && columns.tap < sizes.kernel.y {
            let start = line(p, u32(output), sizes.output);
            let high = count(output * i32(sizes.stride) - sizes.before.x, sizes.input.x, sizes.kernel.x);
            var at = columns.output;
            var values = vec4(
                shared_gradient(start, at + step, high),
                shared_gradient(start, at + 2 * step, high),
                shared_gradient(start, at + 3 * step, high),
                0.0,
            );
            for (var column = columns.tap; column < sizes.kernel.y; column += sizes.tap_step) {
                values = vec4(shared_gradient(start, at, high), values.xyz);
                sum += values;
                at -= step;
            }
        }
        output -= step;
    }
    write_inputs(p, sum);
}

// The tap that held the maximum at column `column` of a line of y.
fn holder(line: u32, column: i32) -> u32 {
    if is_output(column) {
        return tap_in[line + u32(column) * sizes.channels];
    }
    return NONE;
}

@compute @workgroup_size(64)
fn max_pool_grad(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i >= sizes.len {
        return;
    }
    let p = place(i, sizes.input.x);
    let rows = reader(p.row, sizes.before.x);
    let columns = reader(p.column, sizes.before.y);
    let step = i32(sizes.output_step);
    var output = rows.output;
    var sum = vec4(0.0);
    for (var row = rows.tap; row < sizes.kernel.x; row += sizes.tap_step) {
        if u32(output) < sizes.output.x && columns.tap < sizes.kernel.y {
            let start = line(p, u32(output), sizes.output);
            var at = columns.output;
            var values = vec4(
                gradient(start, at + step),
                gradient(start, at + 2 * step),
                gradient(start, at + 3 * step),
                0.0,
            );
            var holders = vec4(
                holder(start, at + step),
                holder(start, at + 2 * step),
                holder(start, at + 3 * step),
                NONE,
            );
            for (var column = columns.tap; column < sizes.kernel.y; column += sizes.tap_step) {
                values = vec4(gradient(start, at), values.xyz);
                holders = vec4(holder(start, at), holders.xyz);
                sum += select(vec4(0.0), values, holders == vec4(row * sizes.kernel.y + column));
                at -= step;
            }
        }
        output -= step;
    }
    write_inputs(p, sum);
}
