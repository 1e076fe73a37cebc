//! The files of a folder, looked up by name.

use std::fs;
use std::path::PathBuf;

use crate::DataError;

/// A folder and its entries, sorted by name; hidden files are left out.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) files: Vec<Entry>,
    pub(crate) folders: Vec<Entry>,
}

/// A file or folder.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
}

impl Folder {
    pub(crate) fn list(path: PathBuf) -> Result<Self, DataError> {
        let system = |source| DataError::System {
            path: path.clone(),
            source,
        };
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&path).map_err(system)? {
            let path = entry.map_err(system)?.path();
            let Some(name) = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
            else {
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let list = if path.is_dir() {
                &mut folders
            } else {
                &mut files
            };
            list.push(Entry { path, name });
        }
        for list in [&mut files, &mut folders] {
            list.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(Self {
            path,
            files,
            folders,
        })
    }

    /// The lines of a file of names, if it exists and has `count` lines.
    pub(super) fn names(&self, file: &str, count: u32) -> Vec<String> {
        let text = fs::read_to_string(self.path.join(file)).unwrap_or_default();
        let names: Vec<String> = text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .map(String::from)
            .collect();
        if names.len() == count as usize {
            names
        } else {
            Vec::new()
        }
    }

    /// The error that no format is recognised.
    pub(super) fn nothing(&self) -> DataError {
        DataError::Layout {
            folder: self.path.clone(),
            reason: self.holds(),
        }
    }

    /// The contents of the folder, for error messages.
    pub(crate) fn holds(&self) -> String {
        let list = |entries: &[Entry], kind: &str| -> String {
            let names: Vec<&str> = entries
                .iter()
                .take(3)
                .map(|entry| entry.name.as_str())
                .collect();
            let more = if entries.len() > 3 { ", ..." } else { "" };
            if names.is_empty() {
                format!("no {kind}")
            } else {
                format!("the {kind} {}{more}", names.join(", "))
            }
        };
        format!(
            "it holds {} and {}",
            list(&self.files, "files"),
            list(&self.folders, "folders")
        )
    }
}

impl Entry {
    /// Whether the name says that it belongs to a test split.
    pub(super) fn is_test(&self) -> bool {
        self.says("test") || self.says("t10k")
    }

    /// Whether the name contains this, ignoring case.
    pub(super) fn says(&self, word: &str) -> bool {
        self.name.to_lowercase().contains(word)
    }

    /// Whether the name ends with this, ignoring case.
    pub(super) fn ends(&self, end: &str) -> bool {
        self.name.to_lowercase().ends_with(end)
    }
}
