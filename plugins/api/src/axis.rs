use std::fmt;
use std::sync::Arc;

use crate::Element;

/// The most sizes of an axis that a message shows.
const MOST_SHOWN: usize = 32;

/// One axis, with its names resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    Fixed(u32),
    /// One size per choice of a decision.
    By(u32, Arc<[u32]>),
    Time,
}

impl Axis {
    /// Its size under a genome, for windows of `time` steps.
    pub(crate) fn at(&self, genome: &[u32], time: u32) -> u32 {
        match self {
            Axis::Fixed(size) => *size,
            Axis::By(decision, sizes) => sizes[genome[*decision as usize] as usize],
            Axis::Time => time,
        }
    }

    /// Its largest size.
    pub(crate) fn largest(&self, time: u32) -> u32 {
        match self {
            Axis::Fixed(size) => *size,
            Axis::By(_, sizes) => sizes.iter().copied().max().unwrap_or(0),
            Axis::Time => time,
        }
    }

    pub(crate) fn fixed(&self) -> Option<u32> {
        if let Axis::Fixed(size) = self {
            Some(*size)
        } else {
            None
        }
    }

    /// A size computed from other sizes. If one of these follows a decision, so does the result,
    /// choice by choice.
    pub(crate) fn map<const N: usize>(
        axes: [&Axis; N],
        compute: impl Fn([u32; N]) -> Result<u32, String>,
    ) -> Result<Axis, String> {
        let mut by: Option<(u32, usize)> = None;
        for axis in axes {
            match axis {
                Axis::Fixed(_) => {}
                Axis::By(decision, sizes) => match by {
                    Some((other, _)) if other != *decision => {
                        return Err(
                            "one axis would follow two decisions, and an extent follows one".into(),
                        );
                    }
                    _ => by = Some((*decision, sizes.len())),
                },
                Axis::Time => {
                    return Err(
                        "the time axis has no fixed length, so nothing can be computed from it"
                            .into(),
                    );
                }
            }
        }
        let size = |axis: &Axis, choice: usize| match axis {
            Axis::Fixed(size) => *size,
            Axis::By(_, sizes) => sizes[choice],
            Axis::Time => 0,
        };
        let Some((decision, choices)) = by else {
            return Ok(Axis::Fixed(compute(axes.map(|axis| size(axis, 0)))?));
        };
        let sizes = (0..choices)
            .map(|c| compute(axes.map(|axis| size(axis, c))))
            .collect::<Result<Vec<u32>, String>>()?;
        Ok(Axis::follow(decision, sizes))
    }

    /// An axis that follows a decision, or a fixed one if all sizes are equal.
    pub(crate) fn follow(decision: u32, sizes: Vec<u32>) -> Axis {
        if sizes.iter().all(|size| *size == sizes[0]) {
            Axis::Fixed(sizes[0])
        } else {
            Axis::By(decision, sizes.into())
        }
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Axis::Fixed(size) => write!(f, "{size}"),
            Axis::By(_, sizes) => {
                for (i, size) in sizes.iter().take(MOST_SHOWN).enumerate() {
                    write!(f, "{}{size}", if i > 0 { "|" } else { "" })?;
                }
                if sizes.len() > MOST_SHOWN {
                    f.write_str("|…")
                } else {
                    Ok(())
                }
            }
            Axis::Time => f.write_str(crate::TIME),
        }
    }
}

/// What is known about the value of a node, or about a param.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) axes: Vec<Axis>,
    pub(crate) element: Element,
}

impl Value {
    pub(crate) fn of(axes: Vec<Axis>) -> Self {
        Value {
            axes,
            element: Element::F32,
        }
    }

    /// The largest number of elements, if it fits into 32 bits.
    pub(crate) fn elements(&self, time: u32) -> Option<u64> {
        let count = self.axes.iter().try_fold(1u64, |count, axis| {
            count.checked_mul(u64::from(axis.largest(time)))
        })?;
        (count <= u64::from(u32::MAX)).then_some(count)
    }

    /// The number of sizes that the axes list.
    pub(crate) fn listed(&self) -> u64 {
        let listed = |axis: &Axis| {
            if let Axis::By(_, sizes) = axis {
                sizes.len() as u64
            } else {
                0
            }
        };
        self.axes.iter().map(listed).sum()
    }

    /// Appends the decisions that the shape follows.
    pub(crate) fn decisions(&self, into: &mut Vec<u32>) {
        for axis in &self.axes {
            if let Axis::By(decision, _) = axis
                && !into.contains(decision)
            {
                into.push(*decision);
            }
        }
    }

    /// The shape, if neither a decision nor the window changes it.
    pub(crate) fn fixed(&self) -> Option<Box<[u32]>> {
        self.axes.iter().map(Axis::fixed).collect()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, axis) in self.axes.iter().enumerate() {
            write!(f, "{}{axis}", if i > 0 { ", " } else { "" })?;
        }
        f.write_str("]")
    }
}
