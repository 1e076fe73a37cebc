//! A search on disk, such that it goes on with the same bits: `checkpoints/POSITION/`.
//!
//! A checkpoint is written into a folder of another name, synced, and renamed, so that it is there whole or not at all.
//! `b3sum --check blake3` says whether it still is what was written. The newest ones are kept; a damaged one is named,
//! and the one before it is used.

mod hashing;
mod tensors;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::run_folder::{FolderError, LogEnd, failed};
use crate::search::course::{Course, Limits, Saved};
use crate::search::{Search, SearchError};
use crate::weights::Weights;
use hashing::Hashing;

/// Changes when older versions cannot read what is written.
const FORMAT: u32 = 1;
const STATE: &str = "state.json";
const TENSORS: &str = "tensors.safetensors";
const CHECKSUMS: &str = "blake3";

/// Everything that the next step depends on.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) course: Saved,
    /// Training steps done: where the data cursor stands.
    pub(crate) trained: u32,
    pub(crate) weights: Arc<Weights>,
}

impl Snapshot {
    /// The beginning of a search.
    pub(crate) fn first(search: &Arc<Search>) -> Result<Self, SearchError> {
        let limits = Limits { room: 1, crowd: 1, piece: 1 };
        let course = Course::new(Arc::clone(search), limits)?.save()?;
        Ok(Self { course, trained: 0, weights: Arc::new(search.weights()) })
    }
}

/// `state.json`.
#[derive(Serialize, Deserialize)]
struct State {
    format: u32,
    /// Training steps done.
    trained: u32,
    /// Version of the shared weights.
    version: u64,
    /// Where `events.jsonl` ends.
    log: LogEnd,
    course: Saved,
}

/// A checkpoint that was read.
pub(crate) struct Restored {
    pub(crate) snapshot: Snapshot,
    pub(crate) log: LogEnd,
    /// Newer ones that are damaged, in words.
    pub(crate) damaged: Vec<String>,
}

impl Restored {
    /// As if the beginning of a search had been read.
    pub(crate) fn first(snapshot: Snapshot) -> Self {
        Self { snapshot, log: LogEnd::default(), damaged: Vec::new() }
    }
}

fn parent(run: &Path) -> PathBuf {
    run.join("checkpoints")
}

/// Sees to it that names in a folder are on disk. Elsewhere than on Unix a folder cannot be synced.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Writes `snapshot` into the run's folder and deletes all but the newest `keep`. Returns where it is. Each `writer` has a
/// place of its own to write to, so that one that was given up spoils nothing when it wakes.
///
/// # Errors
/// If the system refuses.
pub(crate) fn write(
    run: &Path,
    search: &Search,
    snapshot: &Snapshot,
    log: LogEnd,
    keep: u32,
    writer: u32,
) -> Result<PathBuf, FolderError> {
    let parent = parent(run);
    let place = parent.join(format!("{:09}", snapshot.course.position()));
    let beside = place.with_extension(format!("{writer}.part"));
    let write = || -> io::Result<()> {
        if place.exists() {
            // The same moment was saved before, and is good: what is damaged was moved away.
            return Ok(());
        }
        fs::create_dir_all(&parent)?;
        if beside.exists() {
            fs::remove_dir_all(&beside)?;
        }
        fs::create_dir(&beside)?;
        let version = snapshot.weights.version;
        let state = State { format: FORMAT, trained: snapshot.trained, version, log, course: snapshot.course.clone() };
        let sums = [
            put(&beside, STATE, &mut |file| Ok(serde_json::to_writer(file, &state)?))?,
            put(&beside, TENSORS, &mut |file| tensors::write(search.supergraph(), &snapshot.weights, file))?,
        ];
        put(&beside, CHECKSUMS, &mut |file| file.write_all(sums.concat().as_bytes()))?;
        sync(&beside)?;
        fs::rename(&beside, &place)?;
        sync(&parent)?;
        for (_, old) in all(&parent)?.into_iter().skip(keep as usize) {
            // Renamed first, so that a process that dies here leaves nothing that looks like a checkpoint.
            let going = old.with_extension("old.part");
            fs::rename(old, &going)?;
            fs::remove_dir_all(going)?;
        }
        Ok(())
    };
    write().map_err(failed("write the checkpoint", &place))?;
    Ok(place)
}

/// Writes a file and syncs it. Returns its line among the checksums.
fn put(folder: &Path, name: &str, content: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<String> {
    let mut file = Hashing::new(BufWriter::new(File::create(folder.join(name))?));
    content(&mut file)?;
    let (file, sum) = file.finish()?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(format!("{sum}  {name}\n"))
}

/// The checkpoints there are, newest first.
fn all(parent: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if let Some(position) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            all.push((position, entry.path()));
        }
    }
    all.sort_unstable_by(|a, b| b.cmp(a));
    Ok(all)
}

/// The newest good checkpoint in the run's folder, whose log has `logged` bytes; none if none was ever written.
///
/// # Errors
/// If there are checkpoints and all are damaged, or the system refuses.
pub(crate) fn newest(run: &Path, search: &Search, logged: u64) -> Result<Option<Restored>, FolderError> {
    let parent = parent(run);
    let there = match all(&parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(failed("read", &parent))?,
    };
    // What was not finished when its process died.
    for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "part") {
            fs::remove_dir_all(entry.path()).map_err(failed("delete", &entry.path()))?;
        }
    }
    let mut damaged = Vec::new();
    for (number, (_, place)) in there.iter().enumerate() {
        match read(place, search, logged) {
            Ok((snapshot, log)) => {
                // Out of the way of those to come, but not thrown away.
                for (_, place) in &there[..number] {
                    let aside = place.with_extension("damaged");
                    let moved = if aside.exists() { fs::remove_dir_all(&aside) } else { Ok(()) };
                    moved.and_then(|()| fs::rename(place, &aside)).map_err(failed("rename", place))?;
                }
                return Ok(Some(Restored { snapshot, log, damaged }));
            }
            Err(reason) => damaged.push(format!("the checkpoint {} is damaged: {reason}", place.display())),
        }
    }
    match damaged.is_empty() {
        true => Ok(None),
        false => Err(FolderError::AllDamaged { path: run.to_owned(), reasons: damaged.join("; ") }),
    }
}

fn read(place: &Path, search: &Search, logged: u64) -> Result<(Snapshot, LogEnd), String> {
    let get = |name: &str| fs::read(place.join(name)).map_err(|error| format!("{name}: {error}"));
    let sums = String::from_utf8(get(CHECKSUMS)?).map_err(|_| format!("{CHECKSUMS} is no text"))?;
    let checked = |name: &str| {
        let bytes = get(name)?;
        let line = format!("{}  {name}", blake3::hash(&bytes).to_hex());
        let holds = sums.lines().any(|sum| sum == line);
        if holds { Ok(bytes) } else { Err(format!("{name} is not what was written")) }
    };
    let state: State = serde_json::from_slice(&checked(STATE)?).map_err(|error| format!("{STATE}: {error}"))?;
    if state.format != FORMAT {
        return Err(format!("its format is {}, and this version reads {FORMAT}", state.format));
    }
    if state.log.bytes > logged {
        return Err(format!("it was written after {} bytes of events, and there are only {logged}", state.log.bytes));
    }
    let mut weights = search.weights();
    tensors::read(search.supergraph(), &mut weights, &checked(TENSORS)?).map_err(|why| format!("{TENSORS}: {why}"))?;
    weights.version = state.version;
    Ok((Snapshot { course: state.course, trained: state.trained, weights: Arc::new(weights) }, state.log))
}

#[cfg(test)]
mod tests;
