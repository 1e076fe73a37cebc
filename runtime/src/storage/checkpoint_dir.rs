//! Numbered folders of files that are there whole or not at all, with checksums.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::atomic::{rename, sync_folder};
use super::error::{StorageError, failed};
use super::hashing::Hashing;

const CHECKSUMS: &str = "blake3";
/// What the next step depends on, but for the weights.
pub(crate) const STATE: &str = "state.json";
/// The weights.
pub(crate) const TENSORS: &str = "tensors.safetensors";

/// Writes the content of a file.
pub(crate) type Content<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

/// Writes `files` into `parent/NUMBER`: beside its place, synced, then renamed. Then all but the
/// newest `keep` are deleted. Each `writer` has a place of its own to write to, so that one that
/// was given up spoils nothing when it wakes. If the folder is there already, nothing is done.
pub(crate) fn write(
    parent: &Path,
    number: u64,
    writer: u32,
    keep: u32,
    files: &mut [(&str, Content<'_>)],
) -> io::Result<()> {
    let place = place(parent, number);
    if place.exists() {
        // The same moment was saved before, and is good: what is damaged was moved away.
        return Ok(());
    }
    let beside = place.with_extension(format!("{writer}.part"));
    fs::create_dir_all(parent)?;
    if beside.exists() {
        fs::remove_dir_all(&beside)?;
    }
    fs::create_dir(&beside)?;
    let mut sums = String::new();
    for (name, content) in files {
        sums += &put(&beside, name, content)?;
    }
    put(&beside, CHECKSUMS, &mut |file| {
        file.write_all(sums.as_bytes())
    })?;
    sync_folder(&beside)?;
    rename(&beside, &place)?;
    all(parent)?
        .into_iter()
        .skip(keep as usize)
        .try_for_each(|(_, old)| remove(&old))
}

/// Where the folder of a number is.
pub(crate) fn place(parent: &Path, number: u64) -> PathBuf {
    parent.join(format!("{number:09}"))
}

/// A file as it was written.
///
/// # Errors
/// In words, if it cannot be read or is not what was written.
pub(crate) fn read(place: &Path, name: &str) -> Result<Vec<u8>, String> {
    let get = |name: &str| fs::read(place.join(name)).map_err(|error| format!("{name}: {error}"));
    let sums = String::from_utf8(get(CHECKSUMS)?).map_err(|_| format!("{CHECKSUMS} is no text"))?;
    let bytes = get(name)?;
    let line = format!("{}  {name}", blake3::hash(&bytes).to_hex());
    if sums.lines().any(|sum| sum == line) {
        Ok(bytes)
    } else {
        Err(format!("{name} is not what was written"))
    }
}

/// Removes a folder. It is renamed first, so that a process that dies here leaves nothing that
/// looks whole.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    let going = folder.with_extension("old.part");
    fs::rename(folder, &going)?;
    fs::remove_dir_all(going)
}

/// The folders there are, newest first; none if there is no `parent`.
pub(crate) fn all(parent: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Some(position) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        {
            all.push((position, entry.path()));
        }
    }
    all.sort_unstable_by(|a, b| b.cmp(a));
    Ok(all)
}

/// Removes what was not finished when its process died.
pub(crate) fn sweep(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "part")
        {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Writes a file and syncs it. Returns its line among the checksums.
fn put(folder: &Path, name: &str, content: Content<'_>) -> io::Result<String> {
    let mut file = Hashing::new(BufWriter::new(File::create(folder.join(name))?));
    content(&mut file)?;
    let (file, sum) = file.finish()?;
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    Ok(format!("{sum}  {name}\n"))
}

/// Renames a damaged checkpoint, so that it is in nobody's way and not thrown away.
pub(crate) fn set_aside(place: &Path) -> Result<(), StorageError> {
    let aside = place.with_extension("damaged");
    let moved = if aside.exists() {
        fs::remove_dir_all(&aside)
    } else {
        Ok(())
    };
    moved
        .and_then(|()| fs::rename(place, &aside))
        .map_err(failed("rename", place))
}
