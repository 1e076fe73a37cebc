//! Errors of finished networks.

use std::io;
use std::path::{Path, PathBuf};

use supernet_data::DataError;
use supernet_engine::device::DeviceError;
use supernet_engine::program::{OpError, ProgramError};
use supernet_engine::weights::ParameterTooLarge;
use supernet_plugin::GenomeError;

/// An error of a finished network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The genome does not belong to the space.
    #[error(transparent)]
    Genome(#[from] GenomeError),
    /// The network cannot run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A custom op cannot run.
    #[error(transparent)]
    Op(#[from] OpError),
    /// A parameter does not fit a page.
    #[error(transparent)]
    Parameter(#[from] ParameterTooLarge),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The data are invalid.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The search found nothing.
    #[error("the search found no architecture, so there is none to be frozen")]
    Nothing,
    /// Models of language tasks cannot be saved.
    #[error(
        "a network of text cannot be kept as a model yet; its perplexity is in `best/retrained.json`"
    )]
    Text,
    /// A weight is not a finite number.
    #[error(
        "the tensor `{name}` contains a value that is not a finite number: training diverged; lower the learning rate"
    )]
    NotFinite {
        /// The tensor.
        name: String,
    },
    /// The parts of a model are inconsistent.
    #[error("the model does not fit together: {reason}")]
    Wrong {
        /// The inconsistency.
        reason: String,
    },
    /// The network needs more memory than is allowed.
    #[error("one image takes {} MiB of values in this network; at most {} are given to one", .bytes >> 20, .most >> 20)]
    TooLarge {
        /// Required bytes.
        bytes: u64,
        /// Maximum number of bytes for one image.
        most: u64,
    },
    /// The target exists: nothing is ever overwritten.
    #[error("{} exists already, and is not overwritten; save the model elsewhere, or move that away first", .path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The file system fails.
    #[error("cannot {what} {}: {source}", .path.display())]
    System {
        /// The attempted operation.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// There is no model.
    #[error(
        "there is no model at {}: a training from scratch leaves one in best/model of its run folder, unless it was stopped or \
         diverged, or learned text, of which no model is kept",
        .path.display()
    )]
    NoModel {
        /// The path.
        path: PathBuf,
    },
    /// A file differs from what was written.
    #[error("{} is not a model, or it is damaged: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The file has a newer format.
    #[error("{} has the format {format}, and this version reads formats up to {reads}; read it with a later version of supernet", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// The newest format that this version reads.
        reads: u32,
    },
    /// The images do not fit the network.
    #[error("the network takes images of {height}x{width} with {channels} channels: {reason}", height = .image[0], width = .image[1], channels = .image[2])]
    Images {
        /// Height, width, channels.
        image: [u32; 3],
        /// The reason.
        reason: String,
    },
    /// A picture file cannot be read.
    #[error("{}: {reason}", .path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The labels do not fit.
    #[error("cannot evaluate the model: {reason}")]
    Labels {
        /// The reason.
        reason: String,
    },
    /// The network's output is not a number.
    #[error(
        "the network's answer to image {index} is not a number: its pixels are far from those that it was trained on"
    )]
    NoAnswer {
        /// Index of the image, from 0.
        index: usize,
    },
}

pub(super) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ModelError {
    let path = path.to_owned();
    move |source| ModelError::System { what, path, source }
}
