//! A step of training must not allocate: the heap is a lock, and its pauses are not ours to plan.

#![expect(unsafe_code, reason = "an allocator that counts has to implement an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use supernet_shaders::cases::cases;
use supernet_shaders::cpu::{self, Workspace};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every method hands its arguments on to the system's allocator and returns what that returns.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are the ones that the system's allocator asks for.
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

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn calls_do_not_allocate_once_warm() {
    // The debug assertion on the operands lists the roles, which allocates.
    if cfg!(debug_assertions) {
        return;
    }
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut workspace = Workspace::default();
        let mut found = vec![];
        for case in cases() {
            let mut operands = case.operands();
            let reads: Vec<&[f32]> = operands.reads.iter().map(|x| &x[..]).collect();
            let mut writes: Vec<&mut [f32]> = operands.writes.iter_mut().map(|y| &mut y[..]).collect();
            let allocations = pool.install(|| {
                let mut run = || cpu::run(&case.call, &case.step, &mut workspace, &reads, &mut writes);
                run();
                let before = ALLOCATIONS.load(Ordering::Relaxed);
                (0..3).for_each(|_| run());
                ALLOCATIONS.load(Ordering::Relaxed) - before
            });
            if allocations > 0 {
                found.push((allocations, case));
            }
        }
        assert!(found.is_empty(), "on {threads} threads: {found:#?}");
    }
}
