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
    /// The gradient by Richardson extrapolation from [`Point::near`] and the difference over the
    /// whole step: the remaining error is of fourth order in the step.
    both: f64,
    /// The central difference over half the step.
    near: f64,
    /// The right difference less the left one, over half the step and over the whole step. For a
    /// smooth function the second is twice the first.
    gaps: [f64; 2],
    /// The possible rounding error of the differences.
    noise: f64,
}

/// A number of an operand that was moved.
#[derive(Clone, Copy)]
struct Moved {
    /// The change of the weighted sum of the outputs.
    change: f64,
    /// The change of the number.
    by: f64,
    /// The size of the terms of the sum, on which its rounding error depends.
    terms: f64,
}

impl Point {
    /// From the numbers moved down by the whole step and by half of it, and up by half and by the
    /// whole step.
    fn new(element: usize, got: f64, moved: [Moved; 4]) -> Self {
        let [far_down, down, up, far_up] = moved;
        let slope = |low: Moved, high: Moved| (high.change - low.change) / (high.by - low.by);
        let gap = |low: Moved, high: Moved| high.change / high.by - low.change / low.by;
        let near = slope(down, up);
        Self {
            element,
            got,
            both: (4.0 * near - slope(far_down, far_up)) / 3.0,
            near,
            gaps: [gap(down, up), gap(far_down, far_up)],
            noise: 8.0 * f64::from(f32::EPSILON) * far_down.terms.max(far_up.terms) / far_up.by,
        }
    }

    /// Whether the left and right differences agree, where gradients have a `typical` size. A kink
    /// may lie beyond half the step, so that only the far ones differ.
    fn is_smooth(&self, typical: f64) -> bool {
        let most = SMOOTH * (self.both.abs() + typical);
        let [near, far] = self.gaps.map(f64::abs);
        near <= most + self.noise && far <= 2.0 * most + self.noise
    }

    /// The error of the gradient as a fraction of what is allowed.
    fn error(&self, typical: f64) -> f64 {
        let [near, far] = self.gaps;
        // What a kink too slight to be seen can do to the differences; nothing in a smooth function,
        // up to fourth order.
        let kink = 0.5 * (far - 2.0 * near).abs() + 2.0 * (self.both - self.near).abs();
        let allowed = CLOSE * (self.both.abs() + typical) + SMOOTH * near.abs() + kink + self.noise;
        // Where everything is zero, the gradient must be zero too.
        (self.got - self.both).abs() / allowed.max(1e-30)
    }
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
            let mut move_to = |side: f32| -> Result<Moved, OpCheckError> {
                let mut values = values.clone();
                values
                    .entry(operand)
                    .and_modify(|numbers| numbers[element] = side);
                self.pass(0, &mut values, MARKS[0])?;
                let changed = values.get(&Operand::Output).map_or(none, Vec::as_slice);
                let (mut change, mut squares) = (0.0, 0.0);
                for ((was, is), dy) in outputs
                    .iter()
                    .zip(changed)
                    .zip(dy)
                    .filter(|((was, is), _)| was != is)
                {
                    change += f64::from(*dy) * (f64::from(*is) - f64::from(*was));
                    squares += (f64::from(*dy) * f64::from(*is)).powi(2);
                }
                Ok(Moved {
                    change,
                    by: f64::from(side) - f64::from(here),
                    terms: squares.sqrt().max(largest),
                })
            };
            let moved = [
                move_to(here - step)?,
                move_to(here - step / 2.0)?,
                move_to(here + step / 2.0)?,
                move_to(here + step)?,
            ];
            points.push(Point::new(element, gradients[element].into(), moved));
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
        let (smooth, rough): (Vec<_>, Vec<_>) =
            points.iter().partition(|point| point.is_smooth(typical));
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
        let error = |point: &Point| point.error(typical);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The point at `x` of a function of one number, with the gradient `got`.
    fn point(f: impl Fn(f64) -> f64, x: f64, got: f64) -> Point {
        let step = f64::from(STEP) * x.abs().max(1.0);
        let moved = [-1.0, -0.5, 0.5, 1.0].map(|part| {
            // Kernels compute in f32.
            let value = |x: f64| f64::from(f(x) as f32);
            Moved {
                change: value(x + part * step) - value(x),
                by: part * step,
                terms: value(x).abs(),
            }
        });
        Point::new(0, got, moved)
    }

    /// Wherever the kink lies, and however slight it is.
    #[test]
    fn a_right_gradient_beside_a_kink_raises_no_alarm() {
        let root = |x: f64| (x.max(0.0) + 1e-4).sqrt();
        let slope = |x: f64| if x > 0.0 { 0.5 / root(x) } else { 0.0 };
        for i in -300..300 {
            let x = f64::from(i) * f64::from(STEP) / 200.0 + 1e-9;
            let point = point(root, x, slope(x));
            for typical in [0.1, 0.5, 2.0] {
                assert!(
                    !point.is_smooth(typical) || point.error(typical) <= 1.0,
                    "x = {x}, typical {typical}: {}",
                    point.error(typical)
                );
            }
            for bend in [1e-3, 1e-2, 0.1, 1.0, 10.0] {
                let f = |x: f64| x + bend * x.max(0.0);
                let point = self::point(f, x, if x > 0.0 { 1.0 + bend } else { 1.0 });
                assert!(
                    !point.is_smooth(1.0) || point.error(1.0) <= 1.0,
                    "x = {x}, bend {bend}: {}",
                    point.error(1.0)
                );
            }
        }
    }

    #[test]
    fn a_wrong_gradient_of_a_smooth_function_is_found_everywhere() {
        for i in -300..300 {
            let x = f64::from(i) / 100.0;
            let right = point(f64::tanh, x, 1.0 - x.tanh().powi(2));
            assert!(right.is_smooth(0.5) && right.error(0.5) <= 1.0, "x = {x}");
            let wrong = point(f64::tanh, x, 1.02 - x.tanh().powi(2));
            assert!(wrong.error(0.5) > 1.0, "x = {x}: {}", wrong.error(0.5));
        }
    }
}
