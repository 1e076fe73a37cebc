//! A space's own ops, tried out on a device before a search relies on them.
//!
//! Every op runs on random operands of the sizes that one of its nodes has. It must write all that
//! it declares and nothing else, end its loops, give numbers, give the same numbers again, and its
//! gradient must be that of its value: held against finite differences at points where the
//! differences to the left and to the right agree. A space may say that an op's gradient is a
//! surrogate, which spares it the last.

mod differences;
mod error;
mod nodes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use error::OpCheckError;
use nodes::{Found, Nodes};
use serde::Serialize;
use supernet_engine::device::Probe;
use supernet_engine::device::spec::DeviceSpec;
use supernet_engine::program::{Sizes, Variant};
use supernet_plugin::{Gradient, Operand, Use};
use supernet_shaders::random::{Random, RngStream};
use supernet_shaders::{Call, Step};

use super::{Experiment, ExperimentError};
use crate::training::TrainingError;

/// What buffers hold before a kernel runs, in two runs: numbers that no kernel gives.
const MARKS: [u32; 2] = [0x7fc0_4321, 0xffc0_8765];

/// Numbers of one operand in a trial at most.
const MOST: u128 = 1 << 26;

/// How an op did on a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpCheck {
    /// The op.
    pub op: String,
    /// Its node's attributes as JSON.
    pub attributes: String,
    /// The device.
    pub device: String,
    /// The shapes of its operands, without the batch.
    pub shapes: String,
    /// Whether its gradient is not held against anything, since the space says that it is a
    /// surrogate.
    pub surrogate: bool,
    /// Points at which its gradient was held against finite differences.
    pub points: u32,
    /// Points at which it was not, since the differences to the left and to the right do not agree.
    pub rough: u32,
    /// The largest error as a share of what rounding and curvature may do.
    pub worst: f64,
    /// The value and the gradients that it gave, for the same operands on every device.
    #[serde(skip)]
    pub(crate) results: Vec<(Operand, Vec<f32>)>,
}

/// Tries every op of the space's own that the search may run, for every set of attributes that its
/// nodes have: on the smallest of these nodes, and, without the gradient's check, on the largest
/// with about as many samples as the search has. Without such ops there is nothing to do.
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

/// Tries the ops of a search that is about to start, on a device of their own, since a kernel that
/// fails may take its device with it. `on` is where the search will run; nothing if that is the
/// application's secret.
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
        // The application's device may be the only one: its ops have at least been read.
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

/// Tries one op.
fn one(found: &Found, batch: u32, device: &mut dyn Probe) -> Result<OpCheck, OpCheckError> {
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

/// An op that is being tried out.
struct Trial<'a> {
    variant: &'a Arc<Variant>,
    sizes: Sizes,
    device: &'a mut dyn Probe,
    /// Whether kernels say that they ran out of fuel, as those of a GPU do.
    tells: bool,
}

/// Whether an op is there to compute this.
fn is_result(operand: Operand) -> bool {
    matches!(
        operand,
        Operand::Output | Operand::GradInput(_) | Operand::GradParam(_)
    )
}

/// What the operands hold.
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

    /// Everything that an op must do.
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

    /// Both passes on random operands.
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

    /// Runs the forward (0) or the backward pass (1) on top of two kinds of leftovers, which must
    /// make no difference.
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

    /// Runs the kernels of a pass, one by one. What they write holds `mark` before.
    fn pass(&mut self, pass: usize, values: &mut Values, mark: u32) -> Result<(), OpCheckError> {
        let step = Step {
            rate: 0.0,
            number: 1,
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
