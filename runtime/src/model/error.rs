//! What can go wrong with a finished network.

use std::io;
use std::path::{Path, PathBuf};

use supernet_data::DataError;
use supernet_engine::device::DeviceError;
use supernet_engine::program::{OpError, ProgramError};
use supernet_engine::weights::ParameterTooLarge;
use supernet_plugin::GenomeError;

/// What can go wrong with a finished network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The genome is none of the space's.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// The network cannot run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// One of the space's own ops cannot run.
    #[error(transparent)]
    Op(#[from] OpError),
    /// A parameter that no page can hold.
    #[error(transparent)]
    Parameter(#[from] ParameterTooLarge),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The data failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A search that found nothing.
    #[error("the search found no architecture, so there is none to be frozen")]
    Nothing,
    /// A language model.
    #[error(
        "a network of text cannot be kept as a model yet; its perplexity is in `best/retrained.json`"
    )]
    Text,
    /// Weights that left the range of numbers.
    #[error(
        "the tensor `{name}` holds what is not a finite number: training diverged; lower the learning rate"
    )]
    NotFinite {
        /// Which tensor.
        name: String,
    },
    /// Parts that do not go together.
    #[error("the model does not fit together: {reason}")]
    Wrong {
        /// What does not fit.
        reason: String,
    },
    /// A network that takes more memory than is sensible.
    #[error("one image takes {} MiB of values in this network; at most {} are given to one", .bytes >> 20, .most >> 20)]
    TooLarge {
        /// Bytes needed.
        bytes: u64,
        /// Bytes that one image may take.
        most: u64,
    },
    /// Nothing is ever overwritten.
    #[error("{} exists already, and is not overwritten; save the model elsewhere, or move that away first", .path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot {what} {}: {source}", .path.display())]
    System {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing there.
    #[error(
        "there is no model at {}: a training from scratch leaves one in best/model of its run folder, unless it was stopped or \
         diverged, or learned text, of which no model is kept",
        .path.display()
    )]
    NoModel {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file that is not what was written.
    #[error("{} is no model, or is damaged: {reason}", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A file from the future.
    #[error("{} has the format {format}, and this version reads {reads}; read it with a later version of supernet", .path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// What is read.
        reads: u32,
    },
    /// Images that the network does not take.
    #[error("the network takes images of {height}x{width} with {channels} channels: {reason}", height = .image[0], width = .image[1], channels = .image[2])]
    Images {
        /// Height, width, channels.
        image: [u32; 3],
        /// What does not fit.
        reason: String,
    },
    /// A picture that cannot be read.
    #[error("{}: {reason}", .path.display())]
    Picture {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What does not fit the labels.
    #[error("cannot evaluate the model: {reason}")]
    Labels {
        /// What does not fit.
        reason: String,
    },
    /// A network that computes no numbers.
    #[error(
        "the network's answer to image {index} is not a number: its pixels are far from those that it was trained on"
    )]
    NoAnswer {
        /// Which image, from 0.
        index: usize,
    },
}

pub(super) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ModelError {
    let path = path.to_owned();
    move |source| ModelError::System { what, path, source }
}
