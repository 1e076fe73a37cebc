//! Subscriptions to the events of a search.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::events::Record;

/// A subscription to a search's events: a blocking iterator, which ends with the search. For
/// asynchronous code, [`Events::into_stream`] makes a stream of it. Events are buffered without
/// limit until they are consumed.
#[derive(Debug)]
pub struct Events {
    channel: Arc<Channel>,
}

impl Events {
    /// The rest of the events as a stream. It is another type, because iterators and streams both
    /// have a method `next`.
    pub fn into_stream(self) -> EventStream {
        EventStream {
            channel: self.channel,
        }
    }
}

/// The events of a search in asynchronous code, with any executor; it ends with the search.
///
/// ```no_run
/// use futures_util::StreamExt;
/// use supernet::{Config, Search};
/// use supernet_enas as _;
///
/// # async fn follow() -> Result<(), Box<dyn std::error::Error>> {
/// let builder = Search::builder().config(Config::read("", &["search.epochs=30"])?);
/// let mut events = builder.events().into_stream();
/// let search = builder.start()?;
/// while let Some(record) = events.next().await {
///     println!("{:7.1} s  {:?}", record.at, record.event);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct EventStream {
    channel: Arc<Channel>,
}

#[derive(Debug, Default)]
struct Channel {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Record>,
    closed: bool,
    waker: Option<Waker>,
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        self.changed.notify_one();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Iterator for Events {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let mut state = self.channel.lock();
        loop {
            match state.waiting.pop_front() {
                None if !state.closed => {
                    state = self
                        .channel
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                next => return next,
            }
        }
    }
}

impl Stream for EventStream {
    type Item = Record;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Record>> {
        let mut state = self.channel.lock();
        match state.waiting.pop_front() {
            None if !state.closed => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
            next => Poll::Ready(next),
        }
    }
}

/// All subscriptions of a search.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    subscribers: Mutex<Subscribers>,
}

#[derive(Debug, Default)]
struct Subscribers {
    channels: Vec<Weak<Channel>>,
    closed: bool,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Subscribers> {
        self.subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self) -> Events {
        let (channel, mut subscribers) = (Arc::new(Channel::default()), self.lock());
        if subscribers.closed {
            channel.lock().closed = true;
        }
        subscribers.channels.push(Arc::downgrade(&channel));
        Events { channel }
    }

    pub(crate) fn send(&self, record: &Record) {
        self.lock().channels.retain(|channel| {
            let channel = channel.upgrade();
            channel.iter().for_each(|channel| {
                channel.change(|state| state.waiting.push_back(record.clone()))
            });
            channel.is_some()
        });
    }

    pub(crate) fn close(&self) {
        let mut subscribers = self.lock();
        subscribers.closed = true;
        let channels = std::mem::take(&mut subscribers.channels);
        channels
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|channel| channel.change(|state| state.closed = true));
    }
}
