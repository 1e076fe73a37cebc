//! Perturbation: an op is worth what the trained supernet loses without it, whatever its logit says
//! (Wang et al. 2021, §4).

use serde::{Deserialize, Serialize};
use supernet_plugin::{GenomeError, Path, Pick, Supergraph};
use supernet_shaders::random::Random;

use crate::table_policy::LogitTable;
use crate::{Genome, Pass, PassSamples, StepOutcome};

/// The choice of one op for every decision, in random order, then of the edges that a group keeps.
/// Nothing is trained in between.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Perturbation {
    /// What is left to ask, the next one last.
    questions: Vec<Question>,
    /// The branches of every decision and their weights: one of those that are decided.
    kept: Vec<Vec<(u32, f32)>>,
}

/// What is perturbed, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Question {
    /// The ops of a decision, of which the one stays that is missed most.
    Ops { decision: u32, choices: Vec<u32> },
    /// The decisions of a group, of which so many stay.
    Edges {
        decisions: Vec<u32>,
        keep: u32,
        none: u32,
    },
}

impl Perturbation {
    /// The questions about a supernet that was trained with the probabilities of `table`.
    pub(super) fn new(space: &Supergraph, table: &LogitTable, random: &mut Random) -> Self {
        let weights = |p: &Vec<f64>| -> Vec<(u32, f32)> {
            let choices = p.iter().enumerate();
            choices.map(|(c, p)| (c as u32, *p as f32)).collect()
        };
        let kept = table.probabilities().iter().map(weights).collect();
        let mut ops: Vec<Question> = Vec::new();
        for decision in 0..space.genome_len() as u32 {
            let none = none_of(space, decision);
            let choices = 0..space.choices(decision as usize);
            ops.push(Question::Ops {
                decision,
                choices: choices.filter(|choice| Some(*choice) != none).collect(),
            });
        }
        random.shuffle(&mut ops);
        let groups = space.space().groups.iter().rev();
        let mut questions: Vec<Question> = groups
            .map(|group| Question::Edges {
                decisions: group
                    .decisions
                    .iter()
                    .filter_map(|id| space.decision(id))
                    .collect(),
                keep: group.keep,
                none: group.none,
            })
            .collect();
        questions.extend(ops);
        Self { questions, kept }
    }

    /// The passes that answer the next question: for each candidate the network without it, on so
    /// many minibatches from `batch` on. None if everything is decided.
    pub(super) fn passes(&self, batch: u64, batches: u32) -> Vec<Pass> {
        let Some(question) = self.questions.last() else {
            return Vec::new();
        };
        let without: Vec<Path> = match question {
            Question::Ops { decision, choices } => {
                let one = |choice: &u32| self.path(&[(*decision, Some(*choice))]);
                choices.iter().map(one).collect()
            }
            Question::Edges { decisions, .. } => {
                let one = |decision: &u32| self.path(&[(*decision, None)]);
                decisions.iter().map(one).collect()
            }
        };
        let on_all = |path: &Path| {
            let on = |i| Pass::score(path.clone(), PassSamples::Validation(batch + i));
            (0..u64::from(batches)).map(on).collect::<Vec<_>>()
        };
        without.iter().flat_map(on_all).collect()
    }

    /// The path without one choice of a decision, or without all of them.
    fn path(&self, removed: &[(u32, Option<u32>)]) -> Path {
        let pick = |(d, kept): (usize, &Vec<(u32, f32)>)| {
            let gone = removed.iter().find(|(decision, _)| *decision as usize == d);
            let weight = |(choice, weight): &(u32, f32)| match gone {
                Some((_, None)) => 0.0,
                Some((_, Some(one))) if one == choice => 0.0,
                _ => *weight,
            };
            if let ([(choice, _)], None) = (kept.as_slice(), gone) {
                return Pick::One(*choice);
            }
            Pick::Mix {
                choices: kept.iter().map(|(choice, _)| *choice).collect(),
                weights: kept.iter().map(weight).collect(),
                rows: 1,
                gradient: false,
            }
        };
        Path {
            picks: self.kept.iter().enumerate().map(pick).collect(),
            at: Vec::new(),
        }
    }

    /// Takes the outcome of the passes for the next question; without one, the first candidates are
    /// as good as any.
    pub(super) fn answer(&mut self, outcome: Option<&StepOutcome>, batches: u32) {
        let losses: Vec<f64> = outcome.map_or(Vec::new(), |outcome| {
            let one = |passes: &[crate::PassOutcome]| {
                passes.iter().map(|pass| f64::from(pass.score.loss)).sum()
            };
            outcome
                .passes
                .chunks(batches.max(1) as usize)
                .map(one)
                .collect()
        });
        match self.questions.pop() {
            Some(Question::Ops { decision, choices }) => {
                let most = missed_most(&losses, choices.len());
                let choice = most.first().map_or(0, |at| choices[*at]);
                self.kept[decision as usize] = vec![(choice, 1.0)];
            }
            Some(Question::Edges {
                decisions,
                keep,
                none,
            }) => {
                let order = missed_most(&losses, decisions.len());
                for at in order.into_iter().skip(keep as usize) {
                    self.kept[decisions[at] as usize] = vec![(none, 1.0)];
                }
            }
            None => {}
        }
    }

