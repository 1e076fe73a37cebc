use std::sync::Arc;

use supernet_enas as _;
use supernet_plugin::Supergraph;
use supernet_strategy::random::RandomSearch;
use supernet_strategy::{Outcome, Schedule, Score, Strategy, StrategyError, Task, Work};

use super::*;
use crate::config::Config;
use crate::experiment::CustomStrategy;
use crate::search::{Concurrency, Next, Scheduler};
use crate::training::{JobKind, JobResult};

const LIMITS: Concurrency = Concurrency {
    train_in_flight: 2,
    score_in_flight: 1,
    alone_in_flight: 1,
    chunk: 7,
};

pub(super) fn experiment(settings: &[&str]) -> Arc<Experiment> {
    let small = [
        "space.layers=4",
        "search.epochs=16",
        "search.strategy=enas",
        "search.warm_up=0.25",
        "score.rollouts=16",
        "derive.report=3",
    ];
    Arc::new(
        Experiment::new(
            Config::read(
                "",
                &[&small[..], &["derive.candidates=3"], settings].concat(),
            )
            .unwrap(),
        )
        .unwrap(),
    )
}

/// Runs a scheduler on made-up accuracies of a genome in a score task; `mute` disables interim
/// comparisons, `saved` continues from a save after every few jobs.
fn drive(
    experiment: &Arc<Experiment>,
    mute: bool,
    saved: Option<usize>,
    accuracy: &dyn Fn(u64, &Genome) -> f32,
) -> (Vec<Event>, Vec<JobKind>) {
    let (mut events, mut done) = (Vec::new(), Vec::new());
    let mut scheduler = Scheduler::new(Arc::clone(experiment), LIMITS).unwrap();
    let hush = |scheduler: &mut Scheduler| scheduler.monitor.updates *= u64::from(!mute);
    hush(&mut scheduler);
    loop {
        let next = scheduler.next().unwrap();
        events.extend(scheduler.drain_events().map(|(_, event)| event));
        let score = |batch, genome: &Genome| -> JobResult {
            Ok(Score {
                reward: accuracy(batch, genome),
                loss: 1.0,
            })
        };
        match next {
            Next::Job(job) => {
                let answers = match &job.kind {
                    JobKind::Step { .. } => unreachable!("no mixtures here"),
                    JobKind::Score { genomes, batch } => {
                        genomes.iter().map(|genome| score(*batch, genome)).collect()
                    }
                    JobKind::Train { paths, .. } => vec![score(0, &paths[0])],
                    JobKind::Validate { genome } | JobKind::Test { genome } => {
                        vec![score(0, genome)]
                    }
                    JobKind::Skip | JobKind::Alone { .. } => vec![],
                };
                scheduler.complete(job.id, answers);
                // The one result that no save contains: it would be requested again forever.
                let last = matches!(job.kind, JobKind::Test { .. });
                done.push(job.kind);
                if !last && saved.is_some_and(|each| done.len().is_multiple_of(each)) {
                    let text = serde_json::to_string(&scheduler.save().unwrap()).unwrap();
                    events.extend(scheduler.drain_events().map(|(_, event)| event));
                    scheduler = Scheduler::load(
                        Arc::clone(experiment),
                        LIMITS,
                        serde_json::from_str(&text).unwrap(),
                    )
                    .unwrap();
                    hush(&mut scheduler);
                }
            }
            Next::Wait { .. } => {}
            Next::Finished(_) => return (events, done),
        }
    }
}

/// A learnable reward: a different best choice for each decision, with some noise.
fn learnable(batch: u64, genome: &Genome) -> f32 {
    let hits = genome
        .iter()
        .enumerate()
        .filter(|(d, choice)| **choice == (*d % 2) as u32)
        .count();
    0.3 + 0.5 * hits as f32 / genome.len() as f32 + 0.02 * noise(batch, genome)
}

/// A reward in [0, 1] without anything to learn.
fn noise(batch: u64, genome: &Genome) -> f32 {
    let key = genome.iter().fold(batch, |key, choice| {
        key.wrapping_mul(7).wrapping_add(u64::from(*choice))
    });
    Random::new(key, RngStream::Test(99)).unit()
}

fn interim_comparisons(events: &[Event]) -> Vec<(u64, InterimComparison)> {
    let comparison = |event: &Event| match event {
        Event::InterimComparison { update, comparison } => Some((*update, *comparison)),
        _ => None,
    };
    events.iter().filter_map(comparison).collect()
}

