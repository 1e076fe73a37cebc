//! A plugin for the tests that does everything wrong: one space for each kind of error.

use std::io::Write;

use supernet_plugin::{
    BuildError, Built, CpuOp, CustomOp, Field, Node, Op, Setting, Space, SpaceEntry, inventory,
};

supernet_plugin::export_plugin!();

const fn entry(name: &'static str, build: fn(&supernet_plugin::Config) -> Built) -> SpaceEntry {
    SpaceEntry {
        name,
        summary: "",
        fields,
        build,
    }
}

fn fields() -> Vec<Field> {
    vec![Field::int("layers", 2, 1..=4, "nothing")]
}

fn sound(op: CustomOp) -> Built {
    let s = Space::new("sound");
    let name = op.name.clone();
    s.define_op(op);
    let x = s.input("image", &[8, 8, 1]).conv(3, 4).norm().custom(&name);
    s.output(x.global_avg_pool().linear(10, true));
    s.finish()
}

fn identity(name: &str) -> CustomOp {
    CustomOp::per_element(
        name,
        "fn f(x: f32) -> f32 { return x; } fn df(x: f32, y: f32, gy: f32) -> f32 { return gy; }",
    )
}

inventory::submit! { entry("panics", |_| panic!("nobody told me what to do")) }
inventory::submit! { entry("aborts", |_| std::process::abort()) }
inventory::submit! { entry("exits", |_| std::process::exit(0)) }
inventory::submit! {
    entry("babbles", |_| {
        std::io::stdout().write_all(b"\xff\xfe\n").map_err(|error| BuildError::refused(error.to_string()))?;
        loop {
            std::thread::park();
        }
    })
}
inventory::submit! {
    entry("hangs", |_| loop {
        std::thread::park();
    })
}
inventory::submit! {
    entry("broken-graph", |_| {
        let mut space = sound(identity("identity"))?;
        space.nodes.reverse();
        Ok(space)
    })
}
inventory::submit! {
    entry("huge", |_| {
        let mut space = sound(identity("identity"))?;
        space.summary = "x".repeat(80 << 20);
        Ok(space)
    })
}
inventory::submit! {
    entry("many-nodes", |_| {
        let mut space = sound(identity("identity"))?;
        let node = |_| Node { id: "n".into(), op: Op::Concat, inputs: vec![], params: vec![], block: None };
        space.nodes = (0..1_100_000).map(node).collect();
        Ok(space)
    })
}
inventory::submit! {
    entry("deep", |_| {
        let mut space = sound(identity("identity"))?;
        let mut setting = Setting::Int(0);
        for _ in 0..200 {
            setting = Setting::List(vec![setting]);
        }
        let Op::Custom { attributes, .. } = &mut space.nodes[3].op else { return Ok(space) };
        attributes.insert("deep".into(), setting);
        Ok(space)
    })
}
inventory::submit! { entry("cpu-panics", |_| sound(identity("cpu-panics"))) }
inventory::submit! { entry("cpu-aborts", |_| sound(identity("cpu-aborts"))) }
inventory::submit! { entry("cpu-differs", |_| sound(identity("cpu-differs"))) }
inventory::submit! {
    entry("cpu-gradient-differs", |_| {
        let small = "fn f(x: f32) -> f32 { return 1e-4 * x; } fn df(x: f32, y: f32, gy: f32) -> f32 { return gy; }";
        sound(CustomOp::per_element("cpu-gradient-differs", small).surrogate())
    })
}
inventory::submit! { entry("cpu-refuses", |_| sound(identity("cpu-refuses"))) }

inventory::submit! { CpuOp { op: "cpu-panics", run: |_| panic!("this was not in the plan") } }
inventory::submit! { CpuOp { op: "cpu-aborts", run: |_| std::process::abort() } }
inventory::submit! { CpuOp { op: "cpu-differs", run: |call| call.per_element(|x| x + 1.0, |_, _, gy| gy) } }
inventory::submit! {
    CpuOp { op: "cpu-gradient-differs", run: |call| call.per_element(|x| 1e-4 * x, |_, _, gy| -100.0 * gy) }
}
inventory::submit! { CpuOp { op: "cpu-refuses", run: |_| Err("it does not feel like it".into()) } }
