//! A dry run of the lowering: every op of a space is checked to have a kernel before a search
//! starts.

use supernet_engine::program::Program;
use supernet_plugin::Child;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::from_prior;

use super::strategies::everything;
use super::{Experiment, ExperimentError};
use crate::training::TrainingError;

/// Number of children that are checked where choices cannot be mixed.
const LOOKED_AT: usize = 16;

impl Experiment {
    /// Lowers every node that some genome may run, so that a missing kernel is found now and not
    /// hours into the search.
    pub(super) fn rehearse(&self) -> Result<(), ExperimentError> {
        let (train, score) = (self.config.train.per_path(), self.config.score.batch);
        // Which inputs can be bound directly depends on the batch size of a text.
        let batches = if self.data.text().is_some() {
            vec![train, score]
        } else {
            vec![train.max(score)]
        };
        batches.into_iter().try_for_each(|batch| {
            let context = self.task.context(batch);
            self.network(&mut |network| Program::rehearse(context, network))
        })
    }

    /// Calls `look` with every node that some genome may run: in the mixture of all choices, or,
    /// where sizes that depend on a decision cannot be mixed, in some children.
    pub(crate) fn network<E>(
        &self,
        look: &mut dyn FnMut(&Child) -> Result<(), E>,
    ) -> Result<(), ExperimentError>
    where
        TrainingError: From<E>,
    {
        let supergraph = &self.task.supergraph;
        let looked = match supergraph.relaxed(&everything(supergraph)) {
            Ok(relaxed) => look(relaxed.network()),
            Err(_) => {
                let mut random = Random::new(0, RngStream::Rehearsal);
                let mut looked = Ok(());
                for _ in 0..LOOKED_AT {
                    let child =
                        supergraph.child_in_training(&from_prior(supergraph, &mut random)?)?;
                    looked = looked.and_then(|()| look(&child));
                }
                looked
            }
        };
        Ok(looked.map_err(TrainingError::from)?)
    }
}
