//! Interruption: the first Ctrl-C, or request of the system to end (`SIGTERM`: Slurm, systemd, Docker),
//! stops the work, which saves its state; the second one ends the process immediately.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::{error, fmt, process};

use crate::Failure;
use crate::display::summary::command;

/// The numbers of the signals.
const INTERRUPT: u8 = 2;
#[cfg(unix)]
const TERMINATE: u8 = 15;

/// Whether a signal came.
pub(crate) struct Interruption {
    /// The number of the signal; 0 if there was none.
    signal: Arc<AtomicU8>,
}

impl Interruption {
    /// Waits for signals. The first one calls `stop`.
    pub(crate) fn watch(stop: impl Fn() + Send + Sync + 'static) -> Result<Self, Failure> {
        let signal = Arc::new(AtomicU8::new(0));
        let came = {
            let signal = Arc::clone(&signal);
            Arc::new(move |number: u8| {
                if signal.swap(number, Ordering::AcqRel) != 0 {
                    process::exit(exit_code(number).into());
                }
                stop();
            })
        };
        #[cfg(unix)]
        {
            let (mut signals, came) = (
                signal_hook::iterator::Signals::new([i32::from(TERMINATE)])?,
                Arc::clone(&came),
            );
            let wait = move || signals.forever().for_each(|_| came(TERMINATE));
            std::thread::Builder::new()
                .name("signals".to_owned())
                .spawn(wait)?;
        }
        ctrlc::set_handler(move || came(INTERRUPT))?;
        Ok(Self { signal })
    }

    pub(crate) fn came(&self) -> bool {
        self.signal.load(Ordering::Acquire) != 0
    }

    /// The end of a command whose work was stopped and saved.
    pub(crate) fn stopped(&self, steps: u64, folder: &Path, plugins: &[PathBuf]) -> Stopped {
        Stopped {
            steps,
            resume: command("resume", folder, plugins),
            exit_code: exit_code(self.signal.load(Ordering::Acquire)),
        }
    }
}

/// The exit code that shells expect of a process that a signal ended.
fn exit_code(signal: u8) -> u8 {
    128 + signal
}

/// The end of a command that was interrupted: what follows it in a script must not run.
#[derive(Debug)]
pub(crate) struct Stopped {
    steps: u64,
    resume: String,
    pub(crate) exit_code: u8,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, resume, .. } = self;
        write!(
            f,
            "Stopped and saved after {steps} steps. To continue it: {resume}"
        )
    }
}

impl error::Error for Stopped {}
