//! Synthetic data of the sizes that a space accepts.

use supernet_data::Dataset;
use supernet_plugin::{Child, Facts, Op, Role, Supergraph};
use supernet_shaders::random::{Random, RngStream};

/// Samples per minibatch.
pub(crate) const BATCH: u32 = 8;
/// Number of samples: each of three splits contains a minibatch.
const SAMPLES: u32 = 8 * BATCH;
/// Maximum size of all images, in numbers.
const MOST: u64 = 1 << 26;
/// Height, width and channels of an image, if the space accepts any size.
const IMAGE: [u32; 3] = [16, 16, 3];
const CLASSES: u32 = 10;
const VOCABULARY: u32 = 1000;

/// The facts about the data, unless the settings of the space override them.
pub(crate) fn facts() -> Facts {
    Facts {
        shape: IMAGE.to_vec(),
        classes: CLASSES,
        vocabulary: Some(VOCABULARY),
    }
}

/// Random images for the single input of the space, with random labels for its output; or the
/// reason why no such data fit.
pub(crate) fn data(supergraph: &Supergraph, child: &Child) -> Result<Dataset, String> {
    let space = supergraph.space();
    let inputs: Vec<_> = space
        .nodes
        .iter()
        .filter(|node| matches!(node.op, Op::Input { .. }))
        .collect();
    let [input] = inputs.as_slice() else {
        return Err(format!(
            "it has {} inputs, and this version runs spaces with one, an image",
            inputs.len()
        ));
    };
    let at = (0..child.len()).find(|i| child.op_node(*i).id == input.id);
    let image = match at.map(|at| child.shape(at)) {
        Some(&[height, width, channels]) => [height, width, channels],
        Some(other) => {
            return Err(format!(
                "its input has the shape {other:?}, and this version runs spaces on images [height, width, channels]"
            ));
        }
        None => return Err("a random child does not read the input".to_owned()),
    };
    let logits = space
        .outputs
        .iter()
        .zip(child.outputs())
        .find(|(output, _)| output.role == Role::Logits);
    let Some(&[classes]) = logits.map(|(_, at)| child.shape(*at as usize)) else {
        return Err("its output is not one number per class".to_owned());
    };
    let pixels = image.iter().map(|n| u64::from(*n)).product::<u64>();
    if pixels.saturating_mul(SAMPLES.into()) > MOST {
        return Err(format!(
            "its images have {pixels} numbers each, which is too much for a quick look"
        ));
    }
    let mut random = Random::new(2, RngStream::StandInData);
    let images = (0..u64::from(SAMPLES) * pixels)
        .map(|_| random.normal())
        .collect();
    let labels = (0..SAMPLES).map(|_| random.below(classes)).collect();
    Dataset::new("stand-in", image, classes, images, labels).map_err(|error| error.to_string())
}
