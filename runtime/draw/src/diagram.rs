//! What is drawn, before anybody has thought about where: blocks in a column, and who reads whom.

/// One column of a drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Diagram {
    /// Its heading; empty for the network itself.
    pub(super) title: String,
    /// From the input down to the output.
    pub(super) blocks: Vec<Block>,
    /// Each once, ascending.
    pub(super) edges: Vec<Edge>,
}

/// One box.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    /// Which one it is, beside the box.
    pub(super) name: String,
    /// What it does; several rows where it adds up several things, each with its own input.
    pub(super) rows: Vec<Row>,
    /// What stands small at the right, such as the shape of its value.
    pub(super) note: String,
    /// What colour it has.
    pub(super) family: Family,
    /// What happens to its value, and to all values before it that are still needed, before anybody
    /// reads them: a reduction.
    pub(super) cut: Option<String>,
}

/// One line in a box.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// The op in words.
    pub(super) label: String,
    /// What stands small at the right of a box with several rows: where the row's input comes from.
    pub(super) note: String,
    /// The row's colour, shown as a spot in a box of several rows.
    pub(super) family: Family,
}

/// A block reads another one's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    /// The block that is read.
    pub(super) from: usize,
    /// The block that reads.
    pub(super) to: usize,
    /// The row that reads; 0 in a block of one row.
    pub(super) row: usize,
}

/// What kind of thing a block does. There are few, so that every one has a colour that everybody
/// can tell from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    /// A convolution over space and channels.
    Convolution,
    /// A depthwise convolution, with or without the pointwise one.
    Separable,
    /// Average or maximum over a window.
    Pool,
    /// Matrix products and functions per element.
    Dense,
    /// Several values into one, identities, whole cells: structure, not work.
    Structure,
    /// What comes in.
    Data,
}

impl Family {
    /// Those that a legend explains, in its order.
    pub(super) const EXPLAINED: [Family; 5] = [
        Family::Convolution,
        Family::Separable,
        Family::Pool,
        Family::Dense,
        Family::Structure,
    ];

    /// Its name in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Family::Convolution => "conv",
            Family::Separable => "sep",
            Family::Pool => "pool",
            Family::Dense => "dense",
            Family::Structure => "plain",
            Family::Data => "data",
        }
    }

    /// Its name in the legend.
    pub(super) fn label(self) -> &'static str {
        match self {
            Family::Convolution => "convolution",
            Family::Separable => "separable convolution",
            Family::Pool => "pooling",
            Family::Dense => "linear, activation",
            Family::Structure => "identity, structure",
            Family::Data => "data",
        }
    }
}

impl Block {
    /// A block of one row.
    pub(super) fn new(name: impl Into<String>, label: impl Into<String>, family: Family) -> Self {
        let row = Row {
            label: label.into(),
            note: String::new(),
            family,
        };
        Block {
            name: name.into(),
            rows: vec![row],
            note: String::new(),
            family,
            cut: None,
        }
    }
}
