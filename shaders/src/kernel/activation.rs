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
static ACTIVATION_GRAD_FROM_INPUT: Kernel = kernel(
    "activation_grad_from_input",
    &[read(2, "x"), read(5, "dy"), write(6, "dx")],
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
        Function::Relu6 => 4,
        Function::LeakyRelu => 5,
        Function::Elu => 6,
        Function::HardSigmoid => 7,
        Function::HardSwish => 8,
        Function::Swish => 9,
        Function::Gelu => 10,
    }
}

fn sizes(len: u32, function: Function, width: u32) -> Vec<u32> {
    let from_result = u32::from(function.slope_from_result());
    vec![len, code(function), width, from_result]
}

pub(super) fn activation(function: Function, len: u32) -> Lowered {
    each(&ACTIVATION, len as usize, sizes(len, function, 0))
}

pub(super) fn activation_grad(function: Function, len: u32) -> Lowered {
    let kernel = match function.slope_from_result() {
        true => &ACTIVATION_GRAD,
        false => &ACTIVATION_GRAD_FROM_INPUT,
    };
    each(kernel, len as usize, sizes(len, function, 0))
}

pub(super) fn lerp(len: u32) -> Lowered {
    each(&LERP, len as usize, sizes(len, Function::Identity, 0))
}

pub(super) fn lerp_grad(len: u32) -> Lowered {
    each(&LERP_GRAD, len as usize, sizes(len, Function::Identity, 0))
}

pub(super) fn highway(h: Highway) -> Lowered {
    each(
        &HIGHWAY,
        h.len(),
        sizes(h.len() as u32, h.function, h.width),
    )
}

pub(super) fn highway_grad(h: Highway) -> Lowered {
    each(
        &HIGHWAY_GRAD,
        h.len(),
        sizes(h.len() as u32, h.function, h.width),
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
                // A case may list several numbers: `case 3u, 7u:`.
                let number = format!("{}u", code(function));
                let listed = body.lines().filter_map(|line| {
                    let (numbers, _) = line.trim().strip_prefix("case ")?.split_once(':')?;
                    Some(numbers)
                });
                assert!(
                    listed
                        .flat_map(|numbers| numbers.split(", "))
                        .any(|listed| listed == number),
                    "`{name}` has no case {number}, which is {function:?}"
                );
            }
        }
    }
}
