//! Data sets by name: built-in ones, and whatever lies at a path.

use std::path::Path;

use super::text::{Text, TextSettings};
use super::{DataError, Dataset, digits, fashion};

impl Dataset {
    /// The data set that `--data NAME` selects: a built-in one by name, otherwise the file or
    /// folder at that path.
    ///
    /// # Errors
    /// If there is neither, or the path cannot be read.
    pub fn named(name: &str) -> Result<Self, DataError> {
        match name {
            "digits" => digits::load(),
            "fashion" => fashion::load(),
            _ if !name.is_empty() && Path::new(name).exists() => Self::read(Path::new(name)),
            _ => Err(DataError::Unknown {
                name: name.to_owned(),
            }),
        }
    }

    /// Like [`Dataset::named`], but also accepts text, read with `settings`.
    ///
    /// # Errors
    /// The same as for [`Dataset::named`].
    pub fn named_as(name: &str, settings: &TextSettings) -> Result<Self, DataError> {
        let path = Path::new(name);
        if Self::is_built_in(name) || !is_text(path) {
            return Self::named(name);
        }
        let system = |source| DataError::System {
            path: path.to_owned(),
            source,
        };
        let place = path.canonicalize().map_err(system)?;
        let called = place.file_stem().map_or_else(
            || "text".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        );
        let text = Text::read(&place, settings)?;
        Ok(Self {
            source: Some(place),
            ..Self::from_text(&called, text)
        })
    }

    /// Whether `name` is a built-in data set, which needs no files.
    pub fn is_built_in(name: &str) -> bool {
        ["digits", "fashion"].contains(&name)
    }
}

/// Whether a path holds text: a text file, or a folder that has one and nothing that images are
/// read from. Folders of images may also contain text files with class names or notes.
fn is_text(path: &Path) -> bool {
    let kind = |path: &Path, kinds: &[&str]| {
        path.extension()
            .is_some_and(|kind| kinds.iter().any(|known| kind == *known))
    };
    let text = |path: &Path| path.is_file() && kind(path, &["txt", "tokens", "text"]);
    let images = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_dir() && !name.starts_with('.')
            || name.ends_with("ubyte")
            || kind(path, &["bin", "npy", "gz", "png", "jpg"])
    };
    let Ok(list) = std::fs::read_dir(path) else {
        return text(path);
    };
    let inside: Vec<_> = list.flatten().map(|entry| entry.path()).collect();
    inside.iter().any(|path| text(path)) && !inside.iter().any(|path| images(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_text_unless_images_are_read_from_it() {
        let place = std::env::temp_dir().join(format!("supernet-is-text-{}", std::process::id()));
        let told = |names: &[&str]| {
            let _ = std::fs::remove_dir_all(&place);
            std::fs::create_dir_all(&place).unwrap();
            names.iter().for_each(|name| match name.strip_suffix('/') {
                Some(folder) => std::fs::create_dir(place.join(folder)).unwrap(),
                None => std::fs::write(place.join(name), "words").unwrap(),
            });
            is_text(&place)
        };
        assert!(told(&[
            "ptb.train.txt",
            "ptb.valid.txt",
            "ptb.test.txt",
            "README"
        ]));
        assert!(told(&["train.tokens", ".cache/"]));
        for images in [
            "data_batch_1.bin",
            "train.npy",
            "train-images-idx3-ubyte",
            "train-images-idx3-ubyte.gz",
            "cat/",
        ] {
            assert!(!told(&[images, "batches.meta.txt"]), "{images}");
        }
        assert!(!told(&["README"]));
        std::fs::write(place.join("words.txt"), "words").unwrap();
        assert!(
            is_text(&place.join("words.txt"))
                && !is_text(&place.join("README"))
                && !is_text(&place.join("none.txt"))
        );
        std::fs::remove_dir_all(&place).unwrap();
    }
}
