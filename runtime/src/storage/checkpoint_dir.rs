//! Numbered folders of files with checksums, written atomically.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::atomic::{rename, sync_folder};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::{StorageError, failed};
use super::hashing::Hashing;

const CHECKSUMS: &str = "blake3";
/// The state that the next step depends on, without the weights.
pub(crate) const STATE: &str = "state.json";
/// The weights.
pub(crate) const TENSORS: &str = "tensors.safetensors";

/// Writes the content of a file.
pub(crate) type Content<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

/// Writes `files` into `parent/NUMBER`: to a temporary path, synced, then renamed. Then deletes all
/// but the newest `keep`. Each `writer` has its own temporary path, so that a writer that was
/// abandoned does no harm if it resumes. If the folder exists already, nothing is done.
pub(crate) fn write(
    parent: &Path,
    number: u64,
    writer: u32,
    keep: u32,
    files: &mut [(&str, Content<'_>)],
) -> io::Result<()> {
    let place = place(parent, number);
    if place.exists() {
        // The same moment was saved before, and is intact: a damaged one was moved away.
        return Ok(());
    }
    let temporary = place.with_extension(format!("{writer}.part"));
    fs::create_dir_all(parent)?;
    if temporary.exists() {
        fs::remove_dir_all(&temporary)?;
    }
    fs::create_dir(&temporary)?;
    let mut sums = String::new();
    for (name, content) in files {
        sums += &put(&temporary, name, content)?;
    }
    put(&temporary, CHECKSUMS, &mut |file| {
        file.write_all(sums.as_bytes())
    })?;
    sync_folder(&temporary)?;
    rename(&temporary, &place)?;
    all(parent)?
        .into_iter()
        .skip(keep as usize)
        .try_for_each(|(_, old)| remove(&old))
}

/// The folder of a number.
pub(crate) fn place(parent: &Path, number: u64) -> PathBuf {
    parent.join(format!("{number:09}"))
}

/// Reads a file and verifies it.
///
/// # Errors
/// A message, if the file cannot be read or differs from what was written.
pub(crate) fn read(place: &Path, name: &str) -> Result<Vec<u8>, String> {
    let get = |name: &str| fs::read(place.join(name)).map_err(|error| format!("{name}: {error}"));
    let sums =
        String::from_utf8(get(CHECKSUMS)?).map_err(|_| format!("{CHECKSUMS} is not text"))?;
    let bytes = get(name)?;
    let line = format!("{}  {name}", blake3::hash(&bytes).to_hex());
    if sums.lines().any(|sum| sum == line) {
        Ok(bytes)
    } else {
        Err(format!("{name} is not what was written"))
    }
}

/// Reads [`STATE`], whose format must be from 1 to `newest`.
///
/// # Errors
/// A message, as for [`read`], or if the format is newer or the content is not a `T`.
pub(crate) fn read_state<T: DeserializeOwned>(place: &Path, newest: u32) -> Result<T, String> {
    /// What every format contains.
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }

    let bytes = read(place, STATE)?;
    let wrong = |error: serde_json::Error| format!("{STATE}: {error}");
    let Version { format } = serde_json::from_slice(&bytes).map_err(wrong)?;
    if !(1..=newest).contains(&format) {
        return Err(format!(
            "its format is {format}, and this version reads formats up to {newest}"
        ));
    }
    serde_json::from_slice(&bytes).map_err(wrong)
}

/// Removes a folder. It is renamed first, so that a crash here leaves nothing that looks complete.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    let going = folder.with_extension("old.part");
    fs::rename(folder, &going)?;
    fs::remove_dir_all(going)
}

/// All existing folders, newest first; none if `parent` does not exist.
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

/// Removes leftovers of processes that died.
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

/// Writes a file and syncs it. Returns its line in the list of checksums.
fn put(folder: &Path, name: &str, content: Content<'_>) -> io::Result<String> {
    let mut file = Hashing::new(BufWriter::new(File::create(folder.join(name))?));
    content(&mut file)?;
    let (file, sum) = file.finish()?;
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    Ok(format!("{sum}  {name}\n"))
}

/// Renames a damaged checkpoint, so that it is out of the way but not deleted.
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
