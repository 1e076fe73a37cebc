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

/// Labelled images in memory, with the values of their source, or a text, in which every token is
/// labelled with the next. Clones share the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    pub(crate) name: String,
    /// The absolute path that it was read from.
    pub(crate) source: Option<PathBuf>,
    pub(crate) shape: [u32; 3],
    pub(crate) classes: u32,
    /// Empty, or one per class.
    pub(crate) class_names: Vec<String>,
    pub(crate) max_pixel: f32,
    pub(crate) pixels: Arc<Pixels>,
    pub(crate) labels: Arc<Vec<u32>>,
    /// Number of samples before the source's own test split, if it has one.
    pub(crate) own_test: Option<usize>,
    /// Replaces the images.
    pub(crate) text: Option<Arc<Text>>,
}

impl Dataset {
    /// A data set from arrays: images in NHWC order, one label each. If all pixels are from 0 to 1,
    /// the brightest have the value 1, otherwise 255; for other ranges there is
    /// [`Dataset::with_white`].
    ///
    /// # Errors
    /// If the lengths do not match the shape, a label is not below `classes`, or a pixel is not
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

    /// Like [`Dataset::new`], but stores bytes: a quarter of the memory.
    ///
    /// # Errors
    /// The same as for [`Dataset::new`].
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
        let max_pixel = pixels.white();
        let (pixels, labels) = (Arc::new(pixels), Arc::new(labels));
        let (name, source, class_names, own_test) = (name.to_owned(), None, Vec::new(), None);
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

    /// A text that the application provides. It is already split; the settings of `data` can
    /// shorten its training and validation split.
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

    /// Adds a test split: a search tests with it and never touches it before. Without this call a
    /// share of the samples is set aside.
    ///
    /// # Errors
    /// The same as for [`Dataset::new`], or if there is already a test split.
    pub fn with_test(self, images: Vec<f32>, labels: Vec<u32>) -> Result<Self, DataError> {
        self.tested(&Pixels::Floats(images), labels)
    }

    /// Like [`Dataset::with_test`], from bytes.
    ///
    /// # Errors
    /// The same as for [`Dataset::with_test`].
    pub fn with_test_bytes(self, images: Vec<u8>, labels: Vec<u32>) -> Result<Self, DataError> {
        self.tested(&Pixels::Bytes(images), labels)
    }

    pub(crate) fn tested(self, pixels: &Pixels, labels: Vec<u32>) -> Result<Self, DataError> {
        if self.own_test.is_some() || labels.is_empty() {
            let reason = if labels.is_empty() {
                "its test split is empty"
            } else {
                "it has a test split already"
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

    /// Sets the names of the classes, in the order of their labels.
    ///
    /// # Errors
    /// If the number of names differs from the number of classes.
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

    /// Renumbers the classes by name to match `names`. Does nothing if either side has no names.
    ///
    /// # Errors
    /// If `names` lacks one of the classes.
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

    /// Sets the value of the brightest pixels, so that a model trained on this data can be given
    /// pictures, whose brightest pixels have the value 255. The default is 1 if all pixels are from
    /// 0 to 1, otherwise 255.
    ///
    /// # Errors
    /// If the value is not positive and finite.
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

    /// Display name: for a path, its last component.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The argument with which [`Dataset::named`] reads it again: the absolute path if it was read
    /// from one, otherwise its name.
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

    /// Height, width and channels of every image; zeros for a text.
    pub fn shape(&self) -> [u32; 3] {
        self.shape
    }

    /// Number of classes: labels run from 0 to this − 1. For a text, the size of its vocabulary.
    pub fn classes(&self) -> u32 {
        self.classes
    }

    /// Names of the classes, in the order of their labels; empty if unknown.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Pixels of all images, NHWC; those of the source's own test split come last. Bytes are
    /// copied.
    pub fn images(&self) -> Cow<'_, [f32]> {
        self.pixels.floats()
    }

    /// Value of the brightest pixels.
    pub fn max_pixel(&self) -> f32 {
        self.max_pixel
    }

    /// One label per image.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Number of samples in the source's own test split; 0 if it has none.
    pub fn own_test(&self) -> usize {
        self.labels.len() - self.explorable()
    }

    /// The facts that a space may ask about the data.
    pub fn facts(&self) -> Facts {
        self.text.as_ref().map_or_else(
            || Facts::images(&self.shape, self.classes),
            |text| text.facts(),
        )
    }

    /// The BLAKE3 hash of everything that a search sees of the data: shape, classes, pixels,
    /// labels, and where the source's own test split begins. Names are not included.
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

    /// Number of samples outside the source's own test split.
    pub(crate) fn explorable(&self) -> usize {
        self.own_test.unwrap_or(self.labels.len())
    }

    /// Pixels times channels of one image.
    pub(crate) fn image_len(&self) -> usize {
        self.shape.iter().map(|n| *n as usize).product()
    }
}