pub(super) fn warned(events: &[Event]) -> Vec<(WarningKind, String)> {
    let warning = |event: &Event| match event {
        Event::Warning { kind, sentence } => Some((*kind, sentence.clone())),
        _ => None,
    };
    events.iter().filter_map(warning).collect()
}

#[test]
fn interim_comparisons_change_nothing_and_show_that_the_controller_learns() {
    let experiment = experiment(&["score.updates=20"]);
    let (events, _) = drive(&experiment, false, None, &learnable);
    let seen = interim_comparisons(&events);
    // 12 epochs of 20 updates.
    assert_eq!(
        seen.iter().map(|(update, _)| *update).collect::<Vec<_>>(),
        (1..=10).map(|i| 24 * i).collect::<Vec<_>>()
    );
    let last = seen[9].1;
    assert!(
        last.samples == 16 && last.difference > 4.0 * last.standard_error.unwrap(),
        "{last:?}"
    );
    assert_eq!(warned(&events), [], "it is healthy");
    let (mut without, _) = drive(&experiment, true, None, &learnable);
    assert!(interim_comparisons(&without).is_empty());
    // They are computed, too, so the ledger differs.
    let own = |event: &Event| {
        !matches!(
            event,
            Event::InterimComparison { .. } | Event::Ledger { .. }
        )
    };
    let mut with = events;
    with.retain(own);
    // Only interim comparisons have their own place in the numbering of events.
    without.retain(own);
    assert_eq!(with, without);
}

#[test]
fn a_scheduler_that_is_saved_emits_the_same_events() {
    let experiment = experiment(&["search.epochs=8", "score.updates=16"]);
    let (events, _) = drive(&experiment, false, None, &|batch, genome| {
        noise(batch, genome)
    });
    assert!(
        interim_comparisons(&events).len() == 10 && !warned(&events).is_empty(),
        "{:?}",
        warned(&events)
    );
    for each in [1, 3, 5] {
        assert_eq!(
            drive(&experiment, false, Some(each), &|batch, genome| noise(
                batch, genome
            ))
            .0,
            events,
            "{each}"
        );
    }
}

#[test]
fn the_state_of_the_previous_version_is_read_whole() {
    let old = r#"{"told":["skips"],"free":1,"skips":2,"entropy":3,"alike":4,"glimpses":[
        {"samples":3,"policy":0.5,"random":0.25,"difference":0.25,"standard_error":0.125}]}"#;
    let state: MonitorState = serde_json::from_str(old).unwrap();
    let written = serde_json::to_string(&state).unwrap();
    assert_eq!(
        written.replace("comparisons", "glimpses"),
        old.replace(|c: char| c.is_whitespace(), "")
    );
    let misspelt = old.replace("glimpses", "glances");
    assert!(serde_json::from_str::<MonitorState>(&misspelt).is_err());
}

#[test]
fn updates_and_interim_comparisons_are_fitted_to_the_cost_of_training() {
    for settings in [
        &[][..],
        &["score.rollouts=3"],
        &["search.epochs=3", "score.rollouts=5"],
    ] {
        let experiment = experiment(settings);
        let (_, done) = drive(&experiment, false, None, &learnable);
        let trained = done
            .iter()
            .filter(|work| matches!(work, JobKind::Train { epoch, .. } if *epoch >= experiment.schedule().warm_up));
        let scored = done.iter().map(|work| {
            if let JobKind::Score { genomes, .. } = work {
                genomes.len()
            } else {
                0
            }
        });
        assert!(scored.sum::<usize>() <= 3 * trained.count(), "{settings:?}");
    }
}

#[test]
fn rewards_that_are_noise_end_in_a_warning_once_and_random_search_is_not_warned() {
    let settings = ["score.updates=20", "controller.learning_rate=0.0001"];
    let events = drive(&experiment(&settings), false, None, &noise).0;
    let [(WarningKind::Chance, sentence)] = &warned(&events)[..] else {
        panic!("{:?}", warned(&events))
    };
    for words in [
        "the controller's samples are not seen to be better than random ones",
        "80 samples",
        "`score.batch`",
    ] {
        assert!(sentence.contains(words), "{sentence}");
    }
    let random = drive(
        &experiment(&["score.updates=20", "search.strategy=random"]),
        false,
        None,
        &noise,
    )
    .0;
    assert!(interim_comparisons(&random).len() == 10 && warned(&random).is_empty());
}

