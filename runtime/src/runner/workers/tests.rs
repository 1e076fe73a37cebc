//! Whatever happens to an actor, a search ends with the same bits as without the failure, or with
//! the reason why it cannot.

mod deep_device_tests;
mod odd_device;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use odd_device::{Meeting, odd};
use supernet_enas as _;
use supernet_engine::device::DeviceError;
use supernet_engine::device::cpu::Cpu;

use super::Role;
use super::faults::{Fault, Faults};
use crate::Search;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::events::{Event, Record};
use crate::experiment::Experiment;
use crate::runner::builder::SearchBuilder;
use crate::runner::handle::{RunOutcome, RunResult};

/// 48 steps and 4 updates.
const SHORT: [&str; 10] = [
    "selection.share=0",
    "retrain.epochs=0",
    "search.strategy=enas",
    "train.paths=1",
    "search.epochs=3",
    "space.layers=3",
    "score.rollouts=8",
    "derive.candidates=4",
    "derive.report=4",
    "checkpoint.steps=10",
];
/// Anything that takes longer hangs.
const HANGS: Duration = Duration::from_secs(180);
/// Longer than any message takes, however busy the machine is, so that no healthy actor is
/// considered silent.
const PATIENT: Duration = Duration::from_secs(5);

fn builder() -> SearchBuilder {
    Search::builder()
        .config(Config::read("", &SHORT).unwrap())
        .threads(1)
}

