use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use supernet_plugin::{Path, Pick};

use super::{Outcome, Pass, Schedule, Score, StepOutcome, Task, Work};

/// A strategy's position in its schedule, and its pending tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Agenda {
    epoch: u32,
    /// Training steps of the epoch that have been handed out.
    step: u32,
    /// Score tasks of the epoch that have been handed out.
    update: u32,
    /// The next task's id.
    id: u64,
    /// The next score task's minibatch.
    batch: u64,
    /// Tasks without an outcome, oldest first.
    out: VecDeque<Task>,
    /// How many of the newest pending tasks must be handed out again because a search resumes from
    /// a save.
    #[serde(default)]
    again: usize,
}

/// The next entry of the schedule.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pending {
    /// A task that was pending when the state was saved.
    Again(Task),
    /// A training step of this epoch.
    Train { epoch: u32 },
    /// A score task on this minibatch.
    Score { batch: u64 },
    /// The schedule is complete.
    Through,
}

impl Agenda {
    pub(super) fn new() -> Self {
        Self {
            epoch: 0,
            step: 0,
            update: 0,
            id: 0,
            batch: 0,
            out: VecDeque::new(),
            again: 0,
        }
    }

    /// The next entry of the schedule: an epoch's steps, then its updates.
    pub(super) fn pending(&mut self, schedule: &Schedule) -> Pending {
        if let Some(task) = self
            .out
            .len()
            .checked_sub(self.again)
            .and_then(|first| self.out.get(first))
        {
            self.again -= 1;
            return Pending::Again(task.clone());
        }
        while self.epoch < schedule.epochs {
            let updates = if self.epoch < schedule.warm_up || schedule.rollouts == 0 {
                0
            } else {
                schedule.updates
            };
            if self.step < schedule.steps {
                return Pending::Train { epoch: self.epoch };
            }
            if self.update < updates {
                return Pending::Score { batch: self.batch };
            }
            (self.epoch, self.step, self.update) = (self.epoch + 1, 0, 0);
        }
        Pending::Through
    }

    /// Whether a task that scores children has no outcome yet.
    pub(super) fn scoring(&self) -> bool {
        let scores = |work: &Work| matches!(work, Work::Score { .. } | Work::Alone { .. });
        self.out.iter().any(|task| scores(&task.work))
    }

    /// The number of the next training step, from 0 over the whole search.
    pub(super) fn step(&self, schedule: &Schedule) -> u32 {
        self.epoch * schedule.steps + self.step
    }

    /// The index of the next minibatch of the validation split.
    pub(super) fn batch(&self) -> u64 {
        self.batch
    }

    /// Moves on to the next minibatch of the validation split.
    pub(super) fn take_batch(&mut self) {
        self.batch += 1;
    }

    /// Hands out work.
    pub(super) fn hand_out(&mut self, work: Work) -> Task {
        match work {
            Work::Score { .. } | Work::Alone { .. } => {
                (self.update, self.batch) = (self.update + 1, self.batch + 1)
            }
            _ => self.step += u32::from(work.updates()),
        }
        let task = Task { id: self.id, work };
        self.id += 1;
        self.out.push_back(task.clone());
        task
    }

    /// Ends the oldest task. Returns its genomes and their scores if it scored children and the
    /// outcome matches it.
    pub(super) fn close<'a>(
        &mut self,
        outcome: &'a Outcome,
    ) -> Option<(Vec<super::Genome>, &'a [Score])> {
        let task = self.out.pop_front()?;
        self.again = self.again.min(self.out.len());
        match (task.work, outcome) {
            (
                Work::Score { genomes, .. } | Work::Alone { genomes, .. },
                Outcome::Scored(scores),
            ) if genomes.len() == scores.len() => Some((genomes, scores)),
            _ => None,
        }
    }

    /// Ends the oldest task. Returns its passes and their results if it was a step and the outcome
    /// matches it.
    pub(super) fn close_step<'a>(
        &mut self,
        outcome: &'a Outcome,
    ) -> Option<(Vec<Pass>, &'a StepOutcome)> {
        let task = self.out.pop_front()?;
        self.again = self.again.min(self.out.len());
        match (task.work, outcome) {
            (Work::Step { passes, .. }, Outcome::Stepped(outcome))
                if passes.len() == outcome.passes.len() =>
            {
                Some((passes, outcome))
            }
            _ => None,
        }
    }

    /// Whether a step that asks for a gradient or for scores has no outcome yet.
    pub(super) fn is_learning(&self) -> bool {
        let asks = |pick: &Pick| matches!(pick, Pick::Mix { gradient: true, .. });
        self.out.iter().any(|task| match &task.work {
            Work::Step { passes, .. } => {
                !task.work.updates() || passes.iter().any(|pass| pass.path.picks.iter().any(asks))
            }
            _ => false,
        })
    }

    /// The genomes of pending tasks.
    pub(super) fn genomes(&self) -> impl Iterator<Item = &super::Genome> {
        self.out.iter().flat_map(|task| match &task.work {
            Work::Train { paths, .. } => paths.as_slice(),
            Work::Step { .. } => &[],
            Work::Score { genomes, .. } | Work::Alone { genomes, .. } => genomes,
        })
    }

    /// The paths of pending steps.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.out.iter().flat_map(|task| match &task.work {
            Work::Step { passes, .. } => passes.iter().map(|pass| &pass.path).collect(),
            _ => Vec::new(),
        })
    }

    /// Schedules all pending tasks to be handed out again.
    pub(super) fn resume(&mut self) {
        self.again = self.out.len();
    }
}

