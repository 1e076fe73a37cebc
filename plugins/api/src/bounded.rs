//! Lists with an upper limit that is enforced while they are read, so that a short text cannot
//! claim unbounded memory.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// The most items in one list of a space: nodes, params, choices.
pub(crate) const MOST_ITEMS: usize = 1_000_000;
/// The most spaces of a plugin, and the most ops.
pub(crate) const MOST_OFFERS: usize = 10_000;

pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    from.deserialize_seq(List::<T, MOST_ITEMS>(PhantomData))
}

pub(crate) fn offers<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    from.deserialize_seq(List::<T, MOST_OFFERS>(PhantomData))
}

pub(crate) struct List<T, const MOST: usize>(pub(crate) PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    /// The size hint of the text is not trusted.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            if list.len() == MOST {
                return Err(A::Error::custom(format!(
                    "a list has more than {MOST} items, and may have no more"
                )));
            }
            list.push(item);
        }
        Ok(list)
    }
}
