use super::Space;
use crate::{Dim, Init};

/// A size: a number, or one that a decision picks.
#[derive(Clone, Copy)]
pub enum Size<'s> {
    /// A number.
    Fixed(u32),
    /// An extent of the space.
    Extent {
        /// The space.
        space: &'s Space,
        /// The extent's index.
        index: u32,
    },
}

impl From<u32> for Size<'_> {
    fn from(size: u32) -> Self {
        Size::Fixed(size)
    }
}

/// A named param, for layers that share it.
#[derive(Clone, Copy)]
pub struct Weights<'s> {
    pub(crate) space: &'s Space,
    pub(crate) index: u32,
}

impl Weights<'_> {
    /// Excludes the param from weight decay, like a bias, a scale or a shift.
    #[must_use]
    pub fn without_decay(self) -> Self {
        if let Some(param) = self
            .space
            .draft
            .borrow_mut()
            .space
            .params
            .get_mut(self.index as usize)
        {
            param.decay = false;
        }
        self
    }
}

impl Space {
    /// A param under exactly this name, without the prefix of the scope, for layers that share it.
    pub fn weights<'s>(
        &'s self,
        id: impl Into<String>,
        shape: &[impl Into<Size<'s>> + Copy],
        init: Init,
    ) -> Weights<'s> {
        let dims = shape.iter().map(|size| self.dim((*size).into())).collect();
        let id = id.into();
        let mut draft = self.draft.borrow_mut();
        if draft.space.params.iter().any(|param| param.id == id) {
            draft.wrong(format!("two params are called `{id}`"));
        }
        let index = draft
            .param(id, dims, init, true)
            .unwrap_or(super::draft::NOTHING);
        Weights { space: self, index }
    }

    /// A param local to the scope: `name` with the prefix of the scope, numbered if it was used
    /// before.
    ///
    /// ```
    /// # use supernet_plugin::{CustomOp, Init, Kernel, Operand::*, Space};
    /// # let s = Space::new("scaled");
    /// # let by = |entry, of| Kernel::per_element(entry, of).bind(2, of);
    /// # s.define_op(
    /// #     CustomOp::kernels("scaled", "…")
    /// #         .params(1)
    /// #         .forward(by("go", Output))
    /// #         .backward(by("x", GradInput(0)))
    /// #         .backward(by("w", GradParam(0))),
    /// # );
    /// # let x = s.input("row", &[8]);
    /// let scaled = |x| {
    ///     let scale = s.local_weights("scale", &[8u32], Init::Ones).without_decay();
    ///     s.custom("scaled", &[x], &[scale], Default::default())
    /// };
    /// s.output(scaled(scaled(x)));
    /// # let space = s.finish().unwrap();
    /// # assert_eq!([&*space.params[0].id, &*space.params[1].id], ["scale", "scale.1"]);
    /// # assert!(!space.params[0].decay);
    /// # supernet_plugin::Supergraph::new(space).unwrap();
    /// ```
    pub fn local_weights<'s>(
        &'s self,
        name: &str,
        shape: &[impl Into<Size<'s>> + Copy],
        init: Init,
    ) -> Weights<'s> {
        let dims = shape.iter().map(|size| self.dim((*size).into())).collect();
        let mut draft = self.draft.borrow_mut();
        let mut id = draft.unique(name);
        while draft.space.params.iter().any(|param| param.id == id) {
            id = draft.unique(name);
        }
        let index = draft
            .param(id, dims, init, true)
            .unwrap_or(super::draft::NOTHING);
        Weights { space: self, index }
    }

    /// The dimension of a size; 1 after a mistake.
    pub(crate) fn dim(&self, size: Size<'_>) -> Dim {
        match size {
            Size::Fixed(size) => Dim::Fixed(size),
            Size::Extent { space, index } => {
                if !std::ptr::eq(self, space) {
                    self.wrong(|| "a size of another space is used".into());
                    return Dim::Fixed(1);
                }
                let draft = self.draft.borrow();
                draft
                    .space
                    .extents
                    .get(index as usize)
                    .map_or(Dim::Fixed(1), |extent| Dim::Named(extent.id.clone()))
            }
        }
    }
}
