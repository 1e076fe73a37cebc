// Mish (Misra 2019): x * tanh(log(1 + exp(x))).

// tanh(log(1 + exp(x))), computed from n = exp(-|x|), which never overflows.
fn bend(x: f32) -> f32 {
    let n = exp(-abs(x));
    let top = select(n * (n + 2.0), 1.0 + 2.0 * n, x > 0.0);
    let rest = select(2.0, 2.0 * n * n, x > 0.0);
    return top / (top + rest);
}

fn f(x: f32) -> f32 {
    return x * bend(x);
}

// The gradient with respect to x, given y = f(x) and the gradient gy with respect to y.
fn df(x: f32, y: f32, gy: f32) -> f32 {
    let t = bend(x);
    return gy * (t + x * (1.0 - t * t) / (1.0 + exp(-x)));
}
