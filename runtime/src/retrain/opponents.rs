//! The architectures that stand beside the one that was found.

use std::collections::BTreeSet;

use supernet_plugin::{Count, GenomeError};
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::Genome;
use supernet_strategy::random::from_prior;

use crate::experiment::Experiment;
use crate::results::is_same_size;
use crate::space::Extremes;

/// Samples of the prior without a new architecture after which the space is considered exhausted.
const DRAWS: u32 = 100;
/// Samples of the prior among which architectures of one size are looked for.
const SIZED: u32 = 1000;

/// Distinct random architectures other than `genome`'s; fewer if the space has no more.
pub(super) fn random(
    experiment: &Experiment,
    genome: &[u32],
    count: u32,
) -> Result<Vec<Genome>, GenomeError> {
    let known = BTreeSet::from([experiment.supergraph().canonical(genome)?]);
    distinct(experiment, RngStream::RetrainedPrior, known, count)
}

/// Distinct samples of the prior, none of them among the canonical genomes `known`; fewer if the
/// space has no more.
pub(super) fn distinct(
    experiment: &Experiment,
    stream: RngStream,
    mut known: BTreeSet<Genome>,
    count: u32,
) -> Result<Vec<Genome>, GenomeError> {
    let space = experiment.supergraph();
    let mut random = Random::new(experiment.config().search.seed, stream);
    let (mut others, mut in_vain) = (Vec::new(), 0);
    while (others.len() as u32) < count && in_vain < DRAWS {
        let other = from_prior(space, &mut random)?;
        if known.insert(space.canonical(&other)?) {
            others.push(other);
            in_vain = 0;
        } else {
            in_vain += 1;
        }
    }
    Ok(others)
}

/// Distinct random architectures with nearly as many parameters as `genome`'s, none of them
/// `known`. If a thousand samples of the prior have too few of them, the nearest in size.
pub(super) fn same_size(
    experiment: &Experiment,
    genome: &[u32],
    known: &[Genome],
    count: u32,
) -> Result<Vec<Genome>, GenomeError> {
    let space = experiment.supergraph();
    let mut random = Random::new(experiment.config().search.seed, RngStream::SameSizePrior);
    let found = space.count(genome, Count::Live)?;
    let mut seen = BTreeSet::from([space.canonical(genome)?]);
    for genome in known {
        seen.insert(space.canonical(genome)?);
    }
    let (mut same, mut others) = (Vec::new(), Vec::new());
    for _ in 0..SIZED {
        if same.len() as u32 >= count {
            break;
        }
        let other = from_prior(space, &mut random)?;
        if !seen.insert(space.canonical(&other)?) {
            continue;
        }
        let parameters = space.count(&other, Count::Live)?;
        if is_same_size(parameters, found) {
            same.push(other);
        } else {
            others.push((parameters.abs_diff(found), other));
        }
    }
    others.sort();
    let missing = (count as usize).saturating_sub(same.len());
    same.extend(others.into_iter().take(missing).map(|(_, other)| other));
    Ok(same)
}

/// The largest architecture of the space `count` times; not at all if it is `genome`'s.
pub(super) fn largest(
    experiment: &Experiment,
    genome: &[u32],
    count: u32,
) -> Result<Vec<Genome>, GenomeError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let space = experiment.supergraph();
    let largest = Extremes::of(space)?.largest.genome;
    let times = match space.canonical(&largest)? == space.canonical(genome)? {
        true => 0,
        false => count as usize,
    };
    Ok(vec![largest; times])
}
