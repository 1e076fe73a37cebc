/// Rows of different lengths in one allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ragged {
    items: Vec<u32>,
    ends: Vec<u32>,
}

impl Ragged {
    pub(crate) fn with_capacity(rows: usize, items: usize) -> Self {
        Ragged {
            items: Vec::with_capacity(items),
            ends: Vec::with_capacity(rows),
        }
    }

    /// Appends an item to the open row, which [`close`](Self::close) ends.
    pub(crate) fn add(&mut self, item: u32) {
        self.items.push(item);
    }

    pub(crate) fn close(&mut self) {
        self.ends.push(self.items.len() as u32);
    }

    pub(crate) fn push(&mut self, row: &[u32]) {
        self.items.extend_from_slice(row);
        self.close();
    }

    /// The open row: the items since the last [`close`](Self::close).
    pub(crate) fn open(&self) -> &[u32] {
        &self.items[self.ends.last().map_or(0, |&end| end as usize)..]
    }

    /// Shortens the open row.
    pub(crate) fn truncate_open(&mut self, len: usize) {
        let start = self.ends.last().map_or(0, |&end| end as usize);
        self.items.truncate(start + len);
    }

    pub(crate) fn row(&self, index: usize) -> &[u32] {
        let start = if index == 0 {
            0
        } else {
            self.ends[index - 1] as usize
        };
        &self.items[start..self.ends[index] as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn items(&self) -> &[u32] {
        &self.items
    }
}
