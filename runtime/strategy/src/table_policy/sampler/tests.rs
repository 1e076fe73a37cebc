//! The published vectors of every sampler, and what they draw.

use supernet_shaders::random::{Random, RngStream};

use super::super::test_numbers::{ALPHA, DY, G, INPUTS, NOISE, near};
use super::*;

/// What a node computes from the inputs of the tests.
fn mixed(weights: &[f64]) -> Vec<f64> {
    let sum = |i: usize| weights.iter().zip(INPUTS).map(|(w, x)| w * x[i]).sum();
    (0..2).map(sum).collect()
}

#[test]
fn darts() {
    let drawn = weighted(softmax(&ALPHA), 1.0);
    near(&mixed(&drawn.weights), &[-0.074_742_148, 0.912_504_239]);
    let gradient = drawn.gradient(&G, 3);
    near(&gradient, &[0.258_419_996, -0.058_646_535, -0.199_773_461]);
}

#[test]
fn snas() {
    let drawn = concrete(&ALPHA, &NOISE, 0.5);
    let z = [0.085_075_679, 0.532_006_437, 0.382_917_884];
    near(&drawn.weights, &z);
    near(&mixed(&drawn.weights), &[-0.297_842_205, 1.446_930_758]);
    let gradient = drawn.gradient(&G, 3);
    near(&gradient, &[0.171_964_116, 0.011_335_772, -0.183_299_887]);
    let cold = concrete(&ALPHA, &NOISE, 0.03);
    near(&cold.weights, &[0.0, 0.995_850_394, 0.004_149_606]);
    near(&cold.gradient(&G, 3), &[0.0, 0.034_436_553, -0.034_436_553]);
}

#[test]
fn gdas() {
    let p = [0.177_866_29, 0.444_784_227, 0.377_349_483];
    let all = straight_through(&ALPHA, &NOISE, 1.0, StraightThroughGradient::All);
    near(&all.probabilities, &p);
    assert_eq!(all.weights, [0.0, 1.0, 0.0]);
    near(
        &all.gradient(&G, 3),
        &[0.163_009_311, -0.037_152_346, -0.125_856_965],
    );
    // As coded by the authors: those that do not run count as if they gave all ones.
    let ones: f64 = DY.iter().sum();
    near(
        &all.gradient(&[ones, G[1], ones], 3),
        &[0.059_334_09, -0.185_213_414, 0.125_879_324],
    );
    let ran = straight_through(&ALPHA, &NOISE, 1.0, StraightThroughGradient::Ran);
    assert_eq!((&ran.listed[..], &ran.weights[..]), (&[1][..], &[1.0][..]));
    let mean = p[1] * G[1];
    near(
        &ran.gradient(&G[1..2], 3),
        &[-p[0] * mean, p[1] * (G[1] - mean), -p[2] * mean],
    );
}

#[test]
fn proxyless_with_two_paths() {
    let before = [0.1, 0.3, -0.2, 0.0];
    let drawn = two_paths(&before, [1, 3], 0);
    assert_eq!(
        (&drawn.listed[..], &drawn.weights[..]),
        (&[1, 3][..], &[1.0, 0.0][..])
    );
    near(&drawn.probabilities, &[0.574_442_517, 0.425_557_483]);
    let gradient = drawn.gradient(&[0.4, -0.2], 4);
    near(&gradient, &[0.0, 0.146_674_987, 0.0, -0.146_674_987]);
    let mut after = before;
    after
        .iter_mut()
        .zip(&gradient)
        .for_each(|(a, g)| *a -= 0.5 * g);
    let moved = after[1];
    drawn.keep_share(&before, &mut after);
    assert!((moved - after[1] + 0.008_272_368).abs() < 2e-9);
    near(&after, &[0.1, 0.234_934_874, -0.2, 0.081_609_861]);
    for p in [softmax(&before), softmax(&after)] {
        near(&[p[0], p[2]], &[0.258_594_492, 0.191_571_511]);
    }
    // A zero op: its gate has no gradient, its logit has one.
    let zero = drawn.gradient(&[0.0, -0.2], 4);
    let p = &drawn.probabilities;
    near(&zero[1..2], &[p[0] * p[1] * 0.2]);
}

