//! A drawing before layout: blocks in a column, and the edges between them.

/// One column of a drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Diagram {
    /// The heading; empty for the network itself.
    pub(super) title: String,
    /// From the input down to the output.
    pub(super) blocks: Vec<Block>,
    /// Sorted, without duplicates.
    pub(super) edges: Vec<Edge>,
}

/// One box.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    /// The name next to the box.
    pub(super) name: String,
    /// The operations: several rows if the block is a sum, each with its own input.
    pub(super) rows: Vec<Row>,
    /// A small note at the right, such as the shape of the value.
    pub(super) note: String,
    /// Determines the colour.
    pub(super) family: Family,
    /// A reduction of its value, and of all earlier values that are still needed, before they are
    /// read.
    pub(super) cut: Option<String>,
}

/// One line in a box.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// The op as text.
    pub(super) label: String,
    /// A small note at the right in a box with several rows: the source of the row's input.
    pub(super) note: String,
    /// Determines the row's colour, shown as a chip in a box with several rows.
    pub(super) family: Family,
}

/// A block that reads the value of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    /// The block that is read.
    pub(super) from: usize,
    /// The reading block.
    pub(super) to: usize,
    /// The reading row; 0 in a block of one row.
    pub(super) row: usize,
}

/// The kind of operation of a block. There are few, so that the colours remain easy to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    /// A convolution over space and channels.
    Convolution,
    /// A depthwise convolution, with or without the pointwise one.
    Separable,
    /// Average or maximum over a window.
    Pool,
    /// Matrix products and elementwise functions.
    Dense,
    /// Structure without computation: merging values, identities, whole cells.
    Structure,
    /// Inputs.
    Data,
}

impl Family {
    /// Families in the legend, in its order.
    pub(super) const EXPLAINED: [Family; 5] = [
        Family::Convolution,
        Family::Separable,
        Family::Pool,
        Family::Dense,
        Family::Structure,
    ];

    /// The class name in the style sheet.
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

    /// The label in the legend.
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
