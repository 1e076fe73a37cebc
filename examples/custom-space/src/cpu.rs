//! The two ops on the CPU, which does not run WGSL. Each function computes what the op's kernels
//! compute.

use supernet_plugin::Operand::{GradInput, GradOutput, GradParam, Input, Output, Param, Saved};
use supernet_plugin::{CpuOp, inventory};

inventory::submit! {
    CpuOp {
        op: "mish",
        run: |call| {
            let bend = |x: f32| x.exp().ln_1p().tanh();
            call.per_element(
                |x| x * bend(x),
                |x, _, gy| gy * (bend(x) + x * (1.0 - bend(x).powi(2)) / (1.0 + (-x).exp())),
            )
        },
    }
}

inventory::submit! {
    CpuOp {
        op: "gate",
        run: |call| {
            match call.kernel() {
                "forward" => {
                    let (value, gate, bias) = (call.read(Input(0))?, call.read(Input(1))?, call.read(Param(0))?);
                    let [y, open] = call.writes([Output, Saved(0)])?;
                    for i in 0..y.len() {
                        open[i] = 1.0 / (1.0 + (-(gate[i] + bias[i % bias.len()])).exp());
                        y[i] = value[i] * open[i];
                    }
                }
                "gradients" => {
                    let (value, open, gy) = (call.read(Input(0))?, call.read(Saved(0))?, call.read(GradOutput)?);
                    let [gvalue, ggate] = call.writes([GradInput(0), GradInput(1)])?;
                    for i in 0..gy.len() {
                        gvalue[i] = gy[i] * open[i];
                        ggate[i] = gy[i] * value[i] * open[i] * (1.0 - open[i]);
                    }
                }
                "sum_channel" => {
                    let ggate = call.read(GradInput(1))?;
                    let gbias = call.write(GradParam(0))?;
                    let channels = gbias.len();
                    for (channel, sum) in gbias.iter_mut().enumerate() {
                        *sum = ggate.iter().skip(channel).step_by(channels).sum();
                    }
                }
                other => return Err(format!("there is no kernel `{other}`")),
            }
            Ok(())
        },
    }
}
