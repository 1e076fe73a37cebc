//! Ops that are linked into the program, on the CPU.

use supernet_plugin::{CpuOp, Operand, inventory};
use supernet_shaders::catalogue::Run;
use supernet_shaders::kernel::Kernel;

use crate::space::cpu::CpuOps;

inventory::submit! {
    CpuOp {
        op: "test-halve",
        run: |call| {
            assert!(call.batch() < 9, "nine is too many");
            let by = call.number("by")? as f32;
            call.per_element(|x| x / by, |_, _, gy| gy / by)
        },
    }
}

#[test]
fn a_linked_op_runs_on_the_cpu_and_its_panic_is_a_sentence() {
    let run = |ops: CpuOps, op: &'static str, attributes: &str, batch: u32| {
        let cpu_kernel = ops.cpu_kernel(op)?;
        let run = Run {
            op,
            name: "forward",
            kernel: Kernel::of_space(op, "", "forward", &[]),
            overrides: vec![],
            groups: [1; 3],
            dims: vec![batch, 0, 0, 0, 2, 1, 1, 1, 2, 1, 1, 1],
            roles: vec![],
            operands: [Operand::Input(0), Operand::Output]
                .map(Operand::code)
                .to_vec(),
            counts: [1, 0],
            attributes: attributes.to_owned(),
            work: 0,
            cpu_kernel: None,
        };
        let mut y = [0.0; 2];
        Some(
            cpu_kernel
                .run(&run, &[&[4.0, -6.0]], &mut [&mut y])
                .map(|()| y),
        )
    };
    assert_eq!(
        run(CpuOps::Linked, "test-halve", r#"{"by":2.0}"#, 1),
        Some(Ok([2.0, -3.0]))
    );
    let lacking = run(CpuOps::Linked, "test-halve", "{}", 1)
        .unwrap()
        .unwrap_err();
    assert!(
        lacking.starts_with("the node has no attribute `by`"),
        "{lacking}"
    );
    let panicked = run(CpuOps::Linked, "test-halve", r#"{"by":2.0}"#, 9)
        .unwrap()
        .unwrap_err();
    assert_eq!(panicked, "it panicked, and said: nine is too many");
    assert_eq!(run(CpuOps::Linked, "test-third", "{}", 1), None);
    assert_eq!(run(CpuOps::None, "test-halve", "{}", 1), None);
}
