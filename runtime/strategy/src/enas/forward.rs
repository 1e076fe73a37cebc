use super::controller::{Controller, Source};
use super::layout::{DecisionRef, Reads, Step};
use super::product::{add_product, dot};
use super::real::Real;
use super::sampled::Sampled;
use super::tape::{Frame, Tape};

impl<F: Real> Controller<F> {
    /// Walks the plan once for a batch of rollouts.
    pub(super) fn forward(&self, mut source: Source<'_>) -> Tape<F> {
        let rollouts = match &source {
            Source::Given(genomes) => genomes.len(),
            Source::Policy(_, count) => *count,
        };
        let (d, steps) = (self.layout.size, self.layout.steps.len());
        let mut inputs = vec![F::ZERO; steps * rollouts * 2 * d];
        let mut frames: Vec<Frame<F>> = Vec::with_capacity(steps);
        let mut prefixes = vec![vec![None; self.layout.genome]; rollouts];
        let mut stuck = vec![false; rollouts];
        for (t, step) in self.layout.steps.iter().enumerate() {
            let input = &mut inputs[t * rollouts * 2 * d..][..rollouts * 2 * d];
            self.feed(
                input,
                t.checked_sub(1).map(|before| &self.layout.steps[before]),
                &frames,
            );
            let mut frame = self.advance(input, frames.last(), step.attended);
            if !step.decide.is_empty() {
                let query = self.query(step, &frame.state);
                for decide in &step.decide {
                    let mut choice = self.score(decide, &frame.state, &query, &frames);
                    self.choose(decide, &mut choice, &mut source, &mut prefixes, &mut stuck);
                    frame.choices.push(choice);
                }
            }
            frames.push(frame);
        }
        let genomes = prefixes
            .into_iter()
            .map(|prefix| prefix.into_iter().map(|v| v.unwrap_or(0)).collect())
            .collect();
        Tape {
            rollouts,
            inputs,
            frames,
            genomes,
            stuck,
        }
    }

    /// Writes a step's input, and the state before it, into rows of 2d numbers.
    fn feed(&self, rows: &mut [F], before: Option<&Step>, frames: &[Frame<F>]) {
        let d = self.layout.size;
        let start = &self.parameters[self.layout.start.clone()];
        for (b, row) in rows.chunks_exact_mut(2 * d).enumerate() {
            let (Some(step), Some(last)) = (before, frames.last()) else {
                row[..d].copy_from_slice(start);
                continue;
            };
            row[d..].copy_from_slice(&last.state[b * d..][..d]);
            let Some(share) = share(&last.choices, b) else {
                row[..d].copy_from_slice(start);
                continue;
            };
            for (decide, choice) in step.decide.iter().zip(&last.choices) {
                let source = match chosen(decide, choice, b) {
                    Some(Chosen::Embedding { table, row }) => {
                        &self.parameters[self.layout.tables[table].embedding.clone()][row * d..]
                            [..d]
                    }
                    Some(Chosen::Anchor { step }) => &frames[step].state[b * d..][..d],
                    None => continue,
                };
                row[..d]
                    .iter_mut()
                    .zip(source)
                    .for_each(|(x, s)| *x += share * *s);
            }
        }
    }

    /// One step of the LSTM.
    fn advance(&self, input: &[F], last: Option<&Frame<F>>, attended: bool) -> Frame<F> {
        let d = self.layout.size;
        let rollouts = input.len() / (2 * d);
        let mut gates = vec![F::ZERO; rollouts * 4 * d];
        add_product(
            &mut gates,
            input,
            &self.parameters[self.layout.lstm.clone()],
            2 * d,
            4 * d,
        );
        let mut cell = last.map_or_else(|| vec![F::ZERO; rollouts * d], |frame| frame.cell.clone());
        for (gates, cell) in gates.chunks_exact_mut(4 * d).zip(cell.chunks_exact_mut(d)) {
            let (sigmoids, new) = gates.split_at_mut(3 * d);
            sigmoids.iter_mut().for_each(|x| *x = x.sigmoid());
            new.iter_mut().for_each(|x| *x = x.tanh());
            let (input, forget) = sigmoids.split_at(d);
            for (((c, i), f), g) in cell.iter_mut().zip(input).zip(forget).zip(new.iter()) {
                *c = *f * *c + *i * *g;
            }
        }
        let mut squashed = cell.clone();
        squashed.iter_mut().for_each(|x| *x = x.tanh());
        let mut state = squashed.clone();
        for (state, gates) in state.chunks_exact_mut(d).zip(gates.chunks_exact(4 * d)) {
            state
                .iter_mut()
                .zip(&gates[2 * d..3 * d])
                .for_each(|(h, o)| *h = *h * *o);
        }
        let mut key = Vec::new();
        if let Some(attention) = self.layout.attention.as_ref().filter(|_| attended) {
            key.resize(rollouts * d, F::ZERO);
            add_product(
                &mut key,
                &state,
                &self.parameters[attention.anchor.clone()],
                d,
                d,
            );
        }
        Frame {
            gates,
            cell,
            squashed,
            state,
            key,
            choices: Vec::new(),
        }
    }

    /// W₂ · state, if the step attends to anything.
    fn query(&self, step: &Step, state: &[F]) -> Vec<F> {
        let attends = step
            .decide
            .iter()
            .any(|decide| !decide.reads.anchors().is_empty());
        let Some(attention) = self.layout.attention.as_ref().filter(|_| attends) else {
            return Vec::new();
        };
        let mut query = vec![F::ZERO; state.len()];
        add_product(
            &mut query,
            state,
            &self.parameters[attention.state.clone()],
            self.layout.size,
            self.layout.size,
        );
        query
    }

