use supernet_plugin::{BuildError, Built, Config, Fact, Field, Space, Tensor};

use crate::Form;

/// The network in which the cells are stacked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CellNetwork {
    pub(crate) cells: usize,
    pub(crate) channels: u32,
    pub(crate) form: Form,
    pub(crate) image: Vec<u32>,
    pub(crate) classes: u32,
}

/// The two kinds of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Keeps the size of the image.
    Normal,
    /// Halves the image.
    Reduce,
}

impl Kind {
    pub(crate) const BOTH: [Kind; 2] = [Kind::Normal, Kind::Reduce];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Normal => "normal",
            Kind::Reduce => "reduce",
        }
    }
}

impl CellNetwork {
    pub(crate) fn fields() -> Vec<Field> {
        vec![
            Form::field(),
            Field::int(
                "cells",
                8,
                1..=60,
                "how many cells, two of which halve the image; 8 and 20 in the DARTS paper",
            ),
            Field::int(
                "channels",
                16,
                1..=2048,
                "channels of a node in the first cells, doubled twice; 16 and 36 in the paper",
            ),
            Field::from_data(
                "image",
                Fact::Shape,
                "a sample's height, width and channels",
            ),
            Field::from_data("classes", Fact::Classes, "how many classes there are"),
        ]
    }

    pub(crate) fn from_config(config: &Config) -> Result<Self, BuildError> {
        Ok(CellNetwork {
            cells: config.size("cells")? as usize,
            channels: config.size("channels")?,
            form: Form::from_config(config)?,
            image: config.sizes("image")?,
            classes: config.size("classes")?,
        })
    }

    /// The kind of a cell, counted from 0: those at a third and two thirds halve the image.
    fn kind(&self, cell: usize) -> Kind {
        if cell == self.cells / 3 || cell == 2 * self.cells / 3 {
            Kind::Reduce
        } else {
            Kind::Normal
        }
    }

    /// Checks what can be checked before anything is built.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if self.cells == 0 {
            return Err(BuildError::refused(
                "the network has 0 cells, and needs at least 1",
            ));
        }
        let halvings = (0..self.cells)
            .filter(|&cell| self.kind(cell) == Kind::Reduce)
            .count();
        supernet_plugin::check_image(&self.image, halvings as u32)
    }

    /// Stacks cells between stem and head. A cell reads the outputs of the two cells before it,
    /// projected to its number of channels.
    ///
    /// As in the released DARTS code, the stem has three times as many channels; a value from
    /// before a reduction is halved by a factorised reduction, any other is projected by ReLU, a
    /// 1x1 convolution and batch norm; the head has no ReLU.
    pub(crate) fn stack<'s>(
        &self,
        s: &'s Space,
        cell: impl Fn(Kind, [Tensor<'s>; 2]) -> Tensor<'s>,
    ) -> Built {
        let form = self.form;
        let mut channels = self.channels;
        let stem = || {
            s.input("image", &self.image)
                .conv(3, channels.saturating_mul(3))
                .norm()
        };
        let stem = s.scope("stem", stem);
        let (mut before, mut last) = (stem, stem);
        for l in 0..self.cells {
            let kind = self.kind(l);
            if kind == Kind::Reduce {
                channels = channels.saturating_mul(2);
            }
            s.scope(format!("cell{l}"), || {
                let fit = |x: Tensor<'s>| form.norm(x.relu().conv(1, channels));
                let halve = |x: Tensor<'s>| form.norm(x.relu().factorized_halves(channels));
                let a = s.scope("in0", || {
                    if before.height() == last.height() {
                        fit(before)
                    } else {
                        halve(before)
                    }
                });
                let b = s.scope("in1", || fit(last));
                (before, last) = (last, cell(kind, [a, b]));
            });
        }
        s.scope("head", || {
            s.output(last.global_avg_pool().linear(self.classes, true))
        });
        s.finish()
    }
}
