//! Architectures that the user names: a published one, that of a run, or one in the notation of
//! ENAS or DARTS.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use supernet::experiment::{Architecture, TransferError};
use supernet::plugin::{Facts, Setting};
use supernet::results::Candidate;
use supernet::tools::gallery::{self, Published};
use supernet_darts::{Genotype, RecurrentGenotype};
use supernet_enas::flat;

use crate::display::summary::command;
use crate::{Failure, settings};

/// An architecture with the settings of its space.
pub(crate) struct Notation {
    pub(crate) architecture: Architecture,
    /// Its title, if it was published.
    pub(crate) title: Option<String>,
    /// The facts of the data that it was published for.
    pub(crate) facts: Option<Facts>,
    /// The run that it was named by, whose settings it has.
    pub(crate) run: Option<PathBuf>,
    space: Option<String>,
    settings: Vec<String>,
}

/// How a user names an architecture, for the help of `--genome`.
pub(crate) const WAYS: &str = "The architecture: its numbers ('1 0 2'); a file with them, a \
    best/genome.json, or a genotype as the DARTS code prints it; RUN, for the best of a run, with its \
    settings; or RUN#3, for the third of its best/top.json";

impl Notation {
    /// The architecture that a user names in one of the [`WAYS`].
    pub(crate) fn named(given: &str, space: Option<&str>) -> Result<Self, Failure> {
        if let Some(notation) = Self::of_run(given)? {
            return Ok(notation);
        }
        let numbers = given.split([' ', ',']).filter(|number| !number.is_empty());
        match numbers.map(str::parse).collect::<Result<Vec<u32>, _>>() {
            Ok(genome) if !Path::new(given).exists() && !genome.is_empty() => {
                Ok(Self::plain(Architecture::Numbers(genome)))
            }
            _ => Self::read(Path::new(given), space),
        }
    }

    /// The architecture of RUN or of RUN#3; nothing if `given` is neither.
    pub(crate) fn of_run(given: &str) -> Result<Option<Self>, Failure> {
        let path = Path::new(given);
        if path.is_dir() {
            let architecture = Architecture::read(&path.join("best/genome.json"))?;
            let run = Some(path.to_owned());
            return Ok(Some(Self {
                run,
                ..Self::plain(architecture)
            }));
        }
        let entry = given.rsplit_once('#').filter(|_| !path.exists());
        let Some((place, number)) = entry.filter(|(place, _)| Path::new(place).exists()) else {
            return Ok(None);
        };
        let place = Path::new(place);
        let (file, run) = match place.is_dir() {
            true => (place.join("best/top.json"), Some(place.to_owned())),
            false => (place.to_owned(), None),
        };
        let unread =
            |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", file.display());
        let text = std::fs::read_to_string(&file).map_err(|error| unread(&error))?;
        let top: Vec<Candidate> = serde_json::from_str(&text).map_err(|error| unread(&error))?;
        let number = number.parse::<usize>().ok();
        let entry = number.and_then(|number| top.get(number.checked_sub(1)?));
        let entry = entry.ok_or_else(|| {
            format!(
                "`{given}` names no architecture: {} has {}, with the numbers from 1",
                file.display(),
                top.len()
            )
        })?;
        let architecture = Architecture::Numbers(entry.genome.clone());
        Ok(Some(Self {
            run,
            ..Self::plain(architecture)
        }))
    }

    /// An architecture without settings.
    fn plain(architecture: Architecture) -> Self {
        let space = architecture.space().map(str::to_owned);
        Self {
            architecture,
            title: None,
            facts: None,
            run: None,
            space,
            settings: Vec::new(),
        }
    }

    /// The settings of the run that it was named by, as the text of a file.
    pub(crate) fn config(&self) -> Result<Option<String>, Failure> {
        let run = self.run.as_deref();
        let config = run.map(|run| settings::read(&run.join("config.toml")));
        config.transpose()
    }

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
            run: None,
            space: Some(space),
            settings,
        })
    }

    /// Reads a file: a run's best/genome.json, a list of numbers, or a genotype. A genotype belongs
    /// to the space `enas-recurrent` if it is recurrent, otherwise to `cells`, or to `darts` if it
    /// fits and no other space is requested.
    fn read(file: &Path, space: Option<&str>) -> Result<Self, Failure> {
        let unread = match Architecture::read(file) {
            Ok(architecture) => return Ok(Self::plain(architecture)),
            Err(error @ TransferError::System { .. }) => return Err(error.into()),
            Err(error) => error,
        };
        let text = std::fs::read_to_string(file).map_err(|_| unread)?;
        if let Ok(genome) = flat::read(&text)
            && !genome.is_empty()
        {
            return Ok(Self::plain(Architecture::Numbers(genome)));
        }
        let carried = |space: &str, genome, settings: Vec<String>| {
            let space = Some(space.to_owned());
            Notation {
                space,
                settings,
                ..Self::plain(Architecture::Numbers(genome))
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

/// The error of an architecture that is not of a run's space. A run has one space with its settings,
/// so there are no others to give.
pub(crate) fn of_other_space(error: TransferError, run: &Path, plugins: &[PathBuf]) -> Failure {
    match error {
        TransferError::Numbers { given, asked, .. }
        | TransferError::Decisions { given, asked, .. } => format!(
            "the architecture has {given} decisions, and the space of this run has {asked}: name one of that space, as `{}` \
             lists them",
            command("top", run, plugins)
        )
        .into(),
        error => error.into(),
    }
}
