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

/// Checks that no axis grows with the window: the steps of a sequence are the leading axis in memory,
/// before the batch, so that a sample is not in one piece.
pub(super) fn stands(value: &Value) -> Result<(), String> {
    match value.axes.contains(&Axis::Time) {
        false => numbers(value),
        true => Err(format!(
            "its input has the shape {value}, with an axis of time, and its axes must be fixed; inside a scan every step is a \
             value without time"
        )),
    }
}

/// Checks that `end` has the shape of the last axes of `value`.
pub(super) fn suffix(value: &Value, end: &Value) -> Result<(), String> {
    if end.axes.is_empty() || !value.axes.ends_with(&end.axes) || end.axes.contains(&Axis::Time) {
        return Err(format!(
            "its bias has the shape {end}, and must have that of the last axes of {value}"
        ));
    }
    Ok(())
}

pub(super) fn mat_mul(a: &Value, b: &Value, transposed: bool) -> Result<Value, String> {
    let (stands_a, stands_b) = (stands(a), stands(b));
    stands_a.and(stands_b)?;
    let wrong = || {
        let wanted = if transposed {
            "[..., m, k]"
        } else {
            "[..., k, m]"
        };
        format!("its inputs have the shapes {a} and {b}, and must have [..., n, k] and {wanted}")
    };
    let ([front_a @ .., n, k], [front_b @ .., first, second]) = (&a.axes[..], &b.axes[..]) else {
        return Err(wrong());
    };
    let (inner, m) = match transposed {
        true => (second, first),
        false => (first, second),
    };
    if front_a != front_b || inner != k {
        return Err(wrong());
    }
    Ok(Value::of([front_a, &[n.clone(), m.clone()]].concat()))
}

pub(super) fn transpose(value: &Value, axes: [u32; 2]) -> Result<Value, String> {
    stands(value)?;
    let [first, second] = axes.map(|axis| axis as usize);
    if first == second || first.max(second) >= value.axes.len() {
        return Err(format!(
            "it exchanges the axes {first} and {second} of {value}, and needs two of them, counted from 0"
        ));
    }
    let mut swapped = value.axes.clone();
    swapped.swap(first, second);
    Ok(Value::of(swapped))
}

pub(super) fn reshape(value: &Value, shape: Vec<Axis>) -> Result<Value, String> {
    stands(value)?;
    let count = |axes: &[Axis]| -> Option<u64> {
        let sizes = axes.iter().map(|axis| axis.fixed().map(u64::from));
        sizes
            .into_iter()
            .try_fold(1u64, |all, size| all.checked_mul(size?))
    };
    let to = Value::of(shape);
    match (count(&value.axes), count(&to.axes)) {
        (Some(from), Some(into)) if from == into => Ok(to),
        (Some(from), Some(into)) => Err(format!("{value} has {from} numbers, and {to} has {into}")),
        _ => Err(format!(
            "it makes {to} of {value}, and takes fixed sizes alone"
        )),
    }
}
