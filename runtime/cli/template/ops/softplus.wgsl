// log(1 + exp(x)), without an exp that overflows.
fn f(x: f32) -> f32 {
    return max(x, 0.0) + log(1.0 + exp(-abs(x)));
}

// The gradient with respect to x, given y = f(x) and the gradient with respect to y. `check-plugin` compares it with
// finite differences.
fn df(x: f32, y: f32, gy: f32) -> f32 {
    return gy / (1.0 + exp(-x));
}
