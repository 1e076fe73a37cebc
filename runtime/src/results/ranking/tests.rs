use supernet_shaders::random::{Random, RngStream};

use super::*;

/// τ-b by its definition, pair by pair.
fn slow_tau(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mut agreement, mut untied) = (0.0, [0.0; 2]);
    for i in 0..a.len() {
        for j in 0..i {
            let sign = |x: f64| f64::from(i8::from(x > 0.0) - i8::from(x < 0.0));
            let signs = [sign(a[i] - a[j]), sign(b[i] - b[j])];
            agreement += signs[0] * signs[1];
            (0..2).for_each(|side| untied[side] += signs[side].abs());
        }
    }
    let untied = f64::sqrt(untied[0] * untied[1]);
    (untied > 0.0).then(|| agreement / untied)
}

#[track_caller]
fn near(value: Option<f64>, expected: f64) {
    let value = value.expect("the statistic is defined");
    assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
}

/// Whole numbers below `kinds`, so that many are equal.
fn noise(count: usize, kinds: u32, stream: u64) -> Vec<f64> {
    let mut random = Random::new(1, RngStream::Test(stream));
    (0..count).map(|_| f64::from(random.below(kinds))).collect()
}

#[test]
fn tau_of_small_vectors_is_known_by_hand() {
    let up = [1.0, 2.0, 3.0, 4.0];
    near(tau(&up, &up), 1.0);
    near(tau(&up, &[4.0, 3.0, 2.0, 1.0]), -1.0);
    // One of six pairs is discordant.
    near(tau(&up, &[1.0, 2.0, 4.0, 3.0]), 4.0 / 6.0);
    // One pair is tied in the second variable: five concordant of √(6·5).
    near(tau(&up, &[1.0, 2.0, 3.0, 3.0]), 5.0 / 30.0_f64.sqrt());
    // A pair that is tied in both counts in neither.
    near(tau(&[0.0, -0.0, 1.0], &[2.0, 2.0, 3.0]), 1.0);
    assert_eq!(tau(&up, &[7.0; 4]), None);
    assert_eq!(tau(&[1.0], &[1.0]), None);
    assert_eq!(tau(&[], &[]), None);
}

#[test]
fn the_fast_count_is_the_slow_one_for_any_number_of_ties() {
    for (stream, kinds) in [(0, 2), (1, 3), (2, 10), (3, 1_000_000)] {
        for count in [2, 3, 17, 100] {
            let (a, b) = (
                noise(count, kinds, stream),
                noise(count, kinds, stream + 50),
            );
            match slow_tau(&a, &b) {
                Some(expected) => near(tau(&a, &b), expected),
                None => assert_eq!(tau(&a, &b), None),
            }
            assert_eq!(tau(&a, &b), tau(&b, &a));
        }
    }
}

#[test]
fn tau_does_not_depend_on_the_order_of_the_networks() {
    let mut points: Vec<(f64, f64)> = noise(200, 20, 9)
        .into_iter()
        .zip(noise(200, 30, 10))
        .collect();
    let all = |points: &[(f64, f64)]| {
        let (score, truth): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        [
            tau(&score, &truth),
            tau_of_top(&score, &truth, 0.2),
            precision_at(&score, &truth, 7),
            best_rank_at(&score, &truth, 7),
            regret_at(&score, &truth, 7),
        ]
    };
    let before = all(&points);
    Random::new(3, RngStream::Test(11)).shuffle(&mut points);
    assert!(before.iter().all(Option::is_some));
    for (after, before) in all(&points).into_iter().zip(before) {
        near(after, before.unwrap());
    }
}

#[test]
fn sparse_truth_hides_differences_below_the_step() {
    let (score, truth) = ([1.0, 3.0, 2.0], [92.86, 92.91, 92.94]);
    assert_eq!(rounded(&truth, 0.1), [929.0; 3]);
    assert_eq!(rounded(&[0.25, 0.75], 0.5), [0.0, 2.0]);
    assert_eq!(sparse_tau(&score, &truth, 0.1), None);
    near(sparse_tau(&score, &truth, 0.01), 1.0 / 3.0);
}

#[test]
fn what_is_left_at_equal_size() {
    // Within a size the score is the reverse of the truth; across sizes it is right.
    let size = [1.0, 1.0, 2.0, 2.0];
    let (score, truth) = ([1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 4.0, 3.0]);
    near(tau(&score, &truth), 2.0 / 6.0);
    near(tau_within_strata(&score, &truth, &size), -1.0);
    // A score that is the size knows nothing beyond it.
    assert_eq!(tau_within_strata(&size, &truth, &size), None);
    assert_eq!(partial_tau(&size, &truth, &size), None);
    // By the formula, with τ = 1/3 and twice 4/√(6·4).
    let third: f64 = 4.0 / 24.0_f64.sqrt();
    let expected = (1.0 / 3.0 - third * third) / (1.0 - third * third);
    near(partial_tau(&score, &truth, &size), expected);
    // One stratum, or a constant, takes out nothing.
    near(tau_within_strata(&score, &truth, &[5.0; 4]), 2.0 / 6.0);
    near(partial_tau(&score, &truth, &[5.0; 4]), 2.0 / 6.0);
}

