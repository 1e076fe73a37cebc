use super::Space;
use super::draft::{BodyDraft, Made, NOTHING};
use super::size::Size;
use super::tensor::Tensor;
use crate::axis::{Axis, Value};
use crate::names::Names;
use crate::{Carry, Dim, Node, Op};

/// The body of a scan that is being built.
#[derive(Clone, Copy)]
pub struct Body<'s> {
    space: &'s Space,
}

impl Space {
    /// Runs a body over the first axis of the inputs and stacks its results. The body receives one
    /// step of each input, and may read values from outside.
    ///
    /// ```
    /// # use supernet_plugin::{Init, Space};
    /// # let s = Space::new("scan");
    /// # let tokens = s.tokens("tokens");
    /// # let init = Init::Uniform { bound: 0.1 };
    /// # let [words, mix] = ["words", "mix"].map(|w| s.weights(w, &[10u32, 10], init));
    /// let x = tokens.embed_by(words);
    /// let y = s.scan("cell", [x], |cell, [x]| {
    ///     let before = cell.carry("h", &[10u32]);
    ///     let after = s.sum(&[x, before.linear_by(mix)]).act("tanh");
    ///     cell.next(before, after);
    ///     after
    /// });
    /// s.output(y.linear_transposed_by(words));
    /// # supernet_plugin::Supergraph::new(s.finish().unwrap()).unwrap();
    /// ```
    pub fn scan<'s, const N: usize>(
        &'s self,
        name: &str,
        inputs: [Tensor<'s>; N],
        build: impl FnOnce(Body<'s>, [Tensor<'s>; N]) -> Tensor<'s>,
    ) -> Tensor<'s> {
        self.scope(name, || {
            let slices = self.open(inputs);
            let yields = build(Body { space: self }, slices);
            self.close(&inputs, &slices, yields)
        })
    }

    fn open<'s, const N: usize>(&'s self, inputs: [Tensor<'s>; N]) -> [Tensor<'s>; N] {
        if self.draft.borrow().body.is_some() {
            self.wrong(|| "a scan cannot stand inside a scan".into());
        }
        let sequences = inputs.map(Tensor::value);
        let bound: Result<Vec<Value>, String> = inputs
            .iter()
            .map(|&input| {
                self.draft
                    .borrow()
                    .made(self, input)
                    .map(|made| made.value.clone())
            })
            .collect();
        match bound {
            Err(reason) => self.wrong(|| reason),
            Ok(bound) => {
                let lead = bound.first().and_then(|value| value.axes.first());
                if lead.is_none() || bound.iter().any(|value| value.axes.first() != lead) {
                    self.wrong(|| {
                        "a scan's inputs must share their first axis, over which it runs".into()
                    });
                }
            }
        }
        let mut draft = self.draft.borrow_mut();
        if draft.mistake.is_some() {
            return inputs.map(|_| Tensor {
                space: self,
                index: NOTHING,
            });
        }
        draft.scans += 1;
        draft.body = Some(BodyDraft::default());
        drop(draft);
        sequences.map(|sequence| {
            let step = sequence.map(|value| Value {
                axes: value.axes[1..].to_vec(),
                element: value.element,
            });
            step.map_or(
                Tensor {
                    space: self,
                    index: NOTHING,
                },
                |value| self.given("step", value),
            )
        })
    }

    /// A slice or a state, which is not a node of the body.
    fn given(&self, name: &str, value: Value) -> Tensor<'_> {
        let mut draft = self.draft.borrow_mut();
        let made = Made {
            id: draft.unique(name),
            value,
            level: draft.scans,
        };
        draft.values.push(made);
        Tensor {
            space: self,
            index: draft.values.len() as u32 - 1,
        }
    }

    fn close<'s>(
        &'s self,
        inputs: &[Tensor<'s>],
        slices: &[Tensor<'s>],
        yields: Tensor<'s>,
    ) -> Tensor<'s> {
        let id = |tensor: &Tensor<'s>| {
            self.draft
                .borrow()
                .made(self, *tensor)
                .map(|made| made.id.clone())
        };
        let ids =
            |tensors: &[Tensor<'s>]| tensors.iter().map(id).collect::<Result<Vec<_>, String>>();
        let found = ids(slices).and_then(|steps| Ok((steps, id(&yields)?, ids(inputs)?)));
        let mut draft = self.draft.borrow_mut();
        let Some(body) = draft.body.take() else {
            return Tensor {
                space: self,
                index: NOTHING,
            };
        };
        if let Some(carry) = body.carry.iter().find(|carry| carry.next.is_empty()) {
            draft.wrong(format!(
                "the state `{}` has no next value; say `next`",
                carry.id
            ));
        }
        if draft.mistake.is_some() {
            return Tensor {
                space: self,
                index: NOTHING,
            };
        }
        let (steps, yields_id, inputs_id) = match found {
            Ok(found) => found,
            Err(reason) => {
                draft.wrong(reason);
                return Tensor {
                    space: self,
                    index: NOTHING,
                };
            }
        };
        let lead: Axis = draft.values[inputs[0].index as usize].value.axes[0].clone();
        let made = &draft.values[yields.index as usize];
        if made.level == 0 {
            let reason = format!("the scan gives `{}`, which stands outside it", made.id);
            draft.wrong(reason);
            return Tensor {
                space: self,
                index: NOTHING,
            };
        }
        let mut axes = vec![lead];
        axes.extend(made.value.axes.iter().cloned());
        let value = Value {
            axes,
            element: made.value.element,
        };
        let op = Op::Scan {
            nodes: body.nodes,
            steps,
            carry: body.carry,
            yields: yields_id,
        };
        let node = Node {
            id: draft.unique("scan"),
            op,
            inputs: inputs_id,
            params: Vec::new(),
            block: draft.block.clone(),
        };
        let index = draft.place(node, value);
        Tensor { space: self, index }
    }
}

