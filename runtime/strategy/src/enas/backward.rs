use super::controller::Controller;
use super::forward::{Chosen, chosen, share};
use super::layout::{DecisionRef, Layout, Reads};
use super::product::{add_product, transposed};
use super::real::Real;
use super::sampled::{Sampled, Weight};
use super::tape::{Objective, Tape};

/// Gradients during the backward pass through a tape.
struct Back<'a, F> {
    layout: &'a Layout,
    parameters: &'a [F],
    rollouts: usize,
    /// With respect to the parameters, flat.
    gradient: Vec<F>,
    /// [steps][rollouts, d]: with respect to each step's state.
    states: Vec<Vec<F>>,
    /// [steps][rollouts, d]: with respect to each step's key; empty if nothing attends to it.
    keys: Vec<Vec<F>>,
}

impl<F: Real> Controller<F> {
    /// The gradient of [`Tape::outlook`]'s loss with respect to all parameters: hand-written
    /// back-propagation through time.
    pub(super) fn gradient(&self, tape: &Tape<F>, objective: Objective<'_, F>) -> Vec<F> {
        let (layout, d, rollouts) = (&self.layout, self.layout.size, tape.rollouts);
        let row = rollouts * d;
        let mut back = Back {
            layout,
            parameters: &self.parameters,
            rollouts,
            gradient: vec![F::ZERO; layout.parameters],
            states: tape.frames.iter().map(|_| vec![F::ZERO; row]).collect(),
            keys: tape
                .frames
                .iter()
                .map(|frame| vec![F::ZERO; frame.key.len()])
                .collect(),
        };
        let each = F::ONE / F::of(rollouts.max(1) as f64);
        let skips = tape.skip_shares();
        let weights: Vec<Weight<F>> = (0..rollouts)
            .map(|b| Weight {
                log: -objective.advantages[b] * each,
                entropy: -objective.entropy * each,
                divergence: objective.skip * skips[b],
            })
            .collect();
        let turned = transposed(&self.parameters[layout.lstm.clone()], 4 * d);
        let mut gates = vec![F::ZERO; tape.frames.len() * 4 * row];
        let mut cell = vec![F::ZERO; row];
        for (t, (frame, step)) in tape.frames.iter().zip(&layout.steps).enumerate().rev() {
            back.key(t, &frame.state);
            let mut query = vec![F::ZERO; row];
            for (decide, choice) in step.decide.iter().zip(&frame.choices) {
                back.choice(t, decide, choice, &frame.state, &weights, &mut query);
            }
            if step
                .decide
                .iter()
                .any(|decide| !decide.reads.anchors().is_empty())
            {
                back.query(t, &frame.state, &query);
            }
            let slopes = &mut gates[t * 4 * row..][..4 * row];
            let before = t.checked_sub(1).map(|before| &tape.frames[before].cell[..]);
            for b in 0..rollouts {
                let one = b * d..(b + 1) * d;
                let gates = &frame.gates[4 * b * d..][..4 * d];
                let state = &back.states[t][one.clone()];
                let slopes = &mut slopes[4 * b * d..][..4 * d];
                let before = before.map(|cell| &cell[one.clone()]);
                lstm(
                    gates,
                    &frame.squashed[one.clone()],
                    state,
                    before,
                    &mut cell[one],
                    slopes,
                );
            }
            let mut input = vec![F::ZERO; 2 * row];
            add_product(&mut input, slopes, &turned, 4 * d, 2 * d);
            back.input(t, &input, tape);
        }
        // One product over all steps and rollouts: the sum over time is its inner dimension.
        let inputs = transposed(&tape.inputs, 2 * d);
        add_product(
            &mut back.gradient[layout.lstm.clone()],
            &inputs,
            &gates,
            tape.frames.len() * rollouts,
            4 * d,
        );
        back.gradient
    }
}

/// One rollout through one step of the LSTM, backwards. `state` is the gradient of the state;
/// `cell` is that of the cell after the step, then before it; `slopes` receives that of the gates
/// before their nonlinearities.
fn lstm<F: Real>(
    gates: &[F],
    squashed: &[F],
    state: &[F],
    before: Option<&[F]>,
    cell: &mut [F],
    slopes: &mut [F],
) {
    let d = state.len();
    for j in 0..d {
        let [i, f, o, g] = [gates[j], gates[d + j], gates[2 * d + j], gates[3 * d + j]];
        let by_cell = cell[j] + state[j] * o * (F::ONE - squashed[j] * squashed[j]);
        let earlier = before.map_or(F::ZERO, |before| before[j]);
        slopes[j] = by_cell * g * i * (F::ONE - i);
        slopes[d + j] = by_cell * earlier * f * (F::ONE - f);
        slopes[2 * d + j] = state[j] * squashed[j] * o * (F::ONE - o);
        slopes[3 * d + j] = by_cell * i * (F::ONE - g * g);
        cell[j] = by_cell * f;
    }
}

