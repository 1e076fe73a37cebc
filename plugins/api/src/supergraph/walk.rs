//! The walk that picks a subgraph: a backward pass marks what is live, then a forward pass emits
//! it. O(nodes), with recursion only into the bodies of scans.

use super::Inner;
use super::level::{Level, Part, When};
use crate::Role;
use crate::condition::Cond;
use crate::ragged::Ragged;

/// A subgraph's nodes and edges. Positions are local to it and topological.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Walk {
    pub(crate) nodes: Vec<u32>,
    pub(crate) inputs: Ragged,
    pub(crate) outputs: Vec<u32>,
    /// The roles of the outputs. Outputs of a body have none.
    pub(crate) roles: Vec<Role>,
    /// For a body: how many of the first positions represent values from outside.
    pub(crate) given: usize,
    /// The bodies of live scans, by position.
    pub(crate) bodies: Vec<(u32, Walk)>,
    /// The nodes that weight their inputs, by position. A child has none.
    pub(crate) mixtures: Vec<(u32, Mixture)>,
    /// The decisions that were consulted, ascending.
    pub(crate) asked: Vec<u32>,
}

/// The weights with which a node adds its inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// For each input, its position among the inputs of the supergraph's node; at a `Choose`, its
    /// choice.
    pub inputs: Vec<u32>,
    /// One row per slice of the batch, with one weight per input.
    pub weights: Vec<f32>,
    /// Whether the gradient of the weights is needed.
    pub gradient: bool,
    /// The inputs through which no gradient flows back, so that their branches run forward only.
    pub forward_only: Vec<bool>,
}

/// What determines the walk: a genome or a path.
pub(crate) trait Route {
    /// The choices that run at a `Choose`.
    fn choices(&self, node: u32, decision: u32) -> &[u32];
    /// The weights of these choices, row by row; `None` if the only choice is simply taken.
    fn weights(&self, node: u32, decision: u32) -> Option<&[f32]>;
    /// Whether a conditional input may contribute.
    fn possible(&self, condition: &Cond) -> bool;
    /// Whether one of the decisions has several choices at once.
    fn mixed(&self, decisions: &[u32]) -> bool;
    /// The probability of a condition in a slice of the batch.
    fn probability(&self, condition: &Cond, row: usize) -> f32;
    fn rows(&self) -> usize;
    /// Whether the gradient of the weights of these decisions is needed, at one `Choose` or in
    /// conditions.
    fn gradient(&self, node: Option<u32>, decisions: &[u32]) -> bool;
}

/// A genome takes one choice per decision, so nothing is weighted.
impl Route for [u32] {
    fn choices(&self, _: u32, decision: u32) -> &[u32] {
        std::slice::from_ref(&self[decision as usize])
    }
    fn weights(&self, _: u32, _: u32) -> Option<&[f32]> {
        None
    }
    fn possible(&self, condition: &Cond) -> bool {
        condition.holds(self)
    }
    fn mixed(&self, _: &[u32]) -> bool {
        false
    }
    fn probability(&self, condition: &Cond, _: usize) -> f32 {
        f32::from(u8::from(condition.holds(self)))
    }
    fn rows(&self) -> usize {
        1
    }
    fn gradient(&self, _: Option<u32>, _: &[u32]) -> bool {
        false
    }
}

/// The result of the backward pass, the last node first.
#[derive(Default)]
struct Marked {
    order: Vec<u32>,
    /// For each live sum, mean or concat: which of its inputs contribute.
    present: Ragged,
    /// For each live scan: its body.
    bodies: Vec<Body>,
}

struct Body {
    walk: Walk,
    /// The number of the scan's inputs that are bound to steps; captures follow.
    steps: usize,
    /// The position of the body's first capture.
    first: usize,
    /// The live captures, as indices into the list of captures.
    captures: Vec<usize>,
}

/// Which part of a network is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything including auxiliary outputs, which serve only training.
    Training,
    /// What the other outputs need.
    Use,
    /// The same as chosen: a `Zero` keeps its input, and sums keep their zeros.
    Chosen,
}

pub(crate) fn walk<R: Route + ?Sized>(inner: &Inner, route: &R, wanted: Wanted) -> Walk {
    let outputs = inner.outer.outputs.iter().zip(&inner.space.outputs);
    let kept =
        outputs.filter(|(_, output)| wanted == Wanted::Training || output.role != Role::Auxiliary);
    let (locals, roles): (Vec<u32>, _) = kept.map(|(local, output)| (*local, output.role)).unzip();
    let (mut walk, _) = level(
        inner,
        &inner.outer,
        &locals,
        route,
        wanted != Wanted::Chosen,
    );
    walk.roles = roles;
    walk
}

