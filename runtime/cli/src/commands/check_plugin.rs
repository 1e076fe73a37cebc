//! `supernet check-plugin`: checks everything about a plugin that can be checked without searching.
//!
//! A plugin's code may crash, hang or end its process, and its kernels may hang a driver. Therefore
//! a second process does the work, which this one supervises and can kill.

mod look;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use crate::Failure;
use crate::arguments::CheckPluginOptions;

/// Prefix of a line that announces the next step; lines without a prefix are for the user.
const DOING: char = '\u{1}';
/// Prefix of the last line of a failed check, which gives the reason.
const FAILED: char = '\u{2}';
/// The last line of a check that passed. It is needed because a plugin may end its process at any
/// time with a successful exit code.
const PASSED: char = '\u{3}';

pub(crate) fn run(options: &CheckPluginOptions) -> Result<(), Failure> {
    if !options.watched {
        return watch(options);
    }
    let last = match look::look(options) {
        Ok(()) => format!("{PASSED}\n"),
        Err(failure) => format!("{FAILED}{}\n", failure.to_string().replace('\n', "\n  ")),
    };
    Ok(look::say(&last)?)
}

/// Runs the same command in a second process, and kills it after the time limit.
fn watch(options: &CheckPluginOptions) -> Result<(), Failure> {
    let mut child = Command::new(env::current_exe()?)
        .args(["check-plugin", "--watched"])
        .args(env::args_os().skip(2))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let until = Instant::now() + Duration::from_secs(options.seconds);
    let Followed {
        doing,
        outcome,
        in_time,
    } = follow(&mut child, until)?;
    // A plugin may also close its standard output and keep running.
    let status = if in_time {
        wait(&mut child, until)?
    } else {
        None
    };
    let Some(status) = status else {
        // A process that waits for a driver may survive this for a while; it is not awaited.
        child.kill()?;
        let seconds = options.seconds;
        return Err(format!(
            "the check did not end within {seconds} s and was stopped {doing}; if it only is slow, give it more: --seconds {}",
            2 * seconds
        )
        .into());
    };
    match outcome {
        Some(Outcome::Passed) => Ok(()),
        Some(Outcome::Failed(why)) => Err(why.into()),
        None => Err(format!(
            "the plugin ended the process that tried it ({}) {doing}",
            ended(status)
        )
        .into()),
    }
}

/// The result that a check reports.
enum Outcome {
    Passed,
    Failed(String),
}

/// The output of a check.
struct Followed {
    /// The last announced step.
    doing: String,
    outcome: Option<Outcome>,
    /// Whether the output ended within the time limit.
    in_time: bool,
}

/// Forwards the output of the child process.
fn follow(child: &mut Child, until: Instant) -> Result<Followed, Failure> {
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("no standard output"))?;
    let (line, lines) = channel();
    thread::Builder::new()
        .name("supernet-check".into())
        .spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut bytes = Vec::new();
            // A plugin may print any bytes, not only text.
            while stdout
                .read_until(b'\n', &mut bytes)
                .is_ok_and(|read| read > 0)
            {
                let text = String::from_utf8_lossy(&bytes)
                    .trim_end_matches('\n')
                    .to_owned();
                bytes.clear();
                if line.send(text).is_err() {
                    break;
                }
            }
        })?;
    let mut followed = Followed {
        doing: "while it was being loaded".to_owned(),
        outcome: None,
        in_time: true,
    };
    loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(text) => match (
                text.strip_prefix(DOING),
                text.strip_prefix(FAILED),
                text.strip_prefix(PASSED),
            ) {
                (Some(next), ..) => followed.doing = format!("while {next}"),
                (_, Some(why), _) => followed.outcome = Some(Outcome::Failed(why.to_owned())),
                (.., Some(_)) => followed.outcome = Some(Outcome::Passed),
                _ => writeln!(io::stdout(), "{text}")?,
            },
            Err(RecvTimeoutError::Disconnected) => return Ok(followed),
            Err(RecvTimeoutError::Timeout) => {
                return Ok(Followed {
                    in_time: false,
                    ..followed
                });
            }
        }
    }
}

/// Waits for the child process to end; `None` if it exceeds the time limit.
fn wait(child: &mut Child, until: Instant) -> Result<Option<ExitStatus>, Failure> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(unix)]
fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(6) => "it aborted, as a panic does where it cannot be caught".to_owned(),
        Some(11) => "it reached for memory that is not its own".to_owned(),
        Some(signal) => format!("signal {signal}"),
        None => status.to_string(),
    }
}

#[cfg(not(unix))]
fn ended(status: ExitStatus) -> String {
    status.to_string()
}