    /// The architecture, once everything is decided; under the constraints of the space, as the
    /// strongest of a table that prefers it.
    ///
    /// # Errors
    /// If the constraints leave no genome.
    pub(super) fn favourite(&self, space: &Supergraph) -> Result<Option<Genome>, GenomeError> {
        if !self.questions.is_empty() {
            return Ok(None);
        }
        let counts: Vec<u32> = (0..space.genome_len()).map(|d| space.choices(d)).collect();
        let mut table = LogitTable::uniform(&counts);
        for (logits, kept) in table.logits_mut().iter_mut().zip(&self.kept) {
            for (choice, logit) in logits.iter_mut().enumerate() {
                let is_kept = kept.iter().any(|(one, _)| *one as usize == choice);
                *logit = if is_kept { 0.0 } else { -20.0 };
            }
        }
        table.strongest(space).map(Some)
    }
}

/// The `none` of the group that a decision belongs to.
fn none_of(space: &Supergraph, decision: u32) -> Option<u32> {
    let mut groups = space.space().groups.iter();
    let of = |id: &String| space.decision(id) == Some(decision);
    let group = groups.find(|group| group.decisions.iter().any(of))?;
    Some(group.none)
}

/// The candidates by the loss without them, the largest first; the first on a tie.
fn missed_most(losses: &[f64], candidates: usize) -> Vec<usize> {
    let of = |at: usize| losses.get(at).copied().unwrap_or(f64::NEG_INFINITY);
    let mut order: Vec<usize> = (0..candidates).collect();
    order.sort_by(|a, b| of(*b).total_cmp(&of(*a)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_spaces;
    use crate::{PassOutcome, Score};
    use supernet_shaders::random::RngStream;

    fn space() -> Supergraph {
        let op = |id| test_spaces::op(id, &["a", "b", "c"]);
        let steps = ["x", "y"].map(|id| test_spaces::step(&[id.to_owned()], None));
        test_spaces::space(vec![op("x"), op("y")], steps.to_vec(), vec![])
    }

    /// The loss is what the removed choices were worth.
    fn outcome(passes: &[Pass], worth: &[[f32; 3]]) -> StepOutcome {
        let of = |pass: &Pass| {
            let mut loss = 0.0;
            for (pick, worth) in pass.path.picks.iter().zip(worth) {
                if let Pick::Mix {
                    choices, weights, ..
                } = pick
                {
                    let pairs = choices.iter().zip(weights);
                    let gone = pairs.filter(|(_, weight)| **weight == 0.0);
                    loss += gone.map(|(choice, _)| worth[*choice as usize]).sum::<f32>();
                }
            }
            PassOutcome::new(Score { reward: 0.5, loss })
        };
        StepOutcome::new(passes.iter().map(of).collect(), 0.0)
    }

    #[test]
    fn the_op_that_is_missed_most_stays_whatever_its_logit() {
        let space = space();
        let mut table = LogitTable::of(&space);
        // The logits prefer the wrong ones.
        table.logits_mut()[0][2] = 3.0;
        let mut random = Random::new(1, RngStream::Strategy);
        let mut perturbation = Perturbation::new(&space, &table, &mut random);
        let worth = [[0.1, 0.9, 0.2], [0.5, 0.4, 0.5]];
        let mut asked = 0;
        loop {
            let passes = perturbation.passes(5, 2);
            if passes.is_empty() {
                break;
            }
            assert_eq!(passes.len(), 6, "three ops on two minibatches");
            assert_eq!(passes[1].samples, PassSamples::Validation(6));
            assert_eq!(perturbation.favourite(&space).unwrap(), None);
            perturbation.answer(Some(&outcome(&passes, &worth)), 2);
            asked += 1;
        }
        // On a tie the first.
        assert_eq!(asked, 2);
        assert_eq!(perturbation.favourite(&space).unwrap(), Some(vec![1, 0]));
    }

    #[test]
    fn without_an_outcome_it_still_ends() {
        let space = space();
        let mut random = Random::new(1, RngStream::Strategy);
        let table = LogitTable::of(&space);
        let mut perturbation = Perturbation::new(&space, &table, &mut random);
        while !perturbation.passes(0, 1).is_empty() {
            perturbation.answer(None, 1);
        }
        assert_eq!(perturbation.favourite(&space).unwrap(), Some(vec![0, 0]));
    }
}
