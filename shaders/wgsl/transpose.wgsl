// transpose  y = x with rows and columns exchanged; one invocation per element
//
// x [batch, rows, columns, width], y [batch, columns, rows, width].

struct Sizes { len: u32, rows: u32, columns: u32, width: u32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn transpose(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * 64u;
    if i < sizes.len {
        let entry = i / sizes.width;
        let row = entry % sizes.rows;
        let column = entry / sizes.rows % sizes.columns;
        let matrix = entry / sizes.rows / sizes.columns;
        let source = (matrix * sizes.rows + row) * sizes.columns + column;
        y[i] = x[source * sizes.width + i % sizes.width];
    }
}
