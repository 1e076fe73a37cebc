//! The folder of a laboratory: every finished piece is a file, written atomically.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use supernet_strategy::Genome;

use super::RankedNetwork;
use crate::config::{Config, SearchSettings};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::storage::{atomic, failed};

const IDENTITY: &str = "laboratory.json";

/// What the pieces of a folder have in common. Strategies and seeds are not among it, so that a
/// laboratory can be enlarged by them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// The space and its hash.
    pub(super) space: String,
    hash: String,
    /// The data set's name and the hash of its content.
    pub(super) data: String,
    fingerprint: String,
    /// The settings as TOML.
    settings: String,
    /// The networks that are ranked.
    networks: Vec<Genome>,
}

impl Identity {
    pub(super) fn new(
        experiment: &Experiment,
        config: &Config,
        networks: &[RankedNetwork],
    ) -> Result<Self, Error> {
        let (mut settings, usual) = (config.clone(), SearchSettings::default());
        // The names of space and data say less than the hashes do.
        settings.search.strategy = usual.strategy;
        settings.search.space = usual.space;
        settings.search.dataset = usual.dataset;
        Ok(Self {
            space: experiment.provenance().space.clone(),
            hash: experiment.provenance().hash.clone(),
            data: experiment.data().name().to_owned(),
            fingerprint: experiment.data().fingerprint(),
            settings: settings.to_toml()?,
            networks: networks
                .iter()
                .map(|network| network.genome.clone())
                .collect(),
        })
    }

    /// What differs from another laboratory, as the end of a sentence.
    fn difference(&self, other: &Self) -> Option<String> {
        if (&self.space, &self.hash) != (&other.space, &other.hash) {
            return Some(format!("ranks networks of the space `{}`", other.space));
        }
        if self.fingerprint != other.fingerprint {
            return Some(format!("has the data `{}`", other.data));
        }
        let mut lines = other.settings.lines().zip(self.settings.lines());
        if let Some((line, _)) = lines.find(|(a, b)| a != b) {
            return Some(format!("has other settings, such as `{line}`"));
        }
        if self.settings != other.settings {
            return Some("has other settings".to_owned());
        }
        let (count, is) = (other.networks.len(), self.networks.len());
        (self.networks != other.networks)
            .then(|| format!("ranks {count} other networks than the {is} that are asked for"))
    }
}

/// The folder of a laboratory.
#[derive(Debug)]
pub(super) struct LabFolder {
    path: PathBuf,
}

impl LabFolder {
    /// Creates the folder, or opens one with the same laboratory.
    pub(super) fn open(path: &Path, identity: &Identity) -> Result<Self, Error> {
        let folder = Self {
            path: path.to_owned(),
        };
        let other = match folder.read::<Identity>(IDENTITY)? {
            Some(before) => identity.difference(&before),
            None => {
                let empty = fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none());
                (!empty).then(|| "has other files and no laboratory.json".to_owned())
            }
        };
        if let Some(difference) = other {
            return Err(Error::OtherLaboratory {
                path: folder.path,
                difference,
            });
        }
        folder.write_json(IDENTITY, identity)?;
        Ok(folder)
    }

    /// Reads a JSON file, if it exists.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let place = self.path.join(name);
        let text = match fs::read_to_string(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text,
        };
        let value = text.and_then(|text| serde_json::from_str(&text).map_err(io::Error::from));
        Ok(Some(value.map_err(failed("read", &place))?))
    }

    /// Writes a value as JSON.
    pub(super) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string(value).map_err(io::Error::from);
        let text = text.map_err(failed("write", &self.path.join(name)))?;
        self.write(name, &(text + "\n"))
    }

    /// Writes a text.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let place = self.path.join(name);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(failed("make the folder", parent))?;
        }
        Ok(atomic::write(&place, text.as_bytes()).map_err(failed("write", &place))?)
    }
}
