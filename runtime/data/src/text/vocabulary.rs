//! The tokens of a text.

use std::cmp::Reverse;

use crate::error::Flaw;

/// Replaces tokens that are not in the vocabulary.
pub(super) const UNKNOWN: &str = "<unk>";

/// The tokens of a text, numbered from 0: the most frequent in the training split first, ties
/// broken by first occurrence in it. `<unk>` is ranked by its own frequency if the text already
/// contains it, and comes last otherwise; it is present only if some token maps to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    words: Vec<String>,
}

/// The vocabulary number of each token of a source.
pub(super) struct Renumbering(Vec<u32>);

impl Vocabulary {
    /// The vocabulary of `train` with at most `limit` tokens (0: no limit). Tokens are indices into
    /// `words`, which is ordered by first occurrence, starting with those of `train`.
    pub(super) fn new(
        words: &[&str],
        train: &[u32],
        others: &[&[u32]],
        limit: u32,
    ) -> Result<(Self, Renumbering), Flaw> {
        if limit == 1 {
            return Err(Flaw::new(
                "a vocabulary with a limit of 1 token tells nothing apart; let it have 2 at least, or 0 for no limit",
            ));
        }
        let known = train.iter().max().map_or(0, |most| *most as usize + 1);
        let mut counts = vec![0_u64; known];
        train.iter().for_each(|word| counts[*word as usize] += 1);
        if known < 2 {
            let only = words.first().copied().unwrap_or_default().escape_debug();
            return Err(Flaw::new(format!(
                "`{only}` is the only token of its training split, so there is nothing to predict; take a text of two \
                 at least, or read it by another unit"
            )));
        }
        // A stable sort keeps ties in order of first occurrence.
        let mut kept: Vec<usize> = (0..known).collect();
        kept.sort_by_key(|word| Reverse(counts[*word]));
        let limit = if limit == 0 {
            usize::MAX
        } else {
            limit as usize
        };
        let strange = || {
            others
                .iter()
                .any(|part| part.iter().any(|word| *word as usize >= known))
        };
        let own = kept.iter().position(|word| words[*word] == UNKNOWN);
        // `<unk>` is kept whatever its rank.
        let unknown = (own.is_some() || known > limit || strange()).then(|| {
            own.map(|rank| kept.remove(rank));
            kept.truncate(limit - 1);
            own.unwrap_or(kept.len()).min(kept.len())
        });
        let mut numbers = vec![unknown.unwrap_or_default() as u32; words.len()];
        for (rank, word) in kept.iter().enumerate() {
            numbers[*word] =
                (rank + usize::from(unknown.is_some_and(|unknown| unknown <= rank))) as u32;
        }
        let mut words: Vec<String> = kept
            .into_iter()
            .map(|word| words[word].to_owned())
            .collect();
        if let Some(unknown) = unknown {
            words.insert(unknown, UNKNOWN.to_owned());
        }
        Ok((Self { words }, Renumbering(numbers)))
    }

    /// A vocabulary whose tokens are named by their numbers.
    pub fn numbered(count: u32) -> Self {
        Self {
            words: (0..count).map(|number| number.to_string()).collect(),
        }
    }

    /// Number of tokens: their numbers run from 0 to this − 1.
    #[expect(clippy::len_without_is_empty, reason = "it has two tokens at least")]
    pub fn len(&self) -> u32 {
        self.words.len() as u32
    }

    /// The token with this number; `<unk>` if there is none.
    pub fn word(&self, number: u32) -> &str {
        self.words
            .get(number as usize)
            .map_or(UNKNOWN, String::as_str)
    }
}

impl Renumbering {
    /// Translates a split to the numbers of the vocabulary.
    pub(super) fn of(&self, mut part: Vec<u32>) -> Vec<u32> {
        part.iter_mut()
            .for_each(|word| *word = self.0[*word as usize]);
        part
    }
}
