// The loss of the classifier, with one workgroup per row.
//
// cross_entropy       loss = −Σ t·log softmax(x)
//                     with t = (1 − smoothing)·onehot(label) + smoothing/classes
// cross_entropy_grad  dx = (softmax(x) − t)/samples
// accuracy            right = 1 if the largest logit (the first on a tie) is that of the label,
//                     else 0
//
// x, dx [rows, classes], labels, loss, right [rows].

struct Sizes { rows: u32, classes: u32, smoothing: f32, samples: u32 }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;
@group(0) @binding(6) var<storage, read_write> right: array<f32>;

var<workgroup> values: array<f32, 64>;
var<workgroup> places: array<u32, 64>;

// The value and index of the largest logit of the row, the first on a tie.
struct Largest { value: f32, place: u32 }

fn largest(row: u32, i: u32) -> Largest {
    let start = row * sizes.classes;
    // An invocation past the last class repeats the last class.
    var place = min(i, sizes.classes - 1u);
    var value = x[start + place];
    for (var c = i + 64u; c < sizes.classes; c += 64u) {
        let other = x[start + c];
        if other > value {
            value = other;
            place = c;
        }
    }
    values[i] = value;
    places[i] = place;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if i < half {
            let other = values[i + half];
            let other_place = places[i + half];
            if other > values[i] || (other == values[i] && other_place < places[i]) {
                values[i] = other;
                places[i] = other_place;
            }
        }
    }
    workgroupBarrier();
    return Largest(values[0], places[0]);
}

// The sum of the values of all invocations.
fn sum_all(i: u32, value: f32) -> f32 {
    // Another invocation may still be reading the last result.
    workgroupBarrier();
    values[i] = value;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if i < half {
            values[i] += values[i + half];
        }
    }
    workgroupBarrier();
    return values[0];
}

@compute @workgroup_size(64)
fn cross_entropy(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let number = group.x + group.y * groups.x;
    let row = min(number, sizes.rows - 1u);
    let start = row * sizes.classes;
    let top = largest(row, i).value;
    var sum = 0.0;
    var below = 0.0;
    for (var c = i; c < sizes.classes; c += 64u) {
        let value = x[start + c] - top;
        sum += exp(value);
        below += value;
    }
    sum = sum_all(i, sum);
    below = sum_all(i, below);
    if i == 0u && number < sizes.rows {
        // The targets sum to 1, and log softmax(x) = x − top − log Σ exp(x − top).
        let aimed = (1.0 - sizes.smoothing) * (x[start + labels[row]] - top);
        loss[row] = log(sum) - aimed - sizes.smoothing / f32(sizes.classes) * below;
    }
}

@compute @workgroup_size(64)
fn cross_entropy_grad(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let number = group.x + group.y * groups.x;
    let row = min(number, sizes.rows - 1u);
    let start = row * sizes.classes;
    let top = largest(row, i).value;
    var sum = 0.0;
    for (var c = i; c < sizes.classes; c += 64u) {
        sum += exp(x[start + c] - top);
    }
    sum = sum_all(i, sum);
    if number >= sizes.rows {
        return;
    }
    let others = sizes.smoothing / f32(sizes.classes);
    let samples = f32(sizes.samples);
    for (var c = i; c < sizes.classes; c += 64u) {
        let aim = others + select(0.0, 1.0 - sizes.smoothing, c == labels[row]);
        dx[start + c] = (exp(x[start + c] - top) / sum - aim) / samples;
    }
}

@compute @workgroup_size(64)
fn accuracy(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) i: u32,
) {
    let number = group.x + group.y * groups.x;
    let row = min(number, sizes.rows - 1u);
    let found = largest(row, i).place;
    if i == 0u && number < sizes.rows {
        right[row] = select(0.0, 1.0, found == labels[row]);
    }
}
