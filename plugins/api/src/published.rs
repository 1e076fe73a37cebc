use std::collections::BTreeMap;

use serde::Deserialize;

use crate::nearest::hint;
use crate::{BuildError, Facts, Setting};

/// An architecture that somebody published, as a genome of a registered space.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// What it is called on a command line: "darts-v2".
    pub name: String,
    /// What its authors call it.
    pub title: String,
    /// Where it was published, and where its notation stands.
    pub source: String,
    /// Its space.
    pub space: String,
    /// The space's settings with which it was trained for the figures.
    pub settings: BTreeMap<String, Setting>,
    /// What it was trained on.
    pub data: String,
    /// What a space asks about that data.
    pub facts: Facts,
    /// In the notation of its authors.
    pub notation: String,
    /// The same as a choice for each decision of the space.
    pub genome: Vec<u32>,
    /// What was said about it.
    pub claim: Claim,
}

/// What a publication says about an architecture, beside which a count of one's own can be held.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Claim {
    /// Its error, with unit and conditions.
    pub error: String,
    /// Its parameters.
    pub parameters: String,
    /// Why a count of the network that the space builds is another one.
    pub differs: String,
}

/// A crate's published architectures. It registers them with `inventory::submit!`, like its spaces.
pub struct PublishedEntry {
    /// Reads them.
    pub read: fn() -> Result<Vec<Published>, BuildError>,
}

inventory::collect!(PublishedEntry);

/// An architecture in a crate's file of them, with the genome still in its authors' notation.
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
    /// The architectures in a crate's file: a JSON list, whose `notation` is what `genome` makes
    /// numbers of.
    ///
    /// # Errors
    /// If the file is none, or a notation cannot be read.
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

    /// The published architecture of a name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
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

/// Every registered architecture, by name.
///
/// # Errors
/// If a crate's file of them cannot be read.
pub fn published() -> Result<Vec<Published>, BuildError> {
    let mut all = Vec::new();
    for entry in inventory::iter::<PublishedEntry> {
        all.extend((entry.read)()?);
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}
