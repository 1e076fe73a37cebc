use std::sync::Arc;

/// The revision of a set of weights: equal revisions mean equal values.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The identity of a set of weights; a clone has its own.
    identity: Arc<()>,
    /// The identity of the values: replaced whenever they change, so that a clone shares it until
    /// then.
    content: Arc<()>,
}

impl PartialEq for Revision {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.content, &other.content)
    }
}

impl Revision {
    pub(super) fn new() -> Self {
        Self {
            identity: Arc::default(),
            content: Arc::default(),
        }
    }

    /// The revision of a clone: the same values, until one of the two changes.
    pub(super) fn of_clone(&self) -> Self {
        Self {
            identity: Arc::default(),
            content: Arc::clone(&self.content),
        }
    }

    /// Whether it belongs to the same set of weights, possibly with other values.
    pub fn is_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.identity, &other.identity)
    }

    /// Records a change of the values. A revision that was never shared can be kept.
    pub(super) fn change(&mut self) {
        if Arc::get_mut(&mut self.content).is_none() {
            self.content = Arc::default();
        }
    }

    /// Whether some weights still have these values.
    pub fn is_wanted(&self) -> bool {
        Arc::strong_count(&self.content) > 1
    }

    /// A revision that no weights have.
    pub fn of_nothing() -> Self {
        Self::new()
    }

    /// Whether the weights of this revision were dropped, and no other weights have the same
    /// values.
    pub fn is_orphan(&self) -> bool {
        Arc::strong_count(&self.identity) == 1 && !self.is_wanted()
    }
}
