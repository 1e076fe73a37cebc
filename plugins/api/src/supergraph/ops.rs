//! Checks the declarations of a space's custom ops. Their sources are checked by the runtime.

use std::collections::BTreeSet;

use crate::custom::uses::{Pass, Use};
use crate::{CustomOp, Form, Grid, Kernel, Kernels, Length, Operand, ShapeRule, ValidationError};

/// The most inputs of an op, the most params, and the most buffers of a kernel: what every GPU can
/// bind.
const MOST_BUFFERS: usize = 7;
/// The most kernels of a pass, and the most saved and scratch buffers of an op.
const MOST_PARTS: usize = 64;
/// The highest binding.
const LAST_BINDING: u32 = 999;
/// The most workgroups on one axis of a grid that every GPU supports.
const MOST_GROUPS: u32 = 65_535;
/// The most workgroups of one run of a kernel with a fixed grid.
const MOST_GROUPS_AT_ONCE: u64 = 1 << 22;
/// The most letters of a name.
const MOST_LETTERS: usize = 100;

impl CustomOp {
    /// The problems of the op's declaration. Whether its source conforms to it is checked by the
    /// runtime.
    pub fn problems(&self) -> Vec<ValidationError> {
        let mut found = OpProblems {
            op: self,
            problems: Vec::new(),
        };
        found.op();
        found.problems
    }
}

struct OpProblems<'a> {
    op: &'a CustomOp,
    problems: Vec<ValidationError>,
}

