//! The shared weights: one flat layout for the whole supergraph, whatever the number of its
//! parameters.
//!
//! Weights, gradients and optimiser state have the same layout. Each parameter begins at a multiple
//! of [`BLOCK`](supernet_shaders::catalogue::BLOCK) floats (256 bytes, the binding offset alignment
//! that every GPU supports). Pages hold at most 128 MiB (the largest binding that every GPU
//! supports), and no parameter crosses a page boundary.

mod displaced;
mod identity;
mod layout;
mod revision;

pub use displaced::{LookAhead, gradient_norm};
pub use layout::{Layout, ParamSlot, ParameterTooLarge};
pub use revision::Revision;

use std::sync::Arc;

use supernet_plugin::{Init, Supergraph};
use supernet_shaders::random::{Random, RngStream};

/// The shared weights with their gradients and optimiser state.
///
/// Borrowing enforces a single writer: a trainer needs `&mut Weights`, evaluators share `&Weights`.
/// A device may keep the values to itself while it trains;
/// [`Device::fetch`](crate::device::Device::fetch) copies them back.
#[derive(Debug)]
pub struct Weights {
    layout: Arc<Layout>,
    /// Counts updates: a score records the version that it was computed with.
    pub version: u64,
    pages: Pages,
    revision: Revision,
    /// The device that holds newer values than `pages`.
    resident_on: Option<Arc<str>>,
}

impl Clone for Weights {
    fn clone(&self) -> Self {
        let Self {
            layout,
            version,
            pages,
            revision,
            resident_on,
        } = self;
        let revision = revision.of_clone();
        let (layout, resident_on) = (Arc::clone(layout), resident_on.clone());
        Self {
            layout,
            version: *version,
            pages: pages.clone(),
            revision,
            resident_on,
        }
    }
}

/// Weights are equal if their values are, whatever device holds a copy.
impl PartialEq for Weights {
    fn eq(&self, other: &Self) -> bool {
        (self.version, &self.pages) == (other.version, &other.pages) && self.layout == other.layout
    }
}

/// The values, page by page.
#[derive(Clone, Debug, PartialEq)]
pub struct Pages {
    /// The weights.
    pub values: Vec<Vec<f32>>,
    /// Gradients of the last step; only those of the parameters that it used are meaningful.
    pub gradients: Vec<Vec<f32>>,
    /// The optimiser state: one set of pages per moment.
    pub state: Vec<Vec<Vec<f32>>>,
}

impl Pages {
    /// Every set of pages: the weights, their gradients, then the moments.
    pub fn kept(&self) -> impl Iterator<Item = &Vec<Vec<f32>>> {
        [&self.values, &self.gradients]
            .into_iter()
            .chain(&self.state)
    }

    /// Like [`Pages::kept`], to change them.
    pub fn kept_mut(&mut self) -> impl Iterator<Item = &mut Vec<Vec<f32>>> {
        [&mut self.values, &mut self.gradients]
            .into_iter()
            .chain(&mut self.state)
    }
}

impl Weights {
    /// Initialises every parameter as its [`Init`] says, from a random stream named after it under
    /// `seed`, so that its initial values do not depend on the rest of the space. `moments` is the
    /// number of state pages that the optimiser keeps per page.
    pub fn new(supergraph: &Supergraph, layout: Arc<Layout>, moments: usize, seed: u64) -> Self {
        let mut weights = Self::zeros(layout, moments);
        let (layout, values) = (&weights.layout, &mut weights.pages.values);
        for index in 0..supergraph.param_count() as u32 {
            let place = layout.place(index);
            let from = place.offset as usize;
            let floats = &mut values[place.page as usize][from..from + place.len as usize];
            let random = Random::new(
                seed,
                RngStream::Parameter {
                    hash: name_hash(&supergraph.param(index).id),
                },
            );
            start(
                &supergraph.param(index).init,
                supergraph.param_shape(index),
                floats,
                random,
            );
        }
        weights
    }

