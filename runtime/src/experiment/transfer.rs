//! Transfer of an architecture to another space: one with other settings, larger or smaller.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use supernet_plugin::{GenomeError, Supergraph};
use supernet_strategy::Genome;

/// An architecture in a file: `best/genome.json`, or a JSON list of integers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Architecture {
    /// A choice for each decision, by name.
    Named {
        /// The space that it comes from.
        space: String,
        /// The choices.
        decisions: Vec<LabelledChoice>,
    },
    /// A choice for each decision, in the order of the space.
    Numbers(Genome),
}

/// A decision with the chosen option.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct LabelledChoice {
    /// The decision.
    pub id: String,
    /// The index of the choice.
    pub value: u32,
    /// The label of the choice.
    pub label: String,
}

/// Why an architecture cannot be read, or does not fit a space.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The file does not exist or cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file contains something else.
    #[error(
        "{} holds no architecture: it must be a run's best/genome.json, or a JSON list of whole numbers, one for each \
         decision",
        .path.display()
    )]
    NoArchitecture {
        /// The file.
        path: PathBuf,
    },
    /// The number of values differs from the number of decisions.
    #[error(
        "the architecture has {given} numbers, and {space} has {asked} decisions: give the space that it is from (`--space NAME`) \
         and the settings that it was found with (`--set space.KEY=VALUE`, or `--config RUN/config.toml`)"
    )]
    Numbers {
        /// Number of values in the architecture.
        given: usize,
        /// The space with the settings that were changed, formatted.
        space: String,
        /// Number of decisions in the space.
        asked: usize,
    },
    /// The decisions differ.
    #[error(
        "the architecture has {given} decisions, and {space} has {asked}; the first that {which} is \
         `{first}`: {remedy}, or run a search in this space"
    )]
    Decisions {
        /// Number of decisions in the architecture.
        given: usize,
        /// The space with the settings that were changed, formatted.
        space: String,
        /// Number of decisions in the space.
        asked: usize,
        /// Which decision is named.
        which: &'static str,
        /// The decision.
        first: String,
        /// The remedy.
        remedy: String,
    },
    /// The space does not offer the choice.
    #[error("the architecture chooses `{label}` for `{decision}`, and {space} offers {offered}")]
    Label {
        /// The label of the choice.
        label: String,
        /// The decision.
        decision: String,
        /// The space with the settings that were changed, formatted.
        space: String,
        /// The offered choices.
        offered: String,
    },
    /// The constraints of the space forbid it.
    #[error(transparent)]
    Genome(#[from] GenomeError),
}

