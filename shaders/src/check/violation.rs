//! The ways in which a kernel can violate the conventions.

mod sentence;

use std::error::Error;
use std::fmt::{Display, Formatter, Result};

/// A kernel that violates a convention; its `Display` is a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckError {
    /// The module.
    pub module: String,
    /// The entry point, if the violation is specific to one.
    pub entry: Option<String>,
    /// The violation.
    pub violation: Violation,
}

impl Display for CheckError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.entry {
            Some(entry) => write!(f, "{}, `{entry}`: {}", self.module, self.violation),
            None => write!(f, "{}: {}", self.module, self.violation),
        }
    }
}

impl Error for CheckError {}

/// A violation of a convention. A `name` is that of a variable; `got` is the actual value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "every variant's sentence is in `sentence`")]
pub enum Violation {
    Syntax {
        frame: String,
    },
    Invalid {
        frame: String,
    },
    Group {
        name: String,
        got: u32,
    },
    SharedBinding {
        names: [String; 2],
        binding: u32,
    },
    NoEntry {
        entries: Vec<String>,
    },
    NotCompute,
    Missed {
        what: &'static str,
        function: String,
        line: u32,
    },
    Space {
        name: String,
    },
    NoUniform {
        name: &'static str,
        binding: u32,
    },
    StrayStep,
    UniformName {
        name: &'static str,
        got: String,
        binding: u32,
    },
    EarlyBinding {
        name: &'static str,
        binding: u32,
    },
    BuffersShareBinding {
        binding: u32,
    },
    Unlisted {
        name: String,
        binding: u32,
    },
    Unused {
        name: &'static str,
        binding: u32,
    },
    Name {
        name: &'static str,
        got: String,
        binding: u32,
    },
    Access {
        name: &'static str,
        written: bool,
    },
    NeverWritten {
        name: &'static str,
    },
    Length {
        name: &'static str,
    },
    Array {
        name: &'static str,
    },
    Sizes {
        bytes: usize,
        given: usize,
    },
    Slot {
        bytes: usize,
    },
    StepBytes {
        bytes: usize,
    },
    Places {
        buffers: usize,
        places: usize,
    },
    NoOperand {
        name: &'static str,
        operand: usize,
        operands: usize,
    },
    NoScratch {
        name: &'static str,
        scratch: usize,
        pieces: usize,
    },
    NoRole {
        name: &'static str,
        role: &'static str,
    },
    ReadIsWritten {
        name: &'static str,
        role: &'static str,
    },
    WrittenIsRead {
        name: &'static str,
        role: &'static str,
    },
    ReadBeforeWritten {
        name: &'static str,
    },
    Element {
        name: &'static str,
        role: &'static str,
    },
    Ragged {
        name: &'static str,
        len: usize,
        lanes: usize,
    },
    Aliased {
        names: [&'static str; 2],
    },
    UnknownOverride {
        name: &'static str,
    },
    RepeatedOverride {
        name: &'static str,
    },
    MissingOverride {
        name: String,
    },
    Override {
        message: String,
    },
    Axis {
        axis: usize,
        got: u32,
    },
    Invocations {
        got: u32,
    },
    WorkgroupBytes {
        got: u32,
    },
    Buffers {
        got: usize,
    },
    Grid {
        axis: usize,
        got: u32,
    },
    LanesUnset,
    LanesUnused {
        lanes: u32,
    },
    PartialSubgroup {
        lanes: u32,
        invocations: u32,
    },
    NeverWrittenRole {
        role: &'static str,
    },
    UnwrittenScratch {
        name: &'static str,
        scratch: usize,
    },
    EmptyScratch {
        scratch: usize,
    },
    Translation {
        to: &'static str,
        message: String,
    },
    Source {
        bytes: usize,
    },
    Depth,
    Declarations {
        got: usize,
    },
    Statements {
        got: usize,
    },
    Panicked {
        message: String,
    },
    PrivateBytes {
        got: u64,
    },
    OpBuffers {
        got: usize,
    },
    Numbered {
        name: String,
    },
    Reserved {
        name: String,
    },
    Calls {
        got: u64,
    },
    CallDepth {
        got: u32,
    },
    Tangled,
    Unfuelled {
        line: u32,
    },
}

impl Violation {
    pub(super) fn at(self, module: &str, entry: Option<&str>) -> CheckError {
        CheckError {
            module: module.into(),
            entry: entry.map(Into::into),
            violation: self,
        }
    }
}
