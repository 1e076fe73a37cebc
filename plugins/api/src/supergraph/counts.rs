use super::walk::{Walk, Wanted, walk};
use super::{Count, Inner, Supergraph, elements};
use crate::{Child, GenomeError, Op};

impl Supergraph {
    /// The number of parameters (scalars) of the child of a genome, without those of auxiliary
    /// outputs.
    pub fn count(&self, genome: &[u32], what: Count) -> Result<u64, GenomeError> {
        self.check(genome)?;
        let wanted = if what == Count::Live {
            Wanted::Use
        } else {
            Wanted::Chosen
        };
        let mut seen = vec![false; self.param_count()];
        mark_params(&self.inner, &walk(&self.inner, genome, wanted), &mut seen);
        let axes = |p: usize| self.inner.params[p].axes.iter();
        Ok((0..seen.len())
            .filter(|&p| seen[p])
            .map(|p| {
                axes(p)
                    .map(|axis| u64::from(axis.at(genome, self.time)))
                    .product::<u64>()
            })
            .sum())
    }

    /// The multiply-accumulates of one forward pass on one sample, for a window of
    /// [`time`](Self::time) steps.
    pub fn macs(&self, genome: &[u32]) -> Result<u64, GenomeError> {
        Ok(self.child(genome)?.macs())
    }
}

fn mark_params(inner: &Inner, walk: &Walk, seen: &mut [bool]) {
    for &node in &walk.nodes {
        inner
            .node_params
            .row(node as usize)
            .iter()
            .for_each(|&param| seen[param as usize] = true);
    }
    walk.bodies
        .iter()
        .for_each(|(_, body)| mark_params(inner, body, seen));
}

impl Child {
    /// The number of parameters (scalars); a param that several nodes read counts once.
    pub fn count(&self) -> u64 {
        let mut seen = vec![false; self.graph().params.len()];
        self.count_unseen(&mut seen)
    }

    fn count_unseen(&self, seen: &mut [bool]) -> u64 {
        let mut count = 0;
        for i in 0..self.len() {
            for &param in self.params(i) {
                if !std::mem::replace(&mut seen[param as usize], true) {
                    count += elements(self.param_shape(param));
                }
            }
            count += self.body(i).map_or(0, |body| body.count_unseen(seen));
        }
        count
    }

    /// The multiply-accumulates of one forward pass on one sample.
    pub fn macs(&self) -> u64 {
        (0..self.len())
            .map(|i| self.node_macs(i))
            .fold(0, u64::saturating_add)
    }

    /// The multiply-accumulates of the node at a position; those of a scan are its body's times the
    /// number of steps.
    pub fn node_macs(&self, position: usize) -> u64 {
        if position < self.given() {
            return 0;
        }
        let inputs = self.inputs(position);
        let steps = || {
            inputs
                .first()
                .and_then(|&x| self.shape(x as usize).first())
                .map_or(1, |&n| u64::from(n))
        };
        if let Some(body) = self.body(position) {
            return steps().saturating_mul(body.macs());
        }
        let operand = |k: usize| match inputs.get(k) {
            Some(&input) => self.shape(input as usize),
            None => self.param_shape(self.params(position)[k - inputs.len()]),
        };
        macs(
            self.graph(),
            &self.op_node(position).op,
            self.shape(position),
            operand,
        )
    }
}

/// The multiply-accumulates of one op other than a scan.
fn macs<'a>(graph: &Inner, op: &Op, value: &[u32], operand: impl Fn(usize) -> &'a [u32]) -> u64 {
    let each = match op {
        // [kh, kw, in, out]: an element sums over kernel and inputs.
        Op::Conv2d { .. } => elements(&operand(1)[..3]),
        Op::DepthwiseConv2d { .. } => elements(&operand(1)[..2]),
        Op::Linear { .. } | Op::MatMul { .. } => {
            operand(0).last().map_or(0, |&from| u64::from(from))
        }
        Op::Custom { name, .. } => graph
            .space
            .ops
            .iter()
            .find(|custom| custom.name == *name)
            .map_or(0, |custom| custom.macs_per_output),
        _ => 0,
    };
    each.saturating_mul(elements(value))
}
