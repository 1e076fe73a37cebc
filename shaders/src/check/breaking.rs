//! For every convention, a kernel that violates it, and the resulting message.

use super::trial::{refused, role, trial};
use crate::kernel::{BufferRef, read};
use crate::{Access, Element};

#[test]
fn a_good_kernel_passes() {
    trial(|_| {}).verdict().unwrap();
    trial(|t| t.overrides.push(("TILE", 128.into())))
        .verdict()
        .unwrap();
}

#[test]
fn texts() {
    refused("trial: this is not WGSL\nerror", |t| {
        t.replace("x[start + own];", "x[start + own]")
    });
    refused("trial:13:21", |t| {
        t.replace("x[start + own];", "w[start + own];")
    });
    refused("trial: this is not valid\nerror", |t| {
        t.replace("y[start + own] = ", "x[start + own] = ")
    });
    refused("f16", |t| t.source.insert_str(0, "enable f16;\n"));
    refused("trial: this is not valid", |t| {
        t.replace("y: array<f32>", "y: array<atomic<f32>>");
        t.replace(
            "y[start + own] = tile[TILE - 1 - own] * step.rate",
            "atomicAdd(&y[start + own], step.rate)",
        );
    });
    refused(
        "trial: `x` is in group 1; kernels have group 0 alone",
        |t| {
            t.replace("@group(0) @binding(2)", "@group(1) @binding(2)");
        },
    );
    refused("trial: `y` and `z` share binding 3", |t| {
        t.source += "@group(0) @binding(3) var<storage> z: array<f32>;";
    });
}

#[test]
fn entries() {
    refused(
        "trial, `square`: there is no such entry point; the module has scale",
        |t| t.entry = "square",
    );
    refused("trial, `f`: the entry point is not @compute", |t| {
        t.source += "@fragment fn f() {}"
    });
}

#[test]
fn uniforms() {
    refused(
        "trial, `scale`: the entry point reads no uniform `step` at binding 1",
        |t| t.replace("* step.rate", ""),
    );
    refused("reads no uniform `sizes` at binding 0", |t| {
        t.replace("start < sizes.len", "start < 128u")
    });
    refused(
        "reads the uniform `step`, its kernel says that it does not",
        |t| t.step = false,
    );
    refused(
        "the uniform at binding 0 is `size`, it should be `sizes`",
        |t| {
            t.replace("> sizes", "> size");
            t.replace("sizes.len", "size.len");
        },
    );
    refused("`sizes` takes 8 bytes, the call gives 4", |t| {
        t.sizes.truncate(1)
    });
    let padded = trial(|t| {
        t.replace("len: u32, scale: f32", "start: vec2<u32>, len: u32");
        t.sizes.push(0);
    });
    padded.verdict().unwrap();
    refused("the call gives 260 bytes of sizes; a slot holds 256", |t| {
        t.sizes = vec![0; 65]
    });
    refused("`step` takes 48 bytes; there are 32", |t| {
        t.replace("{ rate: f32 }", "{ rate: f32, more: mat2x4<f32> }")
    });
}

#[test]
fn buffers() {
    refused("lists `x` at binding 1; buffers begin at 2", |t| {
        t.buffers[0].binding = 1
    });
    refused("the kernel lists two buffers at binding 3", |t| {
        t.buffers[0].binding = 3
    });
    refused(
        "uses `y` at binding 3, which its kernel does not list",
        |t| t.buffers.truncate(1),
    );
    refused(
        "lists `z` at binding 4, which its entry point does not use",
        |t| t.buffers.push(read(4, "z")),
    );
    refused(
        "binding 2 is `x` in the module and `w` in the kernel's list",
        |t| t.buffers[0].name = "w",
    );
    refused(
        "`x` is listed as written; the module declares it as read",
        |t| t.buffers[0].written = true,
    );
    refused(
        "`y` is listed as read; the module declares it as read_write",
        |t| t.buffers[1].written = false,
    );
    refused(
        "`x` is listed as written, and no statement writes it",
        |t| {
            t.replace("read> x", "read_write> x");
            t.buffers[0].written = true;
        },
    );
    refused("`x` is asked for its length", |t| {
        t.replace("< sizes.len", "< min(sizes.len, arrayLength(&x))")
    });
    refused("`t` is neither a uniform nor a storage buffer", |t| {
        t.source += "@group(0) @binding(4) var t: texture_2d<f32>;";
        t.replace("* step.rate", "* step.rate * textureLoad(t, vec2(0u), 0).x");
    });
    refused("`x` is not an array", |t| {
        t.replace("x: array<f32>", "x: array<f32, 128>")
    });
    refused("`x` is not an array", |t| {
        t.replace("x: array<f32>", "x: array<i32>");
        t.replace("x[start + own]", "f32(x[start + own])");
    });
}

