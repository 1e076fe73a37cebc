//! Batch normalisation: over the whole batch, or over each slice of it by itself.

use supernet_shaders::Call;
use supernet_shaders::catalogue::{BatchNorm, Rows};

use super::Lower;
use crate::program::scan::ALIGNED;
use crate::program::{Operand, ProgramError, Purpose};

impl Lower<'_> {
    /// The batch normalisation at node `i`. If a path divides the batch into slices, each is
    /// normalised by its own statistics, as if it were a batch of its own (the ghost batches of
    /// Bender et al. 2018, §3.2): different branches run in it.
    pub(super) fn batch_norm(
        &mut self,
        i: usize,
        eps: f32,
        x: Operand,
    ) -> Result<Operand, ProgramError> {
        let affine: Vec<_> = self
            .params(i)?
            .iter()
            .copied()
            .map(Operand::Weight)
            .collect();
        let (rows, len, slices) = (self.rows(i), self.len(i), self.tape.mixture.rows());
        if slices == 1 {
            let stats = self.statistics(rows, eps, x);
            let y = self.tape.value(len);
            self.normalise(rows, &[&[x, stats][..], &affine, &[y]].concat());
            return Ok(y);
        }
        let slice = Rows {
            rows: rows.rows / slices,
            ..rows
        };
        let width = slice.len() as u32;
        if width.is_multiple_of(ALIGNED) && matches!(x, Operand::Value { .. }) {
            let y = self.tape.plain(len);
            for start in (0..slices).map(|s| s * width) {
                let [x, y] = [x, y].map(|whole| whole.part(start, width));
                let stats = self.statistics(slice, eps, x);
                self.normalise(slice, &[&[x, stats][..], &affine, &[y]].concat());
            }
            return Ok(y);
        }
        // Parts that no GPU can bind: copied, normalised, and put together again.
        let whole = Rows {
            rows: 1,
            channels: len as u32,
        };
        let mut parts = Vec::new();
        for start in (0..slices).map(|s| s * width) {
            let copy = Call::Slice {
                rows: whole,
                start,
                len: width,
            };
            let x = self.tape.compute(copy, &[x], width as usize);
            let stats = self.statistics(slice, eps, x);
            let y = self.tape.plain(width as usize);
            self.normalise(slice, &[&[x, stats][..], &affine, &[y]].concat());
            parts.push((y, width));
        }
        Ok(self.tape.concat(&parts, 1))
    }

    /// Normalises; the operands are x, the statistics, γ and β, if there are any, and y.
    fn normalise(&mut self, rows: Rows, operands: &[Operand]) {
        let norm = BatchNorm {
            rows,
            relu: false,
            affine: operands.len() > 3,
        };
        self.tape.call(Call::BatchNorm(norm), operands);
    }

    /// The statistics for the batch normalisation of `x`.
    fn statistics(&mut self, rows: Rows, eps: f32, x: Operand) -> Operand {
        self.norms += 1;
        if self.purpose == Purpose::Infer {
            return Operand::Weight(self.context.supergraph.param_count() as u32 + self.norms - 1);
        }
        let stats = self.tape.compute(
            Call::BatchNormStats { rows, eps },
            &[x],
            2 * rows.channels as usize,
        );
        if self.purpose == Purpose::Calibrate {
            self.tape.outputs.push(stats);
        }
        stats
    }
}
