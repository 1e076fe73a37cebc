struct Dims { batch: u32, input: vec4<u32>, scale: vec4<u32>, output: vec4<u32> }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(2) var<storage> a: array<f32>;
@group(0) @binding(3) var<storage> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(64)
fn scale(@builtin(global_invocation_id) at: vec3<u32>) {
    if at.x < arrayLength(&c) { c[at.x] = a[at.x] * b[at.x % arrayLength(&b)]; }
}

@compute @workgroup_size(64)
fn scale_input(@builtin(global_invocation_id) at: vec3<u32>) {
    if at.x < arrayLength(&c) { c[at.x] = a[at.x] * b[at.x % arrayLength(&b)]; }
}

@compute @workgroup_size(64)
fn scale_param(@builtin(global_invocation_id) at: vec3<u32>) {
    if at.x < arrayLength(&c) {
        var sum = 0.0;
        for (var i = at.x; i < arrayLength(&a); i += arrayLength(&c)) { sum += a[i] * b[i]; }
        c[at.x] = sum;
    }
}
