//! Ops, choices and shapes as text.

use supernet_plugin::{Child, Function, Op, Pooling};

use super::diagram::Family;

/// A readable form of a choice's label: `sepconv3x3` becomes "separable 3×3".
pub(super) fn choice(label: &str) -> String {
    let at = label
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(label.len());
    let (base, size) = label.split_at(at);
    let base = base.trim_end_matches(['_', '-', ' ']);
    let known = match base
        .to_ascii_lowercase()
        .replace(['_', '-', ' '], "")
        .as_str()
    {
        "conv" => "conv",
        "sepconv" | "separable" => "separable",
        "dilconv" => "dilated",
        "avgpool" => "average pool",
        "maxpool" => "max pool",
        "identity" | "skipconnect" | "skip" => "identity",
        "none" | "zero" => "zero",
        _ => "",
    };
    let size = times(&size.replace('_', " "));
    let sized = size.contains('×') && size.chars().all(|c| c.is_ascii_digit() || c == '×');
    match (known.is_empty(), sized) {
        (false, _) => format!("{known} {size}").trim_end().to_owned(),
        (true, true) => format!("{} {size}", base.replace('_', " "))
            .trim_start()
            .to_owned(),
        // Only the author of the space knows what these digits mean.
        (true, false) => times(&label.replace('_', " ")),
    }
}

/// Like [`choice`], but only separable convolutions are called so. (The released ENAS code trains
/// plain convolutions in place of separable ones.)
pub(super) fn choice_of(label: &str, family: Family) -> String {
    let word = choice(label);
    match word.strip_prefix("separable") {
        Some(size) if family == Family::Convolution => format!("conv{size}"),
        _ => word,
    }
}

/// Replaces `3x3` with 3×3.
fn times(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let digit = |i: Option<usize>| {
        i.and_then(|i| letters.get(i))
            .is_some_and(char::is_ascii_digit)
    };
    letters
        .iter()
        .enumerate()
        .map(|(i, &c)| {
            if c == 'x' && digit(i.checked_sub(1)) && digit(Some(i + 1)) {
                '×'
            } else {
                c
            }
        })
        .collect()
}

/// A readable form of a scope's name: `layer3` becomes "layer 3", `n3` stays.
pub(super) fn name(scope: &str) -> String {
    let at = scope
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(scope.len());
    let (base, rest) = scope.split_at(at);
    let gap = if base.len() > 2 && !rest.is_empty() && !base.ends_with(['_', '-', '.']) {
        " "
    } else {
        ""
    };
    format!("{base}{gap}{rest}").replace('_', " ")
}

/// A shape as 8×8×16.
pub(super) fn shape(sizes: &[u32]) -> String {
    sizes
        .iter()
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join("×")
}

/// The shape of a value, given also its shape for a longer window: an axis that grows with the
/// window is "time".
pub(super) fn shape_over_time(sizes: &[u32], longer: &[u32]) -> String {
    let axes = sizes.iter().zip(longer).map(|(size, other)| {
        if size == other {
            size.to_string()
        } else {
            "time".to_owned()
        }
    });
    axes.collect::<Vec<_>>().join("×")
}

/// Height and width of an image.
pub(super) fn space(shape: &[u32]) -> Option<[u32; 2]> {
    match *shape {
        [height, width, _] => Some([height, width]),
        _ => None,
    }
}

/// The height and width of a convolution's kernel, if it is a param.
fn kernel(child: &Child, position: usize) -> Option<[u32; 2]> {
    match child.param_shape(*child.params(position).first()?) {
        [height, width, ..] => Some([*height, *width]),
        _ => None,
    }
}

/// Whether the node is of a kind that occurs in reductions or changes of channels, and is
/// irrelevant for the drawing.
pub(super) fn passes(child: &Child, position: usize) -> bool {
    match &child.op_node(position).op {
        Op::BatchNorm { .. }
        | Op::LayerNorm { .. }
        | Op::GroupNorm { .. }
        | Op::Bias
        | Op::Reshape { .. }
        | Op::Activation { .. }
        | Op::Concat
        | Op::Pool { .. } => true,
        Op::Slice { .. } | Op::Dropout { .. } | Op::DropPath { .. } | Op::Resize { .. } => true,
        Op::Conv2d { .. } => kernel(child, position) == Some([1, 1]),
        _ => false,
    }
}

/// The joint label and family of some nodes. At most `most` ops are named.
pub(super) fn summary(child: &Child, positions: &[usize], most: usize) -> (String, Family) {
    let mut terms: Vec<(u8, String)> = Vec::new();
    let mut depthwise = false;
    for &position in positions {
        let Some((weight, term)) = term(child, position, &mut depthwise) else {
            continue;
        };
        if terms.iter().all(|(_, known)| *known != term) {
            terms.push((weight, term));
        }
    }
    let heaviest = terms.iter().map(|(weight, _)| *weight).max().unwrap_or(0);
    // Next to a more important op, pointwise convolutions and activations are left out; only after
    // a matrix product is the function an essential part.
    let least = match heaviest {
        4 => 3,
        3 => 2,
        other => other,
    };
    let named: Vec<String> = terms
        .iter()
        .filter(|(weight, _)| *weight >= least)
        .map(|(_, term)| term.clone())
        .collect();
    let mut label = named
        .iter()
        .take(most)
        .cloned()
        .collect::<Vec<_>>()
        .join(" · ");
    if named.len() > most {
        label.push_str(" · …");
    }
    (
        if label.is_empty() {
            "identity".to_owned()
        } else {
            label
        },
        family(child, positions),
    )
}

