//! A data set in memory.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use supernet_plugin::Facts;

use super::pixels::Pixels;
use super::text::Text;
use super::{DataError, MAX_PIXEL};

/// Labelled images in memory, as they came from their source, or a text, every token of which is
/// labelled with the next. A copy shares them.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    pub(crate) name: String,
    /// Where it was read, absolute.
    pub(crate) source: Option<PathBuf>,
    pub(crate) shape: [u32; 3],
    pub(crate) classes: u32,
    /// Empty, or one a class.
    pub(crate) class_names: Vec<String>,
    pub(crate) max_pixel: f32,
    pub(crate) pixels: Arc<Pixels>,
    pub(crate) labels: Arc<Vec<u32>>,
    /// Samples before the source's own test part, if it has one.
    pub(crate) own_test: Option<usize>,
    /// In place of all images.
    pub(crate) text: Option<Arc<Text>>,
}

impl Dataset {
    /// A data set from arrays: images NHWC, one label each.
    ///
    /// # Errors
    /// If the lengths do not fit the shape, a label is not below `classes`, or a pixel is not
    /// finite.
    pub fn new(
        name: &str,
        shape: [u32; 3],
        classes: u32,
        images: Vec<f32>,
        labels: Vec<u32>,
    ) -> Result<Self, DataError> {
        Self::of(name, shape, classes, Pixels::Floats(images), labels)
    }

    /// The same from bytes, which stay bytes: a quarter of the memory.
    ///
    /// # Errors
    /// As [`Dataset::new`].
    pub fn from_bytes(
        name: &str,
        shape: [u32; 3],
        classes: u32,
        images: Vec<u8>,
        labels: Vec<u32>,
    ) -> Result<Self, DataError> {
        Self::of(name, shape, classes, Pixels::Bytes(images), labels)
    }

    pub(crate) fn of(
        name: &str,
        shape: [u32; 3],
        classes: u32,
        pixels: Pixels,
        labels: Vec<u32>,
    ) -> Result<Self, DataError> {
        let mismatch = |reason: String| DataError::Mismatch {
            name: name.to_owned(),
            reason,
        };
        let numbers = shape
            .iter()
            .try_fold(1_usize, |product, n| product.checked_mul(*n as usize))
            .unwrap_or(0);
        if numbers == 0 || numbers.checked_mul(labels.len()) != Some(pixels.len()) {
            let (labels, numbers) = (labels.len(), pixels.len());
            return Err(mismatch(format!(
                "{labels} labels need images of shape {shape:?}, but there are {numbers} numbers"
            )));
        }
        if u32::try_from(labels.len()).is_err() {
            return Err(mismatch(format!(
                "it has {} samples; at most 4294967295 are counted",
                labels.len()
            )));
        }
        if let Some((index, label)) = labels
            .iter()
            .enumerate()
            .find(|(_, label)| **label >= classes)
        {
            return Err(mismatch(format!(
                "label {label} of sample {index} is not below {classes}, the number of classes"
            )));
        }
        if let Some(at) = pixels.not_finite() {
            return Err(mismatch(format!(
                "a pixel of sample {} is not a finite number",
                at / numbers
            )));
        }
        let (pixels, labels) = (Arc::new(pixels), Arc::new(labels));
        let (name, source, class_names, own_test, max_pixel) =
            (name.to_owned(), None, Vec::new(), None, MAX_PIXEL);
        Ok(Self {
            name,
            source,
            shape,
            classes,
            class_names,
            max_pixel,
            pixels,
            labels,
            own_test,
            text: None,
        })
    }

    /// A text of an application's own. Its parts are divided already; a setting of `data` takes the
    /// first words of one.
    pub fn from_text(name: &str, text: Text) -> Self {
        let (shape, classes) = ([0; 3], text.vocabulary.len());
        let (pixels, labels, class_names) = (
            Arc::new(Pixels::Bytes(Vec::new())),
            Arc::default(),
            Vec::new(),
        );
        let (name, text) = (name.to_owned(), Some(Arc::new(text)));
        Self {
            name,
            source: None,
            shape,
            classes,
            class_names,
            max_pixel: MAX_PIXEL,
            pixels,
            labels,
            own_test: None,
            text,
        }
    }

    /// Adds a test part of its own: what a search then tests with, and never touches before.
    /// Without this call a part of the samples is set aside.
    ///
    /// # Errors
    /// As [`Dataset::new`], or if it has one already.
    pub fn with_test(self, images: Vec<f32>, labels: Vec<u32>) -> Result<Self, DataError> {
        self.tested(&Pixels::Floats(images), labels)
    }

    /// The same from bytes.
    ///
    /// # Errors
    /// As [`Dataset::with_test`].
    pub fn with_test_bytes(self, images: Vec<u8>, labels: Vec<u32>) -> Result<Self, DataError> {
        self.tested(&Pixels::Bytes(images), labels)
    }

