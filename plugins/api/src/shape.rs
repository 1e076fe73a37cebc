//! Shape inference for every op. The builder and the checks share these rules, so that they cannot
//! disagree.

mod axes;

use self::axes::{
    bias, concat, equal, image, last, mat_mul, numbers, positive, rank, replace_last, reshape,
    stands, suffix, transpose, window,
};
use crate::axis::{Axis, Value};
use crate::names::Names;
use crate::{Element, Kind, MOST_CUSTOM_AXES, Op, Setting, ShapeRule};

/// The most differing input shapes that a message shows.
const MOST_SHOWN: usize = 8;

/// The value of a choice between `branches`. If the branches differ in shape and the decision is
/// between numbers, the shape follows the decision.
pub(crate) fn choose(kind: &Kind, decision: u32, branches: &[&Value]) -> Result<Value, String> {
    if branches.len() != kind.choices() {
        return Err(format!(
            "the decision has {} choices, but {} inputs are given; it needs one for each",
            kind.choices(),
            branches.len()
        ));
    }
    let Some(first) = branches.first() else {
        return Err("there is nothing to choose from".into());
    };
    if branches
        .iter()
        .any(|branch| branch.element != first.element)
    {
        return Err("some inputs are numbers and some are indices".into());
    }
    let differ = || -> String {
        let mut shapes: Vec<String> = branches
            .iter()
            .take(MOST_SHOWN)
            .map(ToString::to_string)
            .collect();
        if branches.len() > MOST_SHOWN {
            shapes.push("more".into());
        }
        format!("its inputs have different shapes, {}", shapes.join(" and "))
    };
    if branches
        .iter()
        .any(|branch| branch.axes.len() != first.axes.len())
    {
        return Err(differ());
    }
    let axes = (0..first.axes.len()).map(|a| {
        if branches
            .iter()
            .all(|branch| branch.axes[a] == first.axes[a])
        {
            return Ok(first.axes[a].clone());
        }
        let sizes: Option<Vec<u32>> = branches
            .iter()
            .map(|branch| branch.axes[a].fixed())
            .collect();
        match sizes {
            Some(sizes) if matches!(kind, Kind::Value { .. }) => Ok(Axis::follow(decision, sizes)),
            _ => Err(differ()),
        }
    });
    Ok(Value {
        axes: axes.collect::<Result<_, _>>()?,
        element: first.element,
    })
}

/// The value of a sum or a mean.
pub(crate) fn merge(parts: &[&Value], conditions: usize) -> Result<Value, String> {
    if conditions != 0 && conditions != parts.len() {
        return Err(format!(
            "it has {conditions} conditions for {} inputs; give one for each, or none",
            parts.len()
        ));
    }
    let Some(first) = parts.first() else {
        return Err("it has no inputs, so its shape is unknown".into());
    };
    match parts.iter().find(|part| part.axes != first.axes) {
        Some(other) => Err(format!(
            "its inputs have different shapes, {first} and {other}"
        )),
        None => numbers(first).map(|()| (*first).clone()),
    }
}

