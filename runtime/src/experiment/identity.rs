//! Whether the current space and data are those that a run started with.

use std::path::Path;

use supernet_data::{DataError, Dataset};
use supernet_plugin::RegistryError;

use super::{Experiment, ExperimentError};
use crate::config::Config;
use crate::space::{SpaceError, SpaceProvenance};
use crate::storage::RunFolder;

impl Experiment {
    /// The base name of its run folder: the space and the data.
    pub fn run_name(&self) -> String {
        // The name of a space may contain slashes, which a folder name cannot.
        let space = self
            .provenance()
            .space
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default();
        format!("{space}-{}", plain(self.data.name()))
    }
}

/// Returns the search if its space is that of the run that it continues. A run of an earlier
/// version does not record its space.
pub(crate) fn same_space(
    experiment: Result<Experiment, ExperimentError>,
    earlier: Option<SpaceProvenance>,
    run: &Path,
) -> Result<Experiment, ExperimentError> {
    let (Some(was), run) = (earlier, run.to_owned()) else {
        return experiment;
    };
    match experiment {
        Err(ExperimentError::Space(SpaceError::Registry(why @ RegistryError::Unknown { .. }))) => {
            Err(ExperimentError::SpaceGone {
                run,
                why: Box::new(why),
                remedy: was.remedy(),
            })
        }
        Ok(experiment) if experiment.provenance().hash != was.hash => {
            let (was, is) = (Box::new(was), Box::new(experiment.provenance().clone()));
            Err(ExperimentError::OtherSpace { run, was, is })
        }
        other => other,
    }
}

/// The data that a run goes on with: what the application hands over, otherwise what its settings
/// name.
pub(crate) fn data_of(
    run: &Path,
    config: &Config,
    given: Option<Dataset>,
) -> Result<Dataset, ExperimentError> {
    if let Some(data) = given {
        return Ok(data);
    }
    let named = Dataset::named_as(&config.search.dataset, &config.text.reading());
    named.map_err(|error| match error {
        DataError::Unknown { name } => ExperimentError::DataGone {
            run: run.to_owned(),
            data: name,
        },
        error => error.into(),
    })
}

/// Refuses data that differ from those of the run that the search continues. A run of an earlier
/// version does not record them.
pub(crate) fn same_data(experiment: &Experiment, run: &Path) -> Result<(), ExperimentError> {
    let Some(was) = RunFolder::profile_of(run)? else {
        return Ok(());
    };
    let is = experiment.profile();
    if is.fingerprint == was.fingerprint {
        return Ok(());
    }
    let (run, data) = (run.to_owned(), experiment.config().search.dataset.clone());
    Err(ExperimentError::OtherData {
        run,
        data,
        was: was.describe(),
        is: is.describe(),
    })
}

/// A name that is valid on every file system.
fn plain(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    name.chars().map(plain).collect()
}
