//! What comes after the last epoch: candidates, gain report, test score. The weights stand still from here on.

use std::collections::BTreeMap;

use supernet_shaders::random::{Random, RngStream};

use super::{Answer, Course, Job, Labour, Next, Place};
use crate::derive::{self, Candidate};
use crate::event::{Event, Judged};
use crate::gain::Gain;
use crate::search::{Search, SearchError};
use crate::strategy::random::from_prior;
use crate::strategy::{Genome, Score, Strategy};

/// What a search came to.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) top: Vec<Candidate>,
    pub(crate) gain: Gain,
    pub(crate) test: Score,
}

pub(super) struct Judging {
    /// Everything that is reported, in its order, with the number of its architecture.
    roll: Vec<(Judged, Genome, usize)>,
    /// The different architectures: each is scored once.
    architectures: Vec<Genome>,
    answers: Vec<Option<Answer>>,
    handed: usize,
    /// Scores of the architectures that were reported.
    pub(super) scores: Vec<Score>,
    /// How much of the roll was reported.
    reported: usize,
    /// Different architectures among the policy's samples.
    distinct: u32,
    last: Option<(Vec<Candidate>, Gain)>,
    test: [Option<Answer>; 1],
}

impl Judging {
    pub(super) fn new(search: &Search, strategy: &dyn Strategy) -> Result<Self, SearchError> {
        let (supergraph, derive) = (search.supergraph(), search.config().derive);
        let random = |purpose| Random::new(search.config().search.seed, purpose);
        let sampled = strategy.sample(
            derive.candidates as usize,
            &mut random(RngStream::Candidates),
        )?;
        let candidates = derive::distinct(supergraph, &sampled)?;
        let policy = strategy.sample(
            derive.report as usize,
            &mut random(RngStream::PolicySamples),
        )?;
        let distinct = derive::distinct(supergraph, &policy)?.len() as u32;
        let mut third = random(RngStream::PriorSamples);
        let prior = (0..derive.report)
            .map(|_| from_prior(supergraph, &mut third))
            .collect::<Result<Vec<_>, _>>()?;
        let (mut roll, mut architectures, mut known) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (role, genomes) in [
            (Judged::Candidate, candidates),
            (Judged::Policy, policy),
            (Judged::Prior, prior),
        ] {
            for genome in genomes {
                let number = *known
                    .entry(supergraph.canonical(&genome)?)
                    .or_insert_with(|| {
                        architectures.push(genome.clone());
                        architectures.len() - 1
                    });
                roll.push((role, genome, number));
            }
        }
        let answers = vec![None; architectures.len()];
        let (scores, test) = (Vec::new(), [None]);
        Ok(Self {
            roll,
            architectures,
            answers,
            handed: 0,
            scores,
            reported: 0,
            distinct,
            last: None,
            test,
        })
    }

    /// As if these architectures had been scored and reported.
    pub(super) fn resume(&mut self, scores: Vec<Score>) {
        self.handed = scores.len().min(self.architectures.len());
        self.answers
            .iter_mut()
            .zip(&scores)
            .for_each(|(answer, score)| *answer = Some(Ok(*score)));
        self.reported = self
            .roll
            .iter()
            .take_while(|(_, _, number)| *number < self.handed)
            .count();
        self.scores = scores;
    }

    /// Where the answer of a task belongs, counted from the first one after exploring.
    pub(super) fn slots(&mut self, task: Option<u64>) -> Option<&mut [Option<Answer>]> {
        let task = usize::try_from(task?).ok()?;
        match self.answers.get_mut(task) {
            Some(answer) if task < self.handed => Some(std::slice::from_mut(answer)),
            None if task == self.architectures.len() && self.last.is_some() => Some(&mut self.test),
            _ => None,
        }
    }

    /// Whether every score is there and told.
    pub(super) fn is_scored(&self) -> bool {
        self.reported == self.roll.len()
    }

