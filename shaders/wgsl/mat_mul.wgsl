// mat_mul  y = a·b, product by product, with one workgroup per tile of 16 rows and columns
//
// y [batch, rows, columns], a [batch, rows, inner], b [batch, inner, columns]; `transposed` is 1 if a
// is stored as [batch, inner, rows], 2 if b is stored as [batch, columns, inner].

struct Sizes {
    batch: u32,
    rows: u32,
    inner: u32,
    columns: u32,
    transposed: u32,
    // Tiles of a product, down and across.
    down: u32,
    across: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

fn left(matrix: u32, row: u32, k: u32) -> f32 {
    if row >= sizes.rows || k >= sizes.inner {
        return 0.0;
    }
    let start = matrix * sizes.rows * sizes.inner;
    return a[start + select(row * sizes.inner + k, k * sizes.rows + row, sizes.transposed == 1u)];
}

fn right(matrix: u32, k: u32, column: u32) -> f32 {
    if column >= sizes.columns || k >= sizes.inner {
        return 0.0;
    }
    let start = matrix * sizes.inner * sizes.columns;
    return b[start + select(k * sizes.columns + column, column * sizes.inner + k, sizes.transposed == 2u)];
}

var<workgroup> tile_a: array<array<f32, 16>, 16>;
var<workgroup> tile_b: array<array<f32, 16>, 16>;

@compute @workgroup_size(16, 16)
fn mat_mul(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) id: vec3<u32>,
) {
    let number = group.x + group.y * groups.x;
    let matrix = min(number / sizes.across / sizes.down, sizes.batch - 1u);
    let row = number / sizes.across % sizes.down * 16u + id.y;
    let column = number % sizes.across * 16u + id.x;
    var sum = 0.0;
    for (var k = 0u; k < sizes.inner; k += 16u) {
        tile_a[id.y][id.x] = left(matrix, row, k + id.x);
        tile_b[id.y][id.x] = right(matrix, k + id.y, column);
        workgroupBarrier();
        for (var j = 0u; j < 16u; j += 1u) {
            sum += tile_a[id.y][j] * tile_b[j][id.x];
        }
        workgroupBarrier();
    }
    if number < sizes.batch * sizes.down * sizes.across && row < sizes.rows && column < sizes.columns {
        y[(matrix * sizes.rows + row) * sizes.columns + column] = sum;
    }
}
