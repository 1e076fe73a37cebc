//! Sums, concatenations, slices.

use super::Value;
use crate::catalogue::Rows;

/// y = scale·Σ xᵢ.
pub(super) fn sum(reads: &[&[f64]], scale: f64) -> Value {
    let mut sum = Value::sums(reads[0].len(), reads.len());
    for x in reads {
        x.iter()
            .enumerate()
            .for_each(|(i, x)| sum.add(i, scale * x));
    }
    sum
}

/// y = the inputs concatenated on the channel axis.
pub(super) fn concat(reads: &[&[f64]], rows: usize) -> Value {
    let row = |i: usize| {
        reads
            .iter()
            .flat_map(move |x| x.chunks(x.len() / rows).nth(i).unwrap_or(&[]))
    };
    Value::exact((0..rows).flat_map(row).copied().collect())
}

/// y = channels start..start+len of x.
pub(super) fn slice(rows: &Rows, start: usize, len: usize, x: &[f64]) -> Value {
    Value::exact(
        x.chunks(rows.channels as usize)
            .flat_map(|row| &row[start..start + len])
            .copied()
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_undo_concatenation() {
        let (a, b) = ([1.0, 2.0], [3.0, 4.0, 5.0, 6.0]);
        let y = concat(&[&a, &b], 2).value;
        assert_eq!(y, [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
        let rows = Rows {
            rows: 2,
            channels: 3,
        };
        assert_eq!(slice(&rows, 0, 1, &y).value, a);
        assert_eq!(slice(&rows, 1, 2, &y).value, b);
    }
}