    pub(crate) fn tested(self, pixels: &Pixels, labels: Vec<u32>) -> Result<Self, DataError> {
        if self.own_test.is_some() || labels.is_empty() {
            let reason = if labels.is_empty() {
                "its test part is empty"
            } else {
                "it has a test part already"
            };
            return Err(DataError::Mismatch {
                name: self.name,
                reason: reason.to_owned(),
            });
        }
        let own_test = Some(self.labels.len());
        let pixels = Arc::unwrap_or_clone(self.pixels).and(pixels);
        let labels = [Arc::unwrap_or_clone(self.labels), labels].concat();
        let both = Self::of(&self.name, self.shape, self.classes, pixels, labels)?;
        Ok(Self {
            own_test,
            source: self.source,
            class_names: self.class_names,
            max_pixel: self.max_pixel,
            ..both
        })
    }

    /// Says what its classes are called, in the order of their labels.
    ///
    /// # Errors
    /// If there is not one name a class.
    pub fn with_class_names(self, names: Vec<String>) -> Result<Self, DataError> {
        if names.len() != self.classes as usize {
            let reason = format!(
                "{} names were given to its {} classes",
                names.len(),
                self.classes
            );
            return Err(DataError::Mismatch {
                name: self.name,
                reason,
            });
        }
        Ok(Self {
            class_names: names,
            ..self
        })
    }

    /// Numbers its classes as `names` do, by their names. Nothing changes if it has no names, or
    /// there are none to go by.
    ///
    /// # Errors
    /// If a class of it is not among them.
    pub fn numbered_as(self, names: &[String]) -> Result<Self, DataError> {
        if names.is_empty() || self.class_names.is_empty() || self.class_names == names {
            return Ok(self);
        }
        let place = |name: &String| {
            names
                .iter()
                .position(|known| known == name)
                .map(|at| at as u32)
        };
        let places = self
            .class_names
            .iter()
            .map(|name| place(name).ok_or(name))
            .collect::<Result<Vec<u32>, _>>();
        let places = places.map_err(|unknown| {
            let known = names
                .iter()
                .take(20)
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ");
            let reason =
                format!("its class `{unknown}` is not among those that are known: {known}");
            DataError::Mismatch {
                name: self.name.clone(),
                reason,
            }
        })?;
        let labels = self
            .labels
            .iter()
            .map(|label| places[*label as usize])
            .collect();
        Ok(Self {
            labels: Arc::new(labels),
            classes: names.len() as u32,
            class_names: names.to_vec(),
            ..self
        })
    }

    /// Says which number its brightest pixels have, so that a model that is trained on it can be
    /// shown pictures, whose brightest have 255. Without this call that is taken to hold here too.
    ///
    /// # Errors
    /// If it is not above 0.
    pub fn with_white(self, max_pixel: f32) -> Result<Self, DataError> {
        if !(max_pixel > 0.0 && max_pixel.is_finite()) {
            let reason = format!(
                "its brightest pixels cannot have the number {max_pixel}; it must be above 0"
            );
            return Err(DataError::Mismatch {
                name: self.name,
                reason,
            });
        }
        Ok(Self { max_pixel, ..self })
    }

    /// What a person calls it: of a path, the last component.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What [`Dataset::named`] reads it again by: the absolute path if it was read from one, else
    /// its name.
    pub fn address(&self) -> &str {
        self.source
            .as_deref()
            .and_then(Path::to_str)
            .unwrap_or(&self.name)
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&Text> {
        self.text.as_deref()
    }

    /// Height, width and channels of every image; zeros of a text.
    pub fn shape(&self) -> [u32; 3] {
        self.shape
    }

    /// Labels run from 0 to this − 1; of a text, its tokens.
    pub fn classes(&self) -> u32 {
        self.classes
    }

    /// What the classes are called, in the order of their labels; empty if nobody said so.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Pixels of all images, NHWC; those of its own test part come last. Bytes are copied.
    pub fn images(&self) -> Cow<'_, [f32]> {
        self.pixels.floats()
    }

    /// The number of its brightest pixels.
    pub fn max_pixel(&self) -> f32 {
        self.max_pixel
    }

    /// One label an image.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Samples of its own test part; 0 if it has none.
    pub fn own_test(&self) -> usize {
        self.labels.len() - self.explorable()
    }

    /// What a space may ask about it.
    pub fn facts(&self) -> Facts {
        self.text.as_ref().map_or_else(
            || Facts::images(&self.shape, self.classes),
            |text| text.facts(),
        )
    }

    /// The blake3 of everything that a search sees of it: shape, classes, pixels, labels, and where
    /// its own test part begins. Names are no part of it.
    pub fn fingerprint(&self) -> String {
        if let Some(text) = &self.text {
            return text.fingerprint();
        }
        let mut hasher = blake3::Hasher::new();
        let [height, width, channels] = self.shape.map(u64::from);
        let counts = [self.labels.len() as u64, self.explorable() as u64];
        let numbers = [height, width, channels, self.classes.into()]
            .into_iter()
            .chain(counts);
        hasher.update(&numbers.flat_map(u64::to_le_bytes).collect::<Vec<u8>>());
        hasher.update(
            &self
                .labels
                .iter()
                .flat_map(|label| label.to_le_bytes())
                .collect::<Vec<u8>>(),
        );
        self.pixels.hash(&mut hasher);
        hasher.finalize().to_hex().to_string()
    }

    /// Samples that are not of its own test part.
    pub(crate) fn explorable(&self) -> usize {
        self.own_test.unwrap_or(self.labels.len())
    }

    /// Pixels times channels of one image.
    pub(crate) fn image_len(&self) -> usize {
        self.shape.iter().map(|n| *n as usize).product()
    }
}
