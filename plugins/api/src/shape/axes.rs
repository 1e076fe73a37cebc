//! Rules for single axes: what ops require of them, and which sizes result.

use crate::axis::{Axis, Value};
use crate::{Element, Pad};

pub(super) fn concat(parts: &[&Value]) -> Result<Value, String> {
    let Some(first) = parts.first() else {
        return Err("it has no inputs".into());
    };
    numbers(first)?;
    let Some((end, front)) = first.axes.split_last() else {
        return Err("its inputs have no axis to join on".into());
    };
    let mut sum = end.clone();
    for part in &parts[1..] {
        match part.axes.split_last() {
            Some((axis, rest)) if rest == front => {
                sum = Axis::map([&sum, axis], |[a, b]| {
                    a.checked_add(b).ok_or_else(|| "it is too wide".into())
                })?;
            }
            _ => {
                return Err(format!(
                    "its inputs differ before the last axis, {first} and {part}"
                ));
            }
        }
    }
    Ok(replace_last(first, &sum))
}

/// Height and width after a window has passed over an image.
pub(super) fn window(
    image: [&Axis; 2],
    kernel: [&Axis; 2],
    stride: u32,
    dilation: u32,
    pad: Pad,
) -> Result<[Axis; 2], String> {
    for (name, value) in [("stride", stride), ("dilation", dilation)] {
        positive(name, value)?;
        // The limit keeps the arithmetic below from overflowing.
        if value > 65_536 {
            return Err(format!("the {name} is {value}, and must be at most 65536"));
        }
    }
    let along = |i: usize| {
        if pad == Pad::Same {
            Axis::map([kernel[i]], |[k]| match k % 2 {
                1 => Ok(1),
                _ => Err(format!(
                    "padding `same` needs an odd kernel, and this one is {k}; use `same_upper`"
                )),
            })?;
        }
        if matches!(pad, Pad::Same | Pad::SameUpper) {
            return Axis::map([image[i]], |[n]| Ok(n.div_ceil(stride)));
        }
        Axis::map([image[i], kernel[i]], |[n, k]| {
            let [top, left, bottom, right] =
                pad.amounts([n; 2], [k; 2], stride, dilation).map(i64::from);
            let padding = if i == 0 { top + bottom } else { left + right };
            let reach = i64::from(dilation) * (i64::from(k) - 1) + 1;
            let room = i64::from(n) + padding - reach;
            if room < 0 {
                return Err(format!(
                    "a window of {reach} does not fit into {}",
                    i64::from(n) + padding
                ));
            }
            u32::try_from(room / i64::from(stride) + 1).map_err(|_| "its value is too large".into())
        })
    };
    Ok([along(0)?, along(1)?])
}

pub(super) fn rank<'v, const N: usize>(
    value: &'v Value,
    name: &str,
    wanted: &str,
) -> Result<[&'v Axis; N], String> {
    let axes: Vec<&Axis> = value.axes.iter().collect();
    axes.try_into()
        .map_err(|_| format!("its {name} has the shape {value}, and must have {wanted}"))
}

pub(super) fn image(value: &Value) -> Result<[&Axis; 3], String> {
    rank(value, "input", "[height, width, channels]")
}

pub(super) fn numbers(value: &Value) -> Result<(), String> {
    if value.element == Element::F32 {
        Ok(())
    } else {
        Err("it reads indices (u32), and only an embedding can".into())
    }
}

pub(super) fn last(value: &Value) -> Result<&Axis, String> {
    value
        .axes
        .last()
        .ok_or_else(|| "its input is a single number, and has no channels".into())
}

pub(super) fn replace_last(value: &Value, axis: &Axis) -> Value {
    let mut axes = value.axes.clone();
    axes.pop();
    axes.push(axis.clone());
    Value::of(axes)
}

pub(super) fn bias(bias: Option<&&Value>, channels: &Axis) -> Result<(), String> {
    let Some(bias) = bias else { return Ok(()) };
    let [size] = rank(bias, "bias", "[channels]")?;
    equal("the bias", size, "the output's channels", channels)
}

pub(super) fn equal(name: &str, size: &Axis, other: &str, wanted: &Axis) -> Result<(), String> {
    if size == wanted {
        Ok(())
    } else {
        Err(format!("{name} is {size}, and {other} {wanted}"))
    }
}

pub(super) fn positive(name: &str, value: u32) -> Result<(), String> {
    if value > 0 {
        Ok(())
    } else {
        Err(format!("the {name} is 0, and must be at least 1"))
    }
}