    fn accuracies(&self, role: Judged) -> Vec<f32> {
        let of_role = self.roll.iter().filter(|(r, _, _)| *r == role);
        of_role
            .map(|(_, _, number)| self.scores[*number].accuracy)
            .collect()
    }
}

impl Course {
    pub(super) fn judge(&mut self) -> Result<Next, SearchError> {
        self.report()?;
        let (closed, crowded) = (self.closed, self.under_way >= self.limits.crowd);
        let Some(judging) = &mut self.judging else {
            return Ok(Next::Await { flush: false });
        };
        let job = |number: usize, work| {
            Ok(Next::Job(Job {
                place: Place {
                    task: closed + number as u64,
                    first: 0,
                },
                work,
            }))
        };
        if let Some(genome) = judging
            .architectures
            .get(judging.handed)
            .filter(|_| !crowded)
        {
            judging.handed += 1;
            return job(
                judging.handed - 1,
                Labour::Judge {
                    genome: genome.clone(),
                },
            );
        }
        if judging.reported < judging.roll.len() {
            return Ok(Next::Await { flush: false });
        }
        let Some((top, gain)) = &judging.last else {
            let last = self.derive()?;
            let best = last
                .0
                .first()
                .ok_or(SearchError::NothingDerived)?
                .genome
                .clone();
            let Some(judging) = &mut self.judging else {
                return Ok(Next::Await { flush: false });
            };
            judging.last = Some(last);
            return job(judging.architectures.len(), Labour::Test { genome: best });
        };
        let Some(test) = judging.test[0].clone() else {
            return Ok(Next::Await { flush: false });
        };
        let (top, gain) = (top.clone(), *gain);
        let test = test.unwrap_or(Score::WORST);
        // Told together, so that no checkpoint lies between them.
        self.tell(Event::Derived {
            version: self.tally.version,
            top: top.clone(),
        });
        self.tell(Event::Gain {
            gain,
            summary: gain.sentence(),
        });
        self.tell(Event::Tested { score: test });
        Ok(Next::Found(Box::new(Finding { top, gain, test })))
    }

    /// Reports what is known, in the order of the roll.
    pub(super) fn report(&mut self) -> Result<(), SearchError> {
        while let Some(judging) = &mut self.judging {
            let Some((role, genome, number)) = judging.roll.get(judging.reported).cloned() else {
                break;
            };
            if number == judging.scores.len() {
                let Some(answer) = judging.answers[number].clone() else {
                    break;
                };
                let score = self.score(&genome, answer)?;
                self.judging
                    .iter_mut()
                    .for_each(|judging| judging.scores.push(score));
            }
            let Some(judging) = &mut self.judging else {
                break;
            };
            judging.reported += 1;
            let score = judging.scores[number];
            self.tell(Event::Judged {
                role,
                version: self.tally.version,
                genome,
                score,
            });
        }
        Ok(())
    }

    fn derive(&self) -> Result<(Vec<Candidate>, Gain), SearchError> {
        let Some(judging) = &self.judging else {
            return Err(SearchError::NothingDerived);
        };
        let candidates = judging
            .roll
            .iter()
            .filter(|(role, _, _)| *role == Judged::Candidate);
        let mut top = candidates
            .map(|(_, genome, number)| {
                Candidate::new(self.search.supergraph(), genome, judging.scores[*number])
            })
            .collect::<Result<Vec<_>, _>>()?;
        derive::rank(&mut top);
        top.truncate(10);
        let (policy, prior) = (
            judging.accuracies(Judged::Policy),
            judging.accuracies(Judged::Prior),
        );
        let gain = Gain::new(
            self.search.config().search.strategy,
            &policy,
            &prior,
            judging.distinct,
        );
        let gain = Gain {
            measure: self.search.ground().measure,
            ..gain
        };
        let best = top.first().map(|best| best.score.accuracy);
        let gain = best
            .into_iter()
            .fold(gain, |gain, best| gain.with_best(best, &prior));
        Ok((top, gain))
    }
}