/// The value of any op except `Choose` and `Scan`; `operands` are the inputs followed by the
/// params.
pub(crate) fn infer(
    op: &Op,
    operands: &[&Value],
    inputs: usize,
    names: &Names<'_>,
) -> Result<Value, String> {
    count(op, operands.len())?;
    if let Some(indices) = operands.iter().find(|value| value.element == Element::U32)
        && !(matches!(op, Op::Embedding) && std::ptr::eq(*indices, operands[0]))
    {
        return Err("it reads indices (u32), and only an embedding can".into());
    }
    let like = |i: usize| operands[i].clone();
    Ok(match op {
        Op::Choose { .. } | Op::Scan { .. } => {
            return Err("its shape is worked out elsewhere".into());
        }
        Op::Sum { when } | Op::Mean { when } => merge(operands, when.len())?,
        Op::Concat => concat(operands)?,
        Op::Input { shape, element } => Value {
            axes: names.axes(shape)?,
            element: *element,
        },
        Op::Weight => like(0),
        Op::Zero { stride } => {
            positive("stride", *stride)?;
            if *stride == 1 {
                return Ok(like(0));
            }
            let [h, w, c] = image(operands[0])?;
            let shrink = |axis: &Axis| Axis::map([axis], |[n]| Ok(n.div_ceil(*stride)));
            Value::of(vec![shrink(h)?, shrink(w)?, c.clone()])
        }
        Op::Conv2d {
            stride,
            dilation,
            pad,
        } => {
            let [h, w, c] = image(operands[0])?;
            let [kh, kw, from, to] = rank(operands[1], "weight", "[height, width, in, out]")?;
            equal("the weight's third axis", from, "the channels", c)?;
            bias(operands.get(2), to)?;
            let [h, w] = window([h, w], [kh, kw], *stride, *dilation, *pad)?;
            Value::of(vec![h, w, to.clone()])
        }
        Op::DepthwiseConv2d {
            stride,
            dilation,
            pad,
        } => {
            let [h, w, c] = image(operands[0])?;
            let [kh, kw, channels] = rank(operands[1], "weight", "[height, width, channels]")?;
            equal("the weight's last axis", channels, "the channels", c)?;
            bias(operands.get(2), c)?;
            let [h, w] = window([h, w], [kh, kw], *stride, *dilation, *pad)?;
            Value::of(vec![h, w, c.clone()])
        }
        Op::Linear { transposed } => {
            let [a, b] = rank(
                operands[1],
                "weight",
                if *transposed {
                    "[out, in]"
                } else {
                    "[in, out]"
                },
            )?;
            let (from, to) = if *transposed { (b, a) } else { (a, b) };
            equal(
                "the weight's inputs",
                from,
                "the last axis",
                last(operands[0])?,
            )?;
            bias(operands.get(2), to)?;
            replace_last(operands[0], to)
        }
        Op::Embedding => {
            if operands[0].element != Element::U32 {
                return Err("it looks up numbers, and needs indices (an input of u32)".into());
            }
            let [_, width] = rank(operands[1], "weight", "[vocabulary, width]")?;
            let mut axes = operands[0].axes.clone();
            axes.push(width.clone());
            Value::of(axes)
        }
        Op::BatchNorm { eps } | Op::LayerNorm { eps } | Op::GroupNorm { eps, .. } => {
            if !(*eps > 0.0 && eps.is_finite()) {
                return Err(format!("eps is {eps}, and must be above 0"));
            }
            let c = last(operands[0])?;
            if let Op::GroupNorm { groups, .. } = op {
                positive("number of groups", *groups)?;
                stands(operands[0])?;
                Axis::map([c], |[n]| match n.is_multiple_of(*groups) {
                    true => Ok(n / groups),
                    false => Err(format!("{n} channels are not {groups} groups of one size")),
                })?;
            }
            for (value, name) in operands[1..].iter().zip(["scale", "shift"]) {
                let [size] = rank(value, name, "[channels]")?;
                equal(name, size, "the channels", c)?;
            }
            like(0)
        }
        Op::Softmax => {
            stands(&Value::of(vec![last(operands[0])?.clone()]))?;
            like(0)
        }
        Op::Bias => {
            suffix(operands[0], operands[1])?;
            like(0)
        }
        Op::MatMul { transposed, scale } => {
            if !scale.is_finite() {
                return Err(format!("the factor is {scale}, and must be finite"));
            }
            mat_mul(operands[0], operands[1], *transposed)?
        }
        Op::Transpose { axes } => transpose(operands[0], *axes)?,
        Op::Reshape { shape } => reshape(operands[0], names.axes(shape)?)?,
        Op::Activation { .. } => like(0),
        Op::Pool {
            kernel,
            stride,
            pad,
            ..
        } => {
            positive("kernel", *kernel)?;
            let [h, w, c] = image(operands[0])?;
            let k = Axis::Fixed(*kernel);
            let [h, w] = window([h, w], [&k, &k], *stride, 1, *pad)?;
            Value::of(vec![h, w, c.clone()])
        }
        Op::GlobalAvgPool | Op::GlobalMaxPool => {
            stands(operands[0])?;
            Value::of(vec![image(operands[0])?[2].clone()])
        }
        Op::Multiply | Op::Lerp => merge(operands, 0)?,
        Op::Scale => {
            let [s] = rank(operands[1], "scale", "[channels]")?;
            stands(operands[0])?;
            equal("the scale", s, "the channels", image(operands[0])?[2])?;
            like(0)
        }
        Op::Slice { start, len } => {
            positive("len", *len)?;
            let end = u64::from(*start) + u64::from(*len);
            match last(operands[0])? {
                Axis::Fixed(size) if end <= u64::from(*size) => {
                    replace_last(operands[0], &Axis::Fixed(*len))
                }
                axis => return Err(format!("it takes {start}..{end} of an axis of {axis}")),
            }
        }
        Op::Dropout { rate, .. } if !(0.0..1.0).contains(rate) => {
            return Err(format!(
                "the rate is {rate}, and must be at least 0 and below 1"
            ));
        }
        Op::DropPath { depth } if !(0.0..=1.0).contains(depth) => {
            return Err(format!("the depth is {depth}, and must be between 0 and 1"));
        }
        Op::Dropout { .. } | Op::DropPath { .. } => like(0),
        Op::Resize { height, width } => Value::of(vec![
            names.axis(height)?,
            names.axis(width)?,
            image(operands[0])?[2].clone(),
        ]),
        Op::Crop { size } => {
            positive("size", *size)?;
            let [h, w] = match operands[0].axes.as_slice() {
                [h, w, ..] => [h, w].map(|axis| axis.fixed().unwrap_or(0)),
                _ => [0, 0],
            };
            if h < *size || w < *size || (h - size) % 2 != 0 || (w - size) % 2 != 0 {
                return Err(format!(
                    "it has no centre of {size} x {size}: the kernel is {}",
                    operands[0]
                ));
            }
            let mut axes = operands[0].axes.clone();
            axes[0] = Axis::Fixed(*size);
            axes[1] = Axis::Fixed(*size);
            Value::of(axes)
        }
        Op::KernelTransform => {
            let [h, w, _] = rank(operands[0], "kernel", "[height, width, channels]")?;
            let area = Axis::map([h, w], |[h, w]| {
                h.checked_mul(w)
                    .ok_or_else(|| "the kernel is too large".into())
            })?;
            for size in rank::<2>(operands[1], "matrix", "[height * width, height * width]")? {
                equal("the matrix", size, "the kernel's area", &area)?;
            }
            like(0)
        }
        Op::Custom { name, attributes } => {
            let custom = names.op(name)?;
            let params = operands.len() - inputs;
            if inputs != custom.inputs as usize || params != custom.params as usize {
                return Err(format!(
                    "the op `{name}` takes {} inputs and {} params, but has {inputs} inputs and {params} params",
                    custom.inputs, custom.params
                ));
            }
            attributes
                .iter()
                .try_for_each(|(key, value)| constant(key, value))?;
            let value = match &custom.shape {
                ShapeRule::LikeInput(i) if (*i as usize) < inputs => like(*i as usize),
                ShapeRule::LikeInput(i) => {
                    return Err(format!(
                        "its shape is that of input {i}, and it has {inputs} inputs"
                    ));
                }
                ShapeRule::Stated(dims) => Value::of(names.axes(dims)?),
            };
            if let Some(large) = operands
                .iter()
                .copied()
                .chain([&value])
                .find(|v| v.axes.len() > MOST_CUSTOM_AXES)
            {
                return Err(format!(
                    "an op of the space's own takes shapes of {MOST_CUSTOM_AXES} axes at most, not {large}"
                ));
            }
            value
        }
    })
}

