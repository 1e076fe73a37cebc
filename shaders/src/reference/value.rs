//! A result, and the rounding error that it allows.

use std::fmt;

/// The result of a reference for one operand.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// The elements.
    pub value: Vec<f64>,
    /// S: for each element, the same sum over the absolute values of its terms.
    pub magnitude: Vec<f64>,
    /// K: the largest number of terms summed for one element.
    pub terms: usize,
}

impl Value {
    /// `len` empty sums of up to `terms` terms.
    pub(super) fn sums(len: usize, terms: usize) -> Self {
        Self {
            value: vec![0.0; len],
            magnitude: vec![0.0; len],
            terms,
        }
    }

    /// Elements that every device computes without rounding.
    pub(super) fn exact(value: Vec<f64>) -> Self {
        Self {
            magnitude: vec![0.0; value.len()],
            value,
            terms: 1,
        }
    }

    /// Adds a term to an element.
    pub(super) fn add(&mut self, element: usize, term: f64) {
        self.value[element] += term;
        self.magnitude[element] += term.abs();
    }

    /// Appends an element.
    pub(super) fn push(&mut self, value: f64, magnitude: f64) {
        self.value.push(value);
        self.magnitude.push(magnitude);
    }

    /// The error that an f32 kernel may have in element `element`: 4·ε·(√K + 8)·S + 1e-30.
    pub fn allowed(&self, element: usize) -> f64 {
        4.0 * f64::from(f32::EPSILON) * ((self.terms as f64).sqrt() + 8.0) * self.magnitude[element]
            + 1e-30
    }

    /// Checks that the result of a kernel is as good as f32 allows. Integers must have been
    /// converted to floats by value, not by bits (see [`numbers`](super::numbers)).
    ///
    /// # Errors
    /// The first element that is not.
    pub fn accepts(&self, got: &[f32]) -> Result<(), Miss> {
        if got.len() != self.value.len() {
            return Err(Miss::Length {
                got: got.len(),
                wanted: self.value.len(),
            });
        }
        for (element, (got, wanted)) in got.iter().zip(&self.value).enumerate() {
            let allowed = self.allowed(element);
            let got = f64::from(*got);
            let same = got == *wanted || (got.is_nan() && wanted.is_nan());
            // The difference from NaN is NaN, which is not near.
            let near = (got - wanted).abs() <= allowed;
            if !same && !near {
                return Err(Miss::Element {
                    element,
                    got,
                    wanted: *wanted,
                    allowed,
                });
            }
        }
        Ok(())
    }
}

/// How the result of a kernel differs from the reference.
#[derive(Clone, Debug, PartialEq)]
pub enum Miss {
    /// The number of elements differs.
    Length {
        /// Elements of the kernel's result.
        got: usize,
        /// Elements of the reference's result.
        wanted: usize,
    },
    /// An element outside the tolerance.
    Element {
        /// Its index.
        element: usize,
        /// The value of the kernel.
        got: f64,
        /// The value of the reference.
        wanted: f64,
        /// The tolerance.
        allowed: f64,
    },
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Miss::Length { got, wanted } => write!(f, "{got} elements instead of {wanted}"),
            Miss::Element {
                element,
                got,
                wanted,
                allowed,
            } => {
                write!(
                    f,
                    "element {element} is {got:e}, not {wanted:e} ± {allowed:e}"
                )
            }
        }
    }
}

impl std::error::Error for Miss {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerance_follows_magnitude_and_terms() {
        let mut sum = Value::sums(1, 4);
        [1e4, -1e4, 1.0, 0.5]
            .iter()
            .for_each(|term| sum.add(0, *term));
        assert_eq!((sum.value[0], sum.magnitude[0]), (1.5, 20_001.5));
        let allowed = sum.allowed(0);
        assert!((allowed - 40.0 * f64::from(f32::EPSILON) * 20_001.5).abs() < 1e-12);
        assert_eq!(sum.accepts(&[1.5 + 0.9 * allowed as f32]), Ok(()));
        assert!(matches!(
            sum.accepts(&[1.5 + 1.1 * allowed as f32]),
            Err(Miss::Element { element: 0, .. })
        ));
        assert!(matches!(
            sum.accepts(&[f32::NAN]),
            Err(Miss::Element { .. })
        ));
        assert_eq!(sum.accepts(&[]), Err(Miss::Length { got: 0, wanted: 1 }));
    }

    #[test]
    fn exact_values_and_infinities_must_be_met() {
        let exact = Value::exact(vec![3.0, f64::INFINITY]);
        assert_eq!(exact.accepts(&[3.0, f32::INFINITY]), Ok(()));
        assert!(exact.accepts(&[3.000_000_2, f32::INFINITY]).is_err());
        assert!(exact.accepts(&[3.0, f32::MAX]).is_err());
    }
}
