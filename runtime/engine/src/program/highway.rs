//! Detection of a child's highway connections. A recurrent cell has one in every node and every
//! step, so they are lowered to one call directly instead of fusing six calls later.

use supernet_plugin::{Child, Function, Op};
use supernet_shaders::catalogue;

use super::lower::{Lower, kernel_function};
use super::{Operand, ProgramError};
use supernet_shaders::Call;

/// h + σ(u)·(f(v) − h), with u and v adjacent in one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Highway {
    both: u32,
    h: u32,
    function: catalogue::Function,
}

/// The highway connections of a child, or of a scan's body.
#[derive(Clone, Debug, Default)]
pub(super) struct Highways {
    at: Vec<Option<Highway>>,
    absorbed: Vec<bool>,
}

impl Highways {
    /// The connection whose result is the node at `position`.
    pub(super) fn at(&self, position: usize) -> Option<Highway> {
        self.at.get(position).copied().flatten()
    }

    /// Whether a node has no value because it is part of a connection.
    pub(super) fn absorbs(&self, position: usize) -> bool {
        self.absorbed.get(position).copied().unwrap_or(false)
    }
}

/// Finds all highway connections whose parts have no other readers.
pub(super) fn find(child: &Child) -> Highways {
    let mut found = Highways {
        at: vec![None; child.len()],
        absorbed: vec![false; child.len()],
    };
    if !(0..child.len()).any(|i| child.op_node(i).op == Op::Lerp) {
        return found;
    }
    let mut readers = vec![0_u32; child.len()];
    let read = (0..child.len())
        .flat_map(|i| child.inputs(i))
        .chain(child.outputs());
    read.for_each(|i| readers[*i as usize] += 1);
    for i in child.given()..child.len() {
        let (Op::Lerp, [h, b, g]) = (&child.op_node(i).op, child.inputs(i)) else {
            continue;
        };
        if let Some((highway, parts)) = connection(child, &readers, [*h, *b, *g]) {
            found.at[i] = Some(highway);
            parts
                .into_iter()
                .for_each(|part| found.absorbed[part as usize] = true);
        }
    }
    found
}

/// The connection that interpolates from `h` to `b` by `g`, and the nodes that it consists of.
fn connection(child: &Child, readers: &[u32], [h, b, g]: [u32; 3]) -> Option<(Highway, Vec<u32>)> {
    let private = |i: u32| (readers[i as usize] == 1 && i as usize >= child.given()).then_some(i);
    let op = |i: u32| &child.op_node(i as usize).op;
    let width = *child.shape(h as usize).last()?;
    let half = |i: u32, wanted: u32| match (op(i), child.inputs(i as usize)) {
        (Op::Slice { start, len }, [both]) if *start == wanted && *len == width => Some(*both),
        _ => None,
    };
    let Op::Activation {
        function: Function::Sigmoid,
    } = op(private(g)?)
    else {
        return None;
    };
    let u = private(*child.inputs(g as usize).first()?)?;
    let (function, v) = match op(private(b)?) {
        Op::Activation { function } => (kernel_function(*function), child.inputs(b as usize)[0]),
        _ => (catalogue::Function::Identity, b),
    };
    let both = half(u, 0)?;
    let fits = half(private(v)?, width) == Some(both)
        && child.shape(both as usize).last() == Some(&(2 * width));
    let mut parts = vec![g, u, v];
    parts.extend((v != b).then_some(b));
    fits.then_some((Highway { both, h, function }, parts))
}

impl Lower<'_> {
    /// Appends the call of the highway connection that ends at node `i`.
    pub(super) fn highway(&mut self, i: usize) -> Result<Operand, ProgramError> {
        let Some(Highway { both, h, function }) = self.highways.at(i) else {
            return Err(self.no_kernel(i, "lerp"));
        };
        let (rows, len) = (self.rows(i), self.len(i));
        let call = catalogue::Highway {
            rows: rows.rows,
            width: rows.channels,
            function,
        };
        let reads = [both, h].map(|read| self.value(read));
        Ok(self.tape.compute(Call::Highway(call), &reads, len))
    }
}
