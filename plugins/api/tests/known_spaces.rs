//! Spaces from other papers, checked against published counts: sums that drop zeros, and sizes that
//! decisions pick.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use supernet_plugin::{Built, Conv, Count, Init, Pad, Pooling, Space, Supergraph};

/// NAS-Bench-201 (Dong and Yang 2020), 16 channels, 5 cells per stage.
fn nas_bench_201() -> Built {
    let s = Space::new("nas-bench-201");
    let ops = [
        "none",
        "skip_connect",
        "nor_conv_1x1",
        "nor_conv_3x3",
        "avg_pool_3x3",
    ];
    let edges: Vec<Vec<_>> = (1..4)
        .map(|j| (0..j).map(|i| s.op(format!("{i}->{j}"), &ops)).collect())
        .collect();
    let mut c = 16;
    let mut x = s.input("image", &[32, 32, 3]).conv(3, c).norm();
    for stage in 0..3 {
        if stage > 0 {
            c *= 2;
            let y = x
                .relu()
                .conv2d(Conv::new(3).stride(2), c)
                .norm()
                .relu()
                .conv(3, c)
                .norm();
            x = s.sum(&[y, x.pool(Pooling::Average, 2, 2, Pad::Valid).conv(1, c)]);
        }
        for _ in 0..5 {
            let mut h = vec![x];
            for decisions in &edges {
                let parts: Vec<_> = h
                    .iter()
                    .zip(decisions)
                    .map(|(t, decision)| {
                        let conv = |k| t.relu().conv(k, c).norm();
                        s.choose(*decision, &[t.zero(1), *t, conv(1), conv(3), t.avg_pool(3)])
                    })
                    .collect();
                h.push(s.sum(&parts));
            }
            x = h[3];
        }
    }
    s.output(x.norm().relu().global_avg_pool().linear(10, true));
    s.finish()
}

#[test]
fn zeros_count_as_chosen_but_do_not_run() {
    let graph = Supergraph::new(nas_bench_201().unwrap()).unwrap();
    assert_eq!(graph.total_params(), 1_699_546);
    assert_eq!(graph.size().exact(), Some(15_625));
    let counts = |genome: &[u32]| {
        let count = |what| graph.count(genome, what).unwrap();
        (
            count(Count::Chosen),
            count(Count::Live),
            graph.macs(genome).unwrap(),
        )
    };
    assert_eq!(counts(&[3; 6]), (1_531_546, 1_531_546, 220_119_680));
    assert_eq!(counts(&[0; 6]), (73_306, 778, 640));
    assert_eq!(counts(&[1, 0, 2, 0, 4, 0]), (101_306, 73_306, 7_783_040));
    assert_eq!(
        graph.canonical(&[1, 0, 2, 0, 4, 0]).unwrap(),
        [1, 0, 0, 0, 4, 0]
    );
    assert_eq!(counts(&[0, 0, 3, 1, 0, 0]), (316_346, 73_306, 7_783_040));
    assert_eq!(
        graph.canonical(&[0, 0, 3, 1, 0, 0]).unwrap(),
        [0, 0, 0, 1, 0, 0]
    );
    assert_eq!(
        [
            graph.child(&[3; 6]).unwrap().len(),
            graph.child(&[0, 0, 3, 1, 0, 0]).unwrap().len()
        ],
        [325, 25]
    );
    let cut = graph.child(&[0; 6]).unwrap();
    assert_eq!(
        cut.op_node(0).op.name(),
        "zero",
        "nothing of the image arrives"
    );
}

fn divisible(n: u32) -> u32 {
    let rounded = ((n + 4) / 8 * 8).max(8);
    if f64::from(rounded) < 0.9 * f64::from(n) {
        rounded + 8
    } else {
        rounded
    }
}

