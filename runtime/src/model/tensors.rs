//! A network's tensors as a safetensors file: a length, a JSON header, the numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use supernet_engine::weights::Weights;

use super::network::{FrozenGraph, Tensor};

/// Maximum number of header bytes for each tensor, besides its name.
const HEADER: u64 = 512;

/// The header entry of a tensor.
#[derive(Serialize, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u32>,
    data_offsets: [u64; 2],
}

fn bytes(tensor: &Tensor) -> u64 {
    4 * tensor.shape.iter().map(|n| u64::from(*n)).product::<u64>()
}

/// The longest file that can hold the tensors of `network`.
pub(super) fn longest(network: &FrozenGraph) -> u64 {
    let entry = |tensor: &Tensor| bytes(tensor) + HEADER + 6 * tensor.name.len() as u64;
    8 + HEADER + network.tensors().iter().map(entry).sum::<u64>()
}

/// Serialises the tensors of `network`.
pub(super) fn write(network: &FrozenGraph, weights: &Weights) -> serde_json::Result<Vec<u8>> {
    let (mut header, mut end) = (BTreeMap::new(), 0);
    for tensor in network.tensors() {
        let begin = end;
        end += bytes(tensor);
        let entry = Entry {
            dtype: "F32".to_owned(),
            shape: tensor.shape.clone(),
            data_offsets: [begin, end],
        };
        header.insert(&tensor.name, entry);
    }
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = Vec::with_capacity(8 + header.len() + end as usize);
    file.extend((header.len() as u64).to_le_bytes());
    file.extend(header);
    for tensor in network.tensors() {
        file.extend(
            weights
                .parameter(tensor.index)
                .iter()
                .flat_map(|number| number.to_le_bytes()),
        );
    }
    Ok(file)
}

/// Reads the weights of a file, which must contain exactly the tensors of `network`.
///
/// # Errors
/// The defect, as the end of a sentence.
pub(super) fn read(network: &FrozenGraph, file: &[u8]) -> Result<Weights, String> {
    let short = || "it is too short".to_owned();
    let (len, rest) = file.split_first_chunk::<8>().ok_or_else(short)?;
    let len = usize::try_from(u64::from_le_bytes(*len)).map_err(|_| short())?;
    let (header, numbers) = rest.split_at_checked(len).ok_or_else(short)?;
    let header: BTreeMap<String, Entry> =
        serde_json::from_slice(header).map_err(|error| error.to_string())?;
    if header.len() != network.tensors().len() {
        return Err(format!(
            "it has {} tensors, and the network has {}",
            header.len(),
            network.tensors().len()
        ));
    }
    let mut weights = Weights::zeros(network.layout().clone(), 0);
    for tensor in network.tensors() {
        let Tensor { name, shape, index } = tensor;
        let entry = header
            .get(name)
            .ok_or_else(|| format!("there is no tensor `{name}`"))?;
        let place = entry
            .data_offsets
            .map(|offset| usize::try_from(offset).unwrap_or(usize::MAX));
        let data = numbers
            .get(place[0]..place[1])
            .filter(|data| data.len() as u64 == bytes(tensor));
        let Some(data) = data.filter(|_| entry.shape == *shape && entry.dtype == "F32") else {
            return Err(format!(
                "the tensor `{name}` is not {shape:?} numbers of 32 bits"
            ));
        };
        for (number, four) in weights
            .parameter_mut(*index)
            .iter_mut()
            .zip(data.as_chunks::<4>().0)
        {
            *number = f32::from_le_bytes(*four);
        }
    }
    Ok(weights)
}
