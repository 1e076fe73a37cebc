use std::sync::Arc;

/// Which numbers a device has a copy of: equal marks mean equal numbers.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Whose numbers: one set of weights, or a clone of it, which goes its own way.
    identity: Arc<()>,
    /// Which numbers: replaced whenever they change, so that a clone shares it until then.
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

    /// The mark of a clone: the same numbers, until one of the two changes.
    pub(super) fn of_clone(&self) -> Self {
        Self {
            identity: Arc::default(),
            content: Arc::clone(&self.content),
        }
    }

    /// Whether it was taken from the same weights, perhaps with other numbers.
    pub fn is_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.identity, &other.identity)
    }

    /// Notes that the numbers change. What nobody else knows of may go on as it is.
    pub(super) fn change(&mut self) {
        if Arc::get_mut(&mut self.content).is_none() {
            self.content = Arc::default();
        }
    }

    /// Whether some weights still have these numbers.
    pub fn is_wanted(&self) -> bool {
        Arc::strong_count(&self.content) > 1
    }

    /// A mark that no weights have.
    pub fn of_nothing() -> Self {
        Self::new()
    }

    /// Whether nobody holds the weights any more that this mark was taken from, nor others with the
    /// same numbers.
    pub fn is_orphan(&self) -> bool {
        Arc::strong_count(&self.identity) == 1 && !self.is_wanted()
    }
}