#[test]
fn rewards_that_are_all_the_same_are_told_after_ten_updates() {
    let events = drive(&experiment(&["score.updates=20"]), false, None, &|_, _| {
        0.25
    })
    .0;
    let kinds: Vec<_> = warned(&events).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [WarningKind::Rewards, WarningKind::Chance]);
    let at = events
        .iter()
        .position(|event| matches!(event, Event::Warning { .. }))
        .unwrap();
    assert!(
        matches!(events[at - 1], Event::Update { update: 10, .. }),
        "{:?}",
        events[at - 1]
    );
    assert!(
        warned(&events)[0]
            .1
            .contains("all 16 samples of an update scored the same, 25 % here")
    );
}

/// Samples one genome only, with certainty.
struct Stubborn(RandomSearch, Genome);

impl Strategy for Stubborn {
    fn next(&mut self) -> Result<Option<Task>, StrategyError> {
        let task = self.0.next()?.map(|mut task| {
            if let Work::Score { genomes, .. } = &mut task.work {
                genomes
                    .iter_mut()
                    .for_each(|genome| genome.clone_from(&self.1));
            }
            task
        });
        Ok(task)
    }
    fn observe(&mut self, outcome: &Outcome) -> Option<StrategyStats> {
        let stats = self.0.observe(outcome)?;
        Some(StrategyStats {
            entropy: 0.1,
            entropy_share: Some(0.02),
            ..stats
        })
    }
    fn sample(&self, count: usize, _: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        Ok(vec![self.1.clone(); count])
    }
    fn save(&self) -> serde_json::Value {
        self.0.save()
    }
    fn load(&mut self, saved: serde_json::Value) -> Result<(), serde_json::Error> {
        self.0.load(saved)
    }
}

#[test]
fn a_strategy_that_has_made_up_its_mind_is_told_what_is_wrong() {
    let mut config = experiment(&["score.updates=20"]).config().clone();
    config.search.strategy = StrategyName::Custom;
    let mut own = Experiment::new(config).unwrap();
    let make = |space: &Supergraph,
                schedule: Schedule,
                seed: u64|
     -> Result<Box<dyn Strategy>, StrategyError> {
        let genome = vec![0; space.genome_len()];
        Ok(Box::new(Stubborn(
            RandomSearch::new(space.clone(), schedule, seed),
            genome,
        )))
    };
    own.set_custom_strategy(Some(CustomStrategy(Arc::new(make))))
        .unwrap();
    let told = warned(&drive(&Arc::new(own), false, None, &learnable).0);
    let kinds: Vec<_> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds[..3],
        [
            WarningKind::Skips,
            WarningKind::Entropy,
            WarningKind::Rewards
        ],
        "{told:?}"
    );
    assert!(
        told[0]
            .1
            .starts_with("0 % of the skips in the policy's samples are on"),
        "{}",
        told[0].1
    );
    assert!(
        told[1]
            .1
            .contains("only 2 % of the policy's entropy is left after 10 of 240 updates"),
        "{}",
        told[1].1
    );
    let mut once = kinds.clone();
    once.dedup();
    assert_eq!(once, kinds);
}

#[test]
fn an_answer_of_skips_alone_is_a_collapse() {
    let settings = ["search.space=enas-micro", "search.strategy=random"];
    let mut config = Config::read("", &settings).unwrap();
    config.search.epochs = 2;
    let experiment = Experiment::new(config).unwrap();
    let monitor = Monitor::new(&experiment).unwrap();
    // Inputs and ops take turns; the last op is the identity.
    let len = experiment.supergraph().genome_len() as u32;
    let of = |op: u32| -> Genome { (0..len).map(|d| d % 2 * op).collect() };
    assert!(
        monitor.check_answer(&of(0)).is_none(),
        "separable convolutions"
    );
    let Some(Event::Warning { kind, sentence }) = monitor.check_answer(&of(4)) else {
        panic!("no warning");
    };
    assert_eq!(kind, WarningKind::Collapse);
    assert!(
        sentence.starts_with("every op of the answer is `identity`, and 60 % have none by chance")
            && !sentence.contains("  "),
        "{sentence}"
    );
    let mut mixed = of(4);
    mixed[1] = 2;
    let Some(Event::Warning { sentence, .. }) = monitor.check_answer(&mixed) else {
        panic!("no warning");
    };
    assert!(sentence.starts_with("100 % of the ops of the answer have no parameters"));
    // Two separable convolutions of twenty ops are enough.
    (mixed[1], mixed[3], mixed[5]) = (0, 0, 0);
    assert!(monitor.check_answer(&mixed).is_none());
}
