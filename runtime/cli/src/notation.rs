//! Architectures that the user names: a published one, that of a run, or one in the notation of
//! ENAS or DARTS.

use std::collections::BTreeMap;
use std::path::Path;

use supernet::experiment::{Architecture, TransferError};
use supernet::plugin::{Facts, Setting};
use supernet::tools::gallery::{self, Published};
use supernet_darts::{Genotype, RecurrentGenotype};
use supernet_enas::flat;

use crate::Failure;

/// An architecture with the settings of its space.
pub(crate) struct Notation {
    pub(crate) architecture: Architecture,
    /// Its title, if it was published.
    pub(crate) title: Option<String>,
    /// The facts of the data that it was published for.
    pub(crate) facts: Option<Facts>,
    space: Option<String>,
    settings: Vec<String>,
}

impl Notation {
    /// The published architecture with this name.
    pub(crate) fn published(name: &str) -> Result<Self, Failure> {
        let published = gallery::find(name)?;
        let settings = gallery::assignments(&published).split_off(1);
        let Published {
            title,
            facts,
            space,
            genome,
            ..
        } = published;
        let architecture = Architecture::Numbers(genome);
        Ok(Notation {
            architecture,
            title: Some(title),
            facts: Some(facts),
            space: Some(space),
            settings,
        })
    }

    /// Reads a file: a run's best/genome.json, a list of numbers, or a genotype. A genotype belongs
    /// to the space `enas-recurrent` if it is recurrent, otherwise to `cells`, or to `darts` if it
    /// fits and no other space is requested.
    pub(crate) fn read(file: &Path, space: Option<&str>) -> Result<Self, Failure> {
        let plain = |architecture: Architecture| {
            let space = architecture.space().map(str::to_owned);
            Notation {
                architecture,
                title: None,
                facts: None,
                space,
                settings: Vec::new(),
            }
        };
        let unread = match Architecture::read(file) {
            Ok(architecture) => return Ok(plain(architecture)),
            Err(error @ TransferError::System { .. }) => return Err(error.into()),
            Err(error) => error,
        };
        let text = std::fs::read_to_string(file).map_err(|_| unread)?;
        if let Ok(genome) = flat::read(&text)
            && !genome.is_empty()
        {
            return Ok(plain(Architecture::Numbers(genome)));
        }
        let carried = |space: &str, genome, settings: Vec<String>| {
            let (architecture, space) = (Architecture::Numbers(genome), Some(space.to_owned()));
            Notation {
                architecture,
                title: None,
                facts: None,
                space,
                settings,
            }
        };
        let keyed = |settings: BTreeMap<String, Setting>| {
            settings
                .into_iter()
                .map(|(key, value)| format!("space.{key}={value}"))
                .collect::<Vec<_>>()
        };
        if let Ok(recurrent) = text.parse::<RecurrentGenotype>() {
            return Ok(carried(
                "enas-recurrent",
                recurrent.genome()?,
                keyed(recurrent.settings()?),
            ));
        }
        let genotype: Genotype = text.parse().map_err(|error| {
            format!(
                "{} holds no architecture: neither a run's best/genome.json nor a list of numbers, and {error}",
                file.display()
            )
        })?;
        let last = vec!["space.form=final".to_owned()];
        let pairs = |genotype: &Genotype| {
            let settings = [last.clone(), keyed(genotype.settings())].concat();
            Ok::<_, Failure>(carried("cells", genotype.pairs()?, settings))
        };
        match (space, genotype.edges()) {
            (Some("cells"), _) | (None, Err(_)) => pairs(&genotype),
            (_, Ok(genome)) => Ok(carried("darts", genome, last)),
            (Some(_), Err(error)) => Err(error.into()),
        }
    }

    /// Its space, unless another one is requested, and its settings.
    pub(crate) fn assignments(&self, space: Option<&str>) -> Vec<String> {
        let space = space
            .or(self.space.as_deref())
            .map(|space| format!("search.space={space}"));
        space
            .into_iter()
            .chain(self.settings.iter().cloned())
            .collect()
    }
}
