//! The checkpoint actor: writes snapshots while the search continues.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::{SearchContext, supervisor};
use crate::search::snapshot;
use crate::search::snapshot::Snapshot;
use crate::storage::LogEnd;

pub(crate) struct Checkpoint;

/// A snapshot to write, with the end of the log at that moment.
pub(crate) struct Msg {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) log: LogEnd,
}

pub(crate) struct Begin {
    pub(crate) context: Arc<SearchContext>,
    pub(crate) generation: u32,
    pub(crate) folder: PathBuf,
    /// Set when its generation of workers ends: another process may own the folder by then.
    pub(crate) given_up: Arc<AtomicBool>,
    pub(crate) supervisor: ActorRef<supervisor::Msg>,
}

impl Actor for Checkpoint {
    type Msg = Msg;
    type State = Begin;
    type Arguments = Begin;

    async fn pre_start(&self, _: ActorRef<Msg>, begin: Begin) -> Result<Begin, ActorProcessingErr> {
        Ok(begin)
    }

    async fn handle(
        &self,
        _: ActorRef<Msg>,
        message: Msg,
        state: &mut Begin,
    ) -> Result<(), ActorProcessingErr> {
        let Msg { snapshot, log } = message;
        let Begin {
            context,
            generation,
            folder,
            given_up,
            supervisor,
        } = state;
        if given_up.load(Ordering::Acquire) {
            return Ok(());
        }
        let keep = context.experiment.config().checkpoint.keep;
        let written = snapshot::write(
            folder,
            &context.experiment,
            &snapshot,
            log,
            keep,
            *generation,
        );
        // Without a supervisor this actor ends too.
        let _ = supervisor.cast(supervisor::Msg::FromWorker(
            *generation,
            supervisor::WorkerReport::Written(written),
        ));
        Ok(())
    }
}
