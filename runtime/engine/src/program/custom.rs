//! A space's own ops: their WGSL read, held against what the space says about it, and made ready to
//! be lowered.

mod easy;
mod node;
#[cfg(feature = "gpu")]
mod source;
#[cfg(test)]
mod tests;

pub(super) use node::CustomNode;
pub use node::Sizes;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use supernet_plugin::{CustomOp, Form, Grid, Node, Op, SearchSpace, Setting, Use};
use supernet_shaders::Access;
use supernet_shaders::catalogue::{CpuKernel, text};
use supernet_shaders::kernel::{Constant, Kernel};

/// A space's own op that cannot run.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the op `{op}`: {reason}")]
pub struct OpError {
    /// Which op.
    pub op: String,
    /// What is wrong with it, and the way out.
    pub reason: String,
}

/// A space's own ops, ready to be lowered: each once for every set of attributes that its nodes
/// have.
#[derive(Clone, Debug, Default)]
pub struct CustomOps {
    variants: Arc<BTreeMap<(String, String), Arc<Variant>>>,
}

/// An op with the attributes of one or more nodes.
#[derive(Debug)]
pub struct Variant {
    /// What the space says.
    pub op: CustomOp,
    /// The same attributes as JSON.
    attributes: String,
    forward: Vec<Part>,
    backward: Vec<Part>,
    cpu_kernel: Option<&'static dyn CpuKernel>,
    #[cfg(feature = "gpu")]
    source: source::Source,
}

/// One kernel of a variant.
#[derive(Clone, Debug)]
struct Part {
    /// What it is bound to: all that is read, then all that is written.
    uses: Vec<Use>,
    grid: Grid,
    /// Invocations of a workgroup.
    group: u32,
    overrides: Vec<(&'static str, Constant)>,
    /// As it runs.
    kernel: &'static Kernel,
    /// As it runs when it is tried out: it also says whether it ran out of fuel.
    tried: &'static Kernel,
    /// Whether it has loops, and so a limit to them.
    loops: bool,
    /// The names of the roles.
    names: Vec<&'static str>,
}

impl CustomOps {
    /// The ops that the nodes of `space` use; `twin` says what computes an op on the CPU.
    ///
    /// # Errors
    /// If an op's source is not WGSL or does not do what the space says about it. Without the
    /// feature `gpu` nothing reads the source.
    pub fn new(
        space: &SearchSpace,
        cpu_kernel: impl Fn(&str) -> Option<&'static dyn CpuKernel>,
    ) -> Result<Self, OpError> {
        let mut variants = BTreeMap::new();
        each(&space.nodes, &mut |node| {
            let Op::Custom { name, attributes } = &node.op else {
                return Ok(());
            };
            let key = (name.clone(), json(attributes));
            let Some(op) = space.ops.iter().find(|op| op.name == *name) else {
                return Ok(());
            };
            let attributes_json = key.1.clone();
            if let Entry::Vacant(place) = variants.entry(key) {
                let variant = Variant::new(op, attributes, attributes_json, cpu_kernel(name))
                    .map_err(|reason| OpError {
                        op: name.clone(),
                        reason,
                    })?;
                place.insert(Arc::new(variant));
            }
            Ok(())
        })?;
        Ok(Self {
            variants: Arc::new(variants),
        })
    }

    /// Whether the space has none.
    pub fn is_empty(&self) -> bool {
        self.variants.is_empty()
    }

    /// Whether all of them have a function for the CPU.
    pub fn run_on_cpu(&self) -> bool {
        self.variants
            .values()
            .all(|variant| variant.cpu_kernel.is_some())
    }

    /// The ops that have none.
    pub fn without_cpu_kernel(&self) -> Vec<&str> {
        let mut names: Vec<_> = self
            .variants
            .values()
            .filter(|variant| variant.cpu_kernel.is_none())
            .map(|variant| &*variant.op.name)
            .collect();
        names.dedup();
        names
    }