fn level<R: Route + ?Sized>(
    inner: &Inner,
    graph: &Level,
    outputs: &[u32],
    route: &R,
    prune: bool,
) -> (Walk, Vec<bool>) {
    let mut asked = vec![false; inner.choices.len()];
    let mut live = vec![false; graph.len()];
    outputs
        .iter()
        .for_each(|&output| live[output as usize] = true);
    let marked = mark(inner, graph, route, prune, &mut live, &mut asked);
    let mut walk = emit(graph, outputs, route, prune, marked);
    walk.given =
        graph.steps + graph.carries + graph.captured().filter(|&local| live[local]).count();
    for &node in &walk.nodes {
        for &decision in inner.follows.row(node as usize) {
            asked[decision as usize] = true;
        }
    }
    walk.asked = (0..asked.len() as u32)
        .filter(|&d| asked[d as usize])
        .collect();
    (walk, live)
}

fn mark<R: Route + ?Sized>(
    inner: &Inner,
    graph: &Level,
    route: &R,
    prune: bool,
    live: &mut [bool],
    asked: &mut [bool],
) -> Marked {
    let mut marked = Marked {
        order: Vec::with_capacity(graph.len() / 4),
        ..Marked::default()
    };
    // The slices and states of a body keep their positions whether or not they are read.
    live[..graph.steps + graph.carries].fill(true);
    for i in (0..graph.len()).rev() {
        if !live[i] {
            continue;
        }
        marked.order.push(i as u32);
        let inputs = graph.inputs.row(i);
        match &graph.parts[i] {
            Part::Given => {}
            Part::Zero if prune => {}
            Part::Plain | Part::Zero => {
                inputs.iter().for_each(|&input| live[input as usize] = true)
            }
            Part::Choose(decision) => {
                asked[*decision as usize] = true;
                for &choice in route.choices(graph.nodes[i], *decision) {
                    live[inputs[choice as usize] as usize] = true;
                }
            }
            Part::Sum(Some(when)) | Part::Mean(Some(when)) => {
                when.decisions
                    .iter()
                    .for_each(|&decision| asked[decision as usize] = true);
                for (k, condition) in when.conditions.iter().enumerate() {
                    if route.possible(condition) {
                        live[inputs[k] as usize] = true;
                        marked.present.add(k as u32);
                    }
                }
                marked.present.close();
            }
            Part::Sum(None) | Part::Mean(None) | Part::Concat => {
                for (k, &input) in inputs.iter().enumerate() {
                    live[input as usize] = true;
                    marked.present.add(k as u32);
                }
                marked.present.close();
            }
            Part::Scan(body) => {
                let body = &inner.bodies[*body as usize];
                let (walk, live_inside) = level(inner, body, &body.outputs, route, prune);
                walk.asked
                    .iter()
                    .for_each(|&decision| asked[decision as usize] = true);
                let captured = body.captured().enumerate();
                let captures: Vec<usize> = captured
                    .filter(|(_, local)| live_inside[*local])
                    .map(|(k, _)| k)
                    .collect();
                let (bound, outer) = inputs.split_at(body.steps);
                bound.iter().for_each(|&input| live[input as usize] = true);
                captures
                    .iter()
                    .for_each(|&k| live[outer[k] as usize] = true);
                marked.bodies.push(Body {
                    walk,
                    steps: body.steps,
                    first: body.captured().start,
                    captures,
                });
            }
        }
    }
    marked
}

