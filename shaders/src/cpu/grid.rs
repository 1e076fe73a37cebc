//! The positions of the rows of a product's left side and result.

/// Consecutive elements of a row of the left side, relative to the start of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start: usize,
    pub(super) len: usize,
}

/// Rows that lie on a grid, in the left side and in the result.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Grid {
    pub(super) lines: usize,
    pub(super) columns: usize,
    /// The offset of the first row in the left side, and the distances to the next line and the
    /// next column.
    pub(super) from: [usize; 3],
    /// The same in the result.
    pub(super) to: [usize; 3],
}

impl Grid {
    /// The rows of a plain matrix.
    pub(super) fn plain(rows: usize, from: usize, to: usize) -> Self {
        Self {
            lines: 1,
            columns: rows,
            from: [0, 0, from],
            to: [0, 0, to],
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.lines * self.columns
    }

    /// Iterates over the rows.
    pub(super) fn places(&self) -> Places<'_> {
        Places {
            grid: self,
            line: 0,
            column: 0,
        }
    }
}

/// An iterator over the rows of a grid.
pub(super) struct Places<'a> {
    grid: &'a Grid,
    line: usize,
    column: usize,
}

impl Places<'_> {
    /// The offsets of the next `ROWS` rows: (left side, result). Past the last row, the offsets do
    /// not belong to the grid.
    #[inline(always)]
    pub(super) fn take<const ROWS: usize>(&mut self) -> [(usize, usize); ROWS] {
        let Grid {
            columns, from, to, ..
        } = *self.grid;
        let at = |line: usize, column: usize| {
            (
                from[0] + line * from[1] + column * from[2],
                to[0] + line * to[1] + column * to[2],
            )
        };
        if self.column + ROWS <= columns {
            // The usual case, without a branch per row.
            let (first_from, first_to) = at(self.line, self.column);
            self.column += ROWS;
            return std::array::from_fn(|i| (first_from + i * from[2], first_to + i * to[2]));
        }
        std::array::from_fn(|_| {
            if self.column == columns {
                (self.line, self.column) = (self.line + 1, 0);
            }
            self.column += 1;
            at(self.line, self.column - 1)
        })
    }
}
