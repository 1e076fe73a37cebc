//! The checkpoint actor: writes snapshots while the search goes on.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::{Crew, search};
use crate::checkpoint::{self, Snapshot};
use crate::run_folder::LogEnd;

pub(super) struct Checkpoint;

/// A snapshot to be written, with the end of the log at that moment.
pub(super) struct Msg {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) log: LogEnd,
}

pub(super) struct Begin {
    pub(super) crew: Arc<Crew>,
    pub(super) generation: u32,
    pub(super) folder: PathBuf,
    /// Set once its team is ended: the folder may be somebody else's by then.
    pub(super) given_up: Arc<AtomicBool>,
    pub(super) search: ActorRef<search::Msg>,
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
            crew,
            generation,
            folder,
            given_up,
            search,
        } = state;
        if given_up.load(Ordering::Acquire) {
            return Ok(());
        }
        let keep = crew.search.config().checkpoint.keep;
        let written = checkpoint::write(folder, &crew.search, &snapshot, log, keep, *generation);
        // Without a supervisor this actor ends too.
        let _ = search.cast(search::Msg::Child(
            *generation,
            search::News::Written(written),
        ));
        Ok(())
    }
}
