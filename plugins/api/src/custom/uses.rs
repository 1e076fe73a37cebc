use super::{CustomOp, Form, Kernel, Kernels, Operand};

/// An operand of a kernel, and whether the kernel writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The operand.
    pub operand: Operand,
    /// The binding.
    pub binding: u32,
    /// Whether it is written; otherwise it is only read.
    pub written: bool,
}

/// One of the two directions in which an op runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    Forward,
    Backward,
}

impl Pass {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Pass::Forward => "forward",
            Pass::Backward => "backward",
        }
    }

    /// Whether kernels of the pass produce the operand: the first kernel that binds it does, later
    /// ones read it.
    pub(crate) fn produces(self, operand: Operand) -> bool {
        match operand {
            Operand::Output | Operand::Saved(_) => self == Pass::Forward,
            Operand::GradInput(_) | Operand::GradParam(_) => self == Pass::Backward,
            Operand::Scratch(_) => true,
            Operand::Input(_) | Operand::Param(_) | Operand::GradOutput | Operand::Dims => false,
        }
    }

    /// Whether kernels of the pass can access the operand at all.
    pub(crate) fn sees(self, operand: Operand) -> bool {
        self == Pass::Backward
            || !matches!(
                operand,
                Operand::GradOutput | Operand::GradInput(_) | Operand::GradParam(_)
            )
    }
}

impl Kernels {
    /// What every kernel reads and writes: the kernels of the forward pass, then those of the
    /// backward pass, each in the order of its bindings.
    ///
    /// An author does not state what is written, since it follows from the order: the first kernel
    /// of a pass that binds an operand which the pass produces writes it, and later ones read it.
    /// The forward pass produces the output and what is saved, the backward pass the gradients with
    /// respect to inputs and params; both produce their scratch.
    pub fn uses(&self) -> (Vec<Vec<Use>>, Vec<Vec<Use>>) {
        (
            uses(&self.forward, Pass::Forward),
            uses(&self.backward, Pass::Backward),
        )
    }
}

fn uses(kernels: &[Kernel], pass: Pass) -> Vec<Vec<Use>> {
    let mut written = std::collections::BTreeSet::new();
    let of = |kernel: &Kernel| -> Vec<Use> {
        let used = kernel.bindings.iter().map(|bound| {
            let writes = pass.produces(bound.operand) && !written.contains(&bound.operand);
            Use {
                operand: bound.operand,
                binding: bound.binding,
                written: writes,
            }
        });
        let used: Vec<Use> = used.collect();
        written.extend(
            used.iter()
                .filter(|used| used.written)
                .map(|used| used.operand),
        );
        used
    };
    kernels.iter().map(of).collect()
}

impl CustomOp {
    /// The kernels of the op, if it states them.
    pub fn stated_kernels(&self) -> Option<&Kernels> {
        match &self.form {
            Form::PerElement => None,
            Form::Kernels(kernels) => Some(kernels),
        }
    }
}
