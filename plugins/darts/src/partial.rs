//! Partial channel connections (Xu et al. 2020, "PC-DARTS"): the operations of a search see one in
//! K of the channels, and the others pass them by, so that a network of all operations needs about
//! a K-th of the memory.

use supernet_plugin::{BuildError, DecisionRef, Pad, Pooling, Space, Tensor};

use crate::Form;
use crate::edges::OPS;

/// The K of a network: 1 where operations see all channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partial(u32);

/// A value as the edges that leave it have it.
#[derive(Clone, Copy)]
pub(crate) struct Split<'s> {
    /// What their operations see.
    pub(crate) seen: Tensor<'s>,
    /// What passes the operations by, in the size of their results; nothing if they see all.
    passed: Option<Tensor<'s>>,
}

impl Partial {
    /// The K of a form: the network that is trained in the end has none.
    ///
    /// # Errors
    /// If the channels do not divide into so many equal parts.
    pub(crate) fn new(setting: u32, form: Form, channels: u32) -> Result<Self, BuildError> {
        if form == Form::Final {
            return Ok(Self(1));
        }
        if setting == 0 || !channels.is_multiple_of(setting) {
            return Err(BuildError::refused(format!(
                "`partial` is {setting}, and {channels} channels do not divide into {setting} equal parts; `channels` must be a \
                 multiple of `partial`, and a `partial` of 1 shows the operations all channels"
            )));
        }
        Ok(Self(setting))
    }

    /// Splits a value whose edges halve the image if the `stride` is 2. The published network pools
    /// what passes by in 2x2 windows there.
    pub(crate) fn split(self, x: Tensor<'_>, stride: u32) -> Split<'_> {
        let all = x.channels();
        let seen = all / self.0;
        if seen == all {
            return Split {
                seen: x,
                passed: None,
            };
        }
        let passed = x.slice(seen, all - seen);
        let passed = if stride == 1 {
            passed
        } else {
            passed.pool(Pooling::Max, stride, stride, Pad::SameUpper)
        };
        Split {
            seen: x.slice(0, seen),
            passed: Some(passed),
        }
    }

    /// The value of a node: the sum of its edges, given those of their operations' results.
    ///
    /// An edge that is not kept, with the operation `none`, passes nothing on.
    ///
    /// Instead of a shuffle, the channels move on by all but a K-th of what an operation sees. So
    /// the next operation sees as many channels that this node's operations computed as it would
    /// after a shuffle, a K-th, and others for the rest.
    pub(crate) fn join<'s>(
        self,
        s: &'s Space,
        computed: Tensor<'s>,
        edges: &[DecisionRef<'s>],
        inputs: &[Split<'s>],
    ) -> Tensor<'s> {
        let kept: Vec<usize> = (1..OPS.len()).collect();
        let by = edges.iter().zip(inputs);
        let by: Vec<_> = by
            .filter_map(|(edge, input)| Some((input.passed?, edge.is_in(&kept))))
            .collect();
        if by.is_empty() {
            return computed;
        }
        let passed = s.sum_when(by);
        let width = computed.channels();
        let moved = width - width.div_ceil(self.0);
        if moved == 0 {
            return s.concat(&[computed, passed]);
        }
        let rest = computed.slice(moved, width - moved);
        s.concat(&[rest, passed, computed.slice(0, moved)])
    }
}
