//! The device of a command, and the spaces and ops that it knows.

use std::path::{Path, PathBuf};

use clap::Args;
use supernet::Model;
use supernet::device::DeviceSpec;
use supernet::device::Probe;
use supernet::space::{PluginError, Spaces};

use super::threads;
use crate::Failure;
use crate::misuse::Misuse;

/// Options of all commands that train or score networks.
#[derive(Debug, Args)]
pub(crate) struct On {
    /// Add the spaces and ops of a plugin: its library, whose code then runs here, or a folder with
    /// a space.json. A run or a model whose space came from one needs it again [repeatable]
    #[arg(long, value_name = "PATH")]
    pub(crate) plugin: Vec<PathBuf>,
    /// `auto` (a hardware GPU if there is one, else the CPU), `cpu`, `gpu` (any adapter, software
    /// included) or `gpu:NAME`
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: String,
    /// Threads of the CPU device [default: one per core]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) threads: Option<String>,
}

impl On {
    /// The linked spaces and those of the plugins.
    pub(crate) fn spaces(&self) -> Result<Spaces, PluginError> {
        spaces(&self.plugin)
    }

    /// The choice of a device.
    pub(crate) fn choice(&self) -> Result<DeviceSpec, Failure> {
        Ok(self.device.parse()?)
    }

    /// The number of threads; 0 is one per core.
    pub(crate) fn threads(&self) -> Result<usize, Misuse> {
        threads(self.threads.as_deref())
    }

    /// Opens the device.
    pub(crate) fn open(&self) -> Result<Box<dyn Probe>, Failure> {
        Ok(self.choice()?.open(self.threads()?)?)
    }

    /// Loads a model together with its device.
    pub(crate) fn model(&self, path: &Path) -> Result<(Model, Box<dyn Probe>), Failure> {
        let (spaces, device) = (self.spaces()?, self.open()?);
        let of_run = path.join("best/model");
        let path = if of_run.exists() { &of_run } else { path };
        Ok((Model::load_with(path, &spaces)?, device))
    }
}

/// The linked spaces and those of these plugins.
pub(crate) fn spaces(plugins: &[PathBuf]) -> Result<Spaces, PluginError> {
    let mut spaces = Spaces::linked();
    plugins.iter().try_for_each(|path| spaces.load(path))?;
    Ok(spaces)
}
