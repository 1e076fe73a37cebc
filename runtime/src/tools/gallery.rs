//! Published architectures: their size in this implementation, next to the published figures.
//!
//! The crates of spaces provide them, each in the notation of its authors: those of `supernet-enas`
//! and `supernet-darts` are available when these crates are linked. [`built`] builds the network of
//! one; its [`assignments`] are the settings with which a search or a training from scratch uses
//! it.

use supernet_draw::Caption;
use supernet_plugin::{BuildError, Count, Facts, GenomeError, Supergraph};
pub use supernet_plugin::{Claim, Published};

use crate::config::Config;
use crate::results::format::thousands;
use crate::space::{SpaceError, Spaces};

/// A published architecture as a child of its space.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Counted {
    /// The published data.
    pub published: Published,
    /// Its space, with the settings of the published figures.
    pub supergraph: Supergraph,
    /// Trainable parameters of the network, without heads that are used in training only.
    pub parameters: u64,
    /// Multiply-accumulates of a forward pass on one sample; for text, on one token.
    pub macs: u64,
}

/// Why a published architecture is not available.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// The name is unknown, or a crate's file is damaged.
    #[error(transparent)]
    Unknown(#[from] BuildError),
    /// Its space cannot be built.
    #[error(transparent)]
    Space(#[from] Box<SpaceError>),
    /// It does not belong to its space.
    #[error(transparent)]
    Genome(#[from] GenomeError),
}

/// All architectures of the linked crates, by name.
///
/// # Errors
/// If a crate's file of architectures is damaged.
pub fn all() -> Result<Vec<Published>, BuildError> {
    supernet_plugin::published()
}

/// Finds an architecture by name.
///
/// # Errors
/// If there is none; the sentence names the nearest one, and all others.
pub fn find(name: &str) -> Result<Published, BuildError> {
    Published::find(name)
}

/// Builds and counts a published architecture in the network of the published figures.
///
/// # Errors
/// If its space is not linked.
pub fn built(published: Published) -> Result<Counted, ArchitectureError> {
    let mut config = Config::default();
    config.search.space.clone_from(&published.space);
    config.space = published.settings.clone();
    let supergraph = Spaces::linked()
        .build(&mut config, &published.facts)
        .map_err(Box::new)?
        .supergraph;
    let parameters = supergraph.count(&published.genome, Count::Live)?;
    let macs = supergraph.macs(&published.genome)?;
    Ok(Counted {
        published,
        supergraph,
        parameters,
        macs,
    })
}

/// Its space and the settings of the space, each as `KEY=VALUE`, for [`Config::read`].
pub fn assignments(published: &Published) -> Vec<String> {
    let settings = published
        .settings
        .iter()
        .map(|(key, value)| format!("space.{key}={value}"));
    [format!("search.space={}", published.space)]
        .into_iter()
        .chain(settings)
        .collect()
}

impl Counted {
    /// The caption of its drawing.
    pub fn caption(&self) -> Caption {
        let Counted {
            published,
            parameters,
            macs,
            ..
        } = self;
        let Facts {
            shape, vocabulary, ..
        } = &published.facts;
        let on = match vocabulary {
            Some(_) => "a token".to_owned(),
            None => format!(
                "an image of {}",
                shape
                    .iter()
                    .map(u32::to_string)
                    .collect::<Vec<_>>()
                    .join("×")
            ),
        };
        Caption {
            title: published.title.clone(),
            subtitle: format!(
                "{} parameters · {} multiply-accumulates for {on} · {}",
                thousands(*parameters),
                thousands(*macs),
                published.source.split(';').next().unwrap_or_default()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use supernet_darts as _;
    use supernet_draw;
    use supernet_enas as _;

    use super::*;

    #[test]
    fn all_are_built_counted_and_drawn() {
        let names: Vec<String> = all()
            .unwrap()
            .into_iter()
            .map(|published| published.name)
            .collect();
        let wanted = [
            "amoebanet-a",
            "darts-v1",
            "darts-v2",
            "enas-macro",
            "enas-micro",
            "enas-recurrent",
            "nasnet-a",
        ];
        assert_eq!(names, wanted);
        for published in all().unwrap() {
            let counted = built(published).unwrap();
            assert!(counted.parameters > 1_000_000 && counted.macs > counted.parameters / 2);
            let drawn = supernet_draw::svg(
                &counted.supergraph,
                &counted.published.genome,
                &counted.caption(),
            )
            .unwrap();
            assert!(drawn.contains(&counted.published.title));
            assert!(!counted.published.claim.differs.is_empty());
        }
    }

    #[test]
    fn a_config_of_its_assignments_builds_it() {
        let published = find("amoebanet-a").unwrap();
        let mut config = Config::read("", &assignments(&published)).unwrap();
        let supergraph = Spaces::linked()
            .build(&mut config, &published.facts)
            .unwrap()
            .supergraph;
        assert_eq!(
            supergraph.count(&published.genome, Count::Live).unwrap(),
            3_145_078
        );
    }

    #[test]
    fn a_name_that_is_none_gets_the_nearest() {
        let said = find("dart-v2").unwrap_err().to_string();
        assert_eq!(
            said,
            "there is no published architecture `dart-v2`; the nearest is `darts-v2`. There are: amoebanet-a, darts-v1, \
             darts-v2, enas-macro, enas-micro, enas-recurrent, nasnet-a."
        );
    }
}
