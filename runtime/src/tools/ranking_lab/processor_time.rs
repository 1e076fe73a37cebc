//! The processor time of a piece of work, which other work on the machine does not change.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use std::time::Instant;

use supernet_engine::device::DeviceError;
use supernet_engine::device::cpu::Cpu;

use super::locked;

/// Held while a device starts its thread, so that threads are not taken for each other's.
static STARTING: Mutex<()> = Mutex::new(());

/// The names of a device's threads begin so.
const NAME: &str = "supernet-cpu-";

/// A device with one thread, and the time that this thread and the calling one spend. Where the
/// system does not tell it (it does on Linux), time passes as on a clock.
pub(super) struct TimedCpu {
    pub(super) device: Cpu,
    /// The threads that began together with the device: its own, and perhaps others.
    fresh: Vec<String>,
    /// The calling thread, and its time so far in nanoseconds.
    own: Option<(String, u64)>,
    began: Instant,
}

impl TimedCpu {
    pub(super) fn new() -> Result<Self, DeviceError> {
        let guard = locked(&STARTING);
        let before = threads();
        let device = Cpu::new(1)?;
        let fresh = threads().difference(&before).cloned().collect();
        drop(guard);
        let own = fs::read_link("/proc/thread-self").ok();
        let own = own.and_then(|link| {
            let thread = link.file_name()?.to_str()?.to_owned();
            let spent = spent(&thread)?;
            Some((thread, spent))
        });
        Ok(Self {
            device,
            fresh,
            own,
            began: Instant::now(),
        })
    }

    /// Seconds since the start.
    pub(super) fn seconds(&self) -> f64 {
        let elapsed = || self.began.elapsed().as_secs_f64();
        self.processor_seconds().unwrap_or_else(elapsed)
    }

    fn processor_seconds(&self) -> Option<f64> {
        let (own, before) = self.own.as_ref()?;
        // A thread gets its name when it runs, so that it is looked at only now.
        let mut devices = self.fresh.iter().filter(|thread| {
            let name = fs::read_to_string(format!("/proc/self/task/{thread}/comm"));
            name.is_ok_and(|name| name.starts_with(NAME))
        });
        let (Some(device), None) = (devices.next(), devices.next()) else {
            return None;
        };
        let spent = spent(own)?.saturating_sub(*before) + spent(device)?;
        Some(spent as f64 * 1e-9)
    }
}

/// The threads of this process.
fn threads() -> BTreeSet<String> {
    let entries = fs::read_dir("/proc/self/task").into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}

/// The nanoseconds that a thread has been on a processor.
fn spent(thread: &str) -> Option<u64> {
    let statistics = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
    statistics.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calling_thread_is_known_where_the_system_tells_its_time() {
        let cpu = TimedCpu::new().unwrap();
        let told = fs::metadata("/proc/thread-self/schedstat").is_ok();
        assert_eq!(cpu.own.is_some(), told);
        assert!(cpu.seconds() >= 0.0);
        let Some((own, before)) = &cpu.own else {
            return;
        };
        assert!(threads().contains(own) && !cpu.fresh.contains(own));
        assert!(spent(own) >= Some(*before));
        assert_eq!(spent("none"), None);
    }
}
