//! Smooth activations, and the highway connection that gates them.

use super::elementwise::each;
use super::{Buffer, Kernel, Lowered, read, write};
use crate::catalogue::{Function, Highway};

const fn kernel(entry: &'static str, buffers: &'static [Buffer]) -> Kernel {
    let source = include_str!("../../wgsl/activation.wgsl");
    Kernel {
        module: "activation",
        source,
        entry,
        buffers,
        step: false,
        lanes: None,
        own: false,
    }
}

static ACTIVATION: Kernel = kernel("activation", &[read(2, "x"), write(3, "y")]);
static ACTIVATION_GRAD: Kernel = kernel(
    "activation_grad",
    &[read(4, "y_in"), read(5, "dy"), write(6, "dx")],
);
static LERP: Kernel = kernel(
    "lerp",
    &[read(7, "a"), read(8, "b"), read(9, "g"), write(3, "y")],
);
static LERP_GRAD: Kernel = kernel(
    "lerp_grad",
    &[
        read(7, "a"),
        read(8, "b"),
        read(9, "g"),
        read(5, "dy"),
        write(10, "da"),
        write(11, "db"),
        write(12, "dg"),
    ],
);
static HIGHWAY: Kernel = kernel("highway", &[read(13, "both"), read(14, "h"), write(3, "y")]);
static HIGHWAY_GRAD: Kernel = kernel(
    "highway_grad",
    &[
        read(13, "both"),
        read(14, "h"),
        read(5, "dy"),
        write(15, "dboth"),
        write(16, "dh"),
    ],
);

fn code(function: Function) -> u32 {
    match function {
        Function::Identity => 0,
        Function::Relu => 1,
        Function::Tanh => 2,
        Function::Sigmoid => 3,
    }
}

pub(super) fn activation(function: Function, len: u32) -> Lowered {
    each(&ACTIVATION, len as usize, vec![len, code(function), 0])
}

pub(super) fn activation_grad(function: Function, len: u32) -> Lowered {
    each(&ACTIVATION_GRAD, len as usize, vec![len, code(function), 0])
}

pub(super) fn lerp(len: u32) -> Lowered {
    each(&LERP, len as usize, vec![len, 0, 0])
}

pub(super) fn lerp_grad(len: u32) -> Lowered {
    each(&LERP_GRAD, len as usize, vec![len, 0, 0])
}

pub(super) fn highway(h: Highway) -> Lowered {
    each(
        &HIGHWAY,
        h.len(),
        vec![h.len() as u32, code(h.function), h.width],
    )
}

pub(super) fn highway_grad(h: Highway) -> Lowered {
    each(
        &HIGHWAY_GRAD,
        h.len(),
        vec![h.len() as u32, code(h.function), h.width],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel takes a number that it does not know for the identity.
    #[test]
    fn every_function_has_its_case_in_the_kernel() {
        for name in ["apply", "slope"] {
            let body = ACTIVATION
                .source
                .split(&format!("fn {name}("))
                .nth(1)
                .unwrap();
            let body = body.split("\nfn ").next().unwrap();
            for function in Function::ALL {
                let case = format!("case {}u", code(function));
                assert!(
                    body.contains(&case),
                    "`{name}` has no {case}, which is {function:?}"
                );
            }
        }
    }
}