#[test]
fn the_best_by_score_are_compared_with_the_best_by_truth() {
    let truth = [90.0, 91.0, 92.0, 93.0, 94.0];
    let score = [1.0, 5.0, 2.0, 4.0, 3.0];
    near(precision_at(&score, &truth, 1), 0.0);
    near(precision_at(&score, &truth, 2), 0.5);
    near(precision_at(&score, &truth, 5), 1.0);
    near(best_rank_at(&score, &truth, 1), 4.0);
    near(best_rank_at(&score, &truth, 2), 2.0);
    near(best_rank_at(&score, &truth, 3), 1.0);
    near(regret_at(&score, &truth, 1), 3.0);
    near(regret_at(&score, &truth, 2), 1.0);
    for k in [0, 6] {
        assert_eq!(precision_at(&score, &truth, k), None);
        assert_eq!(best_rank_at(&score, &truth, k), None);
        assert_eq!(regret_at(&score, &truth, k), None);
    }
    // The upper half, from 92 on: scores 2, 4, 3.
    near(tau_of_top(&score, &truth, 0.5), 1.0 / 3.0);
    near(
        tau_of_top(&score, &truth, 1.0),
        tau(&score, &truth).unwrap(),
    );
    assert_eq!(tau_of_top(&[], &[], 0.1), None);
}

#[test]
fn ties_at_the_edge_are_broken_at_random_on_average() {
    let truth = [1.0, 2.0, 3.0, 4.0];
    // All scores are equal, so the best two are any two.
    near(precision_at(&[0.0; 4], &truth, 2), 0.5);
    // The best of two of four is 4 with probability 1/2, 3 with 1/3, 2 with 1/6.
    near(regret_at(&[0.0; 4], &truth, 2), 1.0 / 3.0 + 2.0 / 6.0);
    near(
        best_rank_at(&[0.0; 4], &truth, 2),
        0.5 + 2.0 / 3.0 + 3.0 / 6.0,
    );
    // One is certain, and one of three is drawn.
    near(
        regret_at(&[0.0, 0.0, 1.0, 0.0], &truth, 2),
        4.0 - (4.0 / 3.0 + 3.0 * 2.0 / 3.0),
    );
    near(precision_at(&truth, &[5.0, 9.0, 9.0, 9.0], 2), 2.0 / 3.0);
}

#[test]
fn percentiles_count_equals_half() {
    let truth = [1.0, 2.0, 2.0, 3.0];
    near(percentile(4.0, &truth), 100.0);
    near(percentile(0.0, &truth), 0.0);
    near(percentile(2.0, &truth), 50.0);
    assert_eq!(percentile(1.0, &[]), None);
}

#[test]
fn equal_values_share_a_rank() {
    assert_eq!(ranks(&[5.0, 1.0, 5.0, 0.0]), [2.5, 1.0, 2.5, 0.0]);
}

#[test]
fn the_bootstrap_knows_the_error_of_a_mean() {
    let values = noise(400, 1000, 20);
    let mean = |networks: &[usize]| {
        let sum: f64 = networks.iter().map(|i| values[*i]).sum();
        Some(sum / networks.len() as f64)
    };
    let bootstrap = Bootstrap {
        resamples: 1000,
        seed: 0,
    };
    let error = bootstrap.over_networks(values.len(), mean).unwrap();
    // Uniform numbers below 1000 have the deviation 1000/√12.
    let expected = 1000.0 / 12.0_f64.sqrt() / 20.0;
    assert!(
        (error / expected - 1.0).abs() < 0.15,
        "{error} is not about {expected}"
    );
    assert_eq!(bootstrap.over_networks(values.len(), mean), Some(error));
    assert_eq!(bootstrap.over_networks(0, mean), None);
    assert_eq!(bootstrap.over_networks(5, |_| None), None);
}

#[test]
fn the_bootstrap_over_seeds_adds_their_spread() {
    let bootstrap = Bootstrap {
        resamples: 1000,
        seed: 0,
    };
    let constant = bootstrap.over_networks_and_seeds(50, 4, |_, _| Some(1.0));
    near(constant, 0.0);
    // The networks do not matter, and a seed shifts by 0, 1, 2 or 3: the error of a mean of four
    // draws is √(5/4)/2.
    let shifts = bootstrap.over_networks_and_seeds(50, 4, |_, seed| Some(seed as f64));
    let expected = f64::sqrt(1.25) / 2.0;
    assert!(
        (shifts.unwrap() / expected - 1.0).abs() < 0.15,
        "{shifts:?}"
    );
    // The error of τ over 200 networks is about .67/√n where there is none.
    let (a, b) = (noise(200, 100_000, 30), noise(200, 100_000, 31));
    let of = |networks: &[usize], values: &[f64]| -> Vec<f64> {
        networks.iter().map(|i| values[*i]).collect()
    };
    let error = bootstrap.over_networks(200, |networks| tau(&of(networks, &a), &of(networks, &b)));
    let error = error.unwrap();
    assert!((0.04..0.06).contains(&error), "{error}");
}