/// Once-for-All on MobileNetV3 (Cai et al. 2020): elastic resolution, depth, width and kernels.
fn once_for_all() -> Built {
    let s = Space::new("once-for-all");
    let resolution = s.value("resolution", &[128, 160, 192, 224]);
    let size = s.extent(resolution);
    let mut x = s
        .input("image", &[224, 224, 3])
        .resize(size, size)
        .conv2d(Conv::new(3).stride(2), 16)
        .norm()
        .act("hard_swish");
    x = s.sum(&[x, x.depthwise(3).norm().relu().conv(1, 16).norm()]);
    let units = [
        (24, 2, "relu", false),
        (40, 2, "relu", true),
        (80, 2, "hard_swish", false),
        (112, 1, "hard_swish", true),
        (160, 2, "hard_swish", true),
    ];
    for (u, (filters, stride, act, squeeze)) in units.into_iter().enumerate() {
        let depth = s.value(format!("unit{u}.depth"), &[2, 3, 4]);
        let mut exits = vec![];
        for b in 0..4u32 {
            let name = format!("unit{u}.block{b}");
            let used = depth.at_least(b + 1);
            let kernel = s
                .value(format!("{name}.kernel"), &[7, 5, 3])
                .active_if(used.clone());
            let expand = s
                .value(format!("{name}.expand"), &[3, 4, 6])
                .active_if(used);
            let stride = if b == 0 { stride } else { 1 };
            s.scope(&name, || {
                let sizes = [3, 4, 6].map(|e| x.channels() * e);
                let hidden = s.extent_of(format!("{name}.hidden"), expand, &sizes);
                let h = x.conv(1, hidden).norm().act(act);
                let shape = [7.into(), 7.into(), hidden];
                let w7 = s.weight(s.weights(format!("{name}.w7"), &shape, Init::He { fan_in: 49 }));
                let w5 = w7.crop(5).kernel_transform();
                let w3 = w5.crop(3).kernel_transform();
                let mut h = h
                    .depthwise_by(s.choose(kernel, &[w7, w5, w3]), stride)
                    .norm()
                    .act(act);
                if squeeze {
                    let few = s.extent_of(
                        format!("{name}.few"),
                        expand,
                        &sizes.map(|size| divisible(size / 4)),
                    );
                    let q = h
                        .global_avg_pool()
                        .linear(few, true)
                        .relu()
                        .linear(hidden, true)
                        .act("hard_sigmoid");
                    h = h.scale(q);
                }
                let y = h.conv(1, filters).norm();
                x = if stride == 1 && x.channels() == filters {
                    s.sum(&[y, x])
                } else {
                    y
                };
            });
            exits.push(x);
        }
        x = s.choose(depth, &exits[1..]);
    }
    let x = x
        .conv(1, 960)
        .norm()
        .act("hard_swish")
        .global_avg_pool()
        .linear(1280, false)
        .act("hard_swish");
    s.output(x.dropout(0.1).linear(1000, true));
    s.finish()
}

#[test]
fn sizes_follow_decisions() {
    let graph = Supergraph::new(once_for_all().unwrap()).unwrap();
    assert_eq!(graph.genome_len(), 46);
    assert_eq!(graph.total_params(), 7_678_880);
    assert_eq!(graph.size().to_string(), "11,817,250,826,203,334,794,572");
    let genome = |resolution, depth, kernel, expand| {
        let unit = || std::iter::once(depth).chain((0..4).flat_map(move |_| [kernel, expand]));
        std::iter::once(resolution)
            .chain((0..5).flat_map(|_| unit()))
            .collect::<Vec<u32>>()
    };
    let counts = |genome: &[u32]| {
        (
            graph.count(genome, Count::Live).unwrap(),
            graph.macs(genome).unwrap(),
        )
    };
    assert_eq!(counts(&genome(3, 2, 0, 2)), (7_664_760, 566_170_656));
    assert_eq!(counts(&genome(0, 0, 2, 0)), (3_500_412, 41_476_224));
    assert_eq!(counts(&genome(2, 1, 1, 1)), (4_667_151, 185_097_984));
}