#[test]
fn two_paths_are_all_of_a_block_of_two() {
    let logits = [0.4, -0.3];
    let g = [0.7, -0.1];
    let full = gates(&logits, 1).gradient(&g, 2);
    near(&two_paths(&logits, [0, 1], 0).gradient(&g, 2), &full);
    near(
        &two_paths(&logits, [1, 0], 0).gradient(&[g[1], g[0]], 2),
        &full,
    );
    // With a third choice they are not, not even on average.
    let logits = [0.4, -0.3, 0.1];
    let p = softmax(&logits);
    let mut mean = [0.0; 3];
    for (i, j) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
        let chance = p[i] * p[j] / (1.0 - p[i]);
        let two = two_paths(&logits, [i, j], 0).gradient(&[G[i], G[j]], 3);
        mean.iter_mut().zip(two).for_each(|(m, g)| *m += chance * g);
    }
    let full = gates(&logits, 0).gradient(&G, 3);
    assert!(mean.iter().zip(full).any(|(a, b)| (a - b).abs() > 1e-2));
}

/// The mean of what a sampler weighs the choices by, over many draws.
fn mean_weights(sampler: Sampler, draws: u32) -> Vec<f64> {
    let table = table();
    let mut random = Random::new(4, RngStream::Test(0));
    let mut mean = vec![0.0; 3];
    for _ in 0..draws {
        let drawn = sampler.draw(&table, &mut random);
        let pick = &drawn.decisions()[0];
        for (choice, weight) in pick.listed.iter().zip(&pick.weights) {
            mean[*choice as usize] += weight / f64::from(draws);
        }
    }
    mean
}

fn table() -> LogitTable {
    let mut table = LogitTable::uniform(&[3]);
    table.logits_mut()[0].copy_from_slice(&ALPHA);
    table
}

#[test]
fn choices_run_as_often_as_the_softmax_says_at_any_temperature() {
    let (draws, p) = (100_000, softmax(&ALPHA));
    let gradient = StraightThroughGradient::Ran;
    for temperature in [10.0, 1.0, 0.03] {
        let sampler = Sampler::StraightThrough {
            temperature,
            gradient,
        };
        for (got, p) in mean_weights(sampler, draws).iter().zip(&p) {
            let sigma = (p * (1.0 - p) / f64::from(draws)).sqrt();
            assert!((got - p).abs() < 3.0 * sigma, "{got} for {p}");
        }
    }
    for (got, p) in mean_weights(Sampler::Gates, draws).iter().zip(&p) {
        assert!((got - p).abs() < 0.005, "{got} for {p}");
    }
}

#[test]
fn a_cold_sample_is_on_average_the_softmax() {
    let p = softmax(&ALPHA);
    let off = |temperature| {
        let mean = mean_weights(Sampler::Concrete { temperature }, 20_000);
        mean.iter().zip(&p).map(|(a, b)| (a - b).abs()).sum::<f64>()
    };
    assert!(off(0.01) < 0.02, "{}", off(0.01));
    assert!(off(5.0) > 0.1, "{}", off(5.0));
}

#[test]
fn paths_list_what_runs_and_one_of_it_counts() {
    let mut random = Random::new(1, RngStream::Test(0));
    let table = LogitTable::uniform(&[4, 1, 2]);
    for sampler in [Sampler::Gates, Sampler::TwoPaths] {
        for _ in 0..50 {
            let drawn = sampler.draw(&table, &mut random);
            let genome = drawn.genome();
            for (d, (pick, choice)) in drawn.decisions().iter().zip(&genome).enumerate() {
                let most = if sampler == Sampler::TwoPaths { 2 } else { 4 };
                assert_eq!(pick.listed.len(), table.logits()[d].len().min(most));
                assert_eq!(pick.weights.iter().sum::<f64>(), 1.0);
                let at = pick.listed.iter().position(|c| c == choice).unwrap();
                assert_eq!(pick.weights[at], 1.0);
            }
            let gradient = drawn.logit_gradient(&table, &[vec![1.0, 0.0], vec![1.0], vec![]]);
            assert_eq!(gradient.concat().len(), 7);
            assert!(gradient.iter().all(|g| g.iter().sum::<f64>().abs() < 1e-12));
        }
    }
}
