//! Every kernel against its reference, on whatever adapters there are.

use std::collections::BTreeMap;
use std::io::Write;

use super::{Gpu, adapters};
use crate::selftest;

/// Every adapter once with and once without kernels that exchange numbers within subgroups.
fn devices() -> Vec<Gpu> {
    let found = adapters();
    let wanted = ["CI", "SUPERNET_WANTS_GPU"].iter().any(|name| std::env::var_os(name).is_some());
    assert!(!found.is_empty() || !wanted, "GPU tests are wanted, but there is no adapter");
    if found.is_empty() {
        // Past the test harness, which would keep it to itself.
        let _ = writeln!(std::io::stderr(), "skipped: no adapter");
    }
    let both = found.iter().flat_map(|adapter| {
        let whole = Gpu::new(adapter).unwrap();
        let plain = whole.traits.lanes.map(|_| Gpu::new(adapter).unwrap().without_subgroups());
        [Some(whole), plain]
    });
    both.flatten().collect()
}

#[test]
fn every_call_agrees_with_its_reference() {
    for mut gpu in devices() {
        let mut kinds = BTreeMap::new();
        selftest::calls(&mut gpu, &mut kinds, &mut |_, _| {}).unwrap();
        let misses: Vec<_> = kinds.iter().filter_map(|(name, kind)| Some((name, kind.miss.as_ref()?))).collect();
        let cases: u32 = kinds.values().map(|kind| kind.cases).sum();
        println!("{}, lanes {:?}: {} kinds, {cases} cases", gpu.facts().line(), gpu.traits.lanes, kinds.len());
        assert!(misses.is_empty(), "{}: {misses:#?}", gpu.facts().name);
    }
}
