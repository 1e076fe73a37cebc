//! `supernet check-plugin`: everything that can be said about a plugin without searching.
//!
//! A plugin's code may crash, hang or end its process, and its kernels may hang a driver. So the work is done by a second
//! process, which this one watches and can end.

mod look;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use crate::Failure;
use crate::arguments::CheckPluginOptions;
use crate::summary::Said;

/// What stands before a line that says what comes next; all others are for the reader.
const DOING: char = '\u{1}';

pub(crate) fn run(options: &CheckPluginOptions) -> Result<(), Failure> {
    if options.watched { look::look(options) } else { watch(options) }
}

/// Runs the same command in a process of its own, and ends it if it takes too long.
fn watch(options: &CheckPluginOptions) -> Result<(), Failure> {
    let mut child = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .arg("--watched")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let until = Instant::now() + Duration::from_secs(options.seconds);
    let (doing, in_time) = follow(&mut child, until)?;
    if !in_time {
        // A process that waits for a driver may ignore even this for a while; nobody waits for it.
        child.kill()?;
        let seconds = options.seconds;
        return Err(format!(
            "the check did not end within {seconds} s and was stopped {doing}; if it only is slow, give it more: --seconds {}",
            2 * seconds
        )
        .into());
    }
    let status = child.wait()?;
    match status.code() {
        Some(0) => Ok(()),
        Some(1) => Err(Said.into()),
        _ => Err(format!("the plugin ended the process that tried it ({}) {doing}", ended(status)).into()),
    }
}

/// Prints what the child says; returns what it was doing last, and whether it came to an end in time.
fn follow(child: &mut Child, until: Instant) -> Result<(String, bool), Failure> {
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
    let (line, lines) = channel();
    thread::Builder::new().name("supernet-check".into()).spawn(move || {
        BufReader::new(stdout).lines().map_while(Result::ok).all(|text| line.send(text).is_ok());
    })?;
    let mut doing = "while it was being loaded".to_owned();
    loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(text) => match text.strip_prefix(DOING) {
                Some(next) => doing = format!("while {next}"),
                None => writeln!(io::stdout(), "{text}")?,
            },
            Err(RecvTimeoutError::Disconnected) => return Ok((doing, true)),
            Err(RecvTimeoutError::Timeout) => return Ok((doing, false)),
        }
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
