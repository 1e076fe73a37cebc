use supernet_plugin::{
    BuildError, Built, Config, Conv, DecisionRef, Fact, Field, Pad, Pooling, Space, SpaceEntry,
    Tensor, inventory,
};

/// The operations of an edge, in published order and spelt as in the table.
const OPS: [&str; 5] = [
    "none",
    "skip_connect",
    "nor_conv_1x1",
    "nor_conv_3x3",
    "avg_pool_3x3",
];

/// The number of nodes of a cell, including its input.
const NODES: usize = 4;

/// The multiple of the initial number of channels, stage by stage. Each stage except the first
/// starts with a block that halves the image.
const STAGES: [u32; 3] = [1, 2, 4];

inventory::submit! {
    SpaceEntry {
        name: "nasbench201",
        summary: "a cell of four nodes with an operation on each of its six edges, stacked (NAS-Bench-201)",
        fields: || vec![
            Field::int("channels", 16, 1..=1024, "channels of the first stage, doubled twice; 16 in the paper"),
            Field::int("cells", 5, 1..=32, "how many cells each of the three stages has; 5 in the paper"),
            Field::from_data("image", Fact::Shape, "a sample's height, width and channels"),
            Field::from_data("classes", Fact::Classes, "how many classes there are"),
        ],
        build: |config| nasbench201(&Nasbench201::from_config(config)?),
    }
}

/// The config of `nasbench201`.
#[derive(Clone, Debug, PartialEq)]
pub struct Nasbench201 {
    /// Channels of the first stage; doubled twice.
    pub channels: u32,
    /// The number of cells in each of the three stages.
    pub cells: usize,
    /// `[height, width, channels]`.
    pub image: Vec<u32>,
    /// The number of classes.
    pub classes: u32,
}

impl Nasbench201 {
    fn from_config(config: &Config) -> Result<Self, BuildError> {
        Ok(Nasbench201 {
            channels: config.size("channels")?,
            cells: config.size("cells")? as usize,
            image: config.sizes("image")?,
            classes: config.size("classes")?,
        })
    }
}

/// The decisions of the cell: for each node except the first, one operation per earlier node. All
/// cells use the same decisions.
struct Cell<'s> {
    edges: Vec<Vec<DecisionRef<'s>>>,
}

impl<'s> Cell<'s> {
    /// In the order of the table's strings: `|1 from 0|+|2 from 0|2 from 1|+|3 from 0|3 from 1|3
    /// from 2|`.
    fn decide(s: &'s Space) -> Self {
        let into = |to: usize| {
            (0..to)
                .map(|from| s.op(format!("edge{to}.{from}"), &OPS))
                .collect()
        };
        Cell {
            edges: (1..NODES).map(into).collect(),
        }
    }

    /// The last node of the cell. A node is the sum of its edges; every edge has separate weights.
    fn build(&self, s: &'s Space, input: Tensor<'s>) -> Tensor<'s> {
        let (mut h, mut last) = (vec![input], input);
        for (to, edges) in (1..).zip(&self.edges) {
            let parts: Vec<_> = edges
                .iter()
                .zip(&h)
                .enumerate()
                .map(|(from, (op, x))| {
                    s.scope(format!("edge{to}.{from}"), || s.choose(*op, &edge(s, *x)))
                })
                .collect();
            last = s.sum(&parts);
            h.push(last);
        }
        last
    }
}

/// The operations of an edge, applied to a value.
fn edge<'s>(s: &'s Space, x: Tensor<'s>) -> [Tensor<'s>; 5] {
    OPS.map(|name| {
        s.scope(name, || match name {
            "none" => x.zero(1),
            "skip_connect" => x,
            "nor_conv_1x1" => normal(x, Conv::new(1), x.channels()),
            "nor_conv_3x3" => normal(x, Conv::new(3), x.channels()),
            _ => x.avg_pool(3),
        })
    })
}

/// ReLU, convolution, batch norm.
fn normal<'s>(x: Tensor<'s>, conv: Conv, filters: u32) -> Tensor<'s> {
    x.relu().conv2d(conv, filters).norm()
}

/// The residual block between stages. Its shortcut is a 2x2 mean with a 1x1 convolution, without
/// batch norm.
fn reduce<'s>(s: &'s Space, x: Tensor<'s>, filters: u32) -> Tensor<'s> {
    let y = normal(
        normal(x, Conv::new(3).stride(2), filters),
        Conv::new(3),
        filters,
    );
    // Even sides need no padding; on odd ones, a mean at the edge is over the valid positions, so
    // that both paths have the same size.
    let shortcut = x
        .pool(Pooling::Average, 2, 2, Pad::SameUpper)
        .conv(1, filters);
    s.sum(&[y, shortcut])
}

/// The space of NAS-Bench-201: a genome is one operation for each of the six edges of a cell, in
/// the order of the table's strings (15,625 genomes). Joined in that order, the labels are a key of
/// the table.
///
/// The structure follows section 2.1 and figure 1 of the paper, and its released code: a stem, then
/// three stages of cells with a residual block of stride 2 between them, then batch norm, ReLU, the
/// mean over all positions and a linear layer. Averages count valid positions only. The number of
/// parameters in the table is [`Count::Chosen`](supernet_plugin::Count::Chosen): it includes ops
/// that no longer reach the output because another edge is `none`. The controller decides edge by
/// edge and shares one table of operations among all edges, like the ENAS baseline of the released
/// code.
pub fn nasbench201(config: &Nasbench201) -> Built {
    let &Nasbench201 {
        channels,
        cells,
        ref image,
        classes,
    } = config;
    if cells == 0 {
        return Err(BuildError::refused(
            "a stage has 0 cells, and needs at least 1",
        ));
    }
    supernet_plugin::check_image(image, STAGES.len() as u32 - 1)?;

    let s = Space::new("nasbench201");
    let cell = Cell::decide(&s);
    let mut x = s.scope("stem", || s.input("image", image).conv(3, channels).norm());
    for (n, times) in STAGES.into_iter().enumerate() {
        x = s.scope(format!("stage{n}"), || {
            let mut x = x;
            if n > 0 {
                x = s.scope("reduce", || reduce(&s, x, channels.saturating_mul(times)));
            }
            for i in 0..cells {
                x = s.scope(format!("cell{i}"), || cell.build(&s, x));
            }
            x
        });
    }
    s.scope("head", || {
        s.output(x.norm().relu().global_avg_pool().linear(classes, true))
    });
    s.finish()
}
