//! Groups a child's nodes by their outermost scope, and determines the group that each node's value
//! belongs to.

use std::collections::{BTreeMap, BTreeSet};

use supernet_plugin::{Child, Op};

use super::words;

/// The groups of a child.
pub(super) struct Groups {
    /// The names of the groups, in the order of their first node.
    pub(super) names: Vec<String>,
    /// The group of each position.
    of: Vec<usize>,
    /// The group that each position's value belongs to: another one if the position is in the scope
    /// of one layer, but only carries the value of an earlier layer to a smaller size.
    origin: Vec<usize>,
    /// Like `origin`, as seen from other groups. It differs if a layer also reads the value that it
    /// carries.
    held: Vec<usize>,
}

impl Groups {
    /// Groups a child's nodes. Each input is its own group.
    pub(super) fn new(child: &Child) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut of = Vec::with_capacity(child.len());
        for position in 0..child.len() {
            let node = child.op_node(position);
            let data = matches!(node.op, Op::Input { .. });
            let name = if data {
                &node.id
            } else {
                node.id.split('/').next().unwrap_or(&node.id)
            };
            let group = *known.entry(name.to_owned()).or_insert_with(|| {
                names.push(name.to_owned());
                names.len() - 1
            });
            of.push(group);
        }
        let origin = origins(child, &of, names.len());
        let held = held(child, &of, &origin);
        Groups {
            names,
            of,
            origin,
            held,
        }
    }

    /// The positions whose value belongs to their own group.
    pub(super) fn own(&self, group: usize) -> Vec<usize> {
        (0..self.of.len())
            .filter(|&p| self.of[p] == group && self.is_own(p))
            .collect()
    }

    /// The group that contains a position.
    pub(super) fn within(&self, position: usize) -> usize {
        self.of[position]
    }

    /// Whether a position's value belongs to the group that contains it.
    pub(super) fn is_own(&self, position: usize) -> bool {
        self.origin[position] == self.of[position]
    }

    /// The group that a position's value belongs to, as seen from other groups.
    pub(super) fn held(&self, position: usize) -> usize {
        self.held[position]
    }

    /// The edges between groups, as (read, reader), looking through nodes that carry a value.
    pub(super) fn edges(&self, child: &Child) -> BTreeSet<(usize, usize)> {
        let mut edges = BTreeSet::new();
        for p in 0..self.of.len() {
            if !self.is_own(p) {
                continue;
            }
            for &input in child.inputs(p) {
                let input = input as usize;
                let from = if self.of[input] == self.of[p] {
                    self.of[p]
                } else {
                    self.held[input]
                };
                if from != self.of[p] {
                    edges.insert((from, self.of[p]));
                }
            }
        }
        edges
    }
}

/// Splits each group into connected parts. The largest part is the group's operation; another one
/// carries a value if that value is the only outside value that it reads, and all of its nodes are
/// of kinds that occur in reductions.
fn origins(child: &Child, of: &[usize], groups: usize) -> Vec<usize> {
    let part = parts(child, of);
    let mut size = vec![0usize; of.len()];
    let mut reads: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); of.len()];
    let mut carries = vec![true; of.len()];
    for p in 0..of.len() {
        size[part[p]] += 1;
        carries[part[p]] &= words::passes(child, p);
        let outside = child
            .inputs(p)
            .iter()
            .filter(|&&input| of[input as usize] != of[p]);
        reads[part[p]].extend(outside);
    }
    for &output in child.outputs() {
        carries[part[output as usize]] = false;
    }
    let mut main = vec![usize::MAX; groups];
    for p in 0..of.len() {
        let best = &mut main[of[p]];
        if *best == usize::MAX || size[part[p]] > size[*best] {
            *best = part[p];
        }
    }
    let mut origin: Vec<usize> = Vec::with_capacity(of.len());
    for p in 0..of.len() {
        let carried = carries[part[p]] && main[of[p]] != part[p];
        let source = reads[part[p]]
            .first()
            .filter(|_| carried && reads[part[p]].len() == 1);
        origin.push(source.map_or(of[p], |&source| origin[source as usize]));
    }
    origin
}

/// A layer that halves its input and continues with it also keeps the half-sized input for the next
/// layer, for which it is the value of an earlier layer. Therefore, of all values that other groups
/// read from a layer, only the last certainly belongs to the layer.
fn held(child: &Child, of: &[usize], origin: &[usize]) -> Vec<usize> {
    let mut last: Vec<Option<usize>> = vec![None; of.len()];
    for p in 0..of.len() {
        for &input in child.inputs(p) {
            let input = input as usize;
            if of[input] != of[p] && origin[input] == of[input] {
                last[of[input]] = last[of[input]].max(Some(input));
            }
        }
    }
    // The only outside value that a position depends on, through nodes of kinds that occur in
    // reductions.
    let mut source: Vec<Option<u32>> = Vec::with_capacity(of.len());
    let mut held = Vec::with_capacity(of.len());
    for p in 0..of.len() {
        let mut sources = child.inputs(p).iter().map(|&i| {
            if of[i as usize] == of[p] {
                source[i as usize]
            } else {
                Some(i)
            }
        });
        let first = sources.next().flatten();
        let only = first.filter(|_| words::passes(child, p) && sources.all(|other| other == first));
        source.push(only);
        let carried = only.filter(|_| last[of[p]].is_some_and(|last| p < last));
        held.push(carried.map_or(origin[p], |outside| held[outside as usize]));
    }
    held
}

/// For every position the first position of its part: positions of a group that are connected
/// within the group.
fn parts(child: &Child, of: &[usize]) -> Vec<usize> {
    let mut leader: Vec<usize> = (0..of.len()).collect();
    let root = |leader: &[usize], mut p: usize| {
        while leader[p] != p {
            p = leader[p];
        }
        p
    };
    for p in 0..of.len() {
        for &input in child.inputs(p) {
            if of[input as usize] == of[p] {
                let (a, b) = (root(&leader, p), root(&leader, input as usize));
                leader[a.max(b)] = a.min(b);
            }
        }
    }
    (0..of.len()).map(|p| root(&leader, p)).collect()
}