fn place(test: &str) -> PathBuf {
    let place = std::env::temp_dir().join(format!("supernet-actors-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    place
}

/// Runs to the end: its events, its incidents, and its outcome.
fn run(builder: SearchBuilder) -> (Vec<Event>, Vec<Event>, RunResult) {
    let events = builder.events();
    let run = builder.start().unwrap();
    let outcome = run.wait_for(HANGS).expect("it ends");
    let (did, incidents) = events
        .map(|record: Record| record.event)
        .partition(|event| !event.is_incident());
    (did, incidents, outcome)
}

fn plain() -> Vec<Event> {
    let mut events = Vec::new();
    let experiment = Experiment::new(Config::read("", &SHORT).unwrap()).unwrap();
    experiment
        .run(&mut Cpu::new(1).unwrap(), None, &mut |record| {
            events.push(record.event.clone())
        })
        .unwrap();
    events
}

/// Injects a fault at a message of each of the four workers, in a run with a folder.
fn survives(fault: Fault) {
    let expected = plain();
    let roles = [
        (Role::Coordinator, 40),
        (Role::Trainer, 30),
        (Role::Evaluator(0), 2),
        (Role::Checkpoint, 1),
    ];
    std::thread::scope(|scope| {
        for (role, message) in roles {
            let expected = &expected;
            scope.spawn(move || {
                let path = place(&format!("{fault:?}-{role}"));
                let faults = Faults::new(role, fault, message, message + 1);
                let mut builder = builder().folder(&path).limit(PATIENT);
                builder.faults = Some(Arc::clone(&faults));
                let (did, incidents, outcome) = run(builder);
                faults.end();
                assert!(faults.struck());
                assert!(
                    matches!(outcome, Ok(RunOutcome::Completed(_))),
                    "{fault:?} in {role}: {outcome:?}"
                );
                assert!(did == *expected, "{fault:?} in {role}: another search");
                let said = incidents.iter().find_map(|event| match event {
                    Event::Failed { part, reason, .. } => Some((part.clone(), reason.clone())),
                    _ => None,
                });
                let (part, reason) = match said {
                    Some(said) => said,
                    // The search was over before the missing checkpoint was noticed. A message that
                    // the coordinator lost may have been a heartbeat, of which there are more.
                    None if role == Role::Checkpoint
                        || (role, fault) == (Role::Coordinator, Fault::Drop) =>
                    {
                        (role.to_string(), "nothing was heard of it".to_owned())
                    }
                    None => panic!("{fault:?} in {role}: no incident says what happened"),
                };
                let expected = match fault {
                    Fault::Panic | Fault::Error => "an injected",
                    Fault::Delay | Fault::Drop => "nothing was heard of it",
                };
                assert!(
                    reason.contains(expected),
                    "{fault:?} in {role}: {part}: {reason}"
                );
                // An actor that did not receive a message cannot tell that it was the sender's
                // turn.
                assert!(
                    part == role.to_string() || fault == Fault::Drop,
                    "{fault:?} in {role}: {part}: {reason}"
                );
                // The folder is intact.
                let said = Search::builder()
                    .resume(&path)
                    .start()
                    .unwrap_err()
                    .to_string();
                assert!(said.contains("is finished"), "{said}");
                assert!(log(&path) == did);
                fs::remove_dir_all(path).unwrap();
            });
        }
    });
}

fn log(run: &Path) -> Vec<Event> {
    let log = fs::read_to_string(run.join("events.jsonl")).unwrap();
    log.lines()
        .map(|line| serde_json::from_str::<Record>(line).unwrap().event)
        .collect()
}

#[test]
fn a_panic_in_an_actor_changes_nothing() {
    survives(Fault::Panic);
}

#[test]
fn an_error_in_an_actor_changes_nothing() {
    survives(Fault::Error);
}

#[test]
fn an_actor_that_stands_still_is_replaced() {
    survives(Fault::Delay);
}

#[test]
fn a_lost_message_is_noticed() {
    survives(Fault::Drop);
}

#[test]
fn a_checkpoint_that_does_not_come_is_missed() {
    for fault in [Fault::Delay, Fault::Drop] {
        let path = place(&format!("missed-{fault:?}"));
        let faults = Faults::new(Role::Checkpoint, fault, 1, 2);
        let mut builder = builder().folder(&path).limit(PATIENT);
        builder.faults = Some(Arc::clone(&faults));
        let mut events = builder.events();
        let run = builder.start().unwrap();
        // Paused, so that the search does not end before the time limit.
        run.pause();
        let failed = |record: Record| matches!(record.event, Event::Failed { part, .. } if part == "checkpoint");
        assert!(events.any(failed));
        run.resume();
        assert!(matches!(
            run.wait_for(HANGS),
            Some(Ok(RunOutcome::Completed(_)))
        ));
        faults.end();
        assert!(log(&path) == plain());
        fs::remove_dir_all(path).unwrap();
    }
}

#[test]
fn every_message_of_the_supervisor_may_be_lost() {
    // Any message: Told, Snapshot, Written, Beat or Look.
    let expected = plain();
    std::thread::scope(|scope| {
        for message in [0, 1, 5, 20, 60] {
            let expected = &expected;
            scope.spawn(move || {
                let path = place(&format!("search-{message}"));
                let mut builder = builder().folder(&path).limit(PATIENT);
                builder.faults = Some(Faults::new(
                    Role::Supervisor,
                    Fault::Drop,
                    message,
                    message + 1,
                ));
                let (did, _, outcome) = run(builder);
                assert!(
                    matches!(outcome, Ok(RunOutcome::Completed(_))),
                    "{message}: {outcome:?}"
                );
                assert!(did == *expected, "{message}: another search");
                fs::remove_dir_all(path).unwrap();
            });
        }
    });
}

#[test]
fn a_supervisor_that_fails_ends_the_search_with_a_reason_and_its_folder_can_be_resumed() {
    for fault in [Fault::Panic, Fault::Error] {
        let path = place(&format!("supervisor-{fault:?}"));
        let mut builder = builder().folder(&path);
        builder.faults = Some(Faults::new(Role::Supervisor, fault, 40, 41));
        let (_, _, outcome) = run(builder);
        let said = outcome.unwrap_err().to_string();
        assert!(said.contains("its search failed"), "{said}");
        // The folder is unlocked, and contains an intact checkpoint.
        let (_, _, outcome) = run(Search::builder().resume(&path).threads(1));
        assert!(matches!(outcome, Ok(RunOutcome::Completed(_))));
        assert!(log(&path) == plain());
        fs::remove_dir_all(path).unwrap();
    }
    // A blocked supervisor only delays the others.
    let mut builder = builder();
    let faults = Faults::new(Role::Supervisor, Fault::Delay, 40, 41);
    builder.faults = Some(Arc::clone(&faults));
    let run = builder.start().unwrap();
    assert!(run.wait_for(Duration::from_millis(1)).is_none());
    faults.end();
    assert!(matches!(
        run.wait_for(HANGS),
        Some(Ok(RunOutcome::Completed(_)))
    ));
}

#[test]
fn what_fails_again_and_again_ends_the_search_with_its_reason() {
    let mut builder = builder();
    builder.faults = Some(Faults::new(Role::Trainer, Fault::Panic, 15, u32::MAX));
    let (_, incidents, outcome) = run(builder);
    let said = outcome.unwrap_err().to_string();
    assert!(
        said.contains("its trainer failed, 4 times") && said.contains("an injected panic"),
        "{said}"
    );
    assert_eq!(
        incidents
            .iter()
            .filter(|event| matches!(event, Event::Failed { .. }))
            .count(),
        4
    );
    // A device that is not available, initially or after a failure.
    let lost = || DeviceError::NothingInFlight {
        device: "lost".to_owned(),
    };
    let never = self::builder().device(move || Err(lost())).start();
    assert!(matches!(
        never,
        Err(error) if error.kind() == ErrorKind::Device
    ));
    let made = AtomicU32::new(0);
    let mut builder = self::builder().device(move || match made.fetch_add(1, Ordering::Relaxed) {
        0 => Ok(Box::new(Cpu::new(1)?)),
        _ => Err(lost()),
    });
    builder.faults = Some(Faults::new(Role::Trainer, Fault::Panic, 15, 16));
    let (_, _, outcome) = run(builder);
    assert!(matches!(&*outcome.unwrap_err(), Error::Worker { worker, .. } if worker == "trainer"));
}

#[test]
fn a_listener_that_panics_ends_the_search() {
    let (_, _, outcome) = run(builder().listen(|_| panic!("enough")));
    let said = outcome.unwrap_err().to_string();
    assert!(
        said.contains("its listener failed") && said.contains("enough"),
        "{said}"
    );
}

#[test]
fn a_folder_that_cannot_be_written_ends_the_search_with_a_sentence() {
    let path = place("unwritable");
    let builder = builder().folder(&path);
    let mut events = builder.events();
    let run = builder.start().unwrap();
    events.find(|record| matches!(record.event, Event::Saved { .. }));
    // A folder cannot be created where a file exists. Meanwhile checkpoints are written there.
    let (checkpoints, began) = (path.join("checkpoints"), Instant::now());
    while fs::remove_dir_all(&checkpoints)
        .and_then(|()| fs::write(&checkpoints, ""))
        .is_err()
    {
        assert!(began.elapsed() < HANGS);
    }
    let outcome = run.wait_for(HANGS).expect("it ends");
    let said = outcome.unwrap_err().to_string();
    assert!(said.contains("cannot write the checkpoint"), "{said}");
    assert!(
        events.any(
            |record| matches!(record.event, Event::Failed { part, .. } if part == "checkpoint")
        )
    );
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_candidate_that_ruins_the_weights_is_set_aside_and_the_search_goes_on() {
    let searched =
        [1, 2].map(|evaluators| run(odd(|step| step == 25, None).evaluators(evaluators)));
    for (did, incidents, outcome) in &searched {
        let found = outcome.as_ref().unwrap().clone().result().unwrap();
        assert!(
            found
                .weights
                .pages()
                .values
                .iter()
                .flatten()
                .all(|x| x.is_finite())
        );
        // Every step except that one changed the weights.
        assert_eq!(found.weights.version, 47);
        let aside: Vec<_> = did
            .iter()
            .filter(|event| matches!(event, Event::SetAside { .. }))
            .collect();
        assert!(
            matches!(aside[..], [Event::SetAside { reason, .. }] if reason.contains("step 25")),
            "{aside:?}"
        );
        assert!(
            did.iter()
                .all(|event| !matches!(event, Event::Step { step: 25, .. }))
        );
        assert!(incidents.iter().any(
            |event| matches!(event, Event::Failed { part, reason, .. } if part == "trainer" && reason.contains("step 25"))
        ));
    }
    assert!(searched[0].0 == searched[1].0);
}

#[test]
fn training_that_diverges_ends_the_search_in_words() {
    let (_, _, outcome) = run(odd(|step| step >= 25, None));
    assert!(matches!(
        &*outcome.unwrap_err(),
        error if error.kind() == ErrorKind::Diverged
    ));
}

#[test]
fn evaluators_score_side_by_side() {
    let meeting = Arc::<Meeting>::default();
    let (did, _, outcome) = run(odd(|_| false, Some(Arc::clone(&meeting))).evaluators(2));
    assert!(matches!(outcome, Ok(RunOutcome::Completed(_))));
    assert!(
        meeting.met.load(Ordering::Relaxed) > 0,
        "no two of them ever scored at the same time"
    );
    assert!(did == plain());
}
