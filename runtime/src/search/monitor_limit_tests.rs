//! The limits at which the monitor warns.

use super::tests::{experiment, warned};
use super::*;

/// A monitor whose prior has these fractions of parameter-free ops and of skips that are on.
fn monitor(free: f32, on: f32) -> Monitor {
    let composition = OpComposition::new(experiment(&[]).supergraph());
    let usual = OpShares {
        parameter_free: Some(free),
        skips_on: Some(on),
    };
    Monitor {
        composition,
        usual,
        metric: Metric::Accuracy,
        strategy: StrategyName::Enas,
        updates: 100,
        seed: 0,
    }
}

fn look(
    monitor: &Monitor,
    shares: &dyn Fn(u64) -> OpShares,
    share: f32,
) -> Vec<(u64, WarningKind)> {
    let mut seen = MonitorState::default();
    let stats = StrategyStats {
        entropy_share: Some(share),
        ..StrategyStats::default()
    };
    let look = |update| {
        let told = monitor.check_update(&mut seen, update, &stats, shares(update), &[0.1, 0.2]);
        warned(&told)
            .into_iter()
            .map(move |(kind, _)| (update, kind))
            .collect::<Vec<_>>()
    };
    (1..=100).flat_map(look).collect()
}

#[test]
fn collapse_onto_parameter_free_ops_is_told_where_chance_would_not_have_it_so() {
    let free = |share| {
        move |_| OpShares {
            parameter_free: Some(share),
            skips_on: None,
        }
    };
    // NAS-Bench-201 and ENAS micro: three of five.
    assert_eq!(
        look(&monitor(0.6, 0.4), &free(0.95), 0.5),
        [(10, WarningKind::ParameterFree)]
    );
    assert_eq!(look(&monitor(0.6, 0.4), &free(0.89), 0.5), []);
    // Nine of ten: 0.95 is not a collapse, but 0.98 is.
    assert_eq!(look(&monitor(0.9, 0.4), &free(0.95), 0.5), []);
    assert_eq!(
        look(&monitor(0.9, 0.4), &free(0.98), 0.5),
        [(10, WarningKind::ParameterFree)]
    );
    // A temporary preference is exploration.
    let now_and_then = |update| OpShares {
        parameter_free: Some(if update % 10 == 0 { 0.5 } else { 1.0 }),
        skips_on: None,
    };
    assert_eq!(look(&monitor(0.6, 0.4), &now_and_then, 0.5), []);
}

#[test]
fn skips_and_entropy_have_their_limits() {
    let on = |share| {
        move |_| OpShares {
            parameter_free: None,
            skips_on: Some(share),
        }
    };
    assert_eq!(
        look(&monitor(0.6, 0.4), &on(1.0), 0.5),
        [(10, WarningKind::Skips)]
    );
    assert_eq!(look(&monitor(0.6, 0.4), &on(0.97), 0.5), []);
    assert_eq!(
        look(&monitor(0.6, 0.99), &on(1.0), 0.5),
        [],
        "the space has it so"
    );
    assert_eq!(
        look(&monitor(0.6, 0.4), &on(0.5), 0.11),
        [(10, WarningKind::Entropy)]
    );
    assert_eq!(look(&monitor(0.6, 0.4), &on(0.5), 0.12), []);
    let short = Monitor {
        updates: 18,
        ..monitor(0.6, 0.4)
    };
    assert_eq!(
        look(&short, &on(0.5), 0.05),
        [],
        "the tenth update is past the half"
    );
}

#[test]
fn rewards_of_a_text_are_no_percentages() {
    let text = Monitor {
        metric: Metric::Perplexity {
            reward: 80.0,
            by_character: false,
        },
        ..monitor(0.5, 0.5)
    };
    let mut state = MonitorState::default();
    let stats = StrategyStats::default();
    let alike = (1..=10).flat_map(|update| {
        text.check_update(&mut state, update, &stats, OpShares::default(), &[2.25; 4])
    });
    let mut warnings: Vec<Event> = alike.collect();
    // Rewards of a language model are far above 1, and so are their standard errors.
    let rewards: Vec<f32> = (0..30).map(|i| (i % 3) as f32 * 30.0).collect();
    let comparison = InterimComparison::new(&rewards, &rewards);
    assert!(comparison.standard_error.unwrap() > 1.0, "{comparison:?}");
    for update in [51, 52] {
        warnings.extend(text.check_comparison(&mut state, update, comparison));
    }
    let told: Vec<String> = warned(&warnings)
        .into_iter()
        .map(|(_, said)| said)
        .collect();
    assert!(told[0].contains("scored the same, 2.250 here"), "{told:?}");
    assert!(told[1].contains("random ones: +0.000 ± 4.5"), "{told:?}");
    assert!(
        told.iter()
            .all(|said| !said.contains('%') && !said.contains("points")),
        "{told:?}"
    );
}
