//! A kernel that follows the conventions, for tests to modify.

use super::{call, dispatch, module, translate};
use crate::kernel::{Buffer, BufferRef, Constant, Dispatch, Kernel, Lowered, read, write};
use crate::{Access, Element, Role};

const GOOD: &str = "\
override TILE: u32 = 64u;
struct Sizes { len: u32, scale: f32 }
struct Step { rate: f32 }
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
var<workgroup> tile: array<f32, TILE>;
@compute @workgroup_size(TILE) fn scale(
    @builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,
) {
    for (var start = group.x * TILE; start < sizes.len; start += TILE) {
        tile[own] = x[start + own];
        workgroupBarrier();
        y[start + own] = tile[TILE - 1 - own] * step.rate;
        workgroupBarrier();
    }
}
";

/// A call with one dispatch.
pub(super) struct Trial {
    pub(super) source: String,
    pub(super) entry: &'static str,
    pub(super) buffers: Vec<Buffer>,
    pub(super) step: bool,
    pub(super) lanes: Option<u32>,
    pub(super) overrides: Vec<(&'static str, Constant)>,
    pub(super) places: Vec<BufferRef>,
    pub(super) groups: [u32; 3],
    pub(super) sizes: Vec<u32>,
    pub(super) scratch: Vec<usize>,
    pub(super) roles: Vec<Role>,
}

pub(super) fn role(name: &'static str, access: Access) -> Role {
    Role {
        name,
        access,
        element: Element::F32,
        len: 128,
    }
}

/// A trial that `spoil` has modified.
pub(super) fn trial(spoil: impl FnOnce(&mut Trial)) -> Trial {
    let mut trial = Trial {
        source: GOOD.into(),
        entry: "scale",
        buffers: vec![read(2, "x"), write(3, "y")],
        step: true,
        lanes: None,
        overrides: vec![],
        places: vec![BufferRef::Operand(0), BufferRef::Operand(1)],
        groups: [2, 1, 1],
        sizes: vec![128, 0],
        scratch: vec![],
        roles: vec![role("x", Access::Read), role("y", Access::Write)],
    };
    spoil(&mut trial);
    trial
}

impl Trial {
    pub(super) fn replace(&mut self, from: &str, to: &str) {
        assert!(self.source.contains(from), "{from}");
        self.source = self.source.replace(from, to);
    }

    /// The verdict of the check.
    pub(super) fn verdict(self) -> Result<(), String> {
        let buffers = self.buffers.leak();
        let (step, lanes) = (self.step, self.lanes);
        let kernel = Kernel {
            module: "trial",
            source: self.source.leak(),
            entry: self.entry,
            buffers,
            step,
            lanes,
            own: false,
        };
        let kernel: &Kernel = Box::leak(Box::new(kernel));
        let run = Dispatch {
            kernel,
            overrides: self.overrides,
            places: self.places,
            groups: self.groups,
        };
        let lowered = Lowered {
            sizes: self.sizes,
            scratch: self.scratch,
            dispatches: vec![run],
        };
        let check = || {
            let parsed = module(kernel.source, kernel.module)?;
            dispatch(&parsed, &lowered.dispatches[0], &lowered, &self.roles)?;
            call("scale", &lowered, &self.roles)?;
            translate(&parsed, &lowered.dispatches[0])
        };
        check().map(drop).map_err(|error| error.to_string())
    }
}

/// Asserts that the check rejects the kernel modified by `spoil` with this message.
#[track_caller]
pub(super) fn refused(sentence: &str, spoil: impl FnOnce(&mut Trial)) {
    let verdict = trial(spoil).verdict();
    assert!(
        verdict.as_ref().is_err_and(|said| said.contains(sentence)),
        "{sentence}\n{verdict:?}"
    );
}
