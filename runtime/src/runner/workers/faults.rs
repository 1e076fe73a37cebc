//! Fault injection for tests: an actor fails at its n-th message, in one of four ways.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use super::{Role, SearchContext};

/// The kind of fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    Panic,
    Error,
    /// The actor blocks until the test ends.
    Delay,
    /// The message is dropped.
    Drop,
}

/// Faults of one actor: at its messages `from..to`, counted over all restarts.
#[derive(Debug)]
pub(crate) struct Faults {
    role: Role,
    fault: Fault,
    from: u32,
    to: u32,
    seen: AtomicU32,
    /// Ends delays when set.
    over: (Mutex<bool>, Condvar),
}

impl Faults {
    pub(crate) fn new(role: Role, fault: Fault, from: u32, to: u32) -> Arc<Self> {
        let over = (Mutex::new(false), Condvar::new());
        Arc::new(Self {
            role,
            fault,
            from,
            to,
            seen: AtomicU32::new(0),
            over,
        })
    }

    /// Releases delayed actors.
    pub(crate) fn end(&self) {
        *self.over.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over.1.notify_all();
    }

    pub(crate) fn struck(&self) -> bool {
        self.seen.load(Ordering::Relaxed) > self.from
    }

    /// Whether the message is to be handled.
    fn strike(&self, role: Role) -> Result<bool, ActorProcessingErr> {
        if role != self.role {
            return Ok(true);
        }
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        if !(self.from..self.to).contains(&seen) {
            return Ok(true);
        }
        match self.fault {
            Fault::Panic => panic!("an injected panic"),
            Fault::Error => Err("an injected error".into()),
            Fault::Drop => Ok(false),
            Fault::Delay => {
                let mut over = self.over.0.lock().unwrap_or_else(PoisonError::into_inner);
                while !*over {
                    over = self
                        .over
                        .1
                        .wait(over)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                Ok(true)
            }
        }
    }
}

/// An actor with injected faults.
pub(crate) struct Faulty<A> {
    actor: A,
    role: Role,
    faults: Option<Arc<Faults>>,
}

impl<A> Faulty<A> {
    pub(crate) fn new(context: &SearchContext, role: Role, actor: A) -> Self {
        Self {
            actor,
            role,
            faults: context.faults.clone(),
        }
    }
}

impl<A: Actor> Actor for Faulty<A> {
    type Msg = A::Msg;
    type State = A::State;
    type Arguments = A::Arguments;

    async fn pre_start(
        &self,
        me: ActorRef<A::Msg>,
        begin: A::Arguments,
    ) -> Result<A::State, ActorProcessingErr> {
        self.actor.pre_start(me, begin).await
    }

    async fn post_start(
        &self,
        me: ActorRef<A::Msg>,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        self.actor.post_start(me, state).await
    }

    async fn handle(
        &self,
        me: ActorRef<A::Msg>,
        message: A::Msg,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        match &self.faults {
            Some(faults) if !faults.strike(self.role)? => Ok(()),
            _ => self.actor.handle(me, message, state).await,
        }
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<A::Msg>,
        event: SupervisionEvent,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        self.actor.handle_supervisor_evt(me, event, state).await
    }
}