/// The reward of a score. One that is not finite, such as from an application's failed evaluation,
/// counts as zero.
pub(super) fn reward(score: &Score) -> f32 {
    if score.reward.is_finite() {
        score.reward
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        epochs: 3,
        steps: 2,
        warm_up: 1,
        updates: 2,
        rollouts: 1,
        paths: 1,
    };

    fn walk(agenda: &mut Agenda, schedule: &Schedule) -> String {
        let mut order = String::new();
        loop {
            match agenda.pending(schedule) {
                Pending::Train { epoch } => {
                    agenda.hand_out(Work::Train {
                        paths: vec![vec![]],
                        epoch,
                    });
                    order += &format!("t{epoch} ");
                }
                Pending::Score { batch } => {
                    agenda.hand_out(Work::Score {
                        genomes: vec![vec![]],
                        batch,
                    });
                    order += &format!("s{batch} ");
                }
                Pending::Again(task) => order += &format!("again{} ", task.id),
                Pending::Through => return order,
            }
        }
    }

    #[test]
    fn epochs_train_then_score_and_warm_up_only_trains() {
        assert_eq!(
            walk(&mut Agenda::new(), &SCHEDULE),
            "t0 t0 t1 t1 s0 s1 t2 t2 s2 s3 "
        );
        let only_training = Schedule {
            rollouts: 0,
            ..SCHEDULE
        };
        assert_eq!(
            walk(&mut Agenda::new(), &only_training),
            "t0 t0 t1 t1 t2 t2 "
        );
        let only_scoring = Schedule {
            steps: 0,
            warm_up: 0,
            updates: 1,
            ..SCHEDULE
        };
        assert_eq!(walk(&mut Agenda::new(), &only_scoring), "s0 s1 s2 ");
        assert_eq!(
            walk(
                &mut Agenda::new(),
                &Schedule {
                    epochs: 0,
                    ..SCHEDULE
                }
            ),
            ""
        );
    }

    #[test]
    fn what_is_out_is_handed_out_again_after_a_resumption() {
        let mut agenda = Agenda::new();
        walk(
            &mut agenda,
            &Schedule {
                epochs: 1,
                ..SCHEDULE
            },
        );
        agenda.resume();
        assert_eq!(
            walk(
                &mut agenda,
                &Schedule {
                    epochs: 1,
                    ..SCHEDULE
                }
            ),
            "again0 again1 "
        );
        assert_eq!(walk(&mut agenda, &SCHEDULE), "t1 t1 s0 s1 t2 t2 s2 s3 ");
    }

    #[test]
    fn an_outcome_of_the_wrong_kind_or_length_teaches_nothing() {
        let mut agenda = Agenda::new();
        let score = Score {
            reward: 0.5,
            loss: 1.0,
        };
        for _ in 0..4 {
            agenda.hand_out(Work::Score {
                genomes: vec![vec![1]],
                batch: 0,
            });
        }
        assert!(agenda.close(&Outcome::Trained(score)).is_none());
        assert!(agenda.close(&Outcome::Scored(vec![score; 2])).is_none());
        assert_eq!(
            agenda.close(&Outcome::Scored(vec![score])),
            Some((vec![vec![1]], &[score][..]))
        );
        assert!(agenda.scoring());
        agenda.close(&Outcome::Scored(vec![score]));
        assert!(!agenda.scoring() && agenda.close(&Outcome::Trained(score)).is_none());
        assert_eq!(
            reward(&Score {
                reward: f32::NAN,
                loss: 0.0
            }),
            0.0
        );
    }
}