fn emit<R: Route + ?Sized>(
    graph: &Level,
    outputs: &[u32],
    route: &R,
    prune: bool,
    mut marked: Marked,
) -> Walk {
    let count = marked.order.len();
    let mut walk = Walk {
        nodes: Vec::with_capacity(count),
        inputs: Ragged::with_capacity(count, 2 * count),
        ..Walk::default()
    };
    let mut position = vec![u32::MAX; graph.len()];
    // Emitted nodes that are zero: a sum leaves them out.
    let mut zero: Vec<bool> = Vec::with_capacity(count);
    let mut merges = marked.present.len();
    for &local in marked.order.iter().rev() {
        let i = local as usize;
        let inputs = graph.inputs.row(i);
        let at = |k: u32| position[inputs[k as usize] as usize];
        let mut is_zero = false;
        match &graph.parts[i] {
            Part::Choose(decision) => {
                let choices = route.choices(graph.nodes[i], *decision);
                let Some(weights) = route.weights(graph.nodes[i], *decision) else {
                    position[i] = at(choices[0]);
                    continue;
                };
                choices
                    .iter()
                    .for_each(|&choice| walk.inputs.add(at(choice)));
                let mixture = Mixture {
                    inputs: choices.to_vec(),
                    weights: weights.to_vec(),
                    gradient: route.gradient(Some(graph.nodes[i]), &[*decision]),
                    forward_only: vec![false; choices.len()],
                };
                walk.mixtures.push((walk.nodes.len() as u32, mixture));
            }
            part @ (Part::Sum(_) | Part::Mean(_) | Part::Concat) => {
                merges -= 1;
                let present = marked.present.row(merges);
                let drops = prune && matches!(part, Part::Sum(_));
                let kept = present
                    .iter()
                    .filter(|&&k| !(drops && zero[at(k) as usize]));
                kept.clone().for_each(|&k| walk.inputs.add(at(k)));
                let mixed = match part {
                    Part::Sum(Some(when)) | Part::Mean(Some(when))
                        if route.mixed(&when.decisions) =>
                    {
                        Some(mixture(when, kept.copied().collect(), route))
                    }
                    _ => None,
                };
                let alias = match (walk.inputs.open(), present) {
                    (&[only], _) if mixed.is_none() => Some(only),
                    (&[], &[first, ..]) => Some(at(first)),
                    _ => None,
                };
                if let Some(alias) = alias {
                    walk.inputs.truncate_open(0);
                    position[i] = alias;
                    continue;
                }
                is_zero = prune && present.is_empty();
                walk.mixtures
                    .extend(mixed.map(|mixture| (walk.nodes.len() as u32, mixture)));
            }
            Part::Zero if prune => is_zero = true,
            Part::Given => {}
            Part::Plain | Part::Zero => {
                (0..inputs.len() as u32).for_each(|k| walk.inputs.add(at(k)))
            }
            Part::Scan(_) => {
                let Some(mut body) = marked.bodies.pop() else {
                    continue;
                };
                (0..body.steps as u32).for_each(|k| walk.inputs.add(at(k)));
                for (k, &capture) in body.captures.iter().enumerate() {
                    let outer = at((body.steps + capture) as u32);
                    walk.inputs.add(outer);
                    // Inside the body, a capture represents what it resolves to outside.
                    body.walk.nodes[body.first + k] = walk.nodes[outer as usize];
                }
                walk.bodies.push((walk.nodes.len() as u32, body.walk));
            }
        }
        walk.inputs.close();
        position[i] = walk.nodes.len() as u32;
        walk.nodes.push(graph.nodes[i]);
        zero.push(is_zero);
    }
    walk.outputs = outputs
        .iter()
        .map(|&output| position[output as usize])
        .collect();
    if zero.contains(&true) {
        drop_unread(walk, &zero)
    } else {
        walk
    }
}

fn mixture<R: Route + ?Sized>(when: &When, inputs: Vec<u32>, route: &R) -> Mixture {
    let weights = (0..route.rows())
        .flat_map(|row| {
            inputs
                .iter()
                .map(move |&k| route.probability(&when.conditions[k as usize], row))
        })
        .collect();
    Mixture {
        forward_only: vec![false; inputs.len()],
        inputs,
        weights,
        gradient: route.gradient(None, &when.decisions),
    }
}

/// Drops zeros that every sum left out. Nothing else can be unread, so one pass suffices.
fn drop_unread(walk: Walk, zero: &[bool]) -> Walk {
    let mut read = vec![false; walk.nodes.len()];
    walk.inputs
        .items()
        .iter()
        .chain(&walk.outputs)
        .for_each(|&at| read[at as usize] = true);
    if (0..read.len()).all(|at| read[at] || !zero[at]) {
        return walk;
    }
    let mut kept = Walk {
        asked: walk.asked,
        roles: walk.roles,
        ..Walk::default()
    };
    let mut moved = vec![u32::MAX; walk.nodes.len()];
    for (at, &node) in walk.nodes.iter().enumerate() {
        if zero[at] && !read[at] {
            continue;
        }
        moved[at] = kept.nodes.len() as u32;
        kept.nodes.push(node);
        walk.inputs
            .row(at)
            .iter()
            .for_each(|&input| kept.inputs.add(moved[input as usize]));
        kept.inputs.close();
    }
    kept.outputs = walk.outputs.iter().map(|&at| moved[at as usize]).collect();
    kept.bodies = walk
        .bodies
        .into_iter()
        .map(|(at, body)| (moved[at as usize], body))
        .collect();
    kept.mixtures = walk
        .mixtures
        .into_iter()
        .map(|(at, mixture)| (moved[at as usize], mixture))
        .filter(|(at, _)| *at != u32::MAX)
        .collect();
    kept
}
