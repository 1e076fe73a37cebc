//! Gradients of a weight that several matrix products read.

use supernet_shaders::catalogue::Linear;

use crate::program::Operand;

/// y = x·W with the gradient of y.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    pub(super) linear: Linear,
    pub(super) x: Operand,
    pub(super) dy: Operand,
}

impl Product {
    /// Both products as one, if the rows of `before` directly precede the rows of this one.
    fn after(self, before: Self) -> Option<Self> {
        let next = |a: Operand, b: Operand| match (a, b) {
            (
                Operand::Value { slot, start, len },
                Operand::Value {
                    slot: other,
                    start: from,
                    len: more,
                },
            ) => (slot == other && start + len == from).then_some(Operand::Value {
                slot,
                start,
                len: len + more,
            }),
            _ => None,
        };
        let (x, dy) = (next(before.x, self.x)?, next(before.dy, self.dy)?);
        let rows = before.linear.rows + self.linear.rows;
        let alike = Linear {
            rows,
            ..before.linear
        } == Linear {
            rows,
            ..self.linear
        };
        alike.then_some(Self {
            linear: Linear {
                rows,
                ..self.linear
            },
            x,
            dy,
        })
    }
}

/// Products of one weight, with those of adjacent rows merged: the steps of a scan, in the order
/// last to first.
pub(super) fn merge(products: Vec<Product>) -> Vec<Product> {
    let mut merged: Vec<Product> = Vec::new();
    for product in products {
        match merged.last().and_then(|last| last.after(product)) {
            Some(both) => {
                merged.pop();
                merged.push(both);
            }
            None => merged.push(product),
        }
    }
    merged
}
