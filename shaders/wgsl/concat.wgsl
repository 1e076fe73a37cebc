// Concatenation and slicing of channels. One invocation per element of the result.
//
// concat1 …  y = x0, x1, … concatenated; one entry point per number of inputs
// slice      y = channels start to start + channels of x
//
// x0 … [rows, width of each], x [rows, stride], y [rows, channels].

struct Sizes {
    // Elements and channels of y.
    len: u32,
    channels: u32,
    // Channels of x, and the first channel of the slice.
    stride: u32,
    start: u32,
    // The end of each input among the channels of y.
    end0: u32,
    end1: u32,
    end2: u32,
    end3: u32,
    end4: u32,
    end5: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> x0: array<f32>;
@group(0) @binding(5) var<storage, read> x1: array<f32>;
@group(0) @binding(6) var<storage, read> x2: array<f32>;
@group(0) @binding(7) var<storage, read> x3: array<f32>;
@group(0) @binding(8) var<storage, read> x4: array<f32>;
@group(0) @binding(9) var<storage, read> x5: array<f32>;
@group(0) @binding(10) var<storage, read> x6: array<f32>;

// The index of this invocation in a one-dimensional grid that may be folded over y.
fn element(id: vec3<u32>, groups: vec3<u32>) -> u32 {
    return id.x + id.y * groups.x * 64u;
}

// The row and channel of an element of y.
struct Place { row: u32, channel: u32 }

fn place(i: u32) -> Place {
    let row = i / sizes.channels;
    return Place(row, i - row * sizes.channels);
}

// Its index in an input that provides the channels from `start` to `end`.
fn at(p: Place, start: u32, end: u32) -> u32 {
    return p.row * (end - start) + p.channel - start;
}

// The value from the first inputs.
fn one(p: Place) -> f32 {
    return x0[at(p, 0u, sizes.end0)];
}

fn two(p: Place) -> f32 {
    if p.channel < sizes.end0 {
        return one(p);
    }
    return x1[at(p, sizes.end0, sizes.end1)];
}

fn three(p: Place) -> f32 {
    if p.channel < sizes.end1 {
        return two(p);
    }
    return x2[at(p, sizes.end1, sizes.end2)];
}

fn four(p: Place) -> f32 {
    if p.channel < sizes.end2 {
        return three(p);
    }
    return x3[at(p, sizes.end2, sizes.end3)];
}

fn five(p: Place) -> f32 {
    if p.channel < sizes.end3 {
        return four(p);
    }
    return x4[at(p, sizes.end3, sizes.end4)];
}

fn six(p: Place) -> f32 {
    if p.channel < sizes.end4 {
        return five(p);
    }
    return x5[at(p, sizes.end4, sizes.end5)];
}

fn seven(p: Place) -> f32 {
    if p.channel < sizes.end5 {
        return six(p);
    }
    return x6[at(p, sizes.end5, sizes.channels)];
}

@compute @workgroup_size(64)
fn concat1(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = one(place(i));
    }
}

@compute @workgroup_size(64)
fn concat2(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = two(place(i));
    }
}

@compute @workgroup_size(64)
fn concat3(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = three(place(i));
    }
}

@compute @workgroup_size(64)
fn concat4(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = four(place(i));
    }
}

@compute @workgroup_size(64)
fn concat5(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = five(place(i));
    }
}

@compute @workgroup_size(64)
fn concat6(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = six(place(i));
    }
}

@compute @workgroup_size(64)
fn concat7(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        y[i] = seven(place(i));
    }
}

@compute @workgroup_size(64)
fn slice(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.len {
        let p = place(i);
        y[i] = x[p.row * sizes.stride + sizes.start + p.channel];
    }
}
