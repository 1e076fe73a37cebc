//! Runs that are killed or interrupted, and resumed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail where it stands, and says what it did"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// An empty folder for one test.
fn place(test: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    place
}

/// Kills the process when the test ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the command with its events on a pipe.
fn streaming(place: &Path, arguments: &[&str]) -> (Killed, impl Iterator<Item = String> + use<>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_supernet"));
    command
        .args(arguments)
        .arg("--json")
        .current_dir(place)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (
        Killed(child),
        lines.map(|line| line.expect("output is UTF-8")),
    )
}

/// Waits for the end. Returns whether the command succeeded, and its standard error.
fn ended(child: &mut Killed) -> (bool, String) {
    let mut said = String::new();
    child
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    (child.0.wait().unwrap().success(), said)
}

/// Starts a run, kills it after a number of events that depends on `salt`, and resumes it, up to
/// `kills` times. Returns how often it was killed.
fn killed(place: &Path, name: &str, kills: u32, salt: u64) -> u32 {
    let mut random = salt;
    let mut killed = 0;
    loop {
        let (evaluators, threads) = (1 + 2 * (killed % 2), 1 + killed / 2 % 2);
        let (evaluators, threads) = (
            format!("--evaluators={evaluators}"),
            format!("--threads={threads}"),
        );
        let resume = ["resume", name, &threads, &evaluators];
        let begin = [&KILLED[..], &["--run", name, &threads, &evaluators]].concat();
        let begun = place.join(name).join("config.toml").exists();
        let (mut child, mut lines) = streaming(place, if begun { &resume } else { &begin });
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let events = (random >> 33) as usize % (2 * EVENTS / kills as usize);
        if killed < kills && lines.nth(events).is_some() {
            child.0.kill().unwrap();
            killed += 1;
            continue;
        }
        lines.for_each(drop);
        let (well, said) = ended(&mut child);
        // Killed between the last file and the end of the process.
        assert!(well || said.contains("is finished"), "{said}");
        return killed;
    }
}

/// About the number of events of the killed run.
const EVENTS: usize = 250;
const KILLED: [&str; 9] = [
    "search",
    "--epochs=8",
    "--set=derive.candidates=10",
    "--set=derive.report=10",
    "--set=checkpoint.steps=10",
    "--set=score.rollouts=10",
    "--set=train.batch=32",
    "--seed=5",
    "--set=space.layers=4",
];

fn without_times(folder: &Path) -> Vec<serde_json::Value> {
    let log = fs::read_to_string(folder.join("events.jsonl")).unwrap();
    let mut events: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    events
        .iter_mut()
        .for_each(|event| drop(event.as_object_mut().unwrap().remove("at")));
    events
}

/// Kills and resumes a run, then compares events, the last checkpoint (weights, optimiser,
/// controller) and the result with a run that was not killed.
fn kill_and_compare(test: &str, kills: u32, salt: u64) {
    let place = place(test);
    let (mut whole, events) = streaming(&place, &[&KILLED[..], &["--run", "whole"]].concat());
    events.for_each(drop);
    assert!(ended(&mut whole).0);
    let killed = killed(&place, "killed", kills, salt);
    println!("killed {killed} times");
    assert!(killed > 0);
    let (whole, resumed) = (place.join("whole"), place.join("killed"));
    assert_eq!(without_times(&resumed), without_times(&whole));
    let last = |run: &Path| {
        let folders = fs::read_dir(run.join("checkpoints"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        folders
            .filter(|path| path.extension().is_none())
            .max()
            .unwrap()
    };
    let (a, b) = (last(&whole), last(&resumed));
    assert_eq!(a.file_name(), b.file_name());
    let read = |path: PathBuf| fs::read(path).unwrap();
    assert!(read(a.join("tensors.safetensors")) == read(b.join("tensors.safetensors")));
    let state = |path: &Path| {
        let mut state: serde_json::Value =
            serde_json::from_slice(&read(path.join("state.json"))).unwrap();
        // The length and times of the log, which depend on the clock.
        state.as_object_mut().unwrap().remove("log");
        state
    };
    assert_eq!(state(&a), state(&b));
    for file in ["best/genome.json", "best/top.json", "best/architecture.svg"] {
        assert!(read(whole.join(file)) == read(resumed.join(file)), "{file}");
    }
}

#[test]
fn killed_five_times_and_resumed_is_as_never_killed() {
    kill_and_compare("killed", 5, 1);
}

#[test]
#[ignore = "takes a minute; run with --ignored"]
fn killed_twenty_times_and_resumed_is_as_never_killed() {
    kill_and_compare("killed-often", 20, std::process::id().into());
}

#[cfg(unix)]
#[test]
fn a_signal_saves_says_how_to_go_on_and_fails() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let place = place(&format!("interrupted{signal}"));
        let (mut child, mut lines) = streaming(
            &place,
            &["search", "--epochs=100000", "--run=long", "--threads=1"],
        );
        assert!(lines.nth(20).is_some());
        let mut kill = Command::new("kill");
        kill.args([signal, &child.0.id().to_string()]);
        assert!(kill.status().unwrap().success());
        assert!(
            lines
                .last()
                .is_some_and(|line| line.contains("\"stopped\""))
        );
        let (well, said) = ended(&mut child);
        assert!(
            !well
                && said.contains("Stopped and saved after")
                && said.contains("supernet resume long")
                && !said.contains("error"),
            "{said}"
        );
        assert_eq!(child.0.wait().unwrap().code(), Some(code));
        let (mut resumed, mut lines) = streaming(&place, &["resume", "long"]);
        assert!(
            lines
                .next()
                .is_some_and(|line| line.contains("\"resumed\""))
        );
        drop(lines);
        resumed.0.kill().unwrap();
    }
}
