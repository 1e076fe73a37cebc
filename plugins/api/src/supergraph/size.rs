use std::fmt;

use super::Supergraph;

/// The number of genomes of a space, before constraints and without merging duplicates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpaceSize {
    exact: Option<u128>,
    log10: f64,
}

impl Supergraph {
    /// The product of the numbers of choices.
    pub fn size(&self) -> SpaceSize {
        let exact = self
            .inner
            .choices
            .iter()
            .try_fold(1u128, |size, &n| size.checked_mul(n.into()));
        SpaceSize {
            exact,
            log10: self
                .inner
                .choices
                .iter()
                .map(|&n| f64::from(n).log10())
                .sum(),
        }
    }
}

impl SpaceSize {
    /// The exact number, if it fits into 128 bits.
    pub fn exact(self) -> Option<u128> {
        self.exact
    }

    /// The logarithm to base 10.
    pub fn log10(self) -> f64 {
        self.log10
    }
}

impl fmt::Display for SpaceSize {
    /// Writes `160,618` or `about 10^45.2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(exact) = self.exact else {
            return write!(f, "about 10^{:.1}", self.log10);
        };
        let digits = exact.to_string();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i) % 3 == 0 {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}