impl OpProblems<'_> {
    fn say(&mut self, reason: impl Into<String>) {
        self.problems.push(ValidationError::new(
            format!("op `{}`", self.op.name),
            reason,
        ));
    }

    fn op(&mut self) {
        let op = self.op;
        if !is_name(&op.name) {
            self.say(format!(
                "its name becomes a file's, so it needs 1 to {MOST_LETTERS} letters (a to z), digits, `_` and `-`"
            ));
        }
        if op.inputs == 0 || op.inputs as usize > MOST_BUFFERS {
            self.say(format!(
                "it takes {} inputs, and may take 1 to {MOST_BUFFERS}",
                op.inputs
            ));
        }
        if op.params as usize > MOST_BUFFERS {
            self.say(format!(
                "it takes {} params, and may take {MOST_BUFFERS} at most",
                op.params
            ));
        }
        if let ShapeRule::LikeInput(i) = op.shape
            && i >= op.inputs
        {
            self.say(format!(
                "its shape is that of input {i}, and it takes {} inputs, counted from 0",
                op.inputs
            ));
        }
        match &op.form {
            Form::PerElement => {
                if op.inputs != 1 || op.params != 0 || op.shape != ShapeRule::LikeInput(0) {
                    self.say(
                        "an op of the form `per_element` takes one input and no params, and its value has the input's \
                         shape; state its kernels for anything else",
                    );
                }
            }
            Form::Kernels(kernels) => self.kernels(kernels),
        }
    }

    fn kernels(&mut self, kernels: &Kernels) {
        for (name, lengths) in [("saved", &kernels.saved), ("scratch", &kernels.scratch)] {
            if lengths.len() > MOST_PARTS {
                return self.say(format!(
                    "it has {} {name} buffers, and may have {MOST_PARTS}",
                    lengths.len()
                ));
            }
            for (i, length) in lengths.iter().enumerate() {
                self.length(&format!("{name} {i}"), *length);
            }
        }
        let passes = [
            (Pass::Forward, &kernels.forward),
            (Pass::Backward, &kernels.backward),
        ];
        for (pass, list) in passes {
            if list.is_empty() {
                let gradients = "; without one nothing before the op can learn";
                let why = if pass == Pass::Backward {
                    gradients
                } else {
                    ""
                };
                self.say(format!(
                    "it has no {} kernel, and needs one{why}",
                    pass.name()
                ));
            }
            if list.len() > MOST_PARTS {
                return self.say(format!(
                    "it has {} {} kernels, and may have {MOST_PARTS}",
                    list.len(),
                    pass.name()
                ));
            }
            for kernel in list {
                self.kernel(pass, kernel);
            }
        }
        // With invalid bindings, reports about what a pass lacks would be misleading.
        if self.problems.is_empty() {
            self.flow(kernels);
        }
    }

    fn length(&mut self, name: &str, length: Length) {
        match length {
            Length::Like(operand) | Length::Rows(operand) => match operand {
                Operand::Input(_) | Operand::Param(_) | Operand::Output if self.exists(operand) => {}
                Operand::Input(_) | Operand::Param(_) | Operand::Output => {
                    self.say(format!("{name} is as long as {operand}, which it does not have"));
                }
                _ => self.say(format!(
                    "{name} is as long as {operand}; its length is that of an input, a param or the output"
                )),
            },
            Length::PerSample(0) | Length::Fixed(0) => {
                self.say(format!("{name} holds 0 numbers, and must hold at least 1"));
            }
            Length::PerSample(_) | Length::Fixed(_) => {}
        }
    }

    fn kernel(&mut self, pass: Pass, kernel: &Kernel) {
        let about = format!("its {} kernel `{}`", pass.name(), kernel.entry);
        let whole = kernel
            .entry
            .chars()
            .all(|c| c == '_' || c.is_alphanumeric());
        if kernel.entry.is_empty() || !whole || kernel.entry.chars().count() > MOST_LETTERS {
            self.say(format!(
                "{about} needs the name of an entry point, of 1 to {MOST_LETTERS} letters, digits and `_`"
            ));
        }
        let (mut bindings, mut operands) = (BTreeSet::new(), BTreeSet::new());
        for bound in &kernel.bindings {
            let (at, operand) = (bound.binding, bound.operand);
            if !bindings.insert(at) {
                self.say(format!("{about} binds two things at {at}"));
            }
            if !operands.insert(operand) {
                self.say(format!("{about} binds {operand} twice"));
            }
            if operand == Operand::Dims {
                if at != 0 {
                    self.say(format!(
                        "{about} binds the dims at {at}, and their place is 0"
                    ));
                }
            } else if !(2..=LAST_BINDING).contains(&at) {
                let places = "0 is for the dims, 1 is reserved, buffers go";
                self.say(format!(
                    "{about} binds {operand} at {at}; {places} from 2 to {LAST_BINDING}"
                ));
            }
            if !self.exists(operand) {
                self.say(format!(
                    "{about} binds {operand}, which the op does not have"
                ));
            } else if !pass.sees(operand) {
                self.say(format!(
                    "{about} binds {operand}, which only the backward pass knows"
                ));
            }
        }
        let buffers = kernel
            .bindings
            .iter()
            .filter(|bound| bound.operand != Operand::Dims)
            .count();
        if buffers > MOST_BUFFERS {
            self.say(format!(
                "{about} binds {buffers} buffers, and may bind {MOST_BUFFERS}; divide it, with scratch in between"
            ));
        }
        self.grid(pass, &about, kernel.grid);
    }

    fn grid(&mut self, pass: Pass, about: &str, grid: Grid) {
        match grid {
            Grid::Fixed(groups) => {
                if groups
                    .iter()
                    .any(|groups| !(1..=MOST_GROUPS).contains(groups))
                {
                    self.say(format!(
                        "{about} runs {groups:?} workgroups; each axis takes 1 to {MOST_GROUPS}"
                    ));
                }
                let all = groups
                    .iter()
                    .map(|groups| u64::from(*groups))
                    .product::<u64>();
                if all > MOST_GROUPS_AT_ONCE {
                    self.say(format!(
                        "{about} runs {all} workgroups; at most {MOST_GROUPS_AT_ONCE} are allowed"
                    ));
                }
            }
            Grid::PerElement(operand) | Grid::PerRow(operand) => {
                if operand == Operand::Dims || !self.exists(operand) || !pass.sees(operand) {
                    let pass = pass.name();
                    self.say(format!(
                        "{about} runs once for each part of {operand}, which the {pass} pass does not have"
                    ));
                } else if matches!(grid, Grid::PerRow(_))
                    && matches!(operand, Operand::Saved(_) | Operand::Scratch(_))
                    && !matches!(self.op.length(operand), Some(Length::Like(_)))
                {
                    self.say(format!(
                        "{about} runs once for each row of {operand}, which has none; say whose rows, or `per_element`"
                    ));
                }
            }
        }
    }

    fn exists(&self, operand: Operand) -> bool {
        match operand {
            Operand::Input(i) | Operand::GradInput(i) => i < self.op.inputs,
            Operand::Param(i) | Operand::GradParam(i) => i < self.op.params,
            Operand::Output | Operand::GradOutput | Operand::Dims => true,
            Operand::Saved(_) | Operand::Scratch(_) => self.op.length(operand).is_some(),
        }
    }

    /// Checks that everything that must be written is written, and that everything that exists only
    /// to be read is read.
    fn flow(&mut self, kernels: &Kernels) {
        let (forward, backward) = kernels.uses();
        let count = |pass: &[Vec<Use>], operand| {
            pass.iter()
                .flatten()
                .filter(|used| used.operand == operand)
                .count()
        };
        if count(&forward, Operand::Output) == 0 {
            self.say("no forward kernel writes the output; bind it in one");
        }
        for i in 0..self.op.inputs {
            if count(&backward, Operand::GradInput(i)) == 0 {
                self.say(format!("no backward kernel writes the gradient by input {i}; write zeros if there is none"));
            }
        }
        for i in 0..self.op.params {
            if count(&backward, Operand::GradParam(i)) == 0 {
                self.say(format!(
                    "no backward kernel writes the gradient by param {i}; without it the param cannot learn"
                ));
            }
        }
        for i in 0..kernels.saved.len() as u32 {
            let saved = Operand::Saved(i);
            if count(&forward, saved) == 0 {
                self.say(format!(
                    "no forward kernel writes {saved}; bind it in one, or remove it"
                ));
            }
            if count(&backward, saved) == 0 {
                self.say(format!(
                    "no backward kernel reads {saved}; make it scratch, or remove it"
                ));
            }
        }
        for i in 0..kernels.scratch.len() as u32 {
            let scratch = Operand::Scratch(i);
            let uses = [
                (Pass::Forward, count(&forward, scratch)),
                (Pass::Backward, count(&backward, scratch)),
            ];
            if uses.iter().all(|(_, count)| *count == 0) {
                self.say(format!("no kernel uses {scratch}; remove it"));
            }
            for (pass, _) in uses.iter().filter(|(_, count)| *count == 1) {
                let pass = pass.name();
                self.say(format!(
                    "only one {pass} kernel uses {scratch}; one writes it and a later one reads it"
                ));
            }
        }
    }
}

/// Whether the name has only characters that every file system accepts.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.len() <= MOST_LETTERS && name.chars().all(fits)
}
