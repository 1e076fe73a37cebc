//! Weights and the optimiser's moments as a safetensors file: every parameter under its own id, so
//! that other programs can read it and a change of the page layout does not invalidate it.
//!
//! The format is a length, a JSON header and the values, so no crate is needed for it. Gradients
//! are not stored: every step computes the ones that it uses.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::json;
use supernet_engine::weights::{Layout, Pages, ParamSlot, Weights};
use supernet_plugin::Supergraph;

#[derive(Serialize, Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<u32>,
    data_offsets: [usize; 2],
}

/// Every tensor of the file in order: its name, the parameter, and the set of pages that contains
/// it.
fn tensors<'a>(
    supergraph: &'a Supergraph,
    layout: &'a Layout,
    moments: usize,
) -> impl Iterator<Item = (String, u32, Option<usize>)> + 'a {
    let sets = std::iter::once(None).chain((0..moments).map(Some));
    sets.flat_map(move |moment| {
        let placed = (0..layout.len() as u32).filter(|index| layout.place(*index).len > 0);
        // No update changes the state that streams carry from window to window, so it has no
        // moments.
        placed
            .filter(move |index| moment.is_none() || (*index as usize) < supergraph.param_count())
            .map(move |index| {
                let id = match (index as usize).checked_sub(supergraph.param_count()) {
                    None => supergraph.param(index).id.clone(),
                    Some(state) => format!("state.{state}"),
                };
                let name =
                    moment.map_or_else(|| id.clone(), |moment| format!("optimizer.{moment}/{id}"));
                (name, index, moment)
            })
    })
}

/// The shape of a tensor: that of the parameter, or one dimension for a carried state.
fn shape(supergraph: &Supergraph, layout: &Layout, index: u32) -> Vec<u32> {
    match (index as usize) < supergraph.param_count() {
        true => supergraph.param_shape(index).to_vec(),
        false => vec![layout.place(index).len],
    }
}

fn set(pages: &Pages, moment: Option<usize>) -> &[Vec<f32>] {
    moment.map_or(&pages.values, |moment| &pages.state[moment])
}

pub(crate) fn write(
    supergraph: &Supergraph,
    weights: &Weights,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (mut header, mut end) = (serde_json::Map::new(), 0);
    for (name, index, _) in tensors(supergraph, weights.layout(), weights.pages().state.len()) {
        let begin = end;
        end += 4 * weights.layout().place(index).len as usize;
        let shape = shape(supergraph, weights.layout(), index);
        header.insert(
            name,
            json!(Tensor {
                dtype: "F32".to_owned(),
                shape,
                data_offsets: [begin, end]
            }),
        );
    }
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for (_, index, moment) in tensors(supergraph, weights.layout(), weights.pages().state.len()) {
        let ParamSlot { page, offset, len } = weights.layout().place(index);
        for number in
            &set(weights.pages(), moment)[page as usize][offset as usize..][..len as usize]
        {
            out.write_all(&number.to_le_bytes())?;
        }
    }
    Ok(())
}

/// Fills weights of the same space and optimiser.
pub(crate) fn read(
    supergraph: &Supergraph,
    weights: &mut Weights,
    bytes: &[u8],
) -> Result<(), String> {
    let short = || "it is too short".to_owned();
    let (len, rest) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
    let len = usize::try_from(u64::from_le_bytes(*len)).map_err(|_| short())?;
    let (header, numbers) = rest.split_at_checked(len).ok_or_else(short)?;
    let header: BTreeMap<String, Tensor> =
        serde_json::from_slice(header).map_err(|error| error.to_string())?;
    let (layout, moments) = (weights.layout().clone(), weights.pages().state.len());
    let expected = tensors(supergraph, &layout, moments).count();
    if header.len() != expected {
        return Err(format!(
            "it has {} tensors, and this search has {expected}",
            header.len()
        ));
    }
    for (name, index, moment) in tensors(supergraph, &layout, moments) {
        let tensor = header
            .get(&name)
            .ok_or_else(|| format!("there is no tensor `{name}`"))?;
        let wrong = || {
            format!(
                "the tensor `{name}` is not {:?} numbers of 32 bits",
                shape(supergraph, &layout, index)
            )
        };
        let ParamSlot { page, offset, len } = layout.place(index);
        let [begin, end] = tensor.data_offsets;
        let data = numbers
            .get(begin..end)
            .filter(|data| data.len() == 4 * len as usize)
            .ok_or_else(wrong)?;
        if tensor.shape != shape(supergraph, &layout, index) || tensor.dtype != "F32" {
            return Err(wrong());
        }
        let pages = weights.pages_mut();
        let pages = moment.map_or(&mut pages.values, |moment| &mut pages.state[moment]);
        let floats = &mut pages[page as usize][offset as usize..][..len as usize];
        for (float, four) in floats.iter_mut().zip(data.as_chunks::<4>().0) {
            *float = f32::from_le_bytes(*four);
        }
    }
    Ok(())
}
