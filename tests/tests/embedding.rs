//! Searches embedded in various kinds of applications.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail where it stands, and says what it did"
)]

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use supernet::data::Dataset;
use supernet::device::Cpu;
use supernet::search::SearchError;
use supernet::space::Spaces;
use supernet::strategy::{Genome, Score};
use supernet::tools::trained_supernet::TrainedSupernet;
use supernet::{
    Config, Error, ErrorKind, Event, EventStream, Events, Record, Retraining, RunOutcome, Search,
    SearchBuilder, Stream,
};
use supernet_enas as _;
use supernet_tests::without_times;

const HANGS: Duration = Duration::from_secs(120);

fn builder() -> SearchBuilder {
    let settings = [
        "search.strategy=enas",
        "search.epochs=2",
        "space.layers=3",
        "score.rollouts=6",
        "derive.candidates=4",
        "derive.report=4",
    ];
    Search::builder()
        .config(Config::read("", &settings).expect("the settings are good"))
        .threads(1)
}

/// A minimal executor, independent of tokio.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

async fn next(events: &mut EventStream) -> Option<Record> {
    poll_fn(|context| Pin::new(&mut *events).poll_next(context)).await
}

/// A complete asynchronous application: events, pause, resume, end.
async fn application() -> Vec<String> {
    let builder = builder();
    let mut events = builder.events().into_stream();
    let run = builder.start().expect("it starts");
    let mut did = Vec::new();
    while let Some(record) = next(&mut events).await {
        match record.event {
            Event::Step { step: 5, .. } => run.pause(),
            Event::Paused => run.resume(),
            _ => {}
        }
        did.extend((!record.event.is_incident()).then_some(record));
    }
    assert!(matches!(run.ended().await, Ok(RunOutcome::Completed(_))));
    // The result can be requested again, also from threads.
    assert!(matches!(run.ended().await, Ok(RunOutcome::Completed(_))));
    assert!(matches!(run.wait(), Ok(RunOutcome::Completed(_))));
    // A search that is stopped in asynchronous code, where its last handle is dropped.
    let run = self::builder().start().expect("it starts");
    run.stop();
    assert!(run.ended().await.is_ok());
    let ended = self::builder().start().expect("it starts").ended();
    assert!(matches!(ended.await, Ok(RunOutcome::Stopped { .. })));
    without_times(&did)
}

#[test]
fn it_works_in_tokio_in_another_executor_and_in_none() {
    let (mut plain, heard) = (Vec::new(), Arc::new(Mutex::new(Vec::new())));
    let listener = Arc::clone(&heard);
    let builder = builder().listen(move |record| listener.lock().unwrap().push(record.clone()));
    let events = builder.events();
    let run = builder.start().unwrap();
    plain.extend(events);
    assert!(run.wait().is_ok());
    // The callback receives the same events as the subscription.
    assert_eq!(*heard.lock().unwrap(), plain);
    plain.retain(|record: &Record| !record.event.is_incident());
    let plain = without_times(&plain);
    assert_eq!(block_on(application()), plain);
    let tokio = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert_eq!(tokio.block_on(application()), plain);
}

#[test]
fn two_searches_at_once_do_not_meet() {
    let seeded = |seed: u32| {
        let config = Config::read(
            "",
            &[
                "search.epochs=2",
                "derive.candidates=3",
                "derive.report=3",
                &format!("search.seed={seed}"),
            ],
        );
        Search::builder().config(config.unwrap()).threads(1)
    };
    let events = |run: &Search, events: Events| {
        assert!(matches!(
            run.wait_for(HANGS),
            Some(Ok(RunOutcome::Completed(_)))
        ));
        without_times(&events.collect::<Vec<_>>())
    };
    let start = |seed| {
        let builder = seeded(seed);
        (builder.events(), builder.start().unwrap())
    };
    let ((first, a), (second, b)) = (start(1), start(2));
    let (a, b) = (events(&a, first), events(&b, second));
    let (again, run) = start(1);
    assert_eq!(events(&run, again), a);
    assert_ne!(a, b);
}

#[test]
fn handles_go_everywhere() {
    fn anywhere<T: Send + Sync + Clone + 'static>(_: &T) {}
    fn moves<T: Send + 'static>(_: &T) {}
    let run = builder().start().unwrap();
    anywhere(&run);
    moves(&run.events());
    moves(&run.ended());
    moves(&builder());
    let waiting: Vec<_> = (0..3)
        .map(|_| run.clone())
        .map(|run| thread::spawn(move || run.wait().is_ok()))
        .collect();
    assert!(waiting.into_iter().all(|thread| thread.join().unwrap()));
    // Later calls have no effect.
    run.pause();
    run.resume();
    run.stop();
    assert!(run.events().next().is_none());
}

#[derive(Debug, PartialEq)]
struct Refused(u32);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no candidate may begin with {}", self.0)
    }
}

impl std::error::Error for Refused {}

async fn likes_ones(genome: Genome) -> Result<Score, Refused> {
    let ones = genome.iter().filter(|value| **value == 1).count();
    match genome[0] {
        5 => Err(Refused(5)),
        4 => Ok(Score {
            reward: f32::NAN,
            loss: 1.0,
        }),
        _ => Ok(Score {
            reward: ones as f32 / genome.len() as f32,
            loss: 1.0,
        }),
    }
}

