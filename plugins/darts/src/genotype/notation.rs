//! Genotypes as text.

use std::fmt;
use std::str::FromStr;

use super::{Genotype, GenotypeCell, GenotypeError};
use crate::literal::{self, Literal};

impl Genotype {
    /// The genotype as JSON, which can be read back.
    pub fn to_json(&self) -> String {
        let quoted = |pairs: &[(String, u32)]| {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(op, value)| format!("[\"{op}\", {value}]"))
                .collect();
            pairs.join(", ")
        };
        let Genotype { normal, reduce } = self;
        format!(
            "{{\"normal\": [{}], \"normal_concat\": {:?}, \"reduce\": [{}], \"reduce_concat\": {:?}}}",
            quoted(&normal.pairs),
            normal.concat,
            quoted(&reduce.pairs),
            reduce.concat
        )
    }
}

/// The named parts of a genotype. A text that is something else lacks `first`.
pub(crate) fn fields(text: &str, first: &str) -> Result<Vec<(String, Literal)>, GenotypeError> {
    match literal::read(text)? {
        Literal::Record(fields) => Ok(fields),
        _ => Err(part(first, PAIRS)),
    }
}

const PAIRS: &str = "pairs of an operation and the value that it reads";

fn part(part: &str, wanted: &'static str) -> GenotypeError {
    GenotypeError::Part {
        part: part.to_owned(),
        wanted,
    }
}

fn list<'a>(
    fields: &'a [(String, Literal)],
    key: &str,
    wanted: &'static str,
) -> Result<&'a [Literal], GenotypeError> {
    match fields.iter().find(|(known, _)| known == key) {
        Some((_, Literal::List(items))) => Ok(items),
        _ => Err(part(key, wanted)),
    }
}

/// The pairs of a named part.
pub(crate) fn pairs(
    fields: &[(String, Literal)],
    key: &str,
) -> Result<Vec<(String, u32)>, GenotypeError> {
    let pair = |item: &Literal| match item {
        Literal::List(pair) => match pair.as_slice() {
            [Literal::Text(op), Literal::Number(value)] => Ok((op.clone(), *value)),
            _ => Err(part(key, PAIRS)),
        },
        _ => Err(part(key, PAIRS)),
    };
    list(fields, key, PAIRS)?.iter().map(pair).collect()
}

/// The values of a named part.
pub(crate) fn values(fields: &[(String, Literal)], key: &str) -> Result<Vec<u32>, GenotypeError> {
    const WANTED: &str = "the values that make up the cell's own";
    let value = |item: &Literal| match item {
        Literal::Number(value) => Ok(*value),
        _ => Err(part(key, WANTED)),
    };
    list(fields, key, WANTED)?.iter().map(value).collect()
}

/// Pairs in Python syntax.
pub(crate) fn written(pairs: &[(String, u32)]) -> String {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(op, value)| format!("('{op}', {value})"))
        .collect();
    pairs.join(", ")
}

impl FromStr for Genotype {
    type Err = GenotypeError;

    /// Reads the output of the DARTS code, or the same as JSON.
    fn from_str(text: &str) -> Result<Self, GenotypeError> {
        let fields = fields(text, "normal")?;
        let cell = |key: &str| {
            let (pairs, concat) = (
                pairs(&fields, key)?,
                values(&fields, &format!("{key}_concat"))?,
            );
            Ok::<_, GenotypeError>(GenotypeCell { pairs, concat })
        };
        Ok(Genotype {
            normal: cell("normal")?,
            reduce: cell("reduce")?,
        })
    }
}

impl fmt::Display for Genotype {
    /// Writes the same text as the DARTS code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Genotype { normal, reduce } = self;
        write!(
            f,
            "Genotype(normal=[{}], normal_concat={:?}, ",
            written(&normal.pairs),
            normal.concat
        )?;
        write!(
            f,
            "reduce=[{}], reduce_concat={:?})",
            written(&reduce.pairs),
            reduce.concat
        )
    }
}