#[test]
fn places() {
    refused("the kernel has 2 buffers, the dispatch binds 1", |t| {
        t.places.truncate(1)
    });
    refused("`y` is bound to operand 2; the call has 2", |t| {
        t.places[1] = BufferRef::Operand(2)
    });
    refused("`y` is bound to piece 0 of scratch; the call has 0", |t| {
        t.places[1] = BufferRef::Scratch(0)
    });
    refused("`x` is bound to the operand `y`", |t| {
        t.places[0] = BufferRef::Operand(1)
    });
    refused("`y` is written; the call only reads the operand `y`", |t| {
        t.roles[1].access = Access::Read
    });
    refused(
        "`x` is only read; it is bound to the operand `x`, which the call writes",
        |t| {
            t.roles[0].access = Access::Update;
        },
    );
    refused(
        "`y` is read besides written, and what it holds at first is left over",
        |t| {
            t.replace("y[start + own] =", "y[start + own] +=");
        },
    );
    refused(
        "the elements of `x` are not those of the operand `x`",
        |t| t.roles[0].element = Element::U32,
    );
    refused(
        "`x` is an array of vectors of 4, bound to 126 elements, which end within one",
        |t| {
            t.replace("x: array<f32>", "x: array<vec4<f32>>");
            t.replace("x[start + own]", "x[start + own].x");
            t.roles[0].len = 126;
        },
    );
    refused(
        "`x` and `y` are bound to the same buffer, and one is written",
        |t| {
            t.scratch.push(128);
            t.places = vec![BufferRef::Scratch(0); 2];
        },
    );
}

#[test]
fn an_updated_operand_is_read_and_written() {
    let good = trial(|t| {
        t.replace("y[start + own] =", "y[start + own] +=");
        t.roles[1].access = Access::Update;
    });
    good.verdict().unwrap();
}

#[test]
fn calls() {
    refused(
        "scale: the call writes the operand `z`, and no dispatch of it does",
        |t| {
            t.roles.push(role("z", Access::Update));
        },
    );
    refused(
        "trial, `scale`: `x` reads piece 0 of scratch, which no dispatch before has written",
        |t| {
            t.scratch.push(128);
            t.places[0] = BufferRef::Scratch(0);
        },
    );
    refused("scale: piece 0 of scratch is empty", |t| t.scratch.push(0));
}

#[test]
fn overrides() {
    refused(
        "sets the override `SIDE`, which the module does not have",
        |t| t.overrides.push(("SIDE", 8.into())),
    );
    refused("sets the override `TILE` twice", |t| {
        t.overrides = vec![("TILE", 8.into()), ("TILE", 8.into())]
    });
    refused(
        "`TILE` has no default, and the dispatch does not set it",
        |t| t.replace(": u32 = 64u", ": u32"),
    );
}

#[test]
fn limits() {
    refused(
        "has 260 invocations along x; between 1 and 256 are allowed",
        |t| t.overrides.push(("TILE", 260.into())),
    );
    refused("65 invocations along z; between 1 and 64", |t| {
        t.replace("size(TILE)", "size(1, 1, TILE + 1)")
    });
    refused(
        "a workgroup has 512 invocations; at most 256 are allowed",
        |t| t.replace("size(TILE)", "size(TILE, 8)"),
    );
    refused(
        "a workgroup has 16400 bytes of memory; at most 16384 are allowed",
        |t| {
            t.replace("array<f32, TILE>", "array<f32, TILE * 64 + 1>");
        },
    );
    refused(
        "the grid has 0 workgroups along y; between 1 and 65535 are allowed",
        |t| t.groups[1] = 0,
    );
    refused("the grid has 65536 workgroups along x", |t| {
        t.groups[0] = 65_536
    });
    refused(
        "the kernel binds 9 storage buffers; at most 8 are allowed",
        |t| {
            for (binding, name) in (4..).zip(["x_a", "x_b", "x_c", "x_d", "x_e", "x_f", "x_g"]) {
                t.source +=
                    &format!("@group(0) @binding({binding}) var<storage> {name}: array<f32>;");
                t.replace("* step.rate", &format!("* step.rate * {name}[own]"));
                t.buffers.push(read(binding, name));
                t.places.push(BufferRef::Operand(0));
            }
        },
    );
}
