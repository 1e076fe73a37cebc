use std::collections::BTreeMap;

use serde::Deserialize;

use crate::nearest::hint;
use crate::{BuildError, Facts, Setting};

/// A published architecture, as a genome of a registered space.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// Its name on a command line, such as "darts-v2".
    pub name: String,
    /// The name that its authors use.
    pub title: String,
    /// The publication, and where the notation is found.
    pub source: String,
    /// The name of its space.
    pub space: String,
    /// The settings of the space with which the published figures were obtained.
    pub settings: BTreeMap<String, Setting>,
    /// The data that it was trained on.
    pub data: String,
    /// The facts about that data that the space needs.
    pub facts: Facts,
    /// The architecture in the notation of its authors.
    pub notation: String,
    /// The same as one choice per decision of the space.
    pub genome: Vec<u32>,
    /// The published figures.
    pub claim: Claim,
}

/// What a publication states about an architecture, to be compared with our counts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Claim {
    /// The error, with unit and conditions.
    pub error: String,
    /// The number of parameters.
    pub parameters: String,
    /// Why a count of the network that the space builds differs.
    pub differs: String,
}

/// The published architectures of a crate, registered with `inventory::submit!` like its spaces.
pub struct PublishedEntry {
    /// Reads them.
    pub read: fn() -> Result<Vec<Published>, BuildError>,
}

inventory::collect!(PublishedEntry);

/// An architecture in a crate's file, with the genome still in the notation of its authors.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    title: String,
    source: String,
    space: String,
    settings: BTreeMap<String, Setting>,
    data: String,
    #[serde(default)]
    image: Vec<u32>,
    #[serde(default)]
    classes: u32,
    #[serde(default)]
    vocabulary: Option<u32>,
    notation: String,
    claim: Claim,
}

impl Published {
    /// Reads a crate's file of architectures: a JSON list whose `notation` is converted by
    /// `genome`.
    ///
    /// # Errors
    /// If the file is not such a list, or a notation cannot be read.
    pub fn read(
        json: &str,
        genome: impl Fn(&str, &str) -> Result<Vec<u32>, String>,
    ) -> Result<Vec<Published>, BuildError> {
        let refuse = |why: String| {
            BuildError::refused(format!("the published architectures cannot be read: {why}"))
        };
        let written: Vec<Written> =
            serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
        let one = |written: Written| {
            let Written {
                name,
                title,
                source,
                space,
                settings,
                data,
                notation,
                claim,
                ..
            } = written;
            let genome =
                genome(&space, &notation).map_err(|why| refuse(format!("`{name}`: {why}")))?;
            let facts = match written.vocabulary {
                Some(tokens) => Facts::text(tokens),
                None => Facts::images(&written.image, written.classes),
            };
            Ok(Published {
                name,
                title,
                source,
                space,
                settings,
                data,
                facts,
                notation,
                genome,
                claim,
            })
        };
        written.into_iter().map(one).collect()
    }

    /// Finds a published architecture by name.
    ///
    /// # Errors
    /// If it does not exist; the message names the nearest.
    pub fn find(name: &str) -> Result<Published, BuildError> {
        let all = published()?;
        let names = || all.iter().map(|published| published.name.as_str());
        let unknown = || {
            let known = names().collect::<Vec<_>>().join(", ");
            BuildError::refused(format!(
                "there is no published architecture `{name}`{}. There are: {known}",
                hint(name, names())
            ))
        };
        all.iter()
            .find(|published| published.name == name)
            .cloned()
            .ok_or_else(unknown)
    }
}

/// All registered architectures, sorted by name.
///
/// # Errors
/// If a crate's file cannot be read.
pub fn published() -> Result<Vec<Published>, BuildError> {
    let mut all = Vec::new();
    for entry in inventory::iter::<PublishedEntry> {
        all.extend((entry.read)()?);
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}
