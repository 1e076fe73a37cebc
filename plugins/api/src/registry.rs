use std::collections::BTreeMap;

use crate::nearest::hint;
use crate::{BuildError, Config, ConfigError, Facts, Field, SearchSpace, Setting};

/// A search space registered under a name. A crate registers its spaces with `inventory::submit!`.
/// An application that links the crate has them, provided that it mentions the crate (`use
/// my_spaces as _;`), since crates that are never mentioned are not linked.
///
/// ```
/// use supernet_plugin::{Fact, Field, Space, SpaceEntry, inventory};
///
/// inventory::submit! {
///     SpaceEntry {
///         name: "mlp",
///         summary: "two layers of a width to be found",
///         fields: || vec![
///             Field::int("largest", 64, 8..=1024, "the largest width").multiple_of(8),
///             Field::from_data("shape", Fact::Shape, "a row of the data"),
///             Field::from_data("classes", Fact::Classes, "the data's classes"),
///         ],
///         build: |config| {
///             let s = Space::new("mlp");
///             let largest = config.size("largest")?;
///             let width = s.value("width", &[largest / 4, largest / 2, largest]);
///             let x = s.input("row", &config.sizes("shape")?);
///             let x = x.linear(s.extent(width), true).relu();
///             s.output(x.linear(config.size("classes")?, true));
///             s.finish()
///         },
///     }
/// }
/// # let entry = supernet_plugin::find("mlp").unwrap();
/// # let facts = supernet_plugin::Facts::images(&[10], 2);
/// # let space = entry.space(&entry.configure(&Default::default(), &facts).unwrap()).unwrap();
/// # assert_eq!(supernet_plugin::Supergraph::new(space).unwrap().genome_len(), 1);
/// ```
pub struct SpaceEntry {
    /// The name of the space.
    pub name: &'static str,
    /// A one-line description for people.
    pub summary: &'static str,
    /// The settings of the space.
    pub fields: fn() -> Vec<Field>,
    /// Builds the space from a config that fits its fields.
    pub build: fn(&Config) -> Result<SearchSpace, BuildError>,
}

inventory::collect!(SpaceEntry);

/// Why a space, or the CPU function of an op, was not found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The name is not registered.
    #[error("there is no search space `{name}`{hint}. There are: {known}.")]
    Unknown {
        /// The name.
        name: String,
        /// The nearest name, as a clause for the message.
        hint: String,
        /// The names that exist.
        known: String,
    },
    /// Two crates registered the name.
    #[error("two search spaces are registered as `{name}`; rename one of them.")]
    Twice {
        /// The name.
        name: String,
    },
    /// Two crates registered a CPU function for the same op.
    #[error("two functions are registered for the op `{name}` on the CPU; rename one of the ops.")]
    OpTwice {
        /// The op.
        name: String,
    },
}

/// All registered spaces, sorted by name.
pub fn spaces() -> Vec<&'static SpaceEntry> {
    let mut entries: Vec<&SpaceEntry> = inventory::iter::<SpaceEntry>.into_iter().collect();
    entries.sort_by_key(|entry| entry.name);
    entries
}

/// Finds a space by name.
pub fn find(name: &str) -> Result<&'static SpaceEntry, RegistryError> {
    let entries = spaces();
    let mut found = entries.iter().filter(|entry| entry.name == name);
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry),
        (Some(_), Some(_)) => Err(RegistryError::Twice { name: name.into() }),
        (None, _) => {
            let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
            let known = if names.is_empty() {
                "none; a program has the spaces of the crates that it uses, as after `use supernet_enas as _;`"
                    .into()
            } else {
                names.join(", ")
            };
            Err(RegistryError::Unknown {
                name: name.into(),
                hint: hint(name, names),
                known,
            })
        }
    }
}

impl SpaceEntry {
    /// The config from what the user gave and from the facts about the data set.
    pub fn configure(
        &self,
        given: &BTreeMap<String, Setting>,
        facts: &Facts,
    ) -> Result<Config, ConfigError> {
        Config::resolve(self.name, &(self.fields)(), given, facts)
    }

    /// Builds the space and records its config and summary in it.
    pub fn space(&self, config: &Config) -> Result<SearchSpace, BuildError> {
        let mut space = (self.build)(config)?;
        space.config = config.values().clone();
        for field in (self.fields)().iter().filter(|field| field.omit_default) {
            if space.config.get(&field.key) == Some(&field.default) {
                space.config.remove(&field.key);
            }
        }
        if space.summary.is_empty() {
            space.summary = self.summary.into();
        }
        Ok(space)
    }
}
