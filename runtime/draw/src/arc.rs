//! The curves next to a column, one for each edge that is not a step of the main path.

use super::text::number;

/// A smooth curve from the right side of one box to the right side of another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Arc {
    /// The start and, before the arrowhead, the end.
    pub(super) from: [f64; 2],
    /// The tip of the arrow.
    pub(super) to: [f64; 2],
}

/// Length of an arrowhead.
pub(super) const HEAD: f64 = 7.0;

impl Arc {
    /// The width of the bulge. It grows with the length of the arc, so that nested arcs never meet.
    fn bulge(&self) -> f64 {
        18.0 + 0.17 * (self.to[1] - self.from[1]).abs()
    }

    /// Its rightmost coordinate.
    pub(super) fn right(&self) -> f64 {
        self.from[0] + self.bulge()
    }

    /// The curve's control points. A cubic curve reaches three quarters of the way to the middle
    /// ones.
    fn points(&self) -> [[f64; 2]; 4] {
        let reach = self.from[0] + self.bulge() / 0.75;
        let end = self.to[0] + HEAD - 1.0;
        [
            self.from,
            [reach, self.from[1]],
            [reach, self.to[1]],
            [end, self.to[1]],
        ]
    }

    /// The curve as an SVG path.
    pub(super) fn path(&self) -> String {
        path(self.points())
    }

    /// The curve without its ends, where it is close to others.
    pub(super) fn middle(&self) -> String {
        const FROM: f64 = 0.2;
        let [a, b, c, d] = half(self.points(), 1.0 - FROM);
        // The remainder, cut symmetrically from the other side.
        let [d, c, b, a] = half([d, c, b, a], 1.0 - FROM / (1.0 - FROM));
        path([a, b, c, d])
    }

    /// The x coordinate at which it crosses a height, if it does.
    pub(super) fn crossing(&self, height: f64) -> Option<f64> {
        let [a, b, c, d] = self.points();
        let at = |t: f64, axis: usize| {
            let s = 1.0 - t;
            s * s * s * a[axis]
                + 3.0 * s * s * t * b[axis]
                + 3.0 * s * t * t * c[axis]
                + t * t * t * d[axis]
        };
        let (top, bottom) = (a[1].min(d[1]), a[1].max(d[1]));
        if height <= top || height >= bottom {
            return None;
        }
        // The height is monotonic, so bisection finds the crossing.
        let down = a[1] < d[1];
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if (at(middle, 1) < height) == down {
                low = middle
            } else {
                high = middle
            }
        }
        Some(at(low, 0))
    }
}

fn path(points: [[f64; 2]; 4]) -> String {
    let [a, b, c, d] = points.map(|[x, y]| format!("{} {}", number(x), number(y)));
    format!("M{a}C{b} {c} {d}")
}

/// The part of a cubic curve before `t` (de Casteljau).
fn half([a, b, c, d]: [[f64; 2]; 4], t: f64) -> [[f64; 2]; 4] {
    let mix = |p: [f64; 2], q: [f64; 2]| [p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])];
    let (ab, bc, cd) = (mix(a, b), mix(b, c), mix(c, d));
    let (abc, bcd) = (mix(ab, bc), mix(bc, cd));
    [a, ab, abc, mix(abc, bcd)]
}
