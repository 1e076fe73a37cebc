//! The notations of genomes in tables.

use supernet_plugin::{Decision, Supergraph};
use supernet_strategy::Genome;

/// A notation of a genome. A column has one notation; the first that fits all of its cells is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The choices as integers, separated by anything but letters, so that digits in names are not
    /// read as choices.
    Numbers,
    /// One digit per decision.
    Digits,
    /// The labels of the choices as separate words, with anything between them that contains no
    /// label.
    Words,
    /// The same, where labels may be adjacent to each other and to other letters.
    Letters,
}

const FORMS: [Form; 4] = [Form::Numbers, Form::Digits, Form::Words, Form::Letters];

/// The notations of the genomes of a space.
pub(crate) struct Keys {
    /// For each decision, the labels of its choices.
    labels: Vec<Vec<String>>,
    /// All distinct labels, longest first, since a label may be a prefix of another.
    all: Vec<String>,
    /// The first bytes of labels; most positions of a text can be skipped.
    begins: Vec<bool>,
    /// The name of the first decision.
    first: String,
}

impl Keys {
    pub(crate) fn new(space: &Supergraph) -> Self {
        let decisions = &space.space().decisions;
        let of = |decision: &Decision| -> Vec<String> {
            (0..decision.kind.choices() as u32)
                .filter_map(|choice| decision.kind.label(choice))
                .collect()
        };
        let labels: Vec<Vec<String>> = decisions.iter().map(of).collect();
        let first = decisions
            .first()
            .map(|decision| decision.id.to_string())
            .unwrap_or_default();
        Self::of(labels, first)
    }

    fn of(labels: Vec<Vec<String>>, first: String) -> Self {
        let mut all: Vec<String> = labels
            .iter()
            .flatten()
            .filter(|label| !label.is_empty())
            .cloned()
            .collect();
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        let mut begins = vec![false; 256];
        all.iter()
            .filter_map(|label| label.bytes().next())
            .for_each(|byte| begins[usize::from(byte)] = true);
        Self {
            labels,
            all,
            begins,
            first,
        }
    }

    /// The genomes of a column, all in one notation. Otherwise the first cell that does not match
    /// the notation that matches the longest prefix of the column.
    pub(crate) fn column<'a>(
        &self,
        cells: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Vec<Genome>, usize> {
        let mut furthest = 0;
        for form in FORMS {
            let mut genomes = Vec::new();
            let wrong = cells.clone().position(|cell| match self.read(form, cell) {
                Some(genome) => {
                    genomes.push(genome);
                    false
                }
                None => true,
            });
            match wrong {
                None => return Ok(genomes),
                Some(at) => furthest = furthest.max(at),
            }
        }
        Err(furthest)
    }

    fn read(&self, form: Form, text: &str) -> Option<Genome> {
        let genome: Genome = match form {
            Form::Numbers => numbers(text)?,
            Form::Digits => text
                .chars()
                .map(|digit| digit.to_digit(10))
                .collect::<Option<_>>()?,
            Form::Words | Form::Letters => return self.labels(text, form == Form::Words),
        };
        let fits = |(choice, labels): (&u32, &Vec<String>)| (*choice as usize) < labels.len();
        (genome.len() == self.labels.len() && genome.iter().zip(&self.labels).all(fits))
            .then_some(genome)
    }

    /// Reads the labels from left to right, the longest at each position. There must be exactly one
    /// per decision.
    fn labels(&self, text: &str, words: bool) -> Option<Genome> {
        let (mut genome, mut at) = (Vec::with_capacity(self.labels.len()), 0);
        while let Some(byte) = text.as_bytes().get(at) {
            // No label starts at a continuation byte of a character.
            let rest = if self.begins[usize::from(*byte)] {
                text.get(at..)
            } else {
                None
            };
            let fits = |rest: &str, label: &str| {
                rest.starts_with(label) && !(words && inside(text, at, label))
            };
            let Some(label) = rest.and_then(|rest| self.all.iter().find(|label| fits(rest, label)))
            else {
                at += 1;
                continue;
            };
            let choice = self
                .labels
                .get(genome.len())?
                .iter()
                .position(|known| known == label)?;
            genome.push(choice as u32);
            at += label.len();
        }
        (genome.len() == self.labels.len()).then_some(genome)
    }

    /// Describes the notation of a genome.
    pub(crate) fn expected(&self) -> String {
        let decisions = self.labels.len();
        let Some(first) = self.labels.first() else {
            return "nothing, since the space has no decisions".to_owned();
        };
        let shown: Vec<&str> = first.iter().take(SHOWN).map(String::as_str).collect();
        let more = if first.len() > SHOWN { ", ..." } else { "" };
        format!(
            "{decisions} numbers, one per decision (the first, `{}`, from 0 to {}), as digits or with something between \
             them, or {decisions} labels (of the first: {}{more})",
            self.first,
            first.len().saturating_sub(1),
            shown.join(", ")
        )
    }
}