#[test]
fn an_evaluator_of_ones_own_scores_and_what_it_refuses_is_set_aside() {
    let run = |evaluators| {
        let builder = builder().evaluator(likes_ones).evaluators(evaluators);
        let events = builder.events();
        let found = builder
            .start()
            .unwrap()
            .wait_for(HANGS)
            .expect("it ends")
            .unwrap()
            .result()
            .unwrap();
        let did: Vec<_> = events
            .filter(|record| !record.event.is_incident())
            .collect();
        (did, found)
    };
    let ((one, found), (three, _)) = (run(1), run(3));
    assert_eq!(without_times(&one), without_times(&three));
    let best = &found.top[0];
    let ones = best.genome.iter().filter(|value| **value == 1).count();
    assert_eq!(best.score.reward, ones as f32 / best.genome.len() as f32);
    let aside = |words: &str| {
        one.iter().any(|record| matches!(&record.event, Event::SetAside { reason, .. } if reason.contains(words)))
    };
    assert!(aside("no candidate may begin with 5") && aside("not a number"));
}

#[test]
fn an_evaluator_that_always_fails_ends_the_search_with_its_own_error() {
    let run = builder()
        .evaluator(async |_| Err::<Score, _>(Refused(7)))
        .start()
        .unwrap();
    let error = run.wait_for(HANGS).expect("it ends").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Application);
    let Error::Search(error) = &*error else {
        panic!("{error}")
    };
    let SearchError::Evaluator {
        failures: 10,
        source,
    } = &**error
    else {
        panic!("{error}")
    };
    assert_eq!(source.downcast_ref(), Some(&Refused(7)));
}

#[test]
fn an_evaluator_that_never_answers_is_given_up() {
    let builder = builder()
        .limit(Duration::from_millis(200))
        .evaluator(async |_| {
            std::future::pending::<()>().await;
            Err::<Score, _>(Refused(0))
        });
    let error = builder
        .start()
        .unwrap()
        .wait_for(HANGS)
        .expect("it ends")
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("its evaluator 1 failed, 4 times"),
        "{error}"
    );
}

/// What an application made is handed over again wherever a run on it is used; a model of it takes
/// pictures.
#[test]
fn a_run_on_data_of_an_application_goes_on_with_them() {
    let place = std::env::temp_dir().join(format!("supernet-own-data-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).unwrap();
    let stripes = |name: &str, brightest: f32| {
        let pixel =
            |i: u32, at: u32| match (if i.is_multiple_of(2) { at % 8 } else { at / 8 } + i / 2) % 4
            {
                0 | 1 => brightest,
                _ => 0.0,
            };
        let images = (0..400).flat_map(|i| (0..64).map(move |at| pixel(i, at)));
        let labels = (0..400).map(|i| i % 2).collect();
        Dataset::new(name, [8, 8, 1], 2, images.collect(), labels).unwrap()
    };
    let settings = [
        "search.epochs=2",
        "space.layers=2",
        "space.filters=4",
        "derive.candidates=3",
        "derive.generations=0",
        "selection.share=0",
        "retrain.budget=0",
    ];
    let run = place.join("run");
    let search = Search::builder()
        .config(Config::read("", &settings).unwrap())
        .data(stripes("stripes", 1.0))
        .folder(&run)
        .start()
        .unwrap();
    let found = search.wait().unwrap().result().unwrap();
    let (spaces, mut cpu) = (Spaces::linked(), Cpu::new(1).unwrap());
    let gone = |said: String| {
        let way_out = "if an application made them, let it hand them over again";
        assert!(
            said.contains("`stripes`") && said.contains(way_out),
            "{said}"
        );
    };
    gone(
        TrainedSupernet::open(&run, &spaces)
            .unwrap_err()
            .to_string(),
    );
    let retrain = ["retrain.epochs=1"];
    gone(
        Retraining::of_run(&run, &spaces, &retrain, 1, 0)
            .unwrap_err()
            .to_string(),
    );
    let mut judge = TrainedSupernet::open_on(stripes("stripes", 1.0), &run, &spaces).unwrap();
    let best = found.best().unwrap();
    assert_eq!(judge.score(&mut cpu, &best.genome).unwrap(), *best);
    let other = TrainedSupernet::open_on(stripes("stripes", 2.0), &run, &spaces);
    let said = other.unwrap_err().to_string();
    assert!(said.contains("have changed since the run"), "{said}");

    let data = || stripes("stripes", 1.0);
    let retraining = Retraining::of_run_on(data(), &run, &spaces, &retrain, 1, 0).unwrap();
    let folder = place.join("retrained");
    let mut recorded = retraining.folder(&folder).unwrap();
    let stopped = retraining.run(&mut cpu, Some(&mut recorded), &mut |_| {}, &|| true);
    assert!(stopped.unwrap().is_none());
    drop(recorded);
    gone(
        Retraining::resume(&folder, &spaces)
            .unwrap_err()
            .to_string(),
    );
    let (retraining, mut recorded) = Retraining::resume_on(data(), &folder, &spaces).unwrap();
    let trained = retraining.run(&mut cpu, Some(&mut recorded), &mut |_| {}, &|| false);
    assert!(trained.unwrap().is_some());
    std::fs::remove_dir_all(&place).unwrap();
}
