//! Nodes with custom ops in whole programs, compared with the same network of built-in ops.

mod scaled;

use std::sync::Arc;

use supernet_plugin::Operand::*;
use supernet_plugin::{
    Built, CustomOp, Dim, Form, Init, Kernel, Length, Op, Pad, Space, Supergraph,
};
use supernet_shaders::catalogue::CpuKernel;
use supernet_shaders::random::{Random, RngStream};
use supernet_shaders::{Call, Step};

use super::CustomOps;
use crate::device::cpu::Cpu;
use crate::device::{Device, DeviceError, Inputs, Minibatch, Samples};
use crate::program::{Context, Input, MemoryPlan, Method, Optimizer, Penalties, Program};
use crate::weights::{Layout, Weights};
use scaled::{Scaled, scaled};

const IMAGE: [u32; 3] = [4, 3, 2];
const BATCH: u32 = 8;

/// A network that uses the op several times, with one weight per channel.
fn custom() -> Built {
    let s = Space::new("custom");
    s.define_op(scaled());
    let weights = [2, 4, 4].into_iter().enumerate();
    let weights: Vec<_> = weights
        .map(|(i, c)| s.weights(format!("scale{i}"), &[c], Init::Ones))
        .collect();
    let scale = |x, i: usize| s.custom("scaled", &[x], &[weights[i]], Default::default());
    // On the images, whose gradient is not needed.
    let x = scale(s.input("image", &IMAGE), 0).conv(3, 4).norm().relu();
    // The same weights twice, and one value read twice.
    let y = s.sum(&[scale(x, 1), scale(scale(x, 1), 2), x]);
    s.output(y.global_avg_pool().linear(3, true));
    s.finish()
}

/// The same network with depthwise 1x1 convolutions in place of the op.
fn built_in() -> Built {
    let mut space = custom()?;
    space.ops.clear();
    for node in space
        .nodes
        .iter_mut()
        .filter(|node| matches!(node.op, Op::Custom { .. }))
    {
        node.op = Op::DepthwiseConv2d {
            stride: 1,
            dilation: 1,
            pad: Pad::Same,
        };
    }
    for param in space
        .params
        .iter_mut()
        .filter(|param| param.id.starts_with("scale"))
    {
        param.shape = [Dim::Fixed(1), Dim::Fixed(1)]
            .into_iter()
            .chain(param.shape.clone())
            .collect();
    }
    Ok(space)
}

struct Setup {
    supergraph: Supergraph,
    layout: Arc<Layout>,
    custom: CustomOps,
}

impl Setup {
    fn new(space: Built, cpu_kernel: Option<&'static dyn CpuKernel>) -> Self {
        let supergraph = Supergraph::new(space.unwrap()).unwrap();
        let layout = Arc::new(Layout::new(&supergraph).unwrap());
        let custom = CustomOps::new(supergraph.space(), |_| cpu_kernel).unwrap();
        Self {
            supergraph,
            layout,
            custom,
        }
    }

    fn context(&self) -> Context<'_> {
        let Self {
            supergraph,
            layout,
            custom,
        } = self;
        Context {
            supergraph,
            custom,
            layout,
            input: Input::Image(IMAGE),
            classes: 3,
            batch: BATCH,
        }
    }

    fn program(&self) -> Program {
        let sgd = Optimizer {
            method: Method::Sgd {
                momentum: 0.9,
                nesterov: true,
            },
            weight_decay: 1e-3,
            clip: 5.0,
            everywhere: false,
            smoothing: 0.0,
            auxiliary: 0.0,
            drop_path: false,
            penalties: Penalties::default(),
        };
        Program::training(self.context(), &self.supergraph.child(&[]).unwrap(), &sgd).unwrap()
    }

    /// The losses of some steps on a device, and the weights afterwards.
    fn train(&self, device: &mut dyn Device) -> (Vec<f32>, Vec<Vec<f32>>) {
        let (mut random, mut losses, mut samples) = (
            Random::new(4, RngStream::Test(0)),
            vec![],
            Samples::default(),
        );
        let images: Vec<f32> = (0..BATCH * IMAGE.iter().product::<u32>())
            .map(|_| random.normal())
            .collect();
        let labels: Vec<u32> = (0..BATCH).map(|_| random.below(3)).collect();
        let mut weights = Weights::new(&self.supergraph, Arc::clone(&self.layout), 1, 3);
        let program = self.program();
        for number in 1..=5 {
            let minibatch = Minibatch {
                inputs: Inputs::Pixels(&images),
                targets: &labels,
                mixture: &[],
            };
            device
                .train(
                    &program,
                    &mut weights,
                    minibatch,
                    &Step {
                        rate: 0.1,
                        number,
                        update: number,
                        seed: 0,
                        drop_path: 0.0,
                    },
                )
                .unwrap();
            device.samples(&mut samples).unwrap();
            losses.extend_from_slice(&samples.loss);
        }
        device.fetch(&mut weights).unwrap();
        let params = (0..self.layout.len() as u32)
            .map(|p| weights.parameter(p).to_vec())
            .collect();
        (losses, params)
    }
}

/// The CPU, and every available adapter.
fn devices() -> Vec<Box<dyn Device>> {
    let cpu: Box<dyn Device> = Box::new(Cpu::new(1).unwrap());
    #[cfg(feature = "gpu")]
    let gpus = crate::device::gpu::adapters().into_iter();
    #[cfg(feature = "gpu")]
    let gpus = gpus.map(|adapter| {
        Box::new(crate::device::gpu::Gpu::new(&adapter).unwrap()) as Box<dyn Device>
    });
    #[cfg(not(feature = "gpu"))]
    let gpus = std::iter::empty();
    std::iter::once(cpu).chain(gpus).collect()
}

