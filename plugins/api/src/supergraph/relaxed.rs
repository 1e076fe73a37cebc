use super::Supergraph;
use super::walk::{Mixture, Route, Walk, Wanted, walk};
use crate::axis::Axis;
use crate::condition::Cond;
use crate::{Child, Path, PathError, Pick};

/// The network that a path runs: like a child, but with `Choose` nodes and conditional sums that
/// weight their inputs.
///
/// A `Choose` computes Σ wᵢ·inputᵢ over the listed choices. A conditional input of a sum is
/// weighted by the probability of its condition, with decisions assumed to be independent; a mean
/// divides by the sum of the weights. A path of single choices gives the child for training.
#[derive(Clone, Debug, PartialEq)]
pub struct Relaxed {
    pub(super) network: Child,
    pub(super) mixtures: Vec<(u32, Mixture)>,
    pub(super) bodies: Vec<(u32, Relaxed)>,
    rows: u32,
}

impl Supergraph {
    /// The network that a path runs. All of it runs, so its parameters and MACs count every branch.
    pub fn relaxed(&self, path: &Path) -> Result<Relaxed, PathError> {
        let route = self.route(path)?;
        let walk = walk(&self.inner, &route, Wanted::Training);
        let mixtures = mixtures(&walk);
        let network = Child::new(&self.inner, walk, &route.genome, self.time);
        Ok(Relaxed::new(network, mixtures, route.rows as u32))
    }

    fn route<'p>(&self, path: &'p Path) -> Result<PathRoute<'p>, PathError> {
        if path.picks.len() != self.genome_len() {
            return Err(PathError::Length {
                expected: self.genome_len(),
                got: path.picks.len(),
            });
        }
        let mut genome = Vec::new();
        let mut rows = 1;
        for (d, pick) in path.picks.iter().enumerate() {
            genome.push(self.check_pick(d, pick, &mut rows)?);
        }
        if path.picks.iter().all(|pick| matches!(pick, Pick::One(_))) && path.at.is_empty() {
            self.check(&genome)?;
        }
        for (node, pick) in &path.at {
            let Some(decision) = self.decision_of(*node) else {
                return Err(PathError::NotChoose { node: *node });
            };
            if self.is_elastic(decision) {
                let decision = self.space().decisions[decision as usize].id.clone();
                return Err(PathError::Elastic { decision });
            }
            self.check_pick(decision as usize, pick, &mut rows)?;
        }
        Ok(PathRoute {
            path,
            genome,
            rows: rows as usize,
            spread: self.spread(path, rows),
        })
    }

    /// Checks a pick and returns its first choice.
    fn check_pick(&self, decision: usize, pick: &Pick, rows: &mut u32) -> Result<u32, PathError> {
        let id = || self.space().decisions[decision].id.clone();
        let wrong = |reason: String| PathError::Pick {
            decision: id(),
            reason,
        };
        let count = self.choices(decision);
        let (choices, first) = match pick {
            Pick::One(choice) => (std::slice::from_ref(choice), *choice),
            Pick::Mix { choices, .. } => match choices.first() {
                Some(first) => (choices.as_slice(), *first),
                None => return Err(wrong("lists no choice".into())),
            },
        };
        if let Some(choice) = choices.iter().find(|choice| **choice >= count) {
            return Err(wrong(format!(
                "takes choice {choice}, and its choices are 0 to {}",
                count - 1
            )));
        }
        if let Pick::Mix {
            choices,
            weights,
            rows: own,
            ..
        } = pick
        {
            if (1..choices.len()).any(|i| choices[..i].contains(&choices[i])) {
                return Err(wrong("lists a choice twice".into()));
            }
            if *own == 0 || weights.len() != choices.len() * *own as usize {
                let listed = choices.len();
                return Err(wrong(format!(
                    "has {} weights for {own} rows of {listed} choices",
                    weights.len()
                )));
            }
            if weights.iter().any(|weight| !weight.is_finite()) {
                return Err(wrong("has a weight that is not finite".into()));
            }
            if *own > 1 && *rows > 1 && own != rows {
                return Err(PathError::Rows {
                    one: *rows,
                    other: *own,
                });
            }
            *rows = (*rows).max(*own);
            if self.is_elastic(decision as u32) {
                return Err(PathError::Elastic { decision: id() });
            }
        }
        Ok(first)
    }

    /// Whether some size follows the decision.
    fn is_elastic(&self, decision: u32) -> bool {
        let axes = self
            .inner
            .values
            .iter()
            .chain(&self.inner.params)
            .flat_map(|value| &value.axes);
        axes.into_iter()
            .any(|axis| matches!(axis, Axis::By(owner, _) if *owner == decision))
    }

    /// Expands weights with one row to the number of rows of the path.
    fn spread(&self, path: &Path, rows: u32) -> Spread {
        let full = |pick: &Pick| match pick {
            Pick::Mix {
                weights, rows: 1, ..
            } if rows > 1 => Some(weights.repeat(rows as usize)),
            _ => None,
        };
        Spread {
            picks: path.picks.iter().map(full).collect(),
            at: path.at.iter().map(|(_, pick)| full(pick)).collect(),
        }
    }
}

