//! Four search spaces for small images, of built-in layers alone: `mixer`, `convnext`, `se-resnet`
//! and `attention`. Each is one file and meant to be copied.
//!
//! ```text
//! cargo build --release -p supernet-example-spaces
//! supernet search --plugin target/release/libsupernet_example_spaces.so --space mixer
//! ```

use supernet_plugin::{BuildError, Config, Conv, Fact, Field, Pad, Space, Tensor};

#[cfg(feature = "plugin")]
supernet_plugin::export_plugin!();

mod attention;
mod convnext;
mod mixer;
mod se_resnet;

/// The settings that all four spaces have.
fn fields(layers: i64, width: i64) -> Vec<Field> {
    vec![
        Field::int("layers", layers, 1..=32, "how many layers"),
        Field::int("width", width, 8..=1024, "channels of every layer"),
        Field::from_data(
            "image",
            Fact::Shape,
            "a sample's height, width and channels",
        ),
        Field::from_data("classes", Fact::Classes, "how many classes there are"),
    ]
}

/// Their values.
struct Settings {
    layers: u32,
    width: u32,
    image: [u32; 3],
    classes: u32,
}

impl Settings {
    /// Reads them; the width must be a multiple of `multiple`.
    fn of(config: &Config, multiple: u32) -> Result<Self, BuildError> {
        let (image, width) = (config.sizes("image")?, config.size("width")?);
        let Ok(image) = <[u32; 3]>::try_from(image.as_slice()) else {
            return Err(BuildError::refused(format!(
                "the samples have the shape {image:?}, and must be images [height, width, channels]"
            )));
        };
        if !width.is_multiple_of(multiple) {
            return Err(BuildError::refused(format!(
                "`width` is {width}, and must be a multiple of {multiple}"
            )));
        }
        Ok(Self {
            layers: config.size("layers")?,
            width,
            image,
            classes: config.size("classes")?,
        })
    }

    /// The image as tokens `[positions, width]`: patches of `patch` x `patch` pixels, each a vector
    /// (Dosovitskiy et al. 2021, §3.1).
    fn patches<'s>(&self, s: &'s Space, patch: u32) -> Result<Tensor<'s>, BuildError> {
        let [height, width, _] = self.image;
        if height < patch || width < patch {
            return Err(BuildError::refused(format!(
                "images of {height} x {width} are smaller than a patch of {patch} x {patch}"
            )));
        }
        let cut = Conv::new(patch).stride(patch).pad(Pad::Valid).bias();
        let patches = s.input("image", &self.image).conv2d(cut, self.width);
        let positions = (height / patch) * (width / patch);
        Ok(patches.reshape(&[positions, self.width]))
    }
}

/// Logits from the mean of the tokens.
fn classify<'s>(tokens: Tensor<'s>, classes: u32) -> Tensor<'s> {
    let [positions, width] = [tokens.height(), tokens.channels()];
    let image = tokens.layer_norm().reshape(&[positions, 1, width]);
    image.global_avg_pool().linear(classes, true)
}
