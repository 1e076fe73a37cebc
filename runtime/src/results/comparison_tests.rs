use supernet_strategy::Score;

use super::*;

fn network(side: Side, accuracy: Option<f32>) -> TrainedNetwork {
    let test = accuracy.map(|accuracy| Score {
        reward: accuracy,
        loss: 0.5,
    });
    TrainedNetwork {
        side,
        genome: vec![1],
        seed: 0,
        parameters: 1,
        macs: 1,
        train: None,
        test,
    }
}

fn compare(found: &[f32], random: &[f32]) -> Comparison {
    let side = |side, of: &[f32]| {
        of.iter()
            .map(move |a| network(side, Some(*a)))
            .collect::<Vec<_>>()
    };
    Comparison::new(
        &[side(Side::Found, found), side(Side::Random, random)].concat(),
        Metric::Accuracy,
    )
}

#[test]
fn means_and_errors_are_those_of_two_samples() {
    let compared = compare(&[0.9, 0.8, 1.0], &[0.5, 0.7]);
    assert!((compared.difference.unwrap() - 0.3).abs() < 1e-7);
    // Sample variances 0.01 and 0.02, over 3 and 2.
    assert!((compared.standard_error.unwrap() - (0.01_f64 / 3.0 + 0.02 / 2.0).sqrt()).abs() < 1e-7);
    assert_eq!((compared.found.count, compared.random.count), (3, 2));
}

#[test]
fn the_verdict_is_honest() {
    let said = |found: &[f32], random: &[f32]| compare(found, random).summary();
    let close = said(&[0.97, 0.98, 0.96], &[0.96, 0.97, 0.97]);
    assert!(
        close.ends_with("(3): +0.33 ± 0.67 points, no significant difference"),
        "{close}"
    );
    let better = said(&[0.97, 0.98, 0.96], &[0.80, 0.81, 0.82]);
    assert!(
        better.contains("97.00 ± 0.58 % test accuracy after training from scratch (3 seeds)"),
        "{better}"
    );
    assert!(
        better.ends_with("better by 16.00 ± 0.82 points"),
        "{better}"
    );
    assert!(said(&[0.80, 0.81], &[0.97, 0.98]).contains("worse by 17.00"));
    assert!(
        said(&[0.9], &[0.8]).contains("nothing can be said with so few"),
        "{}",
        said(&[0.9], &[0.8])
    );
    assert_eq!(
        said(&[0.9], &[]),
        "90.00 % test accuracy after training from scratch (1 seed)"
    );
    let one = [network(Side::Found, Some(0.5)), network(Side::Random, None)];
    assert!(
        Comparison::new(&one, Metric::Accuracy)
            .summary()
            .ends_with("; 1 training diverged and left out")
    );
    assert!(
        Comparison::new(&[network(Side::Found, None)], Metric::Accuracy)
            .summary()
            .contains("no training")
    );
}

#[test]
fn of_language_models_the_lower_perplexity_is_better() {
    let text = Metric::Perplexity {
        reward: 80.0,
        by_character: false,
    };
    let with = |side, perplexity: f32| {
        let test = Some(Score {
            reward: 80.0 / perplexity,
            loss: perplexity.ln(),
        });
        TrainedNetwork {
            test,
            ..network(side, None)
        }
    };
    let all = [
        with(Side::Found, 60.0),
        with(Side::Found, 62.0),
        with(Side::Random, 80.0),
        with(Side::Random, 82.0),
    ];
    let said = Comparison::new(&all, text).summary();
    assert!(
        said.starts_with("test perplexity 61.00 ± 1.00 (2) after"),
        "{said}"
    );
    assert!(
        said.ends_with("random architectures 81.00 ± 1.00 (2): better by 20.00 ± 1.41"),
        "{said}"
    );
    assert!(
        Comparison::new(&all[..1], text)
            .summary()
            .starts_with("test perplexity 60.00 (1)")
    );
}

#[test]
fn the_largest_and_the_same_size_stand_beside_it() {
    let with = |side, accuracy: f32, parameters| TrainedNetwork {
        parameters,
        ..network(side, Some(accuracy))
    };
    let mut all = vec![
        with(Side::Found, 0.97, 500),
        with(Side::Found, 0.98, 500),
        with(Side::SameSize, 0.90, 450),
        with(Side::SameSize, 0.92, 550),
        with(Side::Largest, 0.976, 1000),
        with(Side::Largest, 0.970, 1000),
        with(Side::RunnerUp, 0.1, 1),
    ];
    let said = |all: &[TrainedNetwork]| Comparison::new(all, Metric::Accuracy).summary();
    assert_eq!(
        said(&all),
        "97.50 ± 0.50 % test accuracy after training from scratch (2 seeds); random ones of the same size \
         91.00 ± 1.00 % (2): better by 6.50 ± 1.12 points; no significant difference to the largest (+0.20 ± 0.58 points) with 50 % of \
         its parameters"
    );
    let comparison = Comparison::new(&all, Metric::Accuracy);
    assert_eq!(comparison.largest.unwrap().size, 0.5);
    assert!(comparison.same_size.unwrap().is_same_size);
    // Not within a tenth, and worse than the largest.
    all[2].parameters = 250;
    all[4].test = Some(Score {
        reward: 0.999,
        loss: 0.1,
    });
    all[5].test = all[4].test;
    let other = said(&all);
    assert!(
        other.contains(
            "the random ones nearest to its size, of whose parameters it has 125 %, 91.00"
        ),
        "{other}"
    );
    assert!(
        other.ends_with("worse than the largest by 2.40 ± 0.50 points with 50 % of its parameters"),
        "{other}"
    );
    // Old results have neither.
    let old = serde_json::json!({
        "found": { "count": 1, "mean": 0.75, "standard_error": null },
        "random": { "count": 1, "mean": 0.5, "standard_error": null },
        "difference": 0.25, "standard_error": null, "diverged": 0,
    });
    let read: Comparison = serde_json::from_value(old).unwrap();
    assert_eq!((read.same_size, read.largest), (None, None));
}