/// The name of an op and its weight: 4 for ops that name a block, 3 for matrix products, 2 for
/// functions and pointwise preparations of a named op, 1 for joins.
fn term(child: &Child, position: usize, depthwise: &mut bool) -> Option<(u8, String)> {
    let sized = |name: &str| match kernel(child, position) {
        Some([h, w]) => format!("{name} {h}×{w}"),
        None => name.to_owned(),
    };
    let after_depthwise = std::mem::take(depthwise);
    Some(match &child.op_node(position).op {
        Op::Conv2d { .. } if kernel(child, position) == Some([1, 1]) && after_depthwise => {
            return None;
        }
        Op::Conv2d { .. } if kernel(child, position) == Some([1, 1]) => (2, "conv 1×1".to_owned()),
        Op::Conv2d { dilation, .. } => (4, sized(if *dilation > 1 { "dilated" } else { "conv" })),
        Op::DepthwiseConv2d { dilation, .. } => {
            *depthwise = true;
            (
                4,
                sized(if *dilation > 1 {
                    "dilated"
                } else {
                    "separable"
                }),
            )
        }
        Op::Pool { kind, kernel, .. } => {
            let kind = if *kind == Pooling::Max {
                "max"
            } else {
                "average"
            };
            (4, format!("{kind} pool {kernel}×{kernel}"))
        }
        Op::GlobalAvgPool => (3, "global average".to_owned()),
        Op::GlobalMaxPool => (3, "global maximum".to_owned()),
        Op::Scale => (3, "squeeze and excite".to_owned()),
        Op::MatMul { .. } => (3, "matrix product".to_owned()),
        Op::Softmax => (3, "softmax".to_owned()),
        Op::Transpose { .. } => (2, "transpose".to_owned()),
        Op::Scan { .. } => (4, "recurrent cell".to_owned()),
        Op::Linear { .. } => (3, "linear".to_owned()),
        Op::Embedding => (3, "embedding".to_owned()),
        Op::Resize { .. } => (3, "resize".to_owned()),
        Op::Custom { name, .. } => (4, name.replace('_', " ")),
        Op::Activation { function } => (2, activation(*function).to_owned()),
        Op::Lerp => (1, "highway".to_owned()),
        Op::Multiply => (1, "product".to_owned()),
        Op::Sum { .. } => (1, "sum".to_owned()),
        Op::Mean { .. } => (1, "mean".to_owned()),
        Op::Concat => (1, "concatenation".to_owned()),
        Op::Zero { .. } => (1, "zero".to_owned()),
        Op::Dropout { .. } => (0, "dropout".to_owned()),
        Op::BatchNorm { .. } => (0, "batch norm".to_owned()),
        Op::LayerNorm { .. } => (0, "layer norm".to_owned()),
        Op::GroupNorm { .. } => (0, "group norm".to_owned()),
        _ => return None,
    })
}

fn activation(function: Function) -> &'static str {
    match function {
        Function::Relu => "ReLU",
        Function::Relu6 => "ReLU6",
        Function::LeakyRelu => "leaky ReLU",
        Function::Elu => "ELU",
        Function::Tanh => "tanh",
        Function::Sigmoid => "sigmoid",
        Function::HardSigmoid => "hard sigmoid",
        Function::HardSwish => "hard swish",
        Function::Swish => "swish",
        Function::Gelu => "GELU",
    }
}

/// The family of some nodes: that of the most important op. Pooling outranks the pointwise
/// convolution before it, but not a wider one.
pub(super) fn family(child: &Child, positions: &[usize]) -> Family {
    let any = |test: &dyn Fn(usize, &Op) -> bool| {
        positions.iter().any(|&p| test(p, &child.op_node(p).op))
    };
    if any(&|_, op| matches!(op, Op::DepthwiseConv2d { .. })) {
        Family::Separable
    } else if any(&|p, op| matches!(op, Op::Conv2d { .. }) && kernel(child, p) != Some([1, 1])) {
        Family::Convolution
    } else if any(&|_, op| matches!(op, Op::Pool { .. })) {
        Family::Pool
    } else if any(&|_, op| matches!(op, Op::Linear { .. } | Op::Embedding)) {
        Family::Dense
    } else if any(&|_, op| matches!(op, Op::Conv2d { .. })) {
        Family::Convolution
    } else if any(&|_, op| matches!(op, Op::Activation { .. } | Op::Custom { .. })) {
        Family::Dense
    } else {
        Family::Structure
    }
}
