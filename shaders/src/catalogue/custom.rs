//! Custom ops of a search space.

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use super::Role;
use crate::kernel::{Buffer, Constant, Kernel, Lowered};

/// The `override` constant that limits the iterations of the loops of a kernel.
pub const FUEL_CONSTANT: &str = "supernet_fuel";

/// One kernel of a custom op of a search space, specialised to the sizes of one node.
///
/// The data behind it lives as long as the process, like the library that it may come from; equal
/// values are stored once.
#[derive(Clone, Copy)]
pub struct Custom(&'static Run);

/// What a [`Custom`] call runs.
#[derive(Clone, Debug)]
pub struct Run {
    /// The op.
    pub op: &'static str,
    /// The author's name for the kernel.
    pub name: &'static str,
    /// The WGSL entry point, for GPUs.
    pub kernel: &'static Kernel,
    /// Values of its `override` constants.
    pub overrides: Vec<(&'static str, Constant)>,
    /// The grid, in workgroups.
    pub groups: [u32; 3],
    /// The uniform with the shapes: the batch, then four numbers for every input, every param and
    /// the output.
    pub dims: Vec<u32>,
    /// The operands: first all that are read, then all that are written. The buffers of the kernel
    /// are in the same order.
    pub roles: Vec<Role>,
    /// The operand behind each role, in the numbering of the space.
    pub operands: Vec<u32>,
    /// The numbers of inputs and params of the op.
    pub counts: [u32; 2],
    /// The attributes of the node as JSON.
    pub attributes: String,
    /// The approximate number of multiply-adds.
    pub work: u64,
    /// The implementation on a CPU, if there is one.
    pub cpu_kernel: Option<&'static dyn CpuKernel>,
}

impl Run {
    /// The most iterations of the loops of one invocation; `None` for a kernel without loops.
    pub fn fuel(&self) -> Option<u64> {
        let (_, fuel) = self
            .overrides
            .iter()
            .find(|(name, _)| *name == FUEL_CONSTANT)?;
        Some(fuel.value() as u64)
    }
}

/// Runs the kernels of custom ops on a CPU.
pub trait CpuKernel: Send + Sync + fmt::Debug {
    /// Runs a kernel on its operands, in the order of its roles.
    ///
    /// # Errors
    /// If it fails, with a message.
    fn run(&self, run: &Run, reads: &[&[f32]], writes: &mut [&mut [f32]]) -> Result<(), String>;
}

impl Custom {
    /// The call that runs this.
    pub fn new(run: Run) -> Self {
        static KEPT: Mutex<Option<HashSet<&'static Run>>> = Mutex::new(None);
        Self(keep(&KEPT, run))
    }

    pub(crate) fn lower(self) -> Lowered {
        let mut lowered = Lowered::one(self.kernel, self.dims.clone(), self.groups);
        lowered
            .dispatches
            .iter_mut()
            .for_each(|dispatch| dispatch.overrides.clone_from(&self.overrides));
        lowered
    }
}

impl std::ops::Deref for Custom {
    type Target = Run;

    fn deref(&self) -> &Run {
        self.0
    }
}

impl Kernel {
    /// A kernel of a custom op. The module `module`, whose name must be unique to its text, has
    /// `source`; a buffer is given by its binding, the name of its variable, and whether it is
    /// written.
    pub fn of_space(
        module: &str,
        source: &str,
        entry: &str,
        buffers: &[(u32, &str, bool)],
    ) -> &'static Self {
        static KEPT: Mutex<Option<HashSet<&'static Kernel>>> = Mutex::new(None);
        let buffers = buffers.iter().map(|&(binding, name, written)| Buffer {
            binding,
            name: text(name),
            written,
        });
        let buffers = list(buffers.collect());
        let [module, source, entry] = [module, source, entry].map(text);
        keep(
            &KEPT,
            Self {
                module,
                source,
                entry,
                buffers,
                step: false,
                lanes: None,
                own: true,
            },
        )
    }
}

/// A copy of the text that lives as long as the process.
pub fn text(text: &str) -> &'static str {
    static KEPT: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = kept.get_or_insert_default();
    if let Some(known) = kept.get(text) {
        return known;
    }
    let text: &'static str = Box::leak(text.into());
    kept.insert(text);
    text
}

fn list(buffers: Vec<Buffer>) -> &'static [Buffer] {
    static KEPT: Mutex<Option<HashSet<&'static Vec<Buffer>>>> = Mutex::new(None);
    let kept: &'static Vec<Buffer> = keep(&KEPT, buffers);
    kept
}

/// The stored value that is equal to `value`.
fn keep<T: Eq + Hash>(kept: &Mutex<Option<HashSet<&'static T>>>, value: T) -> &'static T {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = kept.get_or_insert_default();
    if let Some(known) = kept.get(&value) {
        return known;
    }
    let value: &'static T = Box::leak(Box::new(value));
    kept.insert(value);
    value
}

// Equal runs are stored once, so comparing addresses suffices.
impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Custom {}

impl Hash for Custom {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self.0, state);
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({}, {}, {:?})", self.op, self.name, self.dims)
    }
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        let cpu_kernels = match (self.cpu_kernel, other.cpu_kernel) {
            (None, None) => true,
            (Some(a), Some(b)) => std::ptr::addr_eq(a, b),
            _ => false,
        };
        cpu_kernels
            && std::ptr::eq(self.kernel, other.kernel)
            && (self.op, self.name, &self.overrides, self.groups, &self.dims)
                == (
                    other.op,
                    other.name,
                    &other.overrides,
                    other.groups,
                    &other.dims,
                )
            && (&self.roles, &self.operands) == (&other.roles, &other.operands)
            && (self.counts, &self.attributes, self.work)
                == (other.counts, &other.attributes, other.work)
    }
}

impl Eq for Run {}

impl Hash for Run {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self.kernel, state);
        (&self.overrides, &self.dims, &self.attributes).hash(state);
    }
}
