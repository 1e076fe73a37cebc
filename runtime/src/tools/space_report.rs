//! A report on a space before it is searched, for authors of spaces.
//!
//! [`of`] builds a space, measures and draws it, runs some of its children and checks its custom
//! ops, on synthetic data.

mod stand_in;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use supernet_draw::{self, Caption};
use supernet_engine::device::spec::DeviceSpec;
use supernet_engine::device::{Device, Inputs, Minibatch, Samples};
use supernet_engine::program::{Program, named};
use supernet_plugin::Setting;
use supernet_shaders::Step;
use supernet_shaders::random::{Random, RngStream};
use supernet_strategy::random::from_prior;

use crate::config::Config;
use crate::error::Error;
use crate::experiment::op_check::OpCheck;
use crate::experiment::{Experiment, op_check as trial};
use crate::results::format::thousands;
use crate::space;
use crate::space::{BuiltSpace, Extremes, SpaceError, SpaceProvenance, Spaces};
use crate::training::TrainingError;

/// Number of children that run on every device.
const CHILDREN: u32 = 3;
/// Tolerance of a CPU kernel relative to the WGSL kernel: rounding, and the error of GPU functions
/// such as `exp`.
const CLOSE: f32 = 1e-3;

/// The report on a space.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SpaceReport {
    /// The origin and identity of the space.
    pub provenance: SpaceProvenance,
    /// A one-line summary.
    pub summary: String,
    /// Number of decisions in a genome.
    pub decisions: usize,
    /// Number of genomes, formatted.
    pub genomes: String,
    /// Number of parameters of the supergraph.
    pub parameters: u64,
    /// The smallest and the largest child, and how they were found.
    pub extremes: Extremes,
    /// A random child, as SVG.
    #[serde(skip)]
    pub drawing: String,
    /// Devices on which random children took a training step and were scored.
    pub ran: Vec<String>,
    /// Why no child was run, if none was.
    pub not_run: Option<String>,
    /// The custom ops, on every device that runs them.
    pub ops: Vec<OpCheck>,
    /// Problems.
    pub problems: Vec<String>,
    /// Notes.
    pub notes: Vec<String>,
}

/// Examines the space `name` with these settings, on each available device; `listen` receives the
/// name of the next step.
///
/// # Errors
/// If there is no such space, or it cannot be built. Problems of a space that can be built are in
/// the report.
pub fn of(
    spaces: &Spaces,
    name: &str,
    settings: &BTreeMap<String, Setting>,
    devices: &[DeviceSpec],
    listen: &mut dyn FnMut(&str),
) -> Result<SpaceReport, Error> {
    listen(&format!("building the space `{name}`"));
    let mut config = Config::default();
    name.clone_into(&mut config.search.space);
    config.space.clone_from(settings);
    let fields = spaces
        .find(name)
        .map_err(SpaceError::from)?
        .swap_remove(0)
        .fields;
    let facts = space::stated(&fields, settings, stand_in::facts());
    let BuiltSpace {
        supergraph,
        provenance,
        ..
    } = spaces.build(&mut config, &facts)?;
    listen("measuring its children");
    let extremes = Extremes::of(&supergraph)?;
    let genome = from_prior(&supergraph, &mut Random::new(0, RngStream::ReportChildren))?;
    listen("drawing a child");
    let caption = Caption {
        title: format!("{}: a random child", provenance.space),
        subtitle: supergraph.space().summary.clone(),
    };
    let mut report = SpaceReport {
        summary: supergraph.space().summary.clone(),
        decisions: supergraph.genome_len(),
        genomes: supergraph.size().to_string(),
        parameters: supergraph.total_params(),
        extremes,
        drawing: supernet_draw::svg(&supergraph, &genome, &caption)?,
        ran: Vec::new(),
        not_run: None,
        ops: Vec::new(),
        problems: Vec::new(),
        notes: Vec::new(),
        provenance,
    };
    match stand_in::data(&supergraph, &supergraph.child(&genome)?) {
        Err(reason) => report.not_run = Some(reason),
        Ok(data) => {
            // The synthetic data set is small.
            (config.train.batch, config.score.batch) = (stand_in::BATCH, stand_in::BATCH);
            config.train.paths = 1;
            listen("lowering every node");
            match Experiment::with(spaces, data, config) {
                Err(error) => report.problems.push(error.to_string()),
                Ok(experiment) => {
                    devices
                        .iter()
                        .for_each(|choice| report.run(&experiment, choice, listen));
                    let untried = report.ops.is_empty()
                        && report.problems.is_empty()
                        && !experiment.custom().is_empty();
                    report.problems.extend(untried.then(|| {
                        "its own ops could be tried nowhere: give them functions for the CPU, or install a driver, such as \
                         Mesa's for Vulkan in software"
                            .to_owned()
                    }));
                }
            }
        }
    }
    report.compare();
    Ok(report)
}

