//! Compares a device with the f64 references, call by call, and measures the speed of its matrix
//! products.

use std::collections::BTreeMap;

use serde::Serialize;
use supernet_shaders::cases::{Case, cases};
use supernet_shaders::catalogue::Linear;
use supernet_shaders::{Access, Call, reference};

use super::{DeviceError, Probe};

/// The comparison of one kind of call with its f64 reference.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Conformance {
    /// Number of calls that were run.
    pub cases: u32,
    /// Number of those that differ from the reference by more than the tolerance.
    pub missed: u32,
    /// The largest error as a share of the rounding tolerance.
    pub worst: f64,
    /// The first failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub miss: Option<String>,
}

/// The median time of a few runs of a product of two 512x512 matrices.
///
/// # Errors
/// If the device fails.
pub fn gflops(device: &mut dyn Probe) -> Result<f64, DeviceError> {
    let product = Call::Linear(Linear {
        rows: 512,
        inputs: 512,
        outputs: 512,
        transposed: false,
    });
    let mut rates = (0..5)
        .map(|_| Ok(2.0 * product.work() as f64 / 1e9 / device.time(&product, 10)?.as_secs_f64()))
        .collect::<Result<Vec<_>, DeviceError>>()?;
    rates.sort_by(f64::total_cmp);
    Ok(rates[rates.len() / 2])
}

/// Compares every call of the list with its reference; any error except the loss of the device
/// counts as a failure. `listen` receives the share that is done, from 0 to 1, and the next call.
///
/// # Errors
/// If the device is lost; the error names the call.
pub fn calls(
    device: &mut dyn Probe,
    kinds: &mut BTreeMap<&'static str, Conformance>,
    listen: &mut dyn FnMut(f64, &str),
) -> Result<(), String> {
    let cases = cases();
    for (at, case) in cases.iter().enumerate() {
        listen(at as f64 / cases.len() as f64, case.call.name());
        let kind = kinds.entry(case.call.name()).or_default();
        kind.cases += 1;
        let result = match distance(device, case) {
            Err(error @ DeviceError::Lost { .. }) => {
                return Err(format!("in {:?}: {error}", case.call));
            }
            Err(error) => Err(error.to_string()),
            Ok(result) => result,
        };
        match result {
            Ok(worst) => kind.worst = kind.worst.max(worst),
            Err(miss) => {
                kind.missed += 1;
                kind.miss
                    .get_or_insert_with(|| format!("{:?}: {miss}", case.call));
            }
        }
    }
    Ok(())
}

/// The largest error of a case as a share of the tolerance, or a description of the failure.
fn distance(device: &mut dyn Probe, case: &Case) -> Result<Result<f64, String>, DeviceError> {
    let operands = case.operands();
    let mut writes = operands.writes.clone();
    let reads: Vec<&[f32]> = operands.reads.iter().map(|x| &x[..]).collect();
    let mut slices: Vec<&mut [f32]> = writes.iter_mut().map(|y| &mut y[..]).collect();
    device.call(&case.call, &case.step, &reads, &mut slices)?;
    let roles = case.call.roles();
    let written = roles.iter().filter(|role| role.access != Access::Read);
    let mut worst = 0.0_f64;
    for ((role, wanted), got) in written.zip(case.wanted(&operands)).zip(&writes) {
        let got: Vec<f32> = reference::numbers(role.element, got)
            .iter()
            .map(|x| *x as f32)
            .collect();
        if let Err(miss) = wanted.accepts(&got) {
            return Ok(Err(format!("`{}`: {miss}", role.name)));
        }
        let off = |(at, (got, value)): (usize, (&f32, &f64))| {
            // Equality covers infinities, whose difference is NaN.
            let off = (f64::from(*got) - value).abs() / wanted.allowed(at);
            if off.is_nan() { 0.0 } else { off }
        };
        worst = got
            .iter()
            .zip(&wanted.value)
            .enumerate()
            .map(off)
            .fold(worst, f64::max);
    }
    Ok(Ok(worst))
}