#[test]
fn a_space_trains_with_its_own_op_as_with_one_that_is_built_in() {
    let (own, ours) = (
        Setup::new(custom(), Some(&Scaled)),
        Setup::new(built_in(), None),
    );
    let (wanted, wanted_weights) = ours.train(&mut Cpu::new(1).unwrap());
    let close = |a: &[f32], b: &[f32]| {
        a.iter()
            .zip(b)
            .all(|(a, b)| (a - b).abs() <= 1e-5 * (1.0 + b.abs()))
    };
    for mut device in devices() {
        let (losses, weights) = own.train(&mut *device);
        assert!(
            close(&losses, &wanted),
            "{}: {losses:?} for {wanted:?}",
            device.name()
        );
        assert_eq!(weights.len(), wanted_weights.len());
        for (got, wanted) in weights.iter().zip(&wanted_weights) {
            assert!(
                close(got, wanted),
                "{}: {got:?} for {wanted:?}",
                device.name()
            );
        }
        assert!(
            weights[0].iter().all(|x| (x - 1.0).abs() > 1e-4),
            "the scales learn: {:?}",
            weights[0]
        );
    }
    // Unneeded gradients are not computed.
    let names: Vec<_> = own
        .program()
        .calls
        .iter()
        .map(|bound| format!("{:?}", bound.call))
        .collect();
    let count = |kernel: &str| {
        names
            .iter()
            .filter(|name| name.contains(&format!("scaled, {kernel}")))
            .count()
    };
    assert_eq!(
        ["copy1", "scale2", "sums", "param"].map(count),
        [4, 7, 4, 4]
    );
}

#[test]
fn without_a_function_for_the_cpu_the_device_says_so() {
    let setup = Setup::new(custom(), None);
    let (program, mut plan) = (setup.program(), MemoryPlan::default());
    plan.add(&program);
    let mut weights = Weights::new(&setup.supergraph, Arc::clone(&setup.layout), 1, 3);
    let mut cpu = Cpu::new(1).unwrap();
    let refused = cpu.reserve(&plan, &weights).unwrap_err().to_string();
    assert!(
        refused.contains("the op `scaled` has no CPU function, so the CPU device cannot run it"),
        "{refused}"
    );
    let images = vec![0.0; program.inputs];
    let minibatch = Minibatch {
        inputs: Inputs::Pixels(&images),
        targets: &[0; BATCH as usize],
        mixture: &[],
    };
    let refused = cpu.train(
        &program,
        &mut weights,
        minibatch,
        &Step {
            rate: 0.1,
            number: 1,
            update: 1,
            seed: 0,
            drop_path: 0.0,
        },
    );
    assert!(matches!(refused, Err(DeviceError::NoCpuKernel { .. })));
}

#[test]
fn what_only_a_backward_kernel_reads_is_not_fused_away() {
    let source = "
        @group(0) @binding(2) var<storage, read_write> y: array<f32>;
        @group(0) @binding(3) var<storage, read> x: array<f32>;
        @compute @workgroup_size(1) fn one() { y[0] = 1.0; }
        @compute @workgroup_size(1) fn by_x() { y[0] = x[0]; }";
    let op = CustomOp::kernels("late", source)
        .forward(Kernel::fixed("one", [1, 1, 1]).bind(2, Output))
        .backward(
            Kernel::fixed("by_x", [1, 1, 1])
                .bind(3, Input(0))
                .bind(2, GradInput(0)),
        );
    let s = Space::new("late");
    s.define_op(op);
    let x = s.input("image", &IMAGE).conv(3, 4).norm();
    s.output(
        s.sum(&[x.relu(), x.custom("late")])
            .global_avg_pool()
            .linear(3, true),
    );
    let program = Setup::new(s.finish(), None).program();
    let fused =
        |bound: &crate::program::Bound| matches!(bound.call, Call::BatchNorm(norm) if norm.relu);
    assert!(
        !program.calls.iter().any(fused),
        "the custom op's gradient reads what batch norm gives"
    );
}

#[test]
fn sizes_without_measure_are_refused_or_counted_without_harm() {
    let mut op = scaled();
    op.macs_per_output = u64::MAX;
    op = op.saved(Length::PerSample(u32::MAX));
    let kernels = match &mut op.form {
        Form::Kernels(kernels) => kernels,
        Form::PerElement => panic!("it has kernels"),
    };
    // Written by the first kernel and read by the last.
    kernels.forward[0].bindings.push(supernet_plugin::Binding {
        binding: 6,
        operand: Saved(1),
    });
    kernels.backward[2].bindings.push(supernet_plugin::Binding {
        binding: 7,
        operand: Saved(1),
    });
    op.wgsl += "
        @group(0) @binding(6) var<storage, read_write> e: array<f32>;
        @group(0) @binding(7) var<storage, read> f: array<f32>;";
    op.wgsl = op
        .wgsl
        .replace("d[i] = a[i]; }", "d[i] = a[i]; e[i] = 0.0; }")
        .replace("c[i] = a[i]; }", "c[i] = a[i] + 0.0 * f[i]; }");
    let s = Space::new("large");
    s.define_op(op);
    let weights = s.weights("scale", &[2], Init::Ones);
    let x = s.custom(
        "scaled",
        &[s.input("image", &IMAGE)],
        &[weights],
        Default::default(),
    );
    s.output(x.global_avg_pool().linear(3, true));
    let setup = Setup::new(s.finish(), None);
    let refused = Program::scoring(setup.context(), &setup.supergraph.child(&[]).unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("has 34359738360 numbers in a batch of 8"),
        "{refused}"
    );
}
