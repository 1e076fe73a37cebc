//! Finite differences of what the nodes of a relaxed network multiply their inputs by.

#![allow(dead_code, reason = "not every test needs all of it")]

use supernet_plugin::{Path, Pick, Relaxed, Supergraph};

/// Numbers in [0, 1) from a seed (xorshift).
pub(crate) fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// All choices of every decision, with weights that are multiples of 1/16, so that their products
/// are exact.
pub(crate) fn mixed(graph: &Supergraph, seed: u64, rows: u32) -> Path {
    let mut next = numbers(seed);
    let mut pick = |d: usize| {
        let choices: Vec<u32> = (0..graph.choices(d)).collect();
        let count = choices.len() * rows as usize;
        Pick::Mix {
            choices,
            weights: (0..count)
                .map(|_| (1.0 + (next() * 14.0).floor()) as f32 / 16.0)
                .collect(),
            rows,
            gradient: true,
        }
    };
    Path {
        picks: (0..graph.genome_len()).map(&mut pick).collect(),
        at: Vec::new(),
    }
}

/// A weighted sum of all factors, in f64.
fn functional(relaxed: &Relaxed, coefficients: &[Vec<f64>]) -> f64 {
    let mut sum = 0.0;
    for (node, coefficients) in relaxed.weighted_nodes().iter().zip(coefficients) {
        let inputs = node.mixture.inputs.len();
        let rows = node.mixture.weights.chunks(inputs);
        for (weights, coefficients) in rows.zip(coefficients.chunks(inputs)) {
            let weights: Vec<f64> = weights.iter().map(|w| f64::from(*w)).collect();
            let total: f64 = if node.is_mean() {
                weights.iter().sum()
            } else {
                1.0
            };
            let products = weights.iter().zip(coefficients);
            sum += products.map(|(w, c)| w * c).sum::<f64>() / total;
        }
    }
    sum
}

/// Compares the gradient with central differences, for at most so many weights.
pub(crate) fn hold(graph: &Supergraph, path: &Path, most: usize) {
    let relaxed = graph.relaxed(path).unwrap();
    let mut next = numbers(99);
    let coefficients: Vec<Vec<f64>> = relaxed
        .weighted_nodes()
        .iter()
        .map(|node| node.mixture.weights.iter().map(|_| next() - 0.5).collect())
        .collect();
    // The coefficients are the gradient of the factors.
    let gradient = graph.pull_back(path, &relaxed, &coefficients).unwrap();
    let picks = gradient.picks.iter().enumerate();
    let own = picks.flat_map(|(d, own)| own.iter().enumerate().map(move |(i, g)| (d, i, *g)));
    let over = gradient.at.iter().enumerate().flat_map(|(at, own)| {
        let start = path.picks.len();
        own.iter()
            .enumerate()
            .map(move |(i, g)| (start + at, i, *g))
    });
    let all: Vec<_> = own.chain(over).collect();
    let stride = all.len().div_ceil(most).max(1);
    let mut largest = 0.0_f64;
    for (at, i, got) in all.into_iter().step_by(stride) {
        let moved = |by: f32| {
            let mut path = path.clone();
            let decisions = path.picks.len();
            let pick = match at.checked_sub(decisions) {
                None => &mut path.picks[at],
                Some(over) => &mut path.at[over].1,
            };
            if let Pick::Mix { weights, .. } = pick {
                weights[i] += by;
            }
            functional(&graph.relaxed(&path).unwrap(), &coefficients)
        };
        // Two steps, which cancel the error of their square.
        let difference = |h: f32| (moved(h) - moved(-h)) / (2.0 * f64::from(h));
        let wanted = (4.0 * difference(1.0 / 1024.0) - difference(1.0 / 512.0)) / 3.0;
        assert!(
            (got - wanted).abs() < 2e-5 * (1.0 + wanted.abs()),
            "weight {i} of pick {at}: {got} for {wanted}"
        );
        largest = largest.max(got.abs());
    }
    assert!(largest > 1e-3, "no gradient at all");
}
