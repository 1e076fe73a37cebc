use std::collections::BTreeSet;

use super::Supergraph;
use crate::{Child, Kind};

/// The genomes in whose context choices are compared: a choice may be dead in one of them.
const CONTEXTS: u32 = 4;

impl Supergraph {
    /// For every decision and choice: whether the choice is an op that reads parameters which no
    /// other choice of the decision reads, as a convolution does and a pooling or a skip does not.
    /// Inputs, skip connections and numbers are no ops.
    ///
    /// Found by comparing the children of a few genomes that differ in one decision.
    pub fn own_weights(&self) -> Vec<Vec<bool>> {
        let none = |d| vec![false; self.choices(d) as usize];
        let mut own: Vec<Vec<bool>> = (0..self.genome_len()).map(none).collect();
        // A linear congruential generator suffices here and needs no dependency.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = |weights: &[f32]| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let open: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
            open[(state >> 33) as usize % open.len()]
        };
        for _ in 0..CONTEXTS {
            let Ok(genome) = self.sample(&mut draw) else {
                return own;
            };
            for (d, own) in own.iter_mut().enumerate() {
                if matches!(self.space().decisions[d].kind, Kind::Op { .. }) {
                    self.compare(&genome, d, own);
                }
            }
        }
        own
    }

    /// Marks the choices of decision `d` that read parameters of their own when everything else is
    /// as in `genome`.
    fn compare(&self, genome: &[u32], d: usize, own: &mut [bool]) {
        let read = |choice: u32| {
            let mut genome = genome.to_vec();
            genome[d] = choice;
            let mut read = BTreeSet::new();
            // A choice that the constraints forbid here reads nothing here.
            if let Ok(child) = self.child(&genome) {
                parameters(&child, &mut read);
            }
            read
        };
        let read: Vec<BTreeSet<u32>> = (0..own.len() as u32).map(read).collect();
        for (choice, own) in own.iter_mut().enumerate() {
            let others = || {
                read.iter()
                    .enumerate()
                    .filter(|(other, _)| *other != choice)
            };
            let alone = |p: &u32| others().all(|(_, read)| !read.contains(p));
            *own |= read[choice].iter().any(alone);
        }
    }
}

/// Adds the parameters that a child reads, those in the bodies of its scans included.
fn parameters(child: &Child, read: &mut BTreeSet<u32>) {
    for position in 0..child.len() {
        read.extend(child.params(position));
        if let Some(body) = child.body(position) {
            parameters(body, read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Space;

    #[test]
    fn a_choice_with_weights_is_told_from_one_without() {
        let s = Space::new("mixed");
        let x = s.input("image", &[8, 8, 4]);
        let op = s.op("op", &["skip", "conv", "pool", "wide"]);
        let y = s.choose(op, &[x, x.conv(3, 4), x.max_pool(3), x.conv(5, 4)]);
        let from = s.input_of("from", &["op", "other"]);
        let y = s.choose(from, &[y, x.conv(1, 4)]);
        s.output(y.global_avg_pool().linear(10, true));
        let supergraph = Supergraph::new(s.finish().unwrap()).unwrap();
        assert_eq!(
            supergraph.own_weights(),
            [vec![false, true, false, true], vec![false, false]]
        );
    }
}