struct Spread {
    picks: Vec<Option<Vec<f32>>>,
    at: Vec<Option<Vec<f32>>>,
}

struct PathRoute<'p> {
    path: &'p Path,
    /// The first choice of each pick; sizes follow it, which is why elastic decisions take a single
    /// choice.
    genome: Vec<u32>,
    rows: usize,
    spread: Spread,
}

impl PathRoute<'_> {
    fn pick(&self, node: u32, decision: u32) -> (&Pick, Option<&Vec<f32>>) {
        match self.path.at.iter().position(|(at, _)| *at == node) {
            Some(i) => (&self.path.at[i].1, self.spread.at[i].as_ref()),
            None => (
                &self.path.picks[decision as usize],
                self.spread.picks[decision as usize].as_ref(),
            ),
        }
    }
}

impl Route for PathRoute<'_> {
    fn choices(&self, node: u32, decision: u32) -> &[u32] {
        match self.pick(node, decision).0 {
            Pick::One(choice) => std::slice::from_ref(choice),
            Pick::Mix { choices, .. } => choices,
        }
    }

    fn weights(&self, node: u32, decision: u32) -> Option<&[f32]> {
        match self.pick(node, decision) {
            (Pick::One(_), _) => None,
            (Pick::Mix { .. }, Some(spread)) => Some(spread),
            (Pick::Mix { weights, .. }, None) => Some(weights),
        }
    }

    fn possible(&self, condition: &Cond) -> bool {
        let member = |d: u32, set: &[bool]| {
            let listed = match &self.path.picks[d as usize] {
                Pick::One(choice) => std::slice::from_ref(choice),
                Pick::Mix { choices, .. } => choices,
            };
            let inside = listed
                .iter()
                .filter(|&&choice| set[choice as usize])
                .count();
            if inside == 0 {
                Some(false)
            } else if inside == listed.len() {
                Some(true)
            } else {
                None
            }
        };
        condition.known(&member) != Some(false)
    }

    fn mixed(&self, decisions: &[u32]) -> bool {
        decisions
            .iter()
            .any(|&d| matches!(self.path.picks[d as usize], Pick::Mix { .. }))
    }

    fn probability(&self, condition: &Cond, row: usize) -> f32 {
        condition.probability(&|d, set| membership(&self.path.picks[d as usize], row, set)) as f32
    }

    fn gradient(&self, node: Option<u32>, decisions: &[u32]) -> bool {
        decisions.iter().any(|&decision| {
            let pick = match node {
                Some(node) => self.pick(node, decision).0,
                None => &self.path.picks[decision as usize],
            };
            matches!(pick, Pick::Mix { gradient: true, .. })
        })
    }

    fn rows(&self) -> usize {
        self.rows
    }
}

/// The probability that a pick is in a set of choices, in a slice of the batch.
pub(super) fn membership(pick: &Pick, row: usize, set: &[bool]) -> f64 {
    match pick {
        Pick::One(choice) => f64::from(u8::from(set[*choice as usize])),
        Pick::Mix {
            choices,
            weights,
            rows,
            ..
        } => {
            let start = if *rows > 1 { row * choices.len() } else { 0 };
            let weighed = choices.iter().zip(&weights[start..]);
            weighed
                .filter(|(choice, _)| set[**choice as usize])
                .map(|(_, weight)| f64::from(*weight))
                .sum()
        }
    }
}

/// The mixtures of a walk and of its bodies.
struct Mixtures {
    own: Vec<(u32, Mixture)>,
    bodies: Vec<(u32, Mixtures)>,
}

fn mixtures(walk: &Walk) -> Mixtures {
    let bodies = walk
        .bodies
        .iter()
        .map(|(at, body)| (*at, mixtures(body)))
        .collect();
    Mixtures {
        own: walk.mixtures.clone(),
        bodies,
    }
}

impl Relaxed {
    fn new(network: Child, mixtures: Mixtures, rows: u32) -> Relaxed {
        let body = |(at, inside): (u32, Mixtures)| {
            let network = network.body(at as usize)?.clone();
            Some((at, Relaxed::new(network, inside, rows)))
        };
        let bodies = mixtures.bodies.into_iter().filter_map(body).collect();
        Relaxed {
            network,
            mixtures: mixtures.own,
            bodies,
            rows,
        }
    }

    /// The nodes, inputs, shapes and counts.
    pub fn network(&self) -> &Child {
        &self.network
    }

    /// How the node at a position weights its inputs; `None` if it is an ordinary node.
    pub fn mixture(&self, position: usize) -> Option<&Mixture> {
        self.mixtures
            .iter()
            .find(|(at, _)| *at as usize == position)
            .map(|(_, mixture)| mixture)
    }

    /// The body of the scan at a position.
    pub fn body(&self, position: usize) -> Option<&Relaxed> {
        self.bodies
            .iter()
            .find(|(at, _)| *at as usize == position)
            .map(|(_, body)| body)
    }

    /// The number of slices into which the batch is divided; every mixture has this many rows.
    pub fn rows(&self) -> u32 {
        self.rows
    }
}
