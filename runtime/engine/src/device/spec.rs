//! The choice of a device on the command line and in settings.

use std::fmt;
use std::str::FromStr;

use super::cpu::Cpu;
use super::{DeviceError, Probe};

/// A choice of device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceSpec {
    /// `auto`: a hardware GPU if there is one, otherwise the CPU. A software adapter is slower than
    /// the CPU device.
    #[default]
    Auto,
    /// `cpu`.
    Cpu,
    /// `gpu`: the best adapter, including software adapters; `gpu:NAME`: the best one whose name
    /// contains NAME.
    Gpu(Option<String>),
}

/// A string that names no device.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{given}` is not a device; write auto, cpu, gpu, or gpu:NAME with part of the name that `supernet devices` shows"
)]
pub struct DeviceSpecError {
    given: String,
}

impl FromStr for DeviceSpec {
    type Err = DeviceSpecError;

    fn from_str(given: &str) -> Result<Self, DeviceSpecError> {
        match given.split_once(':') {
            None if given == "auto" => Ok(Self::Auto),
            None if given == "cpu" => Ok(Self::Cpu),
            None if given == "gpu" => Ok(Self::Gpu(None)),
            Some(("gpu", name)) if !name.is_empty() => Ok(Self::Gpu(Some(name.to_owned()))),
            _ => Err(DeviceSpecError {
                given: given.to_owned(),
            }),
        }
    }
}

impl fmt::Display for DeviceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu(None) => f.write_str("gpu"),
            Self::Gpu(Some(name)) => write!(f, "gpu:{name}"),
        }
    }
}

impl DeviceSpec {
    /// Resolves `auto` on this machine; any other choice is returned as it is.
    #[must_use]
    pub fn resolved(self) -> Self {
        match self {
            Self::Auto => first_hardware().map_or(Self::Cpu, |name| Self::Gpu(Some(name))),
            other => other,
        }
    }

    /// Opens the device; `threads` applies to the CPU device, 0 for one per core.
    ///
    /// # Errors
    /// If there is no such GPU, this build has no GPU support, or the system cannot start the
    /// threads.
    pub fn open(&self, threads: usize) -> Result<Box<dyn Probe>, DeviceError> {
        match self.clone().resolved() {
            Self::Gpu(name) => gpu(name.as_deref()),
            _ => Ok(Box::new(Cpu::new(threads)?)),
        }
    }
}

/// The name of the best hardware GPU.
#[cfg(feature = "gpu")]
fn first_hardware() -> Option<String> {
    super::gpu::first_hardware().map(|adapter| adapter.info.name)
}

#[cfg(feature = "gpu")]
fn gpu(name: Option<&str>) -> Result<Box<dyn Probe>, DeviceError> {
    Ok(Box::new(super::gpu::Gpu::new(&super::gpu::adapter(name)?)?))
}

#[cfg(not(feature = "gpu"))]
fn first_hardware() -> Option<String> {
    None
}

#[cfg(not(feature = "gpu"))]
fn gpu(_: Option<&str>) -> Result<Box<dyn Probe>, DeviceError> {
    Err(DeviceError::NotBuilt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_as_they_are_shown() {
        for name in ["auto", "cpu", "gpu", "gpu:Radeon RX 7900", "gpu:a:b"] {
            assert_eq!(name.parse::<DeviceSpec>().unwrap().to_string(), name);
        }
        for wrong in ["", "GPU", "gpu:", "cuda", "cpu:0"] {
            let said = wrong.parse::<DeviceSpec>().unwrap_err().to_string();
            assert!(
                said.contains(&format!("`{wrong}` is not a device")),
                "{said}"
            );
        }
    }
}
