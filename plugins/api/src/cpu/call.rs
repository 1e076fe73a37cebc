use std::collections::BTreeMap;

use crate::{Operand, Setting};

/// One run of a kernel of a custom op on the CPU: its operands, and the attributes and shapes of
/// its node.
#[derive(Debug)]
pub struct CpuCall<'a> {
    kernel: &'a str,
    attributes: &'a BTreeMap<String, Setting>,
    dims: &'a [u32],
    /// The numbers of inputs and params of the op.
    counts: [u32; 2],
    reads: &'a [(Operand, &'a [f32])],
    writes: Vec<(Operand, &'a mut [f32])>,
}

impl<'a> CpuCall<'a> {
    /// A run of `kernel`. `dims` are the words of [`Operand::Dims`], `counts` the numbers of inputs
    /// and params of the op.
    pub fn new(
        kernel: &'a str,
        attributes: &'a BTreeMap<String, Setting>,
        dims: &'a [u32],
        counts: [u32; 2],
        reads: &'a [(Operand, &'a [f32])],
        writes: Vec<(Operand, &'a mut [f32])>,
    ) -> Self {
        CpuCall {
            kernel,
            attributes,
            dims,
            counts,
            reads,
            writes,
        }
    }

    /// The entry point of the kernel; `forward` or `backward` in the easy form.
    pub fn kernel(&self) -> &'a str {
        self.kernel
    }

    /// The number of samples in the batch.
    pub fn batch(&self) -> u32 {
        self.dims.first().copied().unwrap_or(0)
    }

    /// The shape of an input, a param or the output, without the batch and padded with ones; a
    /// gradient has the shape of what it belongs to. `None` for anything else, and for operands
    /// that the op does not have.
    pub fn shape(&self, operand: Operand) -> Option<[u32; 4]> {
        let [inputs, params] = self.counts;
        let at = match operand {
            Operand::Input(i) | Operand::GradInput(i) if i < inputs => i,
            Operand::Param(i) | Operand::GradParam(i) if i < params => inputs.checked_add(i)?,
            Operand::Output | Operand::GradOutput => inputs.checked_add(params)?,
            _ => return None,
        };
        // The batch and its padding come first.
        let (shapes, _) = self.dims.as_chunks::<4>();
        shapes.get(at as usize + 1).copied()
    }

    /// An attribute of the node.
    pub fn attribute(&self, name: &str) -> Option<&'a Setting> {
        self.attributes.get(name)
    }

    /// A numeric attribute of the node.
    pub fn number(&self, name: &str) -> Result<f64, String> {
        match self.attribute(name) {
            Some(Setting::Float(value)) => Ok(*value),
            Some(Setting::Int(value)) => Ok(*value as f64),
            Some(other) => Err(format!(
                "the attribute `{name}` is {}, and the op reads it as a number",
                other.kind()
            )),
            None => Err(format!(
                "the node has no attribute `{name}`, which the op reads; give it one"
            )),
        }
    }

    /// The content of an operand. It may be kept while other operands are written.
    pub fn read(&self, operand: Operand) -> Result<&'a [f32], String> {
        match self.reads.iter().find(|(bound, _)| *bound == operand) {
            Some((_, values)) => Ok(values),
            None if self.position(operand).is_some() => Err(format!(
                "the kernel `{}` writes {operand}, and nothing is there to be read before",
                self.kernel
            )),
            None => Err(self.unbound(operand)),
        }
    }

    /// The buffer of an operand that must be written completely.
    pub fn write(&mut self, operand: Operand) -> Result<&mut [f32], String> {
        let [values] = self.writes([operand])?;
        Ok(values)
    }

    /// The buffers of several operands that must be written.
    pub fn writes<const N: usize>(
        &mut self,
        operands: [Operand; N],
    ) -> Result<[&mut [f32]; N], String> {
        let mut places = [0; N];
        for (place, operand) in places.iter_mut().zip(operands) {
            *place = self
                .position(operand)
                .ok_or_else(|| self.unwritten(operand))?;
        }
        match self.writes.get_disjoint_mut(places) {
            Ok(found) => Ok(found.map(|(_, values)| &mut **values)),
            Err(_) => Err(format!(
                "the op asks the kernel `{}` for one operand twice at a time",
                self.kernel
            )),
        }
    }

    /// Runs either kernel of the easy form: `f(x)` for every element, or `df(x, y, gy)`, the
    /// gradient with respect to x given y = f(x) and the gradient with respect to y.
    pub fn per_element(
        &mut self,
        f: impl Fn(f32) -> f32,
        df: impl Fn(f32, f32, f32) -> f32,
    ) -> Result<(), String> {
        let x = self.read(Operand::Input(0))?;
        match self.kernel {
            "forward" => {
                let y = self.write(Operand::Output)?;
                same(x, y)?;
                y.iter_mut().zip(x).for_each(|(y, x)| *y = f(*x));
            }
            "backward" => {
                let (y, gy) = (self.read(Operand::Output)?, self.read(Operand::GradOutput)?);
                let gx = self.write(Operand::GradInput(0))?;
                same(x, gx)?;
                same(y, gx)?;
                same(gy, gx)?;
                let known = x.iter().zip(y).zip(gy);
                gx.iter_mut()
                    .zip(known)
                    .for_each(|(gx, ((x, y), gy))| *gx = df(*x, *y, *gy));
            }
            other => {
                return Err(format!(
                    "a function per element runs as `forward` or `backward`, and not as `{other}`"
                ));
            }
        }
        Ok(())
    }

    fn position(&self, operand: Operand) -> Option<usize> {
        self.writes.iter().position(|(bound, _)| *bound == operand)
    }

    fn unwritten(&self, operand: Operand) -> String {
        if self.reads.iter().any(|(bound, _)| *bound == operand) {
            return format!(
                "the kernel `{}` only reads {operand}, so it cannot be written",
                self.kernel
            );
        }
        self.unbound(operand)
    }

    fn unbound(&self, operand: Operand) -> String {
        let bound = self
            .reads
            .iter()
            .map(|(operand, _)| operand)
            .chain(self.writes.iter().map(|(operand, _)| operand));
        let bound: Vec<String> = bound.map(ToString::to_string).collect();
        let bound = if bound.is_empty() {
            "nothing".into()
        } else {
            bound.join(", ")
        };
        format!(
            "the kernel `{}` is not bound to {operand}, but to {bound}; bind it in the op's description",
            self.kernel
        )
    }
}

fn same(one: &[f32], other: &[f32]) -> Result<(), String> {
    if one.len() == other.len() {
        return Ok(());
    }
    Err(format!(
        "a function per element has operands of one length, not of {} and {}",
        one.len(),
        other.len()
    ))
}
