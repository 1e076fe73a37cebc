// A gated linear unit (Dauphin et al. 2017): y = value * sigmoid(gate + bias), with a bias for each
// channel.

// The shapes of the inputs, the params and the output, each padded with ones.
struct Dims { batch: u32, value: vec4<u32>, gate: vec4<u32>, bias: vec4<u32>, y: vec4<u32> }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(2) var<storage, read> value: array<f32>;
@group(0) @binding(3) var<storage, read> gate: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> open: array<f32>;
@group(0) @binding(7) var<storage, read> opened: array<f32>;
@group(0) @binding(8) var<storage, read> gy: array<f32>;
@group(0) @binding(9) var<storage, read_write> gvalue: array<f32>;
@group(0) @binding(10) var<storage, read_write> ggate: array<f32>;
@group(0) @binding(11) var<storage, read> summands: array<f32>;
@group(0) @binding(12) var<storage, read_write> gbias: array<f32>;

// A buffer may be longer than its content, so lengths come from the shapes.
fn len() -> u32 {
    return dims.batch * dims.y.x * dims.y.y * dims.y.z * dims.y.w;
}

@compute @workgroup_size(64)
fn forward(
    @builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let i = (group.x + group.y * groups.x) * 64u + own;
    if i < len() {
        let s = 1.0 / (1.0 + exp(-(gate[i] + bias[i % dims.bias.x])));
        open[i] = s;
        y[i] = value[i] * s;
    }
}

@compute @workgroup_size(64)
fn gradients(
    @builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let i = (group.x + group.y * groups.x) * 64u + own;
    if i < len() {
        let s = opened[i];
        gvalue[i] = gy[i] * s;
        ggate[i] = gy[i] * value[i] * s * (1.0 - s);
    }
}

var<workgroup> sums: array<f32, 64>;

// One workgroup sums one channel of the gradient with respect to the gate.
@compute @workgroup_size(64)
fn sum_channel(
    @builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let channel = group.x + group.y * groups.x;
    let channels = dims.bias.x;
    // The grid may have more workgroups than there are channels.
    if channel >= channels {
        return;
    }
    var sum = 0.0;
    for (var i = channel + own * channels; i < len(); i += 64u * channels) {
        sum += summands[i];
    }
    sums[own] = sum;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if own < half {
            sums[own] += sums[own + half];
        }
    }
    if own == 0u {
        gbias[channel] = sums[0];
    }
}
