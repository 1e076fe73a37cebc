//! Files that are written atomically.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file atomically: to a temporary path, synced, then renamed, and its folder synced.
pub(crate) fn write(place: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = temporary(place);
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    rename(&temporary, place)
}

/// Writes a new file of a folder that is not in its place yet, and syncs it.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Renames a file or a folder whose content is on disk, and flushes the new name to disk.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Flushes the entries of a folder to disk. On systems other than Unix a folder cannot be synced.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let here = Path::new(".");
    let folder = if folder.as_os_str().is_empty() {
        here
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}

fn temporary(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    place.with_file_name(name)
}
