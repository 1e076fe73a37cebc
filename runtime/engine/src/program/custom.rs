//! Custom ops: parses their WGSL, checks it against the space's declaration, and prepares it for
//! lowering.

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

/// A custom op that cannot run.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the op `{op}`: {reason}")]
pub struct OpError {
    /// The op.
    pub op: String,
    /// What is wrong with it, and a remedy.
    pub reason: String,
}

/// The custom ops of a space, ready to be lowered: each once per set of attributes that its nodes
/// have.
#[derive(Clone, Debug, Default)]
pub struct CustomOps {
    variants: Arc<BTreeMap<(String, String), Arc<Variant>>>,
}

/// An op with the attributes of one or more nodes.
#[derive(Debug)]
pub struct Variant {
    /// The space's declaration.
    pub op: CustomOp,
    /// The attributes as JSON.
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
    /// Its bindings: first those that are read, then those that are written.
    uses: Vec<Use>,
    grid: Grid,
    /// Invocations per workgroup.
    group: u32,
    overrides: Vec<(&'static str, Constant)>,
    /// The kernel for normal runs.
    kernel: &'static Kernel,
    /// The kernel for trials, which also reports whether the loop limit was reached.
    tried: &'static Kernel,
    /// Whether it has loops, and therefore a loop limit.
    loops: bool,
    /// The names of the roles.
    names: Vec<&'static str>,
}

impl CustomOps {
    /// The ops that the nodes of `space` use; `cpu_kernel` returns the CPU kernel of an op.
    ///
    /// # Errors
    /// If an op's source is not WGSL or contradicts the space's declaration. Without the feature
    /// `gpu` the source is not parsed.
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

    /// Whether all of them have a CPU kernel.
    pub fn run_on_cpu(&self) -> bool {
        self.variants
            .values()
            .all(|variant| variant.cpu_kernel.is_some())
    }

    /// The ops without a CPU kernel.
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

/// Calls `with` for every node, including those in the bodies of scans.
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

    /// Checks that its kernels run as declared on nodes of these sizes.
    ///
    /// # Errors
    /// Names the kernel and its problem.
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

    /// Without the feature `gpu` the source is not parsed.
    #[cfg(not(feature = "gpu"))]
    pub fn check(&self, _: &Sizes) -> Result<(), OpError> {
        Ok(())
    }
}

#[cfg(not(feature = "gpu"))]
impl Part {
    /// A kernel whose source is neither parsed nor run.
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

/// Orders operands as in a call: those that are read, then those that are written, without the
/// uniform of shapes.
fn ordered(uses: Vec<Use>) -> Vec<Use> {
    let buffers = uses
        .into_iter()
        .filter(|used| used.operand != supernet_plugin::Operand::Dims);
    let (written, read): (Vec<_>, Vec<_>) = buffers.partition(|used| used.written);
    read.into_iter().chain(written).collect()
}

/// The name of an operand in messages. It is not a valid WGSL identifier, so it cannot be confused
/// with a variable.
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
