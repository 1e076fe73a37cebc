//! A value that is set once and awaited by threads and futures alike.

use std::sync::{Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

pub(crate) struct Latch<T> {
    state: Mutex<(Option<T>, Vec<Waker>)>,
    set: Condvar,
}

impl<T> Default for Latch<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new((None, Vec::new())),
            set: Condvar::new(),
        }
    }
}

impl<T: Clone> Latch<T> {
    pub(crate) fn set(&self, value: T) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = Some(value);
        let wakers = std::mem::take(&mut state.1);
        drop(state);
        self.set.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits for the value; none if it is not set by `until`.
    pub(crate) fn wait(&self, until: Option<Instant>) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.0.is_none() {
            state = match until {
                None => self.set.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.checked_duration_since(Instant::now())?;
                    self.set
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        state.0.clone()
    }

    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = &state.0 {
            return Poll::Ready(value.clone());
        }
        if !state.1.iter().any(|waker| waker.will_wake(context.waker())) {
            state.1.push(context.waker().clone());
        }
        Poll::Pending
    }
}
