use super::{Binding, CustomOp, Form, Gradient, Grid, Kernel, Kernels, Length, Operand, ShapeRule};

/// Constructors for ops that are written in code.
///
/// ```
/// use supernet_plugin::{CustomOp, Kernel, Operand::*};
///
/// let op = CustomOp::kernels("scaled", include_str!("../../tests/scaled.wgsl"))
///     .params(1)
///     .macs(1)
///     .forward(
///         Kernel::per_element("scale", Output)
///             .bind(0, Dims)
///             .bind(2, Input(0))
///             .bind(3, Param(0))
///             .bind(4, Output),
///     )
///     .backward(
///         Kernel::per_element("scale_input", GradInput(0))
///             .bind(0, Dims)
///             .bind(2, GradOutput)
///             .bind(3, Param(0))
///             .bind(4, GradInput(0)),
///     )
///     .backward(
///         Kernel::per_element("scale_param", GradParam(0))
///             .bind(0, Dims)
///             .bind(2, Input(0))
///             .bind(3, GradOutput)
///             .bind(4, GradParam(0)),
///     );
/// assert!(op.problems().is_empty());
/// ```
impl CustomOp {
    /// An op in the easy form: an elementwise function of one input, given by the two WGSL
    /// functions `f` and `df`.
    pub fn per_element(name: impl Into<String>, wgsl: impl Into<String>) -> Self {
        CustomOp {
            name: name.into(),
            wgsl: wgsl.into(),
            shape: ShapeRule::LikeInput(0),
            macs_per_output: 0,
            inputs: 1,
            params: 0,
            form: Form::PerElement,
            gradient: Gradient::Exact,
        }
    }

    /// An op in the full form, with one input, no params and no kernels yet.
    pub fn kernels(name: impl Into<String>, wgsl: impl Into<String>) -> Self {
        CustomOp {
            form: Form::Kernels(Kernels::default()),
            ..CustomOp::per_element(name, wgsl)
        }
    }

    /// Sets the number of values that the op reads.
    #[must_use]
    pub fn inputs(self, inputs: u32) -> Self {
        CustomOp { inputs, ..self }
    }

    /// Sets the number of params that the op reads.
    #[must_use]
    pub fn params(self, params: u32) -> Self {
        CustomOp { params, ..self }
    }

    /// Appends a kernel to the forward pass.
    #[must_use]
    pub fn forward(self, kernel: Kernel) -> Self {
        self.with(|kernels| kernels.forward.push(kernel))
    }

    /// Appends a kernel to the backward pass.
    #[must_use]
    pub fn backward(self, kernel: Kernel) -> Self {
        self.with(|kernels| kernels.backward.push(kernel))
    }

    /// Adds a buffer that is saved for the backward pass.
    #[must_use]
    pub fn saved(self, length: Length) -> Self {
        self.with(|kernels| kernels.saved.push(length))
    }

    /// Adds a buffer between two kernels of one pass.
    #[must_use]
    pub fn scratch(self, length: Length) -> Self {
        self.with(|kernels| kernels.scratch.push(length))
    }

    /// Sets the multiply-accumulates per element of the value.
    #[must_use]
    pub fn macs(self, per_output: u64) -> Self {
        CustomOp {
            macs_per_output: per_output,
            ..self
        }
    }

    /// Sets the shape of the value, by default that of the first input.
    #[must_use]
    pub fn shape(self, shape: ShapeRule) -> Self {
        CustomOp { shape, ..self }
    }

    /// Declares that the backward pass deliberately computes something other than the gradient.
    #[must_use]
    pub fn surrogate(self) -> Self {
        CustomOp {
            gradient: Gradient::Surrogate,
            ..self
        }
    }

    /// Stating kernels makes the op one of the full form.
    fn with(mut self, change: impl FnOnce(&mut Kernels)) -> Self {
        if self.form == Form::PerElement {
            self.form = Form::Kernels(Kernels::default());
        }
        if let Form::Kernels(kernels) = &mut self.form {
            change(kernels);
        }
        self
    }
}

impl Kernel {
    fn new(entry: impl Into<String>, grid: Grid) -> Self {
        Kernel {
            entry: entry.into(),
            grid,
            bindings: Vec::new(),
            barriers: false,
        }
    }

    /// An entry point with one invocation per element of this operand.
    pub fn per_element(entry: impl Into<String>, of: Operand) -> Self {
        Kernel::new(entry, Grid::PerElement(of))
    }

    /// An entry point with one workgroup per row of this operand.
    pub fn per_row(entry: impl Into<String>, of: Operand) -> Self {
        Kernel::new(entry, Grid::PerRow(of))
    }

    /// An entry point with a fixed number of workgroups.
    pub fn fixed(entry: impl Into<String>, groups: [u32; 3]) -> Self {
        Kernel::new(entry, Grid::Fixed(groups))
    }

    /// Binds a variable.
    #[must_use]
    pub fn bind(mut self, binding: u32, operand: Operand) -> Self {
        self.bindings.push(Binding { binding, operand });
        self
    }

    /// Declares that invocations synchronise.
    #[must_use]
    pub fn barriers(self) -> Self {
        Kernel {
            barriers: true,
            ..self
        }
    }
}