    /// The shaped scores of a decision for all rollouts. They are written to `log`, where the
    /// softmax expects them.
    fn score(
        &self,
        decide: &DecisionRef,
        state: &[F],
        query: &[F],
        frames: &[Frame<F>],
    ) -> Sampled<F> {
        let d = self.layout.size;
        let rollouts = state.len() / d;
        let skip = matches!(decide.reads, Reads::Skip(_));
        let mut choice = Sampled::new(decide.choices, skip, &decide.prior, rollouts);
        if let Reads::Table(table) = decide.reads {
            let softmax = &self.parameters[self.layout.tables[table].softmax.clone()];
            add_product(&mut choice.log, state, softmax, d, decide.choices);
        } else if let Some(attention) = &self.layout.attention {
            let anchors = decide.reads.anchors();
            let weights = &self.parameters[attention.score.clone()];
            choice.attention = vec![F::ZERO; rollouts * anchors.len() * d];
            for (row, mixed) in choice.attention.chunks_exact_mut(d).enumerate() {
                let (b, place) = (row / anchors.len(), row % anchors.len());
                let key = &frames[anchors[place]].key[b * d..][..d];
                for ((m, k), q) in mixed.iter_mut().zip(key).zip(&query[b * d..][..d]) {
                    *m = (*k + *q).tanh();
                }
                let score = dot(mixed, weights);
                // A skip's single score is stored in the place of "on"; "off" gets its negative
                // below.
                choice.log[b * decide.choices + if skip { 1 } else { place }] = score;
            }
        }
        let (temperature, bound) = (self.settings.temperature, self.settings.tanh);
        for (z, slope) in choice.log.iter_mut().zip(&mut choice.slope) {
            (*z, *slope) = shape(*z, F::of(temperature.into()), F::of(bound.into()));
        }
        if skip {
            choice
                .log
                .chunks_exact_mut(2)
                .for_each(|pair| pair[0] = -pair[1]);
        }
        if self.settings.prior {
            for row in choice.log.chunks_exact_mut(decide.choices) {
                row.iter_mut()
                    .zip(&choice.prior)
                    .for_each(|(z, prior)| *z += *prior);
            }
        }
        choice
    }

    /// Makes a choice for every rollout in which the decision is active.
    fn choose(
        &self,
        decide: &DecisionRef,
        choice: &mut Sampled<F>,
        source: &mut Source<'_>,
        prefixes: &mut [Vec<Option<u32>>],
        stuck: &mut [bool],
    ) {
        let scores = choice.log.clone();
        choice.log.iter_mut().for_each(|z| *z = F::ZERO);
        for (b, prefix) in prefixes.iter_mut().enumerate() {
            let mut taken = 0;
            if self.space.active(prefix, decide.decision) {
                let mut allowed = self.space.allowed(prefix, decide.decision);
                if !allowed.contains(&true) {
                    // The rollout continues, so that the batch stays whole, and is discarded at the
                    // end.
                    stuck[b] = true;
                    allowed.fill(true);
                }
                choice.settle(b, &scores[b * decide.choices..][..decide.choices], &allowed);
                taken = match source {
                    Source::Given(genomes) => genomes[b][decide.decision],
                    Source::Policy(random, _) => random.weighted(&choice.probabilities(b)) as u32,
                };
            }
            choice.taken[b] = taken;
            prefix[decide.decision] = Some(taken);
        }
    }
}

/// c·tanh(z / T) and its derivative with respect to z; without the tanh if c is 0.
fn shape<F: Real>(z: F, temperature: F, bound: F) -> (F, F) {
    let cooled = z / temperature;
    if bound > F::ZERO {
        let squashed = cooled.tanh();
        (
            bound * squashed,
            bound * (F::ONE - squashed * squashed) / temperature,
        )
    } else {
        (cooled, F::ONE / temperature)
    }
}

/// The input that a choice feeds into the next step.
pub(super) enum Chosen {
    Embedding { table: usize, row: usize },
    Anchor { step: usize },
}

/// The source of rollout `b`'s input; `None` for an inactive decision and for a skip that is off.
pub(super) fn chosen<F>(decide: &DecisionRef, choice: &Sampled<F>, b: usize) -> Option<Chosen> {
    let taken = choice.taken[b] as usize;
    match &decide.reads {
        _ if !choice.active[b] => None,
        Reads::Table(table) => Some(Chosen::Embedding {
            table: *table,
            row: taken,
        }),
        Reads::Attend(steps) => Some(Chosen::Anchor { step: steps[taken] }),
        Reads::Skip(step) => (taken == 1).then_some(Chosen::Anchor { step: *step }),
    }
}

/// The weight of each choice of rollout `b` in the next input: 1 for a single choice, 1/(1+Σs) for
/// skips. `None` if nothing was decided, in which case the start embedding comes next.
pub(super) fn share<F: Real>(choices: &[Sampled<F>], b: usize) -> Option<F> {
    let active = || choices.iter().filter(|choice| choice.active[b]);
    let on = active()
        .filter(|choice| choice.skip)
        .map(|choice| choice.taken[b])
        .sum::<u32>();
    let others = active().filter(|choice| !choice.skip).count() as u32;
    active()
        .next()
        .map(|_| F::ONE / F::of((on + others.max(1)).into()))
}
