//! Checks of a space's custom ops on a device, before a search relies on them.
//!
//! Every op runs on random operands of the sizes that one of its nodes has. It must write exactly
//! what it declares, terminate its loops, give finite numbers, and give the same numbers again. Its
//! gradient must be that of its value: it is compared with finite differences at points where the
//! left and right differences agree. A space may declare an op's gradient to be a surrogate, which
//! skips the last check.

mod differences;
mod error;
mod nodes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use error::OpCheckError;
use nodes::{CheckedOp, Nodes};
use serde::Serialize;
use supernet_engine::device::Probe;
use supernet_engine::device::spec::DeviceSpec;
use supernet_engine::program::{Sizes, Variant};
use supernet_plugin::{Gradient, Operand, Use};
use supernet_shaders::random::{Random, RngStream};
use supernet_shaders::{Call, Step};

use super::{Experiment, ExperimentError};
use crate::training::TrainingError;

/// The content of buffers before a kernel runs, in two runs: bit patterns that no kernel produces.
const MARKS: [u32; 2] = [0x7fc0_4321, 0xffc0_8765];

/// Maximum size of one operand in a check, in numbers.
const MOST: u128 = 1 << 26;

/// The result of checking an op on a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpCheck {
    /// The op.
    pub op: String,
    /// The attributes of its node, as JSON.
    pub attributes: String,
    /// The device.
    pub device: String,
    /// The shapes of its operands, without the batch dimension.
    pub shapes: String,
    /// Whether its gradient is not compared with finite differences, because the space declares it
    /// a surrogate.
    pub surrogate: bool,
    /// Points at which its gradient was compared with finite differences.
    pub points: u32,
    /// Points at which it was not, because the left and right differences disagree.
    pub rough: u32,
    /// The largest error as a fraction of the allowance for rounding and curvature.
    pub worst: f64,
    /// The value and the gradients that it computed, from the same operands on every device.
    #[serde(skip)]
    pub(crate) results: Vec<(Operand, Vec<f32>)>,
}

/// Checks every custom op that the search may run, for every set of attributes that its nodes have:
/// on the smallest of these nodes, and, without the gradient check, on the largest with about as
/// many samples as in the search. Without custom ops there is nothing to do.
///
/// # Errors
/// One for every op that fails.
pub fn run(
    experiment: &Experiment,
    device: &mut dyn Probe,
) -> Result<Vec<OpCheck>, Vec<OpCheckError>> {
    match nodes::of(experiment) {
        Ok(nodes) => {
            let config = experiment.config();
            all(nodes, config.train.batch.max(config.score.batch), device)
        }
        Err(error) => Err(vec![error]),
    }
}

/// Checks the ops of a search that is about to start. The check opens a separate device, because a
/// failing kernel may take its device down. `on` is the device of the search; none if it is a
/// custom device.
pub(crate) fn before(
    experiment: &Experiment,
    on: Option<&DeviceSpec>,
) -> Result<(), ExperimentError> {
    if experiment.custom().is_empty() {
        return Ok(());
    }
    let choice = match on {
        Some(choice) => choice.clone(),
        None if experiment.custom().run_on_cpu() => DeviceSpec::Cpu,
        None => DeviceSpec::Gpu(None),
    };
    let mut device = match choice.open(0) {
        Ok(device) => device,
        // A custom device may be the only one: its ops have at least been parsed.
        Err(_) if on.is_none() => return Ok(()),
        Err(error) => return Err(TrainingError::from(error).into()),
    };
    run(experiment, &mut *device)
        .map(drop)
        .map_err(ExperimentError::Ops)
}

fn all(
    nodes: Nodes,
    batch: u32,
    device: &mut dyn Probe,
) -> Result<Vec<OpCheck>, Vec<OpCheckError>> {
    let (mut tried, mut failed) = (Vec::new(), Vec::new());
    for found in nodes.into_values() {
        match one(&found, batch, device) {
            Ok(done) => tried.push(done),
            Err(error) => failed.push(error),
        }
    }
    if failed.is_empty() {
        Ok(tried)
    } else {
        Err(failed)
    }
}

/// Checks one op.
fn one(found: &CheckedOp, batch: u32, device: &mut dyn Probe) -> Result<OpCheck, OpCheckError> {
    let variant = &found.variant;
    found
        .sizes
        .iter()
        .try_for_each(|sizes| variant.check(sizes))?;
    let [Some(small), Some(large)] = [found.sizes.first().cloned(), found.large(batch)] else {
        return Err(OpCheckError::Nowhere {
            op: variant.op.name.clone(),
        });
    };
    let tried = Trial::new(variant, small, device)?.run()?;
    Trial::new(variant, large, device)?
        .passes(&mut Random::new(0, RngStream::OpCheckLargeInputs))?;
    Ok(tried)
}

/// A check in progress.
struct Trial<'a> {
    variant: &'a Arc<Variant>,
    sizes: Sizes,
    device: &'a mut dyn Probe,
    /// Whether kernels report that they ran out of fuel, as on a GPU.
    tells: bool,
}

/// Whether an operand is an output of the op.
fn is_result(operand: Operand) -> bool {
    matches!(
        operand,
        Operand::Output | Operand::GradInput(_) | Operand::GradParam(_)
    )
}

/// The values of the operands.
type Values = BTreeMap<Operand, Vec<f32>>;

