//! What is wrong with a command line itself. It has the exit code that clap gives to what it refuses,
//! so that scripts can tell it from work that failed.

use std::error::Error;
use std::fmt;

use supernet::config::ConfigError;
use supernet::device::DeviceSpecError;
use supernet::experiment::ExperimentError;
use supernet::plugin::{BuildError, ConfigError as SettingError};
use supernet::retrain::RetrainError;
use supernet::space::SpaceError;

/// The exit code.
pub(crate) const CODE: u8 = 2;

/// An option with a value that it does not take.
#[derive(Debug, PartialEq)]
pub(crate) struct Misuse(pub(crate) String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Misuse {}

/// Whether a failure says that an option or a setting is wrong.
pub(crate) fn is_misuse(failure: &(dyn Error + 'static)) -> bool {
    let of_space = |error: &SpaceError| match error {
        // It is the data that lack something.
        SpaceError::Config(error) => !matches!(error, SettingError::NoFact { .. }),
        SpaceError::Build(error) => matches!(error, BuildError::Refused(_)),
        SpaceError::Fixed { .. } => true,
        _ => false,
    };
    let of_experiment = |error: &ExperimentError| match error {
        ExperimentError::Config(_) => true,
        ExperimentError::Space(error) => of_space(error),
        _ => false,
    };
    let of_retraining = |error: &RetrainError| match error {
        RetrainError::NoEpochs => true,
        RetrainError::Experiment(error) => of_experiment(error),
        _ => false,
    };
    let of_any = |error: &supernet::Error| match error {
        supernet::Error::Config(_)
        | supernet::Error::AloneSeeds { .. }
        | supernet::Error::NoTruth => true,
        supernet::Error::Space(error) => of_space(error),
        supernet::Error::Experiment(error) => of_experiment(error),
        supernet::Error::Retrain(error) => of_retraining(error),
        _ => false,
    };
    failure.is::<Misuse>()
        || failure.is::<ConfigError>()
        || failure.is::<DeviceSpecError>()
        || failure.downcast_ref().is_some_and(of_space)
        || failure.downcast_ref().is_some_and(of_experiment)
        || failure.downcast_ref().is_some_and(of_retraining)
        || failure.downcast_ref().is_some_and(of_any)
}
