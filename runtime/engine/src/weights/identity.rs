//! Starts near the identity.
//!
//! A freshly drawn convolution puts its output into another basis than a skip or a pooling, which
//! pass their input on, and whatever follows a choice meets both. In short trainings the choices
//! without weights then look best. If every op that can pass its input on starts by doing so, all
//! choices speak one basis from the first step.

use supernet_plugin::{Op, Supergraph};

use super::Weights;

impl Weights {
    /// Makes every op that can pass its input on do so at first, up to `noise` times the values
    /// that its weights have now: square convolutions and linear layers, depthwise convolutions,
    /// and convolutions whose outputs, concatenated, have as many channels as their inputs, as in a
    /// factorised reduction. The bodies of scans stay as they are.
    pub fn start_near_identity(&mut self, supergraph: &Supergraph, noise: f32) {
        let nodes = &supergraph.space().nodes;
        let position = |id: &str| nodes.iter().position(|node| node.id == id);
        let mut started = vec![false; supergraph.param_count()];
        let mut start = |weights: &mut Self, node: usize, from: u32| {
            let Some(param) = supergraph.params_of(node as u32).first().copied() else {
                return;
            };
            if !std::mem::replace(&mut started[param as usize], true) {
                let shape = supergraph.param_shape(param);
                let depthwise = matches!(nodes[node].op, Op::DepthwiseConv2d { .. });
                identity(weights.parameter_mut(param), shape, depthwise, from, noise);
            }
        };
        let kernel = |node: usize| {
            let param = supergraph.params_of(node as u32).first()?;
            matches!(nodes[node].op, Op::Conv2d { .. }).then(|| supergraph.param_shape(*param))
        };
        for (at, node) in nodes.iter().enumerate() {
            let square = |shape: &[u32]| shape[shape.len() - 2] == shape[shape.len() - 1];
            match &node.op {
                Op::DepthwiseConv2d { .. } => start(self, at, 0),
                Op::Conv2d { .. } | Op::Linear { .. } => {
                    let param = supergraph.params_of(at as u32).first();
                    if param.is_some_and(|param| square(supergraph.param_shape(*param))) {
                        start(self, at, 0);
                    }
                }
                Op::Concat => {
                    let parts: Option<Vec<_>> = node.inputs.iter().map(|id| position(id)).collect();
                    let parts = parts.unwrap_or_default();
                    let shapes: Option<Vec<&[u32]>> = parts.iter().map(|at| kernel(*at)).collect();
                    let shapes = shapes.unwrap_or_default();
                    let outputs: u32 = shapes.iter().map(|shape| shape[3]).sum();
                    if shapes.iter().any(|shape| shape[2] != outputs) {
                        continue;
                    }
                    let mut from = 0;
                    for (part, shape) in parts.into_iter().zip(shapes) {
                        start(self, part, from);
                        from += shape[3];
                    }
                }
                _ => {}
            }
        }
    }
}

/// Adds the identity to `noise` times a weight: for a convolution `[height, width, in, out]` or a
/// linear layer `[in, out]`, output j passes input `from` + j on, at the centre of the window; for a
/// depthwise convolution `[height, width, channels]` every channel itself.
fn identity(weight: &mut [f32], shape: &[u32], depthwise: bool, from: u32, noise: f32) {
    weight.iter_mut().for_each(|x| *x *= noise);
    let size = |at: usize| shape[at] as usize;
    // A window of even size has its centre after the middle.
    let centre = match shape.len() {
        2 => 0,
        _ => size(0) / 2 * size(1) + size(1) / 2,
    };
    let channels = size(shape.len() - 1);
    if depthwise {
        let taps = weight[centre * channels..].iter_mut().take(channels);
        return taps.for_each(|tap| *tap += 1.0);
    }
    let inputs = size(shape.len() - 2);
    for output in 0..channels {
        weight[(centre * inputs + from as usize + output) * channels + output] += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use supernet_plugin::{Conv, Space};

    use super::super::Layout;
    use super::*;

    fn started(noise: f32) -> (Supergraph, [Weights; 2]) {
        let s = Space::new("identity");
        let x = s.input("image", &[8, 8, 6]);
        let y = x.conv2d(Conv::new(3), 6).conv(1, 4).conv(5, 4);
        let y = y.depthwise_conv2d(Conv::new(3));
        let halves = s.concat(&[
            y.conv2d(Conv::new(1).stride(2), 2),
            y.conv2d(Conv::new(1).stride(2), 2),
        ]);
        s.output(halves.global_avg_pool().linear(4, false).linear(10, true));
        let supergraph = Supergraph::new(s.finish().unwrap()).unwrap();
        let layout = Arc::new(Layout::new(&supergraph).unwrap());
        let before = Weights::new(&supergraph, layout, 1, 3);
        let mut after = before.clone();
        after.start_near_identity(&supergraph, noise);
        (supergraph, [before, after])
    }

    /// Per parameter: how many of its elements are one, if the others are zero.
    fn ones(weights: &Weights, parameters: usize) -> Vec<Option<usize>> {
        let count = |p: u32| {
            let weight = weights.parameter(p);
            let ones = weight.iter().filter(|x| **x == 1.0).count();
            let zeros = weight.iter().filter(|x| **x == 0.0).count();
            (ones > 0 && ones + zeros == weight.len()).then_some(ones)
        };
        (0..parameters as u32).map(count).collect()
    }

    #[test]
    fn what_can_pass_its_input_on_does() {
        let (supergraph, [before, after]) = started(0.0);
        let ones = ones(&after, supergraph.param_count());
        // The 3x3, 6 → 4, the 5x5, depthwise, the two halves, square linear; then the classifier.
        assert_eq!(
            ones[..7],
            [Some(6), None, Some(4), Some(4), Some(2), Some(2), Some(4)]
        );
        for p in [1, 7] {
            assert_eq!(after.parameter(p), before.parameter(p));
        }
        // Centre tap of the 3x3, channel by channel.
        assert!((0..6).all(|c| after.parameter(0)[(4 * 6 + c) * 6 + c] == 1.0));
        // The halves pass different channels on: `[in, out]` are 4 and 2.
        assert_eq!(after.parameter(4), [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(after.parameter(5), [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn noise_is_a_share_of_the_usual_start() {
        let (_, [before, after]) = started(0.25);
        let pairs = || before.parameter(0).iter().zip(after.parameter(0));
        let off = pairs().filter(|(old, new)| (**new - 0.25 * **old).abs() < 1e-6);
        assert_eq!(off.count(), 3 * 3 * 6 * 6 - 6);
        let on = pairs().filter(|(old, new)| (**new - 0.25 * **old - 1.0).abs() < 1e-6);
        assert_eq!(on.count(), 6);
    }
}
