//! A device with work in flight gives the same bits.

use super::*;
use crate::runner::workers::deep_device::Deep;

#[test]
fn a_device_that_is_ahead_and_keeps_the_weights_gives_the_same_bits() {
    let experiment = Experiment::new(Config::read("", &SHORT).unwrap()).unwrap();
    let plain = experiment
        .run(&mut Deep::new().unwrap(), None, &mut |_| {})
        .unwrap();
    for evaluators in [1, 2] {
        let path = place(&format!("deep-{evaluators}"));
        let deep = |builder: SearchBuilder| {
            builder
                .device(|| Ok(Box::new(Deep::new()?)))
                .evaluators(evaluators)
                .limit(PATIENT)
        };
        // Stopped between two checkpoints, with steps in flight. On a busy machine the search may
        // be over before it is told; then it is started again.
        let stopped = (0..20).any(|_| {
            let _ = fs::remove_dir_all(&path);
            let builder = deep(builder().folder(&path));
            let mut events = builder.events();
            let search = builder.start().unwrap();
            assert!(events.any(|record| matches!(record.event, Event::Step { step: 17, .. })));
            search.stop();
            let outcome = search.wait_for(HANGS).expect("it ends");
            matches!(outcome.unwrap(), RunOutcome::Stopped { .. })
        });
        assert!(stopped);
        let mut again = deep(Search::builder().resume(&path));
        again.faults = Some(Faults::new(Role::Trainer, Fault::Panic, 12, 13));
        let (_, incidents, outcome) = run(again);
        let found = outcome.unwrap().result().unwrap();
        assert!(
            incidents
                .iter()
                .any(|event| matches!(event, Event::Failed { .. }))
        );
        assert!(log(&path) == self::plain());
        assert_eq!(
            (&found.top, found.weights.version),
            (&plain.top, plain.weights.version)
        );
        assert!(found.weights.pages().values == plain.weights.pages().values);
        fs::remove_dir_all(path).unwrap();
    }
}