/// Maximum number of a decision's labels in a message.
const SHOWN: usize = 8;

/// The integers in a text without letters.
fn numbers(text: &str) -> Option<Genome> {
    if text.chars().any(char::is_alphabetic) {
        return None;
    }
    let digits = |c: char| !c.is_ascii_digit();
    text.split(digits)
        .filter(|run| !run.is_empty())
        .map(|run| run.parse().ok())
        .collect()
}

/// Whether a label is a part of a longer word.
fn inside(text: &str, at: usize, label: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let (before, after) = (
        text[..at].chars().next_back(),
        text[at + label.len()..].chars().next(),
    );
    let (first, last) = (label.chars().next(), label.chars().next_back());
    (word(before) && word(first)) || (word(last) && word(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys<'a>(labels: impl IntoIterator<Item = &'a [&'a str]>) -> Keys {
        let labels: Vec<Vec<String>> = labels
            .into_iter()
            .map(|of| of.iter().map(|label| (*label).to_owned()).collect())
            .collect();
        Keys::of(labels, "op".to_owned())
    }

    fn ops() -> Keys {
        keys([&["none", "conv", "conv3x3", "skip"][..]; 3])
    }

    #[test]
    fn numbers_digits_and_labels_are_genomes() {
        for text in [
            "0 2 3",
            "[0, 2, 3]",
            "0-2-3",
            "(0,2,3)",
            "00 02 03",
            "023",
            "|none~0|conv3x3~0|skip~1|",
            "none+conv3x3+skip",
        ] {
            assert_eq!(
                ops().column([text].into_iter()),
                Ok(vec![vec![0, 2, 3]]),
                "{text}"
            );
        }
        assert_eq!(
            keys([&["I", "R"][..]; 4]).column(["IRRI"].into_iter()),
            Ok(vec![vec![0, 1, 1, 0]])
        );
        assert_eq!(
            ops().column(["skip conv none", "conv3x3,conv,conv"].into_iter()),
            Ok(vec![vec![3, 1, 0], vec![2, 1, 1]])
        );
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused_rather_than_guessed() {
        for text in [
            "",
            "0 2",
            "0 2 3 1",
            "0 2 4",
            "0234",
            "024",
            "none conv",
            "none conv skip conv",
            "none pool skip",
            "-",
        ] {
            assert_eq!(ops().column([text].into_iter()), Err(0), "{text}");
        }
        // Digits of names and positions are not choices.
        assert_eq!(
            ops().column(["conv3x3~0|conv~1|conv~0"].into_iter()),
            Ok(vec![vec![2, 1, 1]])
        );
        assert_eq!(ops().column(["pool3x3~0 1"].into_iter()), Err(0));
        // A separator that is also a label of some decision is one label too many.
        assert_eq!(
            keys([&["conv", "pool"][..], &["0", "1"]]).column(["conv~0 size=1"].into_iter()),
            Err(0)
        );
        assert_eq!(
            keys([&["conv", "pool"][..], &["0", "1"]]).column(["conv size=1"].into_iter()),
            Ok(vec![vec![0, 1]])
        );
        // Integers are choices; labels are tried only if integers do not fit.
        assert_eq!(
            keys([&["2", "1", "0"][..]; 2]).column(["2 0"].into_iter()),
            Ok(vec![vec![2, 0]])
        );
        assert_eq!(
            keys([&["3", "5"][..]; 2]).column(["5 3"].into_iter()),
            Ok(vec![vec![1, 0]])
        );
    }

    #[test]
    fn a_column_is_written_in_one_way() {
        assert_eq!(ops().column(["012", "0 1 2"].into_iter()), Err(1));
        assert_eq!(
            ops().column(["none conv skip", "none conv skip", "nine conv skip", "012"].into_iter()),
            Err(2)
        );
        assert_eq!(
            keys([&["é", "éa"][..], &["a"]]).column(["éaéa", "éaa"].into_iter()),
            Err(0)
        );
        assert_eq!(
            keys([&["é", "éa"][..], &["a"]]).column(["ééa"].into_iter()),
            Err(0)
        );
        assert_eq!(
            keys([&["é", "éa"][..], &["a"]]).column(["é-a", "éa-a"].into_iter()),
            Ok(vec![vec![0, 0], vec![1, 0]])
        );
        let said = ops().expected();
        assert!(
            said.contains("3 numbers")
                && said.contains("from 0 to 3")
                && said.contains("none, conv, conv3x3, skip")
        );
    }
}