impl<F: Real> Back<'_, F> {
    /// From a step's key, to which every step that attends to it has added, into its state and W₁.
    fn key(&mut self, t: usize, state: &[F]) {
        if let Some(attention) = self
            .layout
            .attention
            .as_ref()
            .filter(|_| !self.keys[t].is_empty())
        {
            let d = self.layout.size;
            let key = std::mem::take(&mut self.keys[t]);
            let turned = transposed(&self.parameters[attention.anchor.clone()], d);
            add_product(&mut self.states[t], &key, &turned, d, d);
            let state = transposed(state, d);
            add_product(
                &mut self.gradient[attention.anchor.clone()],
                &state,
                &key,
                self.rollouts,
                d,
            );
        }
    }

    /// From W₂ · state into the state and W₂.
    fn query(&mut self, t: usize, state: &[F], query: &[F]) {
        if let Some(attention) = &self.layout.attention {
            let d = self.layout.size;
            let turned = transposed(&self.parameters[attention.state.clone()], d);
            add_product(&mut self.states[t], query, &turned, d, d);
            let state = transposed(state, d);
            add_product(
                &mut self.gradient[attention.state.clone()],
                &state,
                query,
                self.rollouts,
                d,
            );
        }
    }

    /// From a decision's share of the objective into its scores, and from there into the state, a
    /// table, keys and query.
    fn choice(
        &mut self,
        t: usize,
        decide: &DecisionRef,
        choice: &Sampled<F>,
        state: &[F],
        weights: &[Weight<F>],
        query: &mut [F],
    ) {
        let (d, n) = (self.layout.size, choice.choices);
        let mut scores = Vec::with_capacity(self.rollouts * n);
        for (b, weight) in weights.iter().enumerate() {
            let mut slopes = choice.gradient(b, *weight);
            if choice.skip {
                // The logits are [-z, z].
                slopes = vec![F::ZERO, slopes[1] - slopes[0]];
            }
            slopes
                .iter_mut()
                .zip(&choice.slope[b * n..])
                .for_each(|(s, slope)| *s = *s * *slope);
            scores.extend(slopes);
        }
        if let Reads::Table(table) = decide.reads {
            let softmax = &self.layout.tables[table].softmax;
            let turned = transposed(&self.parameters[softmax.clone()], n);
            add_product(&mut self.states[t], &scores, &turned, n, d);
            add_product(
                &mut self.gradient[softmax.clone()],
                &transposed(state, d),
                &scores,
                self.rollouts,
                n,
            );
        } else if let Some(attention) = &self.layout.attention {
            let anchors = decide.reads.anchors();
            for (row, mixed) in choice.attention.chunks_exact(d).enumerate() {
                let (b, place) = (row / anchors.len(), row % anchors.len());
                let slope = scores[b * n + if choice.skip { 1 } else { place }];
                let weights = &self.parameters[attention.score.clone()];
                let by_weights = &mut self.gradient[attention.score.clone()];
                let key = &mut self.keys[anchors[place]][b * d..][..d];
                let query = &mut query[b * d..][..d];
                for j in 0..d {
                    by_weights[j] += slope * mixed[j];
                    let inner = slope * weights[j] * (F::ONE - mixed[j] * mixed[j]);
                    key[j] += inner;
                    query[j] += inner;
                }
            }
        }
    }

    /// From a step's input row into the state before it and the source of the input.
    fn input(&mut self, t: usize, rows: &[F], tape: &Tape<F>) {
        let d = self.layout.size;
        for (b, row) in rows.chunks_exact(2 * d).enumerate() {
            let (fed, state) = row.split_at(d);
            let last = t.checked_sub(1);
            if let Some(last) = last {
                add(&mut self.states[last][b * d..][..d], state, F::ONE);
            }
            let share = last.and_then(|last| Some((last, share(&tape.frames[last].choices, b)?)));
            let Some((last, share)) = share else {
                add(&mut self.gradient[self.layout.start.clone()], fed, F::ONE);
                continue;
            };
            for (decide, choice) in self.layout.steps[last]
                .decide
                .iter()
                .zip(&tape.frames[last].choices)
            {
                let into = match chosen(decide, choice, b) {
                    Some(Chosen::Embedding { table, row }) => {
                        &mut self.gradient[self.layout.tables[table].embedding.clone()][row * d..]
                            [..d]
                    }
                    Some(Chosen::Anchor { step }) => &mut self.states[step][b * d..][..d],
                    None => continue,
                };
                add(into, fed, share);
            }
        }
    }
}

fn add<F: Real>(into: &mut [F], from: &[F], weight: F) {
    into.iter_mut()
        .zip(from)
        .for_each(|(x, y)| *x += weight * *y);
}

#[cfg(test)]
mod tests {
    use supernet_plugin::Supergraph;
    use supernet_shaders::random::{Random, RngStream};

    use super::*;
    use crate::enas::settings::ControllerSettings;
    use crate::{Genome, test_spaces};