impl<'a> Trial<'a> {
    fn new(
        variant: &'a Arc<Variant>,
        sizes: Sizes,
        device: &'a mut dyn Probe,
    ) -> Result<Self, OpCheckError> {
        let numbers = variant.largest(&sizes);
        if numbers > MOST {
            return Err(OpCheckError::Large {
                op: variant.op.name.clone(),
                numbers,
            });
        }
        variant.check(&sizes)?;
        let tells = device.name() != "cpu";
        Ok(Self {
            variant,
            sizes,
            device,
            tells,
        })
    }

    /// Runs all checks of an op.
    fn run(&mut self) -> Result<OpCheck, OpCheckError> {
        let mut random = Random::new(0, RngStream::OpCheckInputs);
        let values = self.passes(&mut random)?;
        let op = &self.variant.op;
        let mut tried = OpCheck {
            op: op.name.clone(),
            attributes: self.variant.attributes().to_owned(),
            device: self.device.name(),
            shapes: self.sizes.to_string(),
            surrogate: op.gradient == Gradient::Surrogate,
            points: 0,
            rough: 0,
            worst: 0.0,
            results: values
                .iter()
                .filter(|(operand, _)| is_result(**operand))
                .map(|(o, x)| (*o, x.clone()))
                .collect(),
        };
        if !tried.surrogate {
            self.differences(&values, &mut random, &mut tried)?;
        }
        Ok(tried)
    }

    /// Runs both passes on random operands.
    fn passes(&mut self, random: &mut Random) -> Result<Values, OpCheckError> {
        let mut values = Values::new();
        let op = &self.variant.op;
        let inputs = (0..op.inputs).map(Operand::Input);
        for operand in inputs.chain((0..op.params).map(Operand::Param)) {
            let len = self.variant.len(operand, &self.sizes);
            values.insert(operand, (0..len).map(|_| random.normal()).collect());
        }
        self.twice(0, &mut values)?;
        let len = self.variant.len(Operand::GradOutput, &self.sizes);
        values.insert(
            Operand::GradOutput,
            (0..len).map(|_| random.normal()).collect(),
        );
        self.twice(1, &mut values)?;
        Ok(values)
    }

    /// Runs the forward pass (0) or the backward pass (1) with two different initial buffer
    /// contents, which must make no difference.
    fn twice(&mut self, pass: usize, values: &mut Values) -> Result<(), OpCheckError> {
        let mut again = values.clone();
        self.pass(pass, values, MARKS[0])?;
        self.pass(pass, &mut again, MARKS[1])?;
        for ((operand, first), second) in values.iter().zip(again.values()) {
            let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
            if let Some(element) = first.iter().zip(second).position(|pair| !same(pair)) {
                let (op, operand) = (self.variant.op.name.clone(), *operand);
                return Err(OpCheckError::Unstable {
                    op,
                    operand,
                    element,
                    values: [first[element], second[element]],
                });
            }
        }
        Ok(())
    }

    /// Runs the kernels of a pass, one by one. Their output buffers contain `mark` beforehand.
    fn pass(&mut self, pass: usize, values: &mut Values, mark: u32) -> Result<(), OpCheckError> {
        let step = Step {
            rate: 0.0,
            number: 1,
            update: 1,
            seed: 0,
            drop_path: 0.0,
        };
        let op = || self.variant.op.name.clone();
        for (run, uses) in self.variant.runs(pass, &self.sizes, self.tells) {
            let (read, written): (Vec<&Use>, Vec<&Use>) =
                uses.iter().partition(|used| !used.written);
            let mut writes: Vec<Vec<f32>> = written
                .iter()
                .map(|used| vec![f32::from_bits(mark); self.variant.len(used.operand, &self.sizes)])
                .collect();
            if run.roles.len() > uses.len() {
                writes.push(vec![0.0]);
            }
            let reads: Vec<&[f32]> = read
                .iter()
                .filter_map(|used| values.get(&used.operand))
                .map(Vec::as_slice)
                .collect();
            let mut slices: Vec<&mut [f32]> = writes.iter_mut().map(Vec::as_mut_slice).collect();
            self.device
                .call(&Call::Custom(run), &step, &reads, &mut slices)
                .map_err(|error| OpCheckError::Device {
                    op: op(),
                    kernel: run.name.to_owned(),
                    error,
                })?;
            let kernel = || run.name.to_owned();
            if run.roles.len() > uses.len()
                && writes.pop().is_some_and(|spent| spent[0].to_bits() != 0)
            {
                return Err(OpCheckError::Endless {
                    op: op(),
                    kernel: kernel(),
                    rounds: run.fuel().unwrap_or(0),
                });
            }
            for (used, numbers) in written.iter().zip(writes) {
                let operand = used.operand;
                if let Some(element) = numbers.iter().position(|x| x.to_bits() == mark) {
                    let of = numbers.len();
                    return Err(OpCheckError::Unwritten {
                        op: op(),
                        kernel: kernel(),
                        operand,
                        element,
                        of,
                    });
                }
                if let Some(element) = numbers.iter().position(|x| !x.is_finite()) {
                    let value = numbers[element];
                    return Err(OpCheckError::NotFinite {
                        op: op(),
                        kernel: kernel(),
                        operand,
                        element,
                        value,
                    });
                }
                values.insert(operand, numbers);
            }
        }
        Ok(())
    }
}
