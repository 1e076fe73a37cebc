//! Which random stream serves what, in one place: two purposes must never share one.

/// Divides a data set.
pub(crate) const SPLIT: u64 = 1;
/// Shuffles the training part; the epoch is added in the high half.
pub(crate) const SHUFFLE_TRAIN: u64 = 2;
/// Shuffles the validation part for rewards; the pass is added in the high half.
pub(crate) const SHUFFLE_VALIDATION: u64 = 3;
/// Starts a parameter, by its name.
pub(crate) const INITIALISE: u64 = 4;
/// Samples what a strategy trains and scores.
pub(crate) const STRATEGY: u64 = 5;
/// Starts the controller's parameters.
pub(crate) const CONTROLLER: u64 = 6;
/// Samples that never feed back into a search: candidates and reports; a purpose is added in the high half.
pub(crate) const REPORT: u64 = 7;
/// Changes training images; the step's number is added in the high half.
pub(crate) const AUGMENT: u64 = 16;

/// Purposes of [`REPORT`]: candidates, and both sides of the gain report.
pub(crate) const CANDIDATES: u64 = 1;
/// The policy's side.
pub(crate) const POLICY: u64 = 2;
/// The prior's side.
pub(crate) const PRIOR: u64 = 3;
/// What is usual under the prior.
pub(crate) const USUAL: u64 = 4;
/// The prior's side of a glimpse; its update is added.
pub(crate) const GLIMPSE: u64 = 1 << 31;

/// A stream's sub-stream for `name`, from all 64 bits of its hash.
pub(crate) fn named(stream: u64, name: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&stream.to_le_bytes()).update(name.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

/// A stream's `n`-th sub-stream.
pub(crate) const fn sub(stream: u64, n: u64) -> u64 {
    stream | n << 32
}
