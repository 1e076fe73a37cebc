use std::cell::RefCell;

use crate::{BuildError, CustomOp, Extent, Group, Kind, Require, Role, SearchSpace};

mod axes;
mod conv;
mod decide;
mod draft;
mod layers;
mod merge;
mod scan;
mod size;
mod tensor;
mod when;

pub use conv::Conv;
pub use decide::{DecisionRef, PlannedStep};
use draft::Draft;
pub use scan::Body;
pub use size::{Size, Weights};
pub use tensor::Tensor;
pub use when::When;

/// The result of a builder function.
pub type Built = Result<SearchSpace, BuildError>;

/// Builds a [`SearchSpace`] from code that reads like a network.
///
/// Handles ([`Tensor`], [`DecisionRef`], [`Size`], [`Weights`]) are `Copy`, so that calls chain and
/// nest. Calls do not return a `Result`: the first mistake is recorded with its scope, later calls
/// do nothing, and [`finish`](Self::finish) returns the mistake.
pub struct Space {
    draft: RefCell<Draft>,
}

impl Space {
    /// An empty space.
    pub fn new(name: impl Into<String>) -> Self {
        Space {
            draft: RefCell::new(Draft::new(name.into())),
        }
    }

    /// Sets the one-line description for people.
    pub fn summary(&self, summary: impl Into<String>) {
        self.draft.borrow_mut().space.summary = summary.into();
    }

    /// Returns the space, or the first mistake, and leaves the builder empty.
    pub fn finish(&self) -> Built {
        let draft = std::mem::replace(&mut *self.draft.borrow_mut(), Draft::new(String::new()));
        match draft.mistake {
            None => Ok(draft.space),
            Some(mistake) => Err(mistake),
        }
    }

    /// Names what is built inside: the names of nodes and params get the prefix `name/`. Scopes
    /// nest.
    pub fn scope<R>(&self, name: impl AsRef<str>, build: impl FnOnce() -> R) -> R {
        self.draft.borrow_mut().scope.push(name.as_ref().to_owned());
        let result = build();
        self.draft.borrow_mut().scope.pop();
        result
    }

    /// Assigns what is built inside to one block, which a cost table knows by `key`. Blocks do not
    /// nest.
    pub fn block<R>(&self, key: impl Into<String>, build: impl FnOnce() -> R) -> R {
        let before = {
            let mut draft = self.draft.borrow_mut();
            let block = draft.add_block(key.into());
            draft.block.replace(block)
        };
        let result = build();
        self.draft.borrow_mut().block = before;
        result
    }

    /// A decision between operations, by label.
    pub fn op(&self, id: impl Into<String>, choices: &[&str]) -> DecisionRef<'_> {
        self.decide(
            id.into(),
            Kind::Op {
                choices: choices.iter().map(|label| (*label).to_owned()).collect(),
            },
        )
    }

    /// A decision between inputs, by the names of their anchors.
    pub fn input_of(&self, id: impl Into<String>, anchors: &[impl AsRef<str>]) -> DecisionRef<'_> {
        self.decide(
            id.into(),
            Kind::Input {
                from: anchors
                    .iter()
                    .map(|name| name.as_ref().to_owned())
                    .collect(),
            },
        )
    }

    /// A decision whether there is a skip connection from an anchor: 0 is off, 1 is on.
    pub fn skip(&self, id: impl Into<String>, anchor: impl Into<String>) -> DecisionRef<'_> {
        self.decide(
            id.into(),
            Kind::Skip {
                of: Some(anchor.into()),
            },
        )
    }

    /// A decision between off (0) and on (1).
    pub fn flag(&self, id: impl Into<String>) -> DecisionRef<'_> {
        self.decide(id.into(), Kind::Skip { of: None })
    }

    /// A decision between numbers.
    pub fn value(
        &self,
        id: impl Into<String>,
        values: &[impl Into<f64> + Copy],
    ) -> DecisionRef<'_> {
        self.decide(
            id.into(),
            Kind::Value {
                values: values.iter().map(|value| (*value).into()).collect(),
            },
        )
    }

    /// Adds the next step of a sequential controller; all its decisions are sampled from one state.
    pub fn step(&self, decide: &[DecisionRef<'_>]) -> PlannedStep<'_> {
        self.plan_step(decide)
    }

    /// Requires that every valid genome satisfies the condition.
    pub fn require(&self, that: When, because: impl Into<String>) {
        self.draft.borrow_mut().space.require.push(Require {
            that: that.0,
            because: because.into(),
        });
    }

    /// Requires that no valid genome satisfies the condition.
    pub fn forbid(&self, that: When, because: impl Into<String>) {
        self.require(!that, because);
    }

    /// Groups decisions that are derived together: the `keep` best take their choice, the others
    /// take `none`.
    pub fn group(
        &self,
        id: impl Into<String>,
        decisions: &[DecisionRef<'_>],
        keep: u32,
        none: u32,
    ) {
        let decisions = decisions.iter().map(DecisionRef::id).collect();
        self.draft.borrow_mut().space.groups.push(Group {
            id: id.into(),
            decisions,
            keep,
            none,
        });
    }

    /// The size that a decision between numbers picks: the numbers are the sizes. Layers whose weight
    /// has such a size have no kernel on any device yet: such a space can be counted and drawn, and a
    /// search refuses it.
    pub fn extent<'s>(&'s self, decision: DecisionRef<'s>) -> Size<'s> {
        let sizes = decision.whole_values();
        match sizes {
            Some(sizes) => self.extent_of(decision.id(), decision, &sizes),
            None => {
                self.wrong(|| {
                    format!(
                        "`{}` does not decide between whole numbers above 0, so it is not a size",
                        decision.id()
                    )
                });
                Size::Fixed(1)
            }
        }
    }

    /// A named size, one per choice of the decision.
    pub fn extent_of<'s>(
        &'s self,
        id: impl Into<String>,
        decision: DecisionRef<'s>,
        sizes: &[u32],
    ) -> Size<'s> {
        let extent = Extent {
            id: id.into(),
            decision: decision.id(),
            sizes: sizes.to_vec(),
        };
        match self.draft.borrow_mut().add_extent(extent, decision.index()) {
            Some(index) => Size::Extent { space: self, index },
            None => Size::Fixed(1),
        }
    }

    /// Defines an op, for [`custom`](Self::custom). Defining the same op again has no effect, so
    /// that each part of a space may define what it needs.
    pub fn define_op(&self, op: CustomOp) {
        let mut draft = self.draft.borrow_mut();
        match draft.space.ops.iter().find(|known| known.name == op.name) {
            None => draft.space.ops.push(op),
            Some(known) if *known == op => {}
            Some(_) => draft.wrong(format!(
                "two different ops are called `{}`; rename one of them",
                op.name
            )),
        }
    }

    /// Marks a value as the network's output: scores per class or word.
    pub fn output(&self, value: Tensor<'_>) {
        self.output_as(value, Role::Logits);
    }

    /// Marks a value as an output with another role.
    pub fn output_as(&self, value: Tensor<'_>, role: Role) {
        self.draft.borrow_mut().add_output(self, value, role);
    }

    /// Records the first mistake, with the scope in which it was made.
    pub(crate) fn wrong(&self, reason: impl FnOnce() -> String) {
        // The closure may itself borrow the draft.
        let reason = reason();
        self.draft.borrow_mut().wrong(reason);
    }
}