    /// Weights that are all zero.
    pub fn zeros(layout: Arc<Layout>, moments: usize) -> Self {
        let zeros = || {
            layout
                .pages
                .iter()
                .map(|len| vec![0.0; *len as usize])
                .collect::<Vec<Vec<f32>>>()
        };
        let pages = Pages {
            gradients: zeros(),
            state: (0..moments).map(|_| zeros()).collect(),
            values: zeros(),
        };
        Self {
            pages,
            version: 0,
            layout,
            revision: Revision::new(),
            resident_on: None,
        }
    }

    /// The same values, without the optimiser state.
    pub fn without_state(&self) -> Self {
        let mut weights = self.clone();
        weights.pages_mut().state.clear();
        weights
    }

    /// The same values with gradients of zero, without the optimiser state.
    pub fn scratch(&self) -> Self {
        self.displaced(self.pages.values.clone())
    }

    /// The layout of the parameters.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Size of weights, gradients and moments in bytes.
    pub fn bytes(&self) -> u64 {
        self.page_bytes() * (2 + self.pages.state.len() as u64)
    }

    /// Size of the weights alone in bytes.
    pub fn page_bytes(&self) -> u64 {
        let pages = self.layout.pages.iter();
        pages.map(|len| 4 * u64::from(*len)).sum()
    }

    /// The values as last fetched.
    pub fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Mutable access to the values: these become the newest ones, and copies on devices are out of
    /// date.
    pub fn pages_mut(&mut self) -> &mut Pages {
        self.resident_on = None;
        self.revision.change();
        &mut self.pages
    }

    /// The revision of the values.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// The device that holds newer values, if any.
    pub fn resident_on(&self) -> Option<&Arc<str>> {
        self.resident_on.as_ref()
    }

    /// Records that `device` updated its copy and keeps it to itself.
    pub fn mark_resident(&mut self, device: &Arc<str>) {
        self.revision.change();
        self.resident_on = Some(Arc::clone(device));
    }

    /// Takes the newest values from the device that held them; its copy stays valid.
    pub fn restore(&mut self, pages: Pages) {
        self.pages = pages;
        self.resident_on = None;
    }

    /// The values of parameter `index`, as last fetched.
    pub fn parameter(&self, index: u32) -> &[f32] {
        let place = self.layout.place(index);
        &self.pages.values[place.page as usize][place.offset as usize..][..place.len as usize]
    }

    /// Mutable access to the values of parameter `index`.
    pub fn parameter_mut(&mut self, index: u32) -> &mut [f32] {
        let place = self.layout.place(index);
        &mut self.pages_mut().values[place.page as usize][place.offset as usize..]
            [..place.len as usize]
    }

    /// The gradient of parameter `index` from the last step that used it.
    pub fn gradient(&self, index: u32) -> &[f32] {
        let place = self.layout.place(index);
        &self.pages.gradients[place.page as usize][place.offset as usize..][..place.len as usize]
    }
}

