use crate::RegistryError;

mod call;

pub use call::CpuCall;

/// The kernels of a custom op as a function, for devices without WGSL. A crate registers it next to
/// its spaces; without one, the op runs on GPUs only.
///
/// The function runs one kernel per call; [`CpuCall::kernel`] says which. It must compute the same
/// as the WGSL.
///
/// ```
/// use supernet_plugin::{CpuOp, inventory};
///
/// inventory::submit! {
///     CpuOp {
///         op: "leaky",
///         run: |call| {
///             let slope = call.number("slope")? as f32;
///             call.per_element(
///                 |x| if x > 0.0 { x } else { slope * x },
///                 |x, _, gy| if x > 0.0 { gy } else { slope * gy },
///             )
///         },
///     }
/// }
/// # use supernet_plugin::{CpuCall, Operand::*, Setting, cpu_op};
/// # let attributes = [("slope".to_owned(), Setting::Float(0.5))].into();
/// # let mut y = [0.0; 2];
/// # let reads = [(Input(0), &[4.0, -4.0][..])];
/// # let dims = [1, 0, 0, 0, 2, 1, 1, 1, 2, 1, 1, 1];
/// # let writes = vec![(Output, &mut y[..])];
/// # let mut call = CpuCall::new("forward", &attributes, &dims, [1, 0], &reads, writes);
/// # (cpu_op("leaky").unwrap().unwrap().run)(&mut call).unwrap();
/// # assert_eq!(y, [4.0, -2.0]);
/// ```
///
/// In the full form, it has to select the kernel and access its operands itself:
///
/// ```
/// use supernet_plugin::{CpuOp, Operand::*, inventory};
///
/// inventory::submit! {
///     CpuOp {
///         op: "scaled",
///         run: |call| {
///             match call.kernel() {
///                 "scale" => {
///                     let (x, scale) = (call.read(Input(0))?, call.read(Param(0))?);
///                     for (i, y) in call.write(Output)?.iter_mut().enumerate() {
///                         *y = x[i] * scale[i % scale.len()];
///                     }
///                 }
///                 "gradients" => {
///                     let (x, scale) = (call.read(Input(0))?, call.read(Param(0))?);
///                     let gy = call.read(GradOutput)?;
///                     let [gx, gscale] = call.writes([GradInput(0), GradParam(0)])?;
///                     gscale.fill(0.0);
///                     for (i, gx) in gx.iter_mut().enumerate() {
///                         *gx = gy[i] * scale[i % scale.len()];
///                         gscale[i % scale.len()] += gy[i] * x[i];
///                     }
///                 }
///                 other => return Err(format!("there is no kernel `{other}`")),
///             }
///             Ok(())
///         },
///     }
/// }
/// ```
pub struct CpuOp {
    /// The name of the op in the space.
    pub op: &'static str,
    /// Runs one kernel. An error is the end of a sentence, without the full stop.
    pub run: fn(&mut CpuCall<'_>) -> Result<(), String>,
}

inventory::collect!(CpuOp);

/// All registered CPU functions, sorted by name.
pub fn cpu_ops() -> Vec<&'static CpuOp> {
    let mut ops: Vec<&CpuOp> = inventory::iter::<CpuOp>.into_iter().collect();
    ops.sort_by_key(|op| op.op);
    ops
}

/// The CPU function of an op, if one is registered.
pub fn cpu_op(name: &str) -> Result<Option<&'static CpuOp>, RegistryError> {
    let mut found = inventory::iter::<CpuOp>
        .into_iter()
        .filter(|op| op.op == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(RegistryError::OpTwice { name: name.into() }),
        (found, None) => Ok(found),
    }
}
