use std::collections::BTreeSet;

use supernet_plugin::{Child, Supergraph};
use supernet_shaders::catalogue::{BLOCK, bitset_words};

/// The largest page in floats: 128 MiB.
pub(super) const PAGE: usize = 32 << 20;

/// The location of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamSlot {
    /// Index of the page.
    pub page: u32,
    /// First float in the page, a multiple of [`BLOCK`].
    pub offset: u32,
    /// Length in floats.
    pub len: u32,
}

/// The locations of all parameters of a supergraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    places: Vec<ParamSlot>,
    pub(super) pages: Vec<u32>,
    decayed: Vec<Vec<u32>>,
}

/// A parameter that exceeds a page.
#[derive(Debug, thiserror::Error)]
#[error(
    "parameter `{id}` has {len} numbers; at most {page_len} fit a page of weights: make that layer smaller"
)]
pub struct ParameterTooLarge {
    id: String,
    len: usize,
    page_len: usize,
}

impl Layout {
    /// Lays out the parameters of `supergraph` in order.
    ///
    /// # Errors
    /// If a parameter exceeds a page.
    pub fn new(supergraph: &Supergraph) -> Result<Self, ParameterTooLarge> {
        Self::paged(supergraph, PAGE, |_| true)
    }

    /// Like [`Layout::new`], with additional memory behind the parameters for the states that
    /// `batch` streams carry from window to window: weights that no update touches.
    ///
    /// # Errors
    /// If a parameter or a state exceeds a page.
    pub fn with_states(supergraph: &Supergraph, batch: u32) -> Result<Self, ParameterTooLarge> {
        Self::laid(supergraph, PAGE, batch, |_| true)
    }

    /// Lays out the parameters that `child` reads, for training it by itself, and the states of
    /// `batch` streams. Other parameters have length 0.
    ///
    /// # Errors
    /// If a parameter exceeds a page.
    pub fn alone(
        supergraph: &Supergraph,
        child: &Child,
        batch: u32,
    ) -> Result<Self, ParameterTooLarge> {
        let of = |child: &Child| {
            (0..child.len())
                .flat_map(|i| child.params(i).to_vec())
                .collect::<Vec<_>>()
        };
        let bodies = (0..child.len()).filter_map(|i| child.body(i)).flat_map(of);
        let read: BTreeSet<u32> = of(child).into_iter().chain(bodies).collect();
        Self::laid(supergraph, PAGE, batch, |index| read.contains(&index))
    }

    pub(super) fn paged(
        supergraph: &Supergraph,
        page_len: usize,
        has_numbers: impl Fn(u32) -> bool,
    ) -> Result<Self, ParameterTooLarge> {
        Self::laid(supergraph, page_len, 0, has_numbers)
    }

    fn laid(
        supergraph: &Supergraph,
        page_len: usize,
        batch: u32,
        has_numbers: impl Fn(u32) -> bool,
    ) -> Result<Self, ParameterTooLarge> {
        let len = |index| match has_numbers(index) {
            true => supergraph
                .param_shape(index)
                .iter()
                .map(|n| *n as usize)
                .product(),
            false => 0,
        };
        let all = (0..supergraph.param_count() as u32)
            .map(|index| (supergraph.param(index).id.as_str(), len(index)));
        let mut layout = Self::of(all.chain(supergraph.carried_states(batch)), page_len)?;
        let decaying = (0..supergraph.param_count() as u32).filter(|p| supergraph.param(*p).decay);
        layout.decayed = layout.blocks_of(decaying);
        Ok(layout)
    }

    /// Lays out tensors by name and length, without weight decay. An empty tensor takes no memory.
    ///
    /// # Errors
    /// If a tensor exceeds a page.
    pub fn frozen<'a>(
        tensors: impl Iterator<Item = (&'a str, usize)>,
    ) -> Result<Self, ParameterTooLarge> {
        Self::of(tensors, PAGE)
    }

    fn of<'a>(
        tensors: impl Iterator<Item = (&'a str, usize)>,
        page_len: usize,
    ) -> Result<Self, ParameterTooLarge> {
        let (mut places, mut pages) = (Vec::new(), Vec::<u32>::new());
        for (id, len) in tensors {
            let padded = len.next_multiple_of(BLOCK);
            if padded > page_len {
                return Err(ParameterTooLarge {
                    id: id.to_owned(),
                    len,
                    page_len,
                });
            }
            let fits = pages
                .last()
                .is_some_and(|used| *used as usize + padded <= page_len);
            if !fits {
                pages.push(0);
            }
            let page = pages.len() - 1;
            places.push(ParamSlot {
                page: page as u32,
                offset: pages[page],
                len: len as u32,
            });
            pages[page] += padded as u32;
        }
        let mut layout = Self {
            places,
            pages,
            decayed: Vec::new(),
        };
        layout.decayed = layout.blocks_of(std::iter::empty());
        Ok(layout)
    }

    /// The location of parameter `index`; its length is 0 if it is not laid out.
    pub fn place(&self, index: u32) -> ParamSlot {
        self.places[index as usize]
    }

    /// Number of parameters, including those of length 0.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no parameter at all.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Length of every page in floats.
    pub fn pages(&self) -> &[u32] {
        &self.pages
    }

    /// One bit per block of every page: whether weight decay (L2) applies to it.
    pub fn decayed(&self) -> &[Vec<u32>] {
        &self.decayed
    }

    /// One bit per block of every page: whether it belongs to one of `parameters`.
    pub fn blocks_of(&self, parameters: impl Iterator<Item = u32>) -> Vec<Vec<u32>> {
        let mut bits: Vec<Vec<u32>> = self
            .pages
            .iter()
            .map(|len| vec![0; bitset_words(*len as usize)])
            .collect();
        for parameter in parameters {
            let place = self.place(parameter);
            let first = place.offset as usize / BLOCK;
            for block in first..first + (place.len as usize).div_ceil(BLOCK) {
                bits[place.page as usize][block / 32] |= 1 << (block % 32);
            }
        }
        bits
    }
}