/// Whether an attribute can be the value of a WGSL `override`.
fn constant(key: &str, value: &Setting) -> Result<(), String> {
    match value {
        Setting::Bool(_) => Ok(()),
        Setting::Int(n) if i32::try_from(*n).is_ok() || u32::try_from(*n).is_ok() => Ok(()),
        Setting::Int(n) => Err(format!(
            "its attribute `{key}` is {n}, and must fit into 32 bits"
        )),
        Setting::Float(n) if (*n as f32).is_finite() => Ok(()),
        Setting::Float(n) => Err(format!(
            "its attribute `{key}` is {n}, and must be a finite number of 32 bits"
        )),
        Setting::Text(_) | Setting::List(_) => Err(format!(
            "its attribute `{key}` is {}, and must be a number, true or false",
            value.kind()
        )),
    }
}

/// Checks the number of operands.
fn count(op: &Op, given: usize) -> Result<(), String> {
    let (allowed, what): (&[usize], &str) = match op {
        Op::Input { .. } => (&[0], "nothing"),
        Op::Choose { .. }
        | Op::Sum { .. }
        | Op::Mean { .. }
        | Op::Concat
        | Op::Scan { .. }
        | Op::Custom { .. } => {
            return if given > 0 {
                Ok(())
            } else {
                Err("it has no inputs".into())
            };
        }
        Op::Weight => (&[1], "a param"),
        Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::Linear { .. } => {
            (&[2, 3], "an input, a weight and perhaps a bias")
        }
        Op::Embedding => (&[2], "indices and a weight"),
        Op::Bias => (&[2], "an input and a bias"),
        Op::MatMul { .. } => (&[2], "two inputs"),
        Op::BatchNorm { .. } | Op::LayerNorm { .. } | Op::GroupNorm { .. } => {
            (&[1, 3], "an input, or an input, a scale and a shift")
        }
        Op::Multiply => (&[2], "two inputs"),
        Op::Scale => (&[2], "an input and a scale"),
        Op::Lerp => (&[3], "three inputs: a, b and the gate"),
        Op::KernelTransform => (&[2], "a kernel and a matrix"),
        _ => (&[1], "one input"),
    };
    if allowed.contains(&given) {
        Ok(())
    } else {
        Err(format!(
            "{} takes {what}, but has {given} operands",
            op.name()
        ))
    }
}
