//! The shared weights: one flat space for the whole supergraph, whatever the number of its parameters.
//!
//! Weights, gradients and optimiser state have the same layout. Each parameter begins at a multiple of [`BLOCK`]
//! floats (256 bytes, the offset that any GPU can bind at); pages hold at most 128 MiB (the largest binding that any
//! GPU takes) and no parameter crosses one.

use std::sync::Arc;

use supernet_plugin::{Init, Supergraph};
use supernet_shaders::catalogue::{BLOCK, bitset_words};
use supernet_shaders::random::Random;

use crate::stream;

/// Floats in a page at most: 128 MiB.
const PAGE: usize = 32 << 20;

/// Where a parameter lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which page.
    pub page: u32,
    /// First float in it, a multiple of [`BLOCK`].
    pub offset: u32,
    /// Floats.
    pub len: u32,
}

/// Where every parameter of a supergraph lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    places: Vec<Place>,
    pages: Vec<u32>,
    decayed: Vec<Vec<u32>>,
}

/// A parameter that no page can hold.
#[derive(Debug, thiserror::Error)]
#[error(
    "parameter `{id}` has {len} floats; one parameter may have at most {PAGE}, the 128 MiB that every GPU can bind"
)]
pub struct ParameterTooLarge {
    id: String,
    len: usize,
}

impl Layout {
    /// Lays out the parameters of `supergraph` in their order.
    ///
    /// # Errors
    /// If a parameter is larger than a page.
    pub fn new(supergraph: &Supergraph) -> Result<Self, ParameterTooLarge> {
        let (mut places, mut pages) = (Vec::new(), Vec::<u32>::new());
        for index in 0..supergraph.param_count() as u32 {
            let len: usize = supergraph.param_shape(index).iter().map(|n| *n as usize).product();
            let padded = len.next_multiple_of(BLOCK);
            if padded > PAGE {
                return Err(ParameterTooLarge { id: supergraph.param(index).id.to_string(), len });
            }
            let fits = pages.last().is_some_and(|used| *used as usize + padded <= PAGE);
            if !fits {
                pages.push(0);
            }
            let page = pages.len() - 1;
            places.push(Place { page: page as u32, offset: pages[page], len: len as u32 });
            pages[page] += padded as u32;
        }
        let mut layout = Self { places, pages, decayed: Vec::new() };
        let decaying = (0..supergraph.param_count() as u32).filter(|p| supergraph.param(*p).decay);
        layout.decayed = layout.blocks_of(decaying);
        Ok(layout)
    }

    /// Where parameter `index` lies.
    pub fn place(&self, index: u32) -> Place {
        self.places[index as usize]
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no parameter at all.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Floats of every page.
    pub fn pages(&self) -> &[u32] {
        &self.pages
    }

    /// For every page a bit per block: whether L2 decays it.
    pub fn decayed(&self) -> &[Vec<u32>] {
        &self.decayed
    }

    /// For every page a bit per block: whether it belongs to one of `parameters`.
    pub fn blocks_of(&self, parameters: impl Iterator<Item = u32>) -> Vec<Vec<u32>> {
        let mut bits: Vec<Vec<u32>> = self.pages.iter().map(|len| vec![0; bitset_words(*len as usize)]).collect();
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

/// The shared weights with their gradients and optimiser state.
///
/// Borrowing keeps the rule of one writer: a trainer needs `&mut Weights`, evaluators share `&Weights`.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    layout: Arc<Layout>,
    /// Counts updates: a score names the version that it was made with.
    pub version: u64,
    /// The weights, page by page.
    pub values: Vec<Vec<f32>>,
    /// Gradients of the last step; only what its path touched means anything.
    pub gradients: Vec<Vec<f32>>,
    /// The optimiser's memory: as many sets of pages as it keeps moments.
    pub state: Vec<Vec<Vec<f32>>>,
}

impl Weights {
    /// Fresh weights: every parameter starts as its [`Init`] says, from a stream of its own under `seed`, so that its
    /// start does not depend on the rest of the space. `moments` is how many state pages the optimiser keeps.
    pub fn new(supergraph: &Supergraph, layout: Arc<Layout>, moments: usize, seed: u64) -> Self {
        let zeros = || layout.pages.iter().map(|len| vec![0.0; *len as usize]).collect::<Vec<Vec<f32>>>();
        let mut values = zeros();
        for index in 0..supergraph.param_count() as u32 {
            let place = layout.place(index);
            let from = place.offset as usize;
            let floats = &mut values[place.page as usize][from..from + place.len as usize];
            let random = Random::new(seed, stream::sub(stream::INITIALISE, u64::from(index)));
            start(&supergraph.param(index).init, supergraph.param_shape(index), floats, random);
        }
        let state = (0..moments).map(|_| zeros()).collect();
        Self { gradients: zeros(), state, values, version: 0, layout }
    }

    /// Where everything lies.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The values of parameter `index`.
    pub fn parameter(&self, index: u32) -> &[f32] {
        let place = self.layout.place(index);
        &self.values[place.page as usize][place.offset as usize..][..place.len as usize]
    }

    /// The gradient of parameter `index`, as the last step that touched it left it.
    pub fn gradient(&self, index: u32) -> &[f32] {
        let place = self.layout.place(index);
        &self.gradients[place.page as usize][place.offset as usize..][..place.len as usize]
    }
}

fn start(init: &Init, shape: &[u32], floats: &mut [f32], mut random: Random) {
    let mut normal = |std: f32, floats: &mut [f32]| floats.iter_mut().for_each(|x| *x = std * random.normal());
    match *init {
        Init::Zeros => floats.fill(0.0),
        Init::Ones => floats.fill(1.0),
        Init::Eye => {
            let columns = *shape.last().unwrap_or(&1) as usize;
            floats.iter_mut().enumerate().for_each(|(i, x)| *x = f32::from(i / columns == i % columns));
        }
        Init::Normal { std } => normal(std, floats),
        Init::He { fan_in } => normal((2.0 / fan_in as f32).sqrt(), floats),
        Init::Xavier { fan_in, fan_out } => normal((2.0 / (fan_in + fan_out) as f32).sqrt(), floats),
        Init::Uniform { bound } => floats.iter_mut().for_each(|x| *x = bound * (2.0 * random.unit() - 1.0)),
    }
}
