//! Kernels with barriers in divergent and in uniform control flow.

use super::trial::{Trial, refused, trial};

#[test]
fn subgroups() {
    let broadcast = |t: &mut Trial| {
        t.replace(
            "= x[start + own]",
            "= subgroupBroadcast(x[start + own], 0u)",
        )
    };
    refused(
        "the entry point uses subgroups, its kernel does not say of how many lanes",
        broadcast,
    );
    refused(
        "the kernel wants subgroups of 8 lanes, its entry point uses none",
        |t| t.lanes = Some(8),
    );
    refused(
        "60 invocations of a workgroup are no whole number of subgroups of 8 lanes",
        |t| {
            broadcast(t);
            t.lanes = Some(8);
            t.overrides.push(("TILE", 60.into()));
        },
    );
    refused(
        "not all lanes of a subgroup may reach the exchange in line 13, in `scale`",
        |t| {
            broadcast(t);
            t.lanes = Some(8);
            t.replace(
                "        tile[own]",
                "        if own > 7 { continue; }        tile[own]",
            );
        },
    );
    // Control flow may differ between subgroups, but not around a barrier.
    let by_subgroup = |t: &mut Trial| {
        t.lanes = Some(8);
        t.replace(
            "= x[start + own];",
            "= 0.0; if subgroupAny(x[own] > 0.0) { tile[own] = subgroupAdd(x[own]); }",
        );
    };
    trial(by_subgroup).verdict().unwrap();
    refused(
        "not all invocations of a workgroup may reach the barrier in line 13, in `scale`",
        |t| {
            by_subgroup(t);
            t.replace(
                "subgroupAdd(x[own]);",
                "subgroupAdd(x[own]); workgroupBarrier();",
            );
        },
    );
    let good = trial(|t| {
        broadcast(t);
        t.lanes = Some(8);
    });
    good.verdict().unwrap();
}

#[test]
fn barriers() {
    let missed = |from, to| {
        refused(
            "not all invocations of a workgroup may reach the barrier in line",
            |t| t.replace(from, to),
        );
    };
    // A loop bound, an early exit, a condition and a call that depend on the invocation.
    missed(
        "var start = group.x * TILE;",
        "var start = group.x * TILE + own;",
    );
    missed("    for (var", "    if own > 7 { return; }\n    for (var");
    missed(
        "        workgroupBarrier();",
        "        if x[own] > 0.0 { workgroupBarrier(); }",
    );
    missed(
        "        workgroupBarrier();",
        "        if own > 7 { break; }\n        workgroupBarrier();",
    );
    missed(
        "* step.rate;",
        "* step.rate;\n        if own > 7 { break; }",
    );
    missed(
        "        workgroupBarrier();",
        "        if own > 7 { continue; }\n        workgroupBarrier();",
    );
    missed(
        "        workgroupBarrier();",
        "        if tile[0] > 7 { workgroupBarrier(); }",
    );
    refused("the barrier in line 19, in `wait`", |t| {
        t.replace("        workgroupBarrier();", "        wait(own);");
        t.source += "fn wait(i: u32) { if i > 7 { workgroupBarrier(); } }";
    });
    refused("the barrier in line 14, in `scale`", |t| {
        t.replace(
            "        workgroupBarrier();",
            "        if half(own) > 7 { workgroupBarrier(); }",
        );
        t.source += "fn half(i: u32) -> u32 { return i / 2; }";
    });
}

#[test]
fn barriers_that_all_reach() {
    let reached = |from, to| trial(|t| t.replace(from, to)).verdict().unwrap();
    reached(
        "    for (var",
        "    if group.x > sizes.len { return; }\n    for (var",
    );
    reached(
        "        workgroupBarrier();",
        "        if x[start] > 0.0 { workgroupBarrier(); }",
    );
    reached(
        "workgroupBarrier();\n    }",
        "workgroupBarrier();\n        if own > 7 { continue; }\n    }",
    );
    reached(
        "        workgroupBarrier();",
        "        if workgroupUniformLoad(&tile[0]) > 0.0 { workgroupBarrier(); }",
    );
    reached(
        "        workgroupBarrier();",
        "        if own > 7 { tile[0] = 0.0; }\n        workgroupBarrier();",
    );
    reached(
        "        workgroupBarrier();",
        "        for (var i = own; i < 7; i++) { }\n        workgroupBarrier();",
    );
    let calls = trial(|t| {
        t.replace(
            "        workgroupBarrier();",
            "        if half(start) > 7 { wait(start); }",
        );
        t.source += "fn half(i: u32) -> u32 { return i / 2; } fn wait(i: u32) { if i > 7 { workgroupBarrier(); } }";
    });
    calls.verdict().unwrap();
    let inputs = trial(|t| {
        t.replace(
            "@builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32>,",
            "its: Its",
        );
        t.replace(
            "    for (var",
            "    let own = its.own;\n    let group = its.group;\n    for (var",
        );
        t.source += "struct Its { @builtin(local_invocation_index) own: u32, @builtin(workgroup_id) group: vec3<u32> }";
    });
    inputs.verdict().unwrap();
}
