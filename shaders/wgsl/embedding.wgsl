// Embedding look-up, and its gradient.
//
// embedding        y = the rows of w at the given tokens
// embedding_zeros  dw = 0
// embedding_links  for every position: whether an earlier one has the same token (1 or 0),
//                  and the next position that has it
// embedding_grad   the rows of dw whose tokens occur: each is the sum over the positions of its
//                  token, in order
//
// tokens [rows], w, dw [words, width], y, dy [rows, width], links [2, rows]. No two invocations
// write the same row, so the order of summation is fixed without atomics.

struct Sizes { rows: u32, words: u32, width: u32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> dw: array<f32>;
@group(0) @binding(7) var<storage, read_write> links: array<u32>;
@group(0) @binding(8) var<storage, read> links_in: array<u32>;

// The index of this invocation in a one-dimensional grid that may be folded over y.
fn element(id: vec3<u32>, groups: vec3<u32>) -> u32 {
    return id.x + id.y * groups.x * 64u;
}

@compute @workgroup_size(64)
fn embedding(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.rows * sizes.width {
        let row = i / sizes.width;
        y[i] = w[tokens[row] * sizes.width + i - row * sizes.width];
    }
}

@compute @workgroup_size(64)
fn embedding_zeros(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i < sizes.words * sizes.width {
        dw[i] = 0.0;
    }
}

@compute @workgroup_size(64)
fn embedding_links(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let place = element(id, groups);
    if place >= sizes.rows {
        return;
    }
    let token = tokens[place];
    var earlier = 0u;
    for (var i = 0u; i < place; i++) {
        if tokens[i] == token {
            earlier = 1u;
            break;
        }
    }
    var next = place + 1u;
    while next < sizes.rows && tokens[next] != token {
        next++;
    }
    links[place] = earlier;
    links[sizes.rows + place] = next;
}

@compute @workgroup_size(64)
fn embedding_grad(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = element(id, groups);
    if i >= sizes.rows * sizes.width {
        return;
    }
    let first = i / sizes.width;
    if links_in[first] != 0u {
        return;
    }
    let column = i - first * sizes.width;
    var sum = 0.0;
    for (var place = first; place < sizes.rows; place = links_in[sizes.rows + place]) {
        sum += dy[place * sizes.width + column];
    }
    dw[tokens[first] * sizes.width + column] = sum;
}
