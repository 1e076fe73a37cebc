use supernet_enas as _;

use super::*;
use crate::config::Config;

/// A device on which a step of shared weights takes 10 ms, scoring a minibatch 2 ms, and a step
/// of a network alone 4 ms at mean size.
const PACE: Pace = Pace {
    shared: SharedPace {
        step: 0.010,
        update: 0.040,
    },
    score: 0.002,
    alone: [0.002, 2e-8],
    macs: [100_000.0, 300_000.0],
};

fn planner(experiment: &mut Experiment) -> Planner<'_> {
    Planner {
        asked: Lengths::of(experiment.config()),
        experiment,
        pace: PACE,
    }
}

/// The lengths that fill some seconds, what they take, and what would be needed if that is too
/// little.
fn filled(seconds: f64, settings: &[&str]) -> (Experiment, f64, Option<f64>) {
    let mut experiment = Experiment::new(Config::read("", settings).unwrap()).unwrap();
    let needed = planner(&mut experiment).fill(seconds);
    let takes = planner(&mut experiment).seconds();
    (experiment, takes, needed)
}

#[test]
fn all_phases_together_fill_the_time() {
    for strategy in ["spos", "enas", "evolution", "random"] {
        let strategy = format!("search.strategy={strategy}");
        let mut before = 0;
        for seconds in [60.0, 90.0, 150.0, 600.0, 3600.0] {
            let (experiment, takes, needed) = filled(seconds, &[&strategy]);
            let epochs = experiment.config().search.epochs;
            assert_eq!(needed, None, "{strategy}, {seconds} s");
            assert!(takes <= seconds, "{strategy}, {seconds} s: {takes}");
            assert!(takes > 0.9 * seconds, "{strategy}, {seconds} s: {takes}");
            assert!(epochs >= before && epochs >= FEWEST_EPOCHS, "{epochs}");
            assert_eq!(experiment.schedule().epochs, epochs);
            before = epochs;
        }
    }
}

#[test]
fn a_short_search_has_every_phase() {
    let (mut experiment, ..) = filled(40.0, &[]);
    let config = experiment.config().clone();
    assert!(config.search.epochs >= FEWEST_EPOCHS, "{config:?}");
    let asked = Lengths::of(&config);
    let planner = planner(&mut experiment);
    assert!(planner.selection().is_some(), "{asked:?}");
    let trained = planner.retrained();
    assert!(trained[..4].iter().all(|count| *count > 0), "{trained:?}");
    // Judging takes no longer than training.
    let judging = f64::from(planner.experiment.evaluations()) * planner.evaluation();
    assert!(
        judging <= planner.training(config.search.epochs),
        "{asked:?}"
    );
}

#[test]
fn too_little_time_is_filled_with_what_fits_and_said() {
    let (experiment, takes, needed) = filled(1.0, &[]);
    let needed = needed.unwrap();
    assert!((3.0..90.0).contains(&needed), "{needed}");
    assert!(takes <= 1.0, "{takes}");
    assert!(experiment.config().derive.candidates < 100);
    let asked = Lengths {
        share: 1.0,
        budget: 4.0,
        ..Lengths::of(experiment.config())
    };
    let said = experiment.too_little(0.5, 30.0, asked);
    for part in [
        "0.5 minutes are too short",
        "from scratch take about 0.5 minutes",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // What would be needed is enough.
    let (_, takes, none) = filled(1.001 * needed, &[]);
    assert!(
        none.is_none() && takes <= 1.001 * needed,
        "{takes} of {needed}"
    );
    // Even one epoch is too long: it is done nevertheless.
    let (experiment, ..) = filled(1e-3, &[]);
    assert_eq!(experiment.config().search.epochs, 1);
    assert_eq!(experiment.config().retrain.budget, 0.0);
}

#[test]
fn what_the_settings_leave_out_takes_no_time() {
    let off = ["selection.share=0", "retrain.budget=0"];
    let (experiment, takes, needed) = filled(20.0, &off);
    assert!(needed.is_none() && takes > 18.0, "{takes}");
    let config = experiment.config();
    assert_eq!((config.selection.share, config.retrain.budget), (0.0, 0.0));
    let (long, short) = (config.search.epochs, filled(20.0, &[]).0);
    assert!(long > short.config().search.epochs);
    // The budget stays as it was asked for where it pays for all networks.
    let (experiment, ..) = filled(600.0, &["retrain.budget=100"]);
    assert_eq!(experiment.config().retrain.budget, 100.0);
}

#[test]
fn the_line_through_two_sizes_has_no_negative_part() {
    let [start, slope] = line(&[(1.0, 3.0), (2.0, 5.0), (3.0, 7.0)]);
    assert!((start - 1.0).abs() < 1e-12 && (slope - 2.0).abs() < 1e-12);
    assert_eq!(line(&[(1.0, 3.0), (2.0, 1.0)]), [2.0, 0.0]);
    assert_eq!(line(&[(1.0, 1.0), (2.0, 4.0)])[0], 0.0);
    assert_eq!(line(&[(2.0, 4.0)]), [4.0, 0.0]);
}

#[test]
fn the_last_number_that_holds_is_found() {
    for limit in 0..20 {
        assert_eq!(last(3, 12, |n| n <= limit), limit.clamp(3, 12));
    }
}
