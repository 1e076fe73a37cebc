//! A space's own ops: their WGSL read, held against what the space says about it, and made ready to be lowered.

mod easy;
mod node;
#[cfg(feature = "gpu")]
mod source;

pub(super) use node::CustomNode;

use std::collections::BTreeMap;
use std::sync::Arc;

use supernet_plugin::{CustomOp, Form, Grid, Kernels, Node, Op, SearchSpace, Setting, Use};
use supernet_shaders::Access;
use supernet_shaders::catalogue::{Twin, text};
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

/// A space's own ops, ready to be lowered: each once for every set of attributes that its nodes have.
#[derive(Clone, Debug, Default)]
pub struct CustomOps {
    variants: Arc<BTreeMap<(String, String), Arc<Variant>>>,
}

/// An op with the attributes of one or more nodes.
#[derive(Debug)]
pub(crate) struct Variant {
    /// What the space says.
    pub(crate) op: CustomOp,
    /// The same attributes as JSON.
    attributes: String,
    forward: Vec<Part>,
    backward: Vec<Part>,
    twin: Option<&'static dyn Twin>,
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
    /// For every buffer of the kernel the number of its role.
    places: Vec<usize>,
    /// The names of the roles.
    names: Vec<&'static str>,
}

impl CustomOps {
    /// The ops that the nodes of `space` use; `twin` says what computes an op on the CPU.
    ///
    /// # Errors
    /// If an op's source is not WGSL or does not do what the space says about it. Without the feature `gpu` nothing reads
    /// the source.
    pub fn new(
        space: &SearchSpace,
        twin: impl Fn(&str) -> Option<&'static dyn Twin>,
    ) -> Result<Self, OpError> {
        let mut variants = BTreeMap::new();
        each(&space.nodes, &mut |node| {
            let Op::Custom { name, attributes } = &node.op else { return Ok(()) };
            let key = (name.clone(), json(attributes));
            let Some(op) = space.ops.iter().find(|op| op.name == *name) else { return Ok(()) };
            if !variants.contains_key(&key) {
                let variant = Variant::new(op, attributes, key.1.clone(), twin(name))
                    .map_err(|reason| OpError { op: name.clone(), reason })?;
                variants.insert(key, Arc::new(variant));
            }
            Ok(())
        })?;
        Ok(Self { variants: Arc::new(variants) })
    }

    /// All variants, by name and attributes.
    pub(crate) fn variants(&self) -> impl Iterator<Item = &Arc<Variant>> {
        self.variants.values()
    }

    /// The op `name` with these attributes.
    fn get(&self, name: &str, attributes: &BTreeMap<String, Setting>) -> Option<&Arc<Variant>> {
        self.variants.get(&(name.to_owned(), json(attributes)))
    }
}

/// Calls `with` for every node, those in the bodies of scans included.
fn each(nodes: &[Node], with: &mut impl FnMut(&Node) -> Result<(), OpError>) -> Result<(), OpError> {
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
    attributes.iter().filter_map(|(name, setting)| Some((text(name), number(setting)?.into()))).collect()
}

impl Variant {
    fn new(
        op: &CustomOp,
        attributes: &BTreeMap<String, Setting>,
        json: String,
        twin: Option<&'static dyn Twin>,
    ) -> Result<Self, String> {
        let (source, kernels) = match &op.form {
            Form::PerElement => (easy::source(&op.wgsl), easy::kernels()),
            Form::Kernels(kernels) => (op.wgsl.clone(), kernels.clone()),
        };
        let constants = constants(attributes);
        let parts = Self::read(op, &source, &kernels, &constants)?;
        let (forward, backward) = parts;
        Ok(Self { op: op.clone(), attributes: json, forward, backward, twin })
    }

    #[cfg(feature = "gpu")]
    fn read(
        op: &CustomOp,
        source: &str,
        kernels: &Kernels,
        constants: &[(&'static str, Constant)],
    ) -> Result<(Vec<Part>, Vec<Part>), String> {
        let source = source::Source::read(op, source)?;
        let (forward, backward) = kernels.uses();
        let part = |(kernel, uses): (&supernet_plugin::Kernel, Vec<Use>)| source.part(kernel, uses, constants);
        let forward = kernels.forward.iter().zip(forward).map(part).collect::<Result<_, _>>()?;
        let backward = kernels.backward.iter().zip(backward).map(part).collect::<Result<_, _>>()?;
        Ok((forward, backward))
    }

    /// Nothing here reads WGSL, and nothing runs it.
    #[cfg(not(feature = "gpu"))]
    fn read(
        op: &CustomOp,
        source: &str,
        kernels: &Kernels,
        constants: &[(&'static str, Constant)],
    ) -> Result<(Vec<Part>, Vec<Part>), String> {
        let (forward, backward) = kernels.uses();
        let part = |(kernel, uses): (&supernet_plugin::Kernel, Vec<Use>)| {
            let uses = ordered(uses);
            let names: Vec<_> = uses.iter().map(|used| name(used.operand)).collect();
            let buffers: Vec<_> =
                uses.iter().zip(&names).map(|(used, name)| (used.binding, *name, used.written)).collect();
            let compiled = Kernel::of_space(&op.name, source, &kernel.entry, &buffers);
            Part {
                places: (0..uses.len()).collect(),
                uses,
                grid: kernel.grid,
                group: 1,
                overrides: constants.to_vec(),
                kernel: compiled,
                tried: compiled,
                loops: false,
                names,
            }
        };
        Ok((
            kernels.forward.iter().zip(forward).map(part).collect(),
            kernels.backward.iter().zip(backward).map(part).collect(),
        ))
    }

    /// What computes it on the CPU, if anything does.
    pub(crate) fn twin(&self) -> Option<&'static dyn Twin> {
        self.twin
    }
}

/// All that are read, then all that are written, as a call's operands stand; the uniform with the shapes is none.
fn ordered(uses: Vec<Use>) -> Vec<Use> {
    let buffers = uses.into_iter().filter(|used| used.operand != supernet_plugin::Operand::Dims);
    let (written, read): (Vec<_>, Vec<_>) = buffers.partition(|used| used.written);
    read.into_iter().chain(written).collect()
}

/// What a role is called.
fn name(operand: supernet_plugin::Operand) -> &'static str {
    use supernet_plugin::Operand::*;
    match operand {
        Input(i) => text(&format!("input {i}")),
        Param(i) => text(&format!("param {i}")),
        Output => "output",
        GradOutput => "gradient by the output",
        GradInput(i) => text(&format!("gradient by input {i}")),
        GradParam(i) => text(&format!("gradient by param {i}")),
        Saved(i) => text(&format!("saved {i}")),
        Scratch(i) => text(&format!("scratch {i}")),
        Dims => "dims",
    }
}

fn access(used: &Use) -> Access {
    if used.written { Access::Write } else { Access::Read }
}