impl<'s> Body<'s> {
    /// A state that is zero at the start of every window.
    pub fn carry(self, name: &str, shape: &[impl Into<Size<'s>> + Copy]) -> Tensor<'s> {
        self.state(name, shape, false)
    }

    /// A state that continues from the end of the stream's previous window.
    pub fn carry_across_windows(
        self,
        name: &str,
        shape: &[impl Into<Size<'s>> + Copy],
    ) -> Tensor<'s> {
        self.state(name, shape, true)
    }

    fn state(self, name: &str, shape: &[impl Into<Size<'s>> + Copy], persist: bool) -> Tensor<'s> {
        let dims: Vec<Dim> = shape
            .iter()
            .map(|size| self.space.dim((*size).into()))
            .collect();
        let axes = {
            let draft = self.space.draft.borrow();
            Names {
                extents: &draft.space.extents,
                owners: &draft.owners,
                ops: &draft.space.ops,
                places: None,
            }
            .axes(&dims)
        };
        match axes {
            Err(reason) => {
                self.space.wrong(|| format!("state `{name}`: {reason}"));
                Tensor {
                    space: self.space,
                    index: NOTHING,
                }
            }
            Ok(axes) => {
                let state = self.space.given(name, Value::of(axes));
                let mut draft = self.space.draft.borrow_mut();
                let id = draft.values[state.index as usize].id.clone();
                if let Some(body) = &mut draft.body {
                    body.carry.push(Carry {
                        id,
                        next: String::new(),
                        shape: dims,
                        persist,
                    });
                }
                state
            }
        }
    }

    /// Sets the value of the state after the step.
    pub fn next(self, state: Tensor<'s>, value: Tensor<'s>) {
        let mut draft = self.space.draft.borrow_mut();
        if draft.mistake.is_some() {
            return;
        }
        let found = draft
            .made(self.space, state)
            .and_then(|state| Ok((state, draft.made(self.space, value)?)));
        let (state, next) = match found {
            Ok((state, next)) if state.value == next.value => (state.id.clone(), next.id.clone()),
            Ok((state, next)) => {
                let reason = format!(
                    "the state `{}` is {}, but its next value is {}",
                    state.id, state.value, next.value
                );
                return draft.wrong(reason);
            }
            Err(reason) => return draft.wrong(reason),
        };
        match draft
            .body
            .as_mut()
            .and_then(|body| body.carry.iter_mut().find(|carry| carry.id == state))
        {
            Some(carry) => carry.next = next,
            None => draft.wrong(format!("`{state}` is not a state of this scan")),
        }
    }
}
