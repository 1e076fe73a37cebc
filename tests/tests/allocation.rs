//! A training step must not allocate: the allocator takes locks, and its pauses are unpredictable.

#![expect(
    unsafe_code,
    reason = "an allocator that counts has to implement an unsafe trait"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use std::sync::{Arc, Mutex, PoisonError};

use supernet::config::OptimizerSettings;
use supernet::data::Dataset;
use supernet::device::Cpu;
use supernet::device::{Device, Inputs, Minibatch, Samples};
use supernet::{Config, space};
use supernet_enas as _;
use supernet_engine::program::{Context, CustomOps, Input, Program};
use supernet_engine::weights::{Layout as WeightLayout, Weights};
use supernet_shaders::Step;
use supernet_shaders::cases::cases;
use supernet_shaders::cpu::{self, Workspace};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every method passes its arguments to the system allocator and returns its result.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's guarantees are those that the system allocator requires.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Tests in one process take turns, since the counter belongs to the process.
static TURN: Mutex<()> = Mutex::new(());

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn calls_do_not_allocate_once_warm() {
    // The debug assertion on the operands lists the roles, which allocates.
    if cfg!(debug_assertions) {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let mut workspace = Workspace::default();
        let mut found = vec![];
        for case in cases() {
            let mut operands = case.operands();
            let reads: Vec<&[f32]> = operands.reads.iter().map(|x| &x[..]).collect();
            let mut writes: Vec<&mut [f32]> =
                operands.writes.iter_mut().map(|y| &mut y[..]).collect();
            let allocations = pool.install(|| {
                let mut run =
                    || cpu::run(&case.call, &case.step, &mut workspace, &reads, &mut writes);
                run();
                let mut measure = || {
                    let before = ALLOCATIONS.load(Ordering::Relaxed);
                    (0..3).for_each(|_| run());
                    ALLOCATIONS.load(Ordering::Relaxed) - before
                };
                // A call that allocates does so in every run; rayon's queue takes a block once in
                // dozens of jobs, of whatever call.
                measure().min(measure())
            });
            if allocations > 0 {
                found.push((allocations, case));
            }
        }
        assert!(found.is_empty(), "on {threads} threads: {found:#?}");
    }
}

#[test]
fn steps_and_scores_do_not_allocate_once_warm() {
    if cfg!(debug_assertions) {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let digits = Dataset::named("digits").unwrap();
    let images = digits.images();
    let supergraph = space::build(&mut Config::default(), &digits.facts()).unwrap();
    let layout = Arc::new(WeightLayout::new(&supergraph).unwrap());
    let custom = CustomOps::default();
    let context = Context {
        supergraph: &supergraph,
        custom: &custom,
        layout: &layout,
        input: Input::Image(digits.shape()),
        classes: 10,
        batch: 64,
    };
    let optimizer = OptimizerSettings::default().optimizer();
    let mut weights = Weights::new(&supergraph, Arc::clone(&layout), optimizer.moments(), 0);
    let minibatch = Minibatch {
        inputs: Inputs::Pixels(&images[..64 * 64]),
        targets: &digits.labels()[..64],
        mixture: &[],
    };
    let programs: Vec<(Program, Program)> = (0..6)
        .map(|op| {
            let genome: Vec<u32> = (0..21)
                .map(|d| {
                    if supergraph.choices(d) == 2 {
                        d as u32 % 2
                    } else {
                        op
                    }
                })
                .collect();
            let child = supergraph.child(&genome).unwrap();
            (
                Program::training(context, &child, &optimizer).unwrap(),
                Program::scoring(context, &child).unwrap(),
            )
        })
        .collect();
    for threads in [1, 2] {
        let mut cpu = Cpu::new(threads).unwrap();
        let mut samples = Samples::default();
        let mut pass = || {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            for (number, (training, scoring)) in (1..).zip(&programs) {
                let step = Step {
                    rate: 0.01,
                    number,
                    update: number,
                    seed: 0,
                    drop_path: 0.0,
                };
                cpu.train(training, &mut weights, minibatch, &step).unwrap();
                cpu.samples(&mut samples).unwrap();
                cpu.score(scoring, &weights, minibatch).unwrap();
                cpu.samples(&mut samples).unwrap();
            }
            ALLOCATIONS.load(Ordering::Relaxed) - before
        };
        assert!(pass() > 0);
        // Submitting a step to the threads of the pool allocates a block of a queue about once in
        // sixty times.
        let later: usize = (0..10).map(|_| pass()).sum();
        assert!(
            later <= 4,
            "{later} allocations in 120 steps and scores on {threads} threads"
        );
    }
}