/// A 64-bit hash of a parameter's name: its initial values do not depend on the parameters next to
/// it.
fn name_hash(name: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    // A prefix that separates these hashes from others of the same name.
    hasher.update(&4_u64.to_le_bytes()).update(name.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

fn uniform(bound: f32, floats: &mut [f32], mut random: Random) {
    floats
        .iter_mut()
        .for_each(|x| *x = bound * (2.0 * random.unit() - 1.0));
}

fn start(init: &Init, shape: &[u32], floats: &mut [f32], mut random: Random) {
    let mut normal =
        |std: f32, floats: &mut [f32]| floats.iter_mut().for_each(|x| *x = std * random.normal());
    match *init {
        Init::Zeros => floats.fill(0.0),
        Init::Ones => floats.fill(1.0),
        Init::Eye => {
            let columns = *shape.last().unwrap_or(&1) as usize;
            floats
                .iter_mut()
                .enumerate()
                .for_each(|(i, x)| *x = f32::from(i / columns == i % columns));
        }
        Init::Normal { std } => normal(std, floats),
        Init::He { fan_in } => normal((2.0 / fan_in as f32).sqrt(), floats),
        Init::Xavier { fan_in, fan_out } => uniform(
            (6.0 / (fan_in as f32 + fan_out as f32)).sqrt(),
            floats,
            random,
        ),
        Init::Uniform { bound } => uniform(bound, floats, random),
    }
}

#[cfg(test)]
mod tests {
    use super::layout::PAGE;
    use super::*;
    use supernet_plugin::Space;
    use supernet_shaders::catalogue::BLOCK;

    /// Linear layers of 10·w + w parameters: blocks of 64 floats make that 10·w and w, each rounded
    /// up.
    fn space(widths: &[u32]) -> Supergraph {
        let s = Space::new("layers");
        let mut x = s.input("row", &[10]);
        for width in widths {
            x = x.linear(*width, true).relu().linear(10, false);
        }
        s.output(x);
        Supergraph::new(s.finish().unwrap()).unwrap()
    }

    #[test]
    fn parameters_begin_at_blocks_and_none_crosses_a_page() {
        let supergraph = space(&[3, 20, 13, 9]);
        let layout = Layout::paged(&supergraph, 256, |_| true).unwrap();
        let mut end = vec![0; layout.pages().len()];
        for index in 0..layout.len() as u32 {
            let place = layout.place(index);
            let len: u32 = supergraph.param_shape(index).iter().product();
            assert_eq!((place.len, place.offset % BLOCK as u32), (len, 0));
            assert!(
                place.offset >= end[place.page as usize] && place.offset + len <= 256,
                "{place:?}"
            );
            end[place.page as usize] = place.offset + len;
        }
        assert!(layout.pages().len() > 2 && layout.pages().iter().all(|len| *len <= 256));
        let said = Layout::paged(&supergraph, 128, |_| true)
            .unwrap_err()
            .to_string();
        assert!(said.contains("has 200 numbers; at most 128"), "{said}");
    }

    #[test]
    fn a_parameter_starts_alike_whatever_stands_beside_it() {
        let start = |widths: &[u32]| {
            let supergraph = space(widths);
            let layout = Arc::new(Layout::new(&supergraph).unwrap());
            Weights::new(&supergraph, layout, 1, 7)
                .parameter(0)
                .to_vec()
        };
        assert_eq!(start(&[3, 20]), start(&[3, 5, 5]));
        assert!(start(&[3]).iter().any(|x| *x != 0.0));
    }

    #[test]
    fn a_layout_of_some_parameters_gives_the_rest_no_numbers() {
        let supergraph = space(&[3, 20, 13]);
        let all = Arc::new(Layout::new(&supergraph).unwrap());
        let some = Arc::new(Layout::paged(&supergraph, PAGE, |index| index % 2 == 1).unwrap());
        assert_eq!((some.len(), some.place(0).len), (all.len(), 0));
        assert!(some.pages()[0] < all.pages()[0]);
        let [whole, part] = [all, some].map(|layout| Weights::new(&supergraph, layout, 1, 7));
        assert_eq!(whole.parameter(3), part.parameter(3));
        assert!(part.parameter(2).is_empty());
    }

    #[test]
    fn starts_have_the_spread_that_their_names_promise() {
        let spread = |init: Init| {
            let mut floats = vec![0.0; 20_000];
            start(
                &init,
                &[100, 200],
                &mut floats,
                Random::new(1, RngStream::Test(1)),
            );
            let square = floats.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / 20_000.0;
            (
                square.sqrt(),
                floats.iter().fold(0.0_f32, |m, x| m.max(x.abs())),
            )
        };
        let near = |got: f64, wanted: f64| {
            assert!((got / wanted - 1.0).abs() < 0.03, "{got} for {wanted}")
        };
        near(spread(Init::He { fan_in: 50 }).0, 0.2);
        near(spread(Init::Normal { std: 0.3 }).0, 0.3);
        let (xavier, most) = spread(Init::Xavier {
            fan_in: 100,
            fan_out: 200,
        });
        near(xavier, (2.0_f64 / 300.0).sqrt());
        assert!(most <= 0.02_f32.sqrt());
        near(spread(Init::Uniform { bound: 0.6 }).0, 0.6 / 3.0_f64.sqrt());
        near(spread(Init::Eye).0, (100.0_f64 / 20_000.0).sqrt());
    }
}