    /// A controller with parameters far from zero, so that every nonlinearity is active, and
    /// rollouts of it.
    fn sampled(
        space: Supergraph,
        settings: ControllerSettings,
        rollouts: usize,
    ) -> (Controller<f64>, Vec<Genome>) {
        let mut controller = Controller::<f64>::new(space, settings, 11);
        controller.parameters.iter_mut().for_each(|p| *p *= 9.0);
        let genomes = controller
            .sample(rollouts, &mut Random::new(4, RngStream::Test(0)))
            .unwrap();
        (controller, genomes)
    }

    /// The largest difference between the gradient and fourth-order central differences, divided by
    /// the gradient's largest element.
    fn difference(space: Supergraph, settings: ControllerSettings, rollouts: usize) -> f64 {
        let (mut controller, genomes) = sampled(space, settings, rollouts);
        let mut random = Random::new(5, RngStream::Test(0));
        let advantages: Vec<f64> = genomes.iter().map(|_| f64::from(random.normal())).collect();
        let objective = Objective {
            advantages: &advantages,
            entropy: 0.3,
            skip: 0.7,
        };
        let gradient = controller.gradient(&controller.replay(&genomes), objective);
        let largest = gradient.iter().fold(0.0, |top: f64, g| top.max(g.abs()));
        assert!(largest > 1e-2);
        let mut worst: f64 = 0.0;
        let h = 1e-3;
        for (i, g) in gradient.iter().enumerate() {
            let at = controller.parameters[i];
            let mut loss = |x: f64| {
                controller.parameters[i] = x;
                controller.replay(&genomes).outlook(objective).loss
            };
            let near = (loss(at + h) - loss(at - h)) / (2.0 * h);
            let far = (loss(at + 2.0 * h) - loss(at - 2.0 * h)) / (4.0 * h);
            controller.parameters[i] = at;
            worst = worst.max((g - (4.0 * near - far) / 3.0).abs() / largest);
        }
        worst
    }

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        let small = ControllerSettings {
            lstm: 4,
            temperature: 1.7,
            ..ControllerSettings::short()
        };
        let paper = ControllerSettings {
            lstm: 4,
            temperature: 1.7,
            ..ControllerSettings::paper()
        };
        let cases = [
            (test_spaces::guarded(), small, 16),
            (
                test_spaces::guarded(),
                ControllerSettings {
                    tanh: 0.0,
                    temperature: 0.9,
                    ..small
                },
                5,
            ),
            (test_spaces::layered(3), paper, 3),
            (test_spaces::recurrent(4), small, 3),
        ];
        for (case, (space, settings, rollouts)) in cases.into_iter().enumerate() {
            let worst = difference(space, settings, rollouts);
            assert!(worst < 1e-8, "case {case}: {worst:e}");
        }
    }

    #[test]
    fn the_cases_above_hold_masks_and_inactive_decisions() {
        let settings = ControllerSettings {
            lstm: 4,
            temperature: 1.7,
            ..ControllerSettings::short()
        };
        let (controller, genomes) = sampled(test_spaces::guarded(), settings, 16);
        let tape = controller.replay(&genomes);
        let count = |test: &dyn Fn(&Sampled<f64>, usize) -> bool| {
            tape.choices()
                .map(|choice| (0..16).filter(|b| test(choice, *b)).count())
                .sum::<usize>()
        };
        let open = |choice: &Sampled<f64>, b: usize| {
            choice.allowed[b * choice.choices..][..choice.choices]
                .iter()
                .all(|allowed| *allowed)
        };
        assert!(count(&|choice, b| !choice.active[b]) > 5);
        assert!(count(&|choice, b| choice.active[b] && !open(choice, b)) > 5);
        assert!(count(&|choice, b| choice.penalised(b)) > 5);
    }

    #[test]
    fn single_precision_gives_the_same_gradient() {
        let settings = ControllerSettings {
            lstm: 16,
            ..ControllerSettings::short()
        };
        let wide = Controller::<f64>::new(test_spaces::layered(4), settings, 2);
        let narrow = Controller::<f32>::new(test_spaces::layered(4), settings, 2);
        let genomes: Vec<Genome> = narrow
            .sample(5, &mut Random::new(1, RngStream::Test(0)))
            .unwrap();
        let advantages = [0.3, -0.1, 0.02, -0.3, 0.08];
        let objective = Objective {
            advantages: &advantages[..],
            entropy: 1e-2,
            skip: 0.1,
        };
        let g64 = wide.gradient(&wide.replay(&genomes), objective);
        let advantages = advantages.map(|a| a as f32);
        let objective = Objective {
            advantages: &advantages[..],
            entropy: 1e-2,
            skip: 0.1,
        };
        let g32 = narrow.gradient(&narrow.replay(&genomes), objective);
        let largest = g64.iter().fold(0.0, |top: f64, g| top.max(g.abs()));
        let worst = g64
            .iter()
            .zip(&g32)
            .fold(0.0, |w: f64, (a, b)| w.max((a - f64::from(*b)).abs()));
        assert!(worst < 1e-5 * largest, "{worst} of {largest}");
    }
}