impl SpaceReport {
    /// Whether there are no problems.
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }

    /// Checks the ops on a device, and runs children on it.
    fn run(&mut self, experiment: &Experiment, choice: &DeviceSpec, listen: &mut dyn FnMut(&str)) {
        let mut device = match choice.open(0) {
            Ok(device) => device,
            Err(error) => return self.notes.push(format!("not tried on `{choice}`: {error}")),
        };
        let name = device.name();
        if *choice == DeviceSpec::Cpu && !experiment.custom().run_on_cpu() {
            let missing = experiment.custom().without_cpu_kernel().join("`, `");
            let missing = format!(
                "`{missing}` has no function for the CPU (`CpuOp`): the space runs on GPUs only"
            );
            return self.notes.push(missing);
        }
        listen(&format!("trying its ops on {name}"));
        match trial::run(experiment, &mut *device) {
            Ok(tried) => self.ops.extend(tried),
            Err(errors) => {
                return self
                    .problems
                    .extend(errors.iter().map(|error| format!("on {name}: {error}")));
            }
        }
        listen(&format!("running children on {name}"));
        match children(experiment, &mut *device) {
            Ok(None) => self.ran.push(name),
            Ok(Some(problem)) => self.problems.push(format!("on {name}: {problem}")),
            Err(error) => self.problems.push(format!("on {name}: {error}")),
        }
    }

    /// Compares each device's values of an op with those of the first device.
    fn compare(&mut self) {
        for (at, tried) in self.ops.iter().enumerate() {
            let same =
                |other: &&OpCheck| (&other.op, &other.attributes) == (&tried.op, &tried.attributes);
            let Some(first) = self.ops[..at].iter().find(same) else {
                continue;
            };
            for ((operand, here), (_, there)) in first.results.iter().zip(&tried.results) {
                let squares: f32 = here.iter().map(|x| x * x).sum();
                let typical = (squares / here.len().max(1) as f32).sqrt();
                let off = |(a, b): (&f32, &f32)| (a - b).abs() > CLOSE * (typical + a.abs());
                let Some(element) = here.iter().zip(there).position(off) else {
                    continue;
                };
                self.problems.push(format!(
                    "the op `{}` is not one function: on the same operands, number {element} of {} is {} on {} and {} on \
                     {}; its function for the CPU must compute what its WGSL does",
                    tried.op,
                    named(*operand),
                    here[element],
                    first.device,
                    there[element],
                    tried.device
                ));
                break;
            }
        }
    }
}

/// Runs a training step and a scoring of some random children; returns problems with their losses,
/// if there are any.
fn children(experiment: &Experiment, device: &mut dyn Device) -> Result<Option<String>, Error> {
    let mut random = Random::new(1, RngStream::ReportTraining);
    let (mut weights, mut samples) = (experiment.weights(), Samples::default());
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    experiment
        .train_part()
        .gather(0..stand_in::BATCH as usize, &mut images, &mut labels);
    let minibatch = Minibatch {
        inputs: Inputs::Pixels(&images),
        targets: &labels,
        mixture: &[],
    };
    for number in 1..=CHILDREN {
        let genome = from_prior(experiment.supergraph(), &mut random)?;
        let child = experiment.supergraph().child(&genome)?;
        let optimizer = experiment.config().optimizer.optimizer();
        let training = Program::training(experiment.training_context(), &child, &optimizer)
            .map_err(TrainingError::from)?;
        let scoring =
            Program::scoring(experiment.training_context(), &child).map_err(TrainingError::from)?;
        let step = Step {
            rate: 0.01,
            number,
            update: number,
            seed: 1,
            drop_path: 0.0,
        };
        for training_step in [true, false] {
            let done = match training_step {
                true => device.train(&training, &mut weights, minibatch, &step),
                false => device.score(&scoring, &weights, minibatch),
            };
            done.and_then(|()| device.samples(&mut samples))
                .map_err(TrainingError::from)?;
            if let Some(loss) = samples.loss.iter().find(|loss| !loss.is_finite()) {
                let when = if training_step {
                    "at its first step"
                } else {
                    "after a step"
                };
                return Ok(Some(format!(
                    "the loss of the child {genome:?} is {loss} {when}, on ordinary data"
                )));
            }
        }
    }
    device.fetch(&mut weights).map_err(TrainingError::from)?;
    Ok(None)
}

impl fmt::Display for SpaceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.provenance.space, self.summary)?;
        writeln!(f, "  from         {}", self.provenance.providers())?;
        writeln!(f, "  hash         {}", self.provenance.hash)?;
        writeln!(f, "  decisions    {}", self.decisions)?;
        writeln!(f, "  genomes      {}", self.genomes)?;
        writeln!(
            f,
            "  parameters   {} in the supergraph",
            thousands(self.parameters)
        )?;
        let mark = if self.extremes.exact {
            "exact"
        } else {
            "found"
        };
        for (name, child) in [
            ("smallest", &self.extremes.smallest),
            ("largest", &self.extremes.largest),
        ] {
            let (parameters, macs) = (thousands(child.size.parameters), thousands(child.size.macs));
            writeln!(
                f,
                "  {name:12} {parameters} parameters, {macs} multiply-accumulates ({mark})"
            )?;
        }
        for OpCheck {
            op,
            attributes,
            device,
            shapes,
            surrogate,
            points,
            rough,
            worst,
            ..
        } in &self.ops
        {
            let attributes = if attributes == "{}" {
                String::new()
            } else {
                format!(" {attributes}")
            };
            write!(
                f,
                "  op           `{op}`{attributes} on {device}, {shapes}: "
            )?;
            match surrogate {
                true => writeln!(f, "its gradient is declared a surrogate, and not checked")?,
                false => {
                    let rough = if *rough > 0 {
                        format!(", {rough} left out")
                    } else {
                        String::new()
                    };
                    writeln!(
                        f,
                        "gradient right at {points} points{rough}; worst error {worst:.3} of what is allowed"
                    )?;
                }
            }
        }
        for device in &self.ran {
            writeln!(
                f,
                "  ran          {CHILDREN} random children on {device}, a training step and a scoring each"
            )?;
        }
        if let Some(reason) = &self.not_run {
            writeln!(f, "  not run      {reason}")?;
        }
        self.notes
            .iter()
            .try_for_each(|note| writeln!(f, "  note         {note}"))?;
        self.problems
            .iter()
            .try_for_each(|problem| writeln!(f, "  PROBLEM      {problem}"))
    }
}