    /// The op `name` with these attributes.
    pub fn get(&self, name: &str, attributes: &BTreeMap<String, Setting>) -> Option<&Arc<Variant>> {
        self.variants.get(&(name.to_owned(), json(attributes)))
    }
}

/// Calls `with` for every node, those in the bodies of scans included.
fn each(
    nodes: &[Node],
    with: &mut impl FnMut(&Node) -> Result<(), OpError>,
) -> Result<(), OpError> {
    for node in nodes {
        with(node)?;
        if let Op::Scan { nodes, .. } = &node.op {
            each(nodes, with)?;
        }
    }
    Ok(())
}

fn json(attributes: &BTreeMap<String, Setting>) -> String {
    serde_json::to_string(attributes).unwrap_or_default()
}

/// The attributes as values of `override` constants.
fn constants(attributes: &BTreeMap<String, Setting>) -> Vec<(&'static str, Constant)> {
    let number = |setting: &Setting| match *setting {
        Setting::Bool(flag) => Some(f64::from(u8::from(flag))),
        Setting::Int(whole) => Some(whole as f64),
        Setting::Float(number) => Some(number),
        Setting::Text(_) | Setting::List(_) => None,
    };
    attributes
        .iter()
        .filter_map(|(name, setting)| Some((text(name), number(setting)?.into())))
        .collect()
}

impl Variant {
    fn new(
        op: &CustomOp,
        attributes: &BTreeMap<String, Setting>,
        json: String,
        cpu_kernel: Option<&'static dyn CpuKernel>,
    ) -> Result<Self, String> {
        let (source, kernels) = match &op.form {
            Form::PerElement => (easy::source(&op.wgsl), easy::kernels()),
            Form::Kernels(kernels) => (op.wgsl.clone(), kernels.clone()),
        };
        let constants = constants(attributes);
        let (forward, backward) = kernels.uses();
        let (forward, backward) = (
            kernels.forward.iter().zip(forward),
            kernels.backward.iter().zip(backward),
        );
        #[cfg(feature = "gpu")]
        let source = source::Source::read(op, &source)?;
        #[cfg(feature = "gpu")]
        let part = |(kernel, uses)| source.part(kernel, uses, &constants);
        #[cfg(not(feature = "gpu"))]
        let part = |(kernel, uses)| Ok(Part::unread(op, &source, kernel, uses, &constants));
        let forward = forward.map(part).collect::<Result<_, String>>()?;
        let backward = backward.map(part).collect::<Result<_, String>>()?;
        Ok(Self {
            op: op.clone(),
            attributes: json,
            forward,
            backward,
            cpu_kernel,
            #[cfg(feature = "gpu")]
            source,
        })
    }

    /// The attributes as JSON.
    pub fn attributes(&self) -> &str {
        &self.attributes
    }

    /// Whether its kernels run as they are declared on nodes of these sizes.
    ///
    /// # Errors
    /// Names the kernel, and what is wrong with it.
    #[cfg(feature = "gpu")]
    pub fn check(&self, sizes: &Sizes) -> Result<(), OpError> {
        let mut parts = self.forward.iter().chain(&self.backward);
        parts
            .try_for_each(|part| self.source.check(&self.run(part, sizes, false)))
            .map_err(|reason| OpError {
                op: self.op.name.clone(),
                reason,
            })
    }

    /// Nothing reads their source here.
    #[cfg(not(feature = "gpu"))]
    pub fn check(&self, _: &Sizes) -> Result<(), OpError> {
        Ok(())
    }
}

#[cfg(not(feature = "gpu"))]
impl Part {
    /// A kernel whose source nothing reads, and nothing runs.
    fn unread(
        op: &CustomOp,
        source: &str,
        kernel: &supernet_plugin::Kernel,
        uses: Vec<Use>,
        constants: &[(&'static str, Constant)],
    ) -> Self {
        let uses = ordered(uses);
        let names: Vec<_> = uses.iter().map(|used| named(used.operand)).collect();
        let buffers: Vec<_> = uses
            .iter()
            .zip(&names)
            .map(|(used, name)| (used.binding, *name, used.written))
            .collect();
        let compiled = Kernel::of_space(&op.name, source, &kernel.entry, &buffers);
        Self {
            uses,
            grid: kernel.grid,
            group: 1,
            overrides: constants.to_vec(),
            kernel: compiled,
            tried: compiled,
            loops: false,
            names,
        }
    }
}

/// All that are read, then all that are written, as a call's operands stand; the uniform with the
/// shapes is none.
fn ordered(uses: Vec<Use>) -> Vec<Use> {
    let buffers = uses
        .into_iter()
        .filter(|used| used.operand != supernet_plugin::Operand::Dims);
    let (written, read): (Vec<_>, Vec<_>) = buffers.partition(|used| used.written);
    read.into_iter().chain(written).collect()
}

/// What an operand is called in sentences. No variable in WGSL can have such a name, so that none
/// is taken for another.
pub fn named(operand: supernet_plugin::Operand) -> &'static str {
    use supernet_plugin::Operand::*;
    match operand {
        Input(i) => text(&format!("input {i}")),
        Param(i) => text(&format!("param {i}")),
        Output => "the output",
        GradOutput => "the gradient by the output",
        GradInput(i) => text(&format!("the gradient by input {i}")),
        GradParam(i) => text(&format!("the gradient by param {i}")),
        Saved(i) => text(&format!("saved {i}")),
        Scratch(i) => text(&format!("scratch {i}")),
        Dims => "dims",
    }
}

fn access(used: &Use) -> Access {
    if used.written {
        Access::Write
    } else {
        Access::Read
    }
}