impl Architecture {
    /// Reads the architecture in a file.
    ///
    /// # Errors
    /// If the file cannot be read, or contains something else.
    pub fn read(path: &Path) -> Result<Self, TransferError> {
        let text = std::fs::read_to_string(path).map_err(|source| TransferError::System {
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_str(&text).map_err(|_| TransferError::NoArchitecture {
            path: path.to_owned(),
        })
    }

    /// The space that it comes from, if known.
    pub fn space(&self) -> Option<&str> {
        match self {
            Self::Named { space, .. } => Some(space),
            Self::Numbers(_) => None,
        }
    }

    /// The genome in `space`: every decision gets the choice with the same label. `changed` are the
    /// settings, as KEY=VALUE, that distinguish the space from the one in which the architecture
    /// was found.
    ///
    /// # Errors
    /// If the space has other decisions, offers other choices, or forbids this architecture.
    pub fn transfer_to(
        &self,
        space: &Supergraph,
        changed: &[String],
    ) -> Result<Genome, TransferError> {
        let (name, asked) = (&space.space().name, space.genome_len());
        let name = match changed {
            [] => format!("`{name}`"),
            _ => format!("`{name}` with {}", changed.join(", ")),
        };
        let genome = match self {
            Self::Numbers(genome) if genome.len() == asked => genome.clone(),
            Self::Numbers(genome) => {
                return Err(TransferError::Numbers {
                    given: genome.len(),
                    space: name,
                    asked,
                });
            }
            Self::Named { decisions, .. } => {
                let others = |which, first: &str| {
                    let key =
                        |setting: &String| setting.split('=').next().unwrap_or_default().to_owned();
                    let keys: Vec<_> = changed
                        .iter()
                        .map(|setting| format!("`space.{}`", key(setting)))
                        .collect();
                    let remedy = match keys.is_empty() {
                        true => {
                            "give the settings that it was found with (`--config RUN/config.toml`)"
                                .to_owned()
                        }
                        false => format!("keep {}", keys.join(", ")),
                    };
                    let (given, space) = (decisions.len(), name.clone());
                    TransferError::Decisions {
                        given,
                        space,
                        asked,
                        which,
                        first: first.to_owned(),
                        remedy,
                    }
                };
                let mut genome = Genome::new();
                for decision in &space.space().decisions {
                    let known = decisions.iter().find(|choice| choice.id == decision.id);
                    let known = known.ok_or_else(|| others("it does not answer", &decision.id))?;
                    let labels = (0..decision.kind.choices() as u32)
                        .map(|choice| decision.kind.label(choice));
                    let labels: Vec<String> = labels.map(Option::unwrap_or_default).collect();
                    let value = labels.iter().position(|label| *label == known.label);
                    genome.push(value.map(|value| value as u32).ok_or_else(|| {
                        TransferError::Label {
                            label: known.label.clone(),
                            decision: decision.id.clone(),
                            space: name.clone(),
                            offered: labels
                                .iter()
                                .map(|label| format!("`{label}`"))
                                .collect::<Vec<_>>()
                                .join(", "),
                        }
                    })?);
                }
                let asks = |choice: &&LabelledChoice| {
                    space
                        .space()
                        .decisions
                        .iter()
                        .all(|decision| decision.id != choice.id)
                };
                if let Some(choice) = decisions.iter().find(asks) {
                    return Err(others("it answers, and the space does not ask", &choice.id));
                }
                genome
            }
        };
        space.check(&genome)?;
        Ok(genome)
    }
}

#[cfg(test)]
mod tests {
    use supernet_enas as _;

    use super::*;
    use crate::config::Config;
    use crate::experiment::Experiment;

    fn space(settings: &[&str]) -> Supergraph {
        Experiment::new(Config::read("", settings).unwrap())
            .unwrap()
            .supergraph()
            .clone()
    }

    fn named(space: &Supergraph, genome: &[u32]) -> Architecture {
        let choice = |(decision, value): (&supernet_plugin::Decision, &u32)| LabelledChoice {
            id: decision.id.clone(),
            value: *value,
            label: decision.kind.label(*value).unwrap(),
        };
        let decisions = space
            .space()
            .decisions
            .iter()
            .zip(genome)
            .map(choice)
            .collect();
        Architecture::Named {
            space: space.space().name.clone(),
            decisions,
        }
    }

    #[test]
    fn a_wider_space_takes_the_architecture_and_a_deeper_one_says_what_it_lacks() {
        let small = space(&["space.layers=3"]);
        let genome: Vec<u32> = (0..small.genome_len())
            .map(|d| 1 % small.choices(d))
            .collect();
        let found = named(&small, &genome);
        let wide = space(&["space.layers=3", "space.filters=32"]);
        assert_eq!(
            found
                .transfer_to(&wide, &["filters=32".to_owned()])
                .unwrap(),
            genome
        );
        let deep = space(&["space.layers=5"]);
        let said = found
            .transfer_to(&deep, &["layers=5".to_owned()])
            .unwrap_err()
            .to_string();
        let (given, asked) = (genome.len(), deep.genome_len());
        let first = &deep.space().decisions[given].id;
        assert_eq!(
            said,
            format!(
                "the architecture has {given} decisions, and `enas-macro` with layers=5 has {asked}; the first that it \
                 does not answer is `{first}`: keep `space.layers`, or run a search in this space"
            )
        );
        let deep_one = named(&deep, &vec![0; asked]);
        let said = deep_one.transfer_to(&small, &[]).unwrap_err().to_string();
        assert!(
            said.contains("and the space does not ask is `") && said.contains("RUN/config.toml"),
            "{said}"
        );
        let said = Architecture::Numbers(vec![0; 2])
            .transfer_to(&small, &[])
            .unwrap_err()
            .to_string();
        let wanted = format!(
            "the architecture has 2 numbers, and `enas-macro` has {given} decisions: give the space"
        );
        assert!(said.starts_with(&wanted), "{said}");
    }

    #[test]
    fn labels_decide_and_not_numbers() {
        let space = space(&["space.layers=2"]);
        let Architecture::Named {
            space: name,
            mut decisions,
        } = named(&space, &vec![0; space.genome_len()])
        else {
            panic!("it is named")
        };
        decisions[0].label = space.space().decisions[0].kind.label(2).unwrap();
        let found = Architecture::Named {
            space: name.clone(),
            decisions: decisions.clone(),
        };
        assert_eq!(found.transfer_to(&space, &[]).unwrap()[0], 2);
        decisions[0].label = "conv 9x9".to_owned();
        let said = Architecture::Named {
            space: name,
            decisions,
        }
        .transfer_to(&space, &[])
        .unwrap_err()
        .to_string();
        assert!(
            said.starts_with("the architecture chooses `conv 9x9` for `"),
            "{said}"
        );
    }

    #[test]
    fn files_hold_names_or_numbers() {
        let numbers: Architecture = serde_json::from_str("[1, 0, 2]").unwrap();
        assert_eq!(numbers, Architecture::Numbers(vec![1, 0, 2]));
        let said = Architecture::read(Path::new("nowhere.json"))
            .unwrap_err()
            .to_string();
        assert!(said.starts_with("cannot read nowhere.json: "), "{said}");
    }
}
