//! Tests whether a device computes correctly, with a report that can be shared.

use std::collections::BTreeMap;

use serde::Serialize;
use supernet_engine::device::conformance::Conformance;
use supernet_engine::device::cpu::Cpu;
use supernet_engine::device::{Device, Inputs, Minibatch, Probe, Samples, conformance};
use supernet_engine::program::Program;
use supernet_engine::weights::Weights;
use supernet_shaders::Step;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::random::from_prior;

use super::bench::{Bench, BenchPhase, Timing};
use crate::config::Config;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::training::TrainingError;

/// Number of training steps that are compared with the CPU device.
const STEPS: u32 = 10;
/// Tolerance for a step's loss, relative to the CPU device: rounding alone, amplified by ten
/// updates, stays a hundred times below.
const LOSS: f64 = 1e-3;
/// Tolerance for all weights together after the last step, relative to the distance that they
/// moved.
const WEIGHTS: f64 = 1e-2;

/// The report on a device.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SelfTestReport {
    /// The version of this crate.
    pub version: &'static str,
    /// The operating system and the processor.
    pub system: String,
    /// The device.
    pub device: String,
    /// Further properties of the device.
    pub about: BTreeMap<&'static str, String>,
    /// Whether all tests passed.
    pub passed: bool,
    /// Every kind of call compared with its f64 reference.
    pub calls: BTreeMap<&'static str, Conformance>,
    /// What ended the test early: the test, and the error of the device. Earlier results are in the
    /// report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Training steps compared with the CPU device.
    pub training: Option<Training>,
    /// Throughput of a product of two 512x512 matrices, in 10⁹ floating-point operations per
    /// second.
    pub gflops: Option<f64>,
    /// A training step and a scoring of ENAS macro, with 6 layers of 16 filters, on 64 images of
    /// 32x32x3.
    pub bench: Vec<Timing>,
}

/// Training steps compared with the CPU device: ENAS macro on the built-in digits.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Training {
    /// Mean loss of each step.
    pub losses: Vec<f64>,
    /// The largest relative difference of a loss.
    pub loss_difference: f64,
    /// The distance between the weights, relative to the distance that they moved.
    pub weight_difference: f64,
    /// Whether both are within tolerance.
    pub passed: bool,
}

/// Runs every test on `device`; `listen` receives the progress, from 0 to 1, and the name of the
/// next test. All failures are part of the report.
pub fn run(
    device: &mut dyn Probe,
    bench_steps: u32,
    listen: &mut dyn FnMut(f64, &str),
) -> SelfTestReport {
    let mut report = SelfTestReport {
        version: env!("CARGO_PKG_VERSION"),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        device: device.name(),
        about: device.about().into_iter().collect(),
        passed: false,
        calls: BTreeMap::new(),
        ended: None,
        training: None,
        gflops: None,
        bench: Vec::new(),
    };
    device.forget();
    report.ended = fill(&mut report, device, bench_steps, listen).err();
    let calls = report.calls.values().all(|kind| kind.missed == 0);
    report.passed = report.ended.is_none()
        && calls
        && report
            .training
            .as_ref()
            .is_some_and(|training| training.passed);
    report
}

/// Fills in the report, or returns where the device failed.
fn fill(
    report: &mut SelfTestReport,
    device: &mut dyn Probe,
    bench_steps: u32,
    listen: &mut dyn FnMut(f64, &str),
) -> Result<(), String> {
    conformance::calls(device, &mut report.calls, &mut |share, call| {
        listen(0.9 * share, call)
    })?;
    listen(0.9, "training steps");
    report.training = Some(training(device).map_err(|error| format!("in training: {error}"))?);
    listen(0.95, "benchmark");
    report.gflops =
        Some(conformance::gflops(device).map_err(|error| format!("in a product: {error}"))?);
    let mut bench =
        Bench::new("enas-macro", &[], [32, 32, 3], 10, 64).map_err(|error| error.to_string())?;
    for phase in [BenchPhase::Train, BenchPhase::Evaluate] {
        let timing = bench
            .time(device, phase, bench_steps)
            .map_err(|error| format!("in the benchmark: {error}"))?;
        report.bench.push(timing);
    }
    Ok(())
}

/// Runs ten training steps of random children, on `device` and on the CPU device.
///
/// # Errors
/// If a device fails.
pub fn training(device: &mut dyn Device) -> Result<Training, Error> {
    let experiment = Experiment::new(Config::read(
        "",
        &["train.paths=1", "train.identity=false"],
    )?)?;
    let start = experiment.weights();
    let (losses, weights) = train(device, &experiment)?;
    let (wanted, there) = train(&mut Cpu::new(0).map_err(TrainingError::from)?, &experiment)?;
    let differences = losses
        .iter()
        .zip(&wanted)
        .map(|(got, wanted)| (got - wanted).abs() / wanted.abs().max(1e-3));
    let loss_difference = differences.fold(0.0, |worst: f64, x| {
        if x.is_nan() {
            f64::INFINITY
        } else {
            worst.max(x)
        }
    });
    let distance = |a: &Weights, b: &Weights| -> f64 {
        let pairs = a
            .pages()
            .values
            .iter()
            .flatten()
            .zip(b.pages().values.iter().flatten());
        pairs
            .map(|(a, b)| f64::from(a - b).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    let weight_difference = distance(&weights, &there) / distance(&start, &there);
    let passed = loss_difference <= LOSS && weight_difference <= WEIGHTS;
    Ok(Training {
        losses,
        loss_difference,
        weight_difference,
        passed,
    })
}

/// The mean losses of some steps of random children, and the final weights.
fn train(device: &mut dyn Device, experiment: &Experiment) -> Result<(Vec<f64>, Weights), Error> {
    let mut random = Random::new(1, RngStream::SelfTest);
    let (mut weights, mut samples) = (experiment.weights(), Samples::default());
    let (mut images, mut labels, mut losses) = (Vec::new(), Vec::new(), Vec::new());
    let batch = experiment.config().train.batch as usize;
    for number in 1..=STEPS {
        let genome = from_prior(experiment.supergraph(), &mut random)?;
        let child = experiment.supergraph().child(&genome)?;
        let optimizer = experiment.config().optimizer.optimizer();
        let program = Program::training(experiment.training_context(), &child, &optimizer)
            .map_err(TrainingError::from)?;
        let from = (number as usize - 1) * batch % (experiment.train_part().len() - batch + 1);
        experiment
            .train_part()
            .gather(from..from + batch, &mut images, &mut labels);
        let minibatch = Minibatch {
            inputs: Inputs::Pixels(&images),
            targets: &labels,
            mixture: &[],
        };
        let step = Step {
            rate: 0.02,
            number,
            update: number,
            seed: 1,
            drop_path: 0.0,
        };
        device
            .train(&program, &mut weights, minibatch, &step)
            .map_err(TrainingError::from)?;
        device.samples(&mut samples).map_err(TrainingError::from)?;
        losses.push(samples.loss.iter().map(|x| f64::from(*x)).sum::<f64>() / batch as f64);
    }
    device.fetch(&mut weights).map_err(TrainingError::from)?;
    Ok((losses, weights))
}
