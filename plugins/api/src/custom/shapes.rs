use super::{CustomOp, Length, Operand};

/// The shapes of one node's operands, without the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shapes<'a> {
    /// The shapes of its inputs.
    pub inputs: &'a [&'a [u32]],
    /// The shapes of its params, which have no batch.
    pub params: &'a [&'a [u32]],
    /// The shape of its value.
    pub output: &'a [u32],
}

/// The most axes that an operand of a custom op may have, without the batch: as many as
/// [`Operand::Dims`] can describe.
pub const MOST_CUSTOM_AXES: usize = 4;

impl Shapes<'_> {
    /// The words of [`Operand::Dims`]: the batch and three words of padding, then four words for
    /// every input, every param and the output. `None` if a shape has more than four axes.
    pub fn describe(&self, batch: u32) -> Option<Vec<u32>> {
        let mut words = vec![batch, 0, 0, 0];
        for shape in self.inputs.iter().chain(self.params).chain([&self.output]) {
            let mut padded = [1; MOST_CUSTOM_AXES];
            padded.get_mut(..shape.len())?.copy_from_slice(shape);
            words.extend(padded);
        }
        Some(words)
    }

    /// The shape of an operand, and how many times it is repeated (the batch).
    fn of(&self, operand: Operand, batch: u32) -> Option<(&[u32], u64)> {
        let batch = u64::from(batch);
        match operand {
            Operand::Input(i) | Operand::GradInput(i) => {
                Some((self.inputs.get(i as usize)?, batch))
            }
            Operand::Param(i) | Operand::GradParam(i) => Some((self.params.get(i as usize)?, 1)),
            Operand::Output | Operand::GradOutput => Some((self.output, batch)),
            Operand::Saved(_) | Operand::Scratch(_) | Operand::Dims => None,
        }
    }
}

impl CustomOp {
    /// The number of elements of an operand at this batch size; `None` if the op has no such
    /// operand, or if the number does not fit into 64 bits.
    pub fn len(&self, operand: Operand, batch: u32, shapes: &Shapes<'_>) -> Option<u64> {
        match operand {
            Operand::Dims => {
                Some(4 * (2 + shapes.inputs.len() as u64 + shapes.params.len() as u64))
            }
            Operand::Saved(_) | Operand::Scratch(_) => match self.length(operand)? {
                Length::Like(like) => stored(like, batch, shapes),
                Length::Rows(like) => rows(like, batch, shapes),
                Length::PerSample(count) => u64::from(batch).checked_mul(count.into()),
                Length::Fixed(count) => Some(count.into()),
            },
            _ => stored(operand, batch, shapes),
        }
    }

    /// The number of rows (runs of the last axis) of an operand; a scalar is a row of one. A saved
    /// or scratch buffer has rows only if it is as long as an operand that has rows.
    pub fn rows(&self, operand: Operand, batch: u32, shapes: &Shapes<'_>) -> Option<u64> {
        match operand {
            Operand::Saved(_) | Operand::Scratch(_) => match self.length(operand)? {
                Length::Like(like) => rows(like, batch, shapes),
                Length::Rows(_) | Length::PerSample(_) | Length::Fixed(_) => None,
            },
            _ => rows(operand, batch, shapes),
        }
    }

    /// The stated length of a saved or scratch buffer.
    pub fn length(&self, operand: Operand) -> Option<Length> {
        let kernels = self.stated_kernels()?;
        match operand {
            Operand::Saved(i) => kernels.saved.get(i as usize).copied(),
            Operand::Scratch(i) => kernels.scratch.get(i as usize).copied(),
            _ => None,
        }
    }
}

fn stored(operand: Operand, batch: u32, shapes: &Shapes<'_>) -> Option<u64> {
    let (shape, times) = shapes.of(operand, batch)?;
    shape
        .iter()
        .try_fold(times, |count, &size| count.checked_mul(size.into()))
}

fn rows(operand: Operand, batch: u32, shapes: &Shapes<'_>) -> Option<u64> {
    let (shape, times) = shapes.of(operand, batch)?;
    let front = shape.split_last().map_or(shape, |(_, front)| front);
    front
        .iter()
        .try_fold(times, |count, &size| count.checked_mul(size.into()))
}
