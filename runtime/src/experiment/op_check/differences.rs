//! Comparison of gradients with finite differences.

use supernet_plugin::Operand;
use supernet_shaders::random::Random;

use super::error::OpCheckError;
use super::{MARKS, OpCheck, Trial, Values};

/// Maximum number of points for every input and every parameter.
const POINTS: usize = 24;
/// The step of the differences: relative to the number, or absolute if it is small. It is large
/// enough for rounding not to matter, and small enough for a smooth function to be almost linear.
const STEP: f32 = 1.0 / 128.0;
/// The largest gap between the left and right differences at a smooth point, as a fraction of the
/// gradient.
const SMOOTH: f64 = 0.1;
/// The largest error of the gradient, as a fraction of it.
const CLOSE: f64 = 2e-3;

/// One number of one operand, moved in both directions.
struct Point {
    element: usize,
    /// The gradient that the kernels compute.
    got: f64,
    left: f64,
    right: f64,
    both: f64,
    /// The possible rounding error of the differences.
    noise: f64,
}

impl Trial<'_> {
    /// Compares the gradient of the weighted sum of all outputs with finite differences, for each
    /// input and each parameter.
    pub(crate) fn differences(
        &mut self,
        values: &Values,
        random: &mut Random,
        tried: &mut OpCheck,
    ) -> Result<(), OpCheckError> {
        let op = &self.variant.op;
        let pairs = (0..op.inputs).map(|i| (Operand::Input(i), Operand::GradInput(i)));
        let pairs: Vec<_> = pairs
            .chain((0..op.params).map(|i| (Operand::Param(i), Operand::GradParam(i))))
            .collect();
        for (operand, gradient) in pairs {
            let points = self.points(operand, gradient, values, random)?;
            self.evaluate(gradient, &points, tried)?;
        }
        Ok(())
    }

    fn points(
        &mut self,
        operand: Operand,
        gradient: Operand,
        values: &Values,
        random: &mut Random,
    ) -> Result<Vec<Point>, OpCheckError> {
        let none: &[f32] = &[];
        let of = |operand: &Operand| values.get(operand).map_or(none, Vec::as_slice);
        let (at, gradients, outputs, dy) = (
            of(&operand),
            of(&gradient),
            of(&Operand::Output),
            of(&Operand::GradOutput),
        );
        // The rounding error is at most that of the largest term.
        let largest = outputs
            .iter()
            .zip(dy)
            .map(|(y, dy)| (f64::from(*y) * f64::from(*dy)).abs())
            .fold(0.0, f64::max);
        let mut points = Vec::new();
        for element in elements(at.len(), random) {
            let here = at[element];
            let step = STEP * here.abs().max(1.0);
            // The change of the weighted sum of the outputs, and its rounding error.
            let mut move_to = |side: f32| -> Result<(f64, f64, f64), OpCheckError> {
                let mut values = values.clone();
                values
                    .entry(operand)
                    .and_modify(|numbers| numbers[element] = side);
                self.pass(0, &mut values, MARKS[0])?;
                let changed = values.get(&Operand::Output).map_or(none, Vec::as_slice);
                let (mut by, mut squares) = (0.0, 0.0);
                for ((was, is), dy) in outputs
                    .iter()
                    .zip(changed)
                    .zip(dy)
                    .filter(|((was, is), _)| was != is)
                {
                    by += f64::from(*dy) * (f64::from(*is) - f64::from(*was));
                    squares += (f64::from(*dy) * f64::from(*is)).powi(2);
                }
                Ok((
                    by,
                    f64::from(side) - f64::from(here),
                    squares.sqrt().max(largest),
                ))
            };
            let [far_down, down] = [move_to(here - step)?, move_to(here - step / 2.0)?];
            let [up, far_up] = [move_to(here + step / 2.0)?, move_to(here + step)?];
            let slope = |(low, at_low, _): (f64, f64, f64), (high, at_high, _): (f64, f64, f64)| {
                (high - low) / (at_high - at_low)
            };
            points.push(Point {
                element,
                got: f64::from(gradients[element]),
                left: down.0 / down.1,
                right: up.0 / up.1,
                // Richardson extrapolation: the remaining error is of fourth order in the step.
                both: (4.0 * slope(down, up) - slope(far_down, far_up)) / 3.0,
                noise: 8.0 * f64::from(f32::EPSILON) * far_down.2.max(far_up.2) / f64::from(step),
            });
        }
        Ok(points)
    }

    fn evaluate(
        &self,
        gradient: Operand,
        points: &[Point],
        tried: &mut OpCheck,
    ) -> Result<(), OpCheckError> {
        // Where gradients have one scale, a small one may be the rounding residue of large terms.
        let mut sizes: Vec<f64> = points.iter().map(|point| point.both.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let typical = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
        let (smooth, rough): (Vec<_>, Vec<_>) = points.iter().partition(|point| {
            (point.left - point.right).abs() <= SMOOTH * (point.both.abs() + typical) + point.noise
        });
        let op = || self.variant.op.name.clone();
        if smooth.len() < rough.len() {
            let (rough, points) = (rough.len() as u32, points.len() as u32);
            return Err(OpCheckError::Rough {
                op: op(),
                operand: gradient,
                rough,
                points,
            });
        }
        let error = |point: &Point| {
            let allowed = CLOSE * (point.both.abs() + typical)
                + SMOOTH * (point.left - point.right).abs()
                + point.noise;
            // Where everything is zero, the gradient must be zero too.
            (point.got - point.both).abs() / allowed.max(1e-30)
        };
        let worst = smooth.iter().max_by(|a, b| error(a).total_cmp(&error(b)));
        if let Some(point) = worst.filter(|point| error(point) > 1.0) {
            let Point {
                element, got, both, ..
            } = **point;
            return Err(OpCheckError::Gradient {
                op: op(),
                operand: gradient,
                element,
                got,
                wanted: both,
            });
        }
        tried.points += smooth.len() as u32;
        tried.rough += rough.len() as u32;
        tried.worst = worst.map_or(tried.worst, |point| tried.worst.max(error(point)));
        Ok(())
    }
}

/// Some elements, including the first and the last.
fn elements(len: usize, random: &mut Random) -> Vec<usize> {
    if len <= POINTS {
        return (0..len).collect();
    }
    let mut elements = vec![0, len - 1];
    while elements.len() < POINTS {
        elements.push(random.below(len as u32) as usize);
    }
    elements.sort_unstable();
    elements.dedup();
    elements
}
