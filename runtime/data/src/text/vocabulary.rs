//! The tokens of a text.

use std::cmp::Reverse;

use crate::error::Flaw;

/// What a token that is not in the vocabulary becomes.
pub(super) const UNKNOWN: &str = "<unk>";

/// The tokens that a text is written in, numbered from 0: the most frequent of the training part
/// first, and among equally frequent ones that which comes first in it. `<unk>` stands where its
/// own frequency puts it, as in texts that have it already, else last; it is there only if some
/// token becomes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    words: Vec<String>,
}

/// The number in a vocabulary of each token that a source has.
pub(super) struct Renumbering(Vec<u32>);

impl Vocabulary {
    /// The vocabulary of `train` with at most `limit` tokens (0: no limit), which are places in
    /// `words`, numbered as they came, those of `train` first.
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
                "`{only}` is the only token of its training part, so there is nothing to predict; take a text of two \
                 at least, or read it by another unit"
            )));
        }
        // A stable sort leaves ties in the order in which they came.
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
        // `<unk>` has a place whatever its rank is.
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

    /// Tokens that are named by their numbers.
    pub fn numbered(count: u32) -> Self {
        Self {
            words: (0..count).map(|number| number.to_string()).collect(),
        }
    }

    /// How many tokens there are: their numbers run from 0 to this − 1.
    #[expect(clippy::len_without_is_empty, reason = "it has two tokens at least")]
    pub fn len(&self) -> u32 {
        self.words.len() as u32
    }

    /// The token with this number; `<unk>` if none has it.
    pub fn word(&self, number: u32) -> &str {
        self.words
            .get(number as usize)
            .map_or(UNKNOWN, String::as_str)
    }
}

impl Renumbering {
    /// A part in the numbers of the vocabulary.
    pub(super) fn of(&self, mut part: Vec<u32>) -> Vec<u32> {
        part.iter_mut()
            .for_each(|word| *word = self.0[*word as usize]);
        part
    }
}
