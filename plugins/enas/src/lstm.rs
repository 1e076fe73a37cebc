use supernet_plugin::{
    BuildError, Built, Config, Fact, Field, Init, Per, Space, SpaceEntry, inventory,
};

use crate::recurrent::dropped;

inventory::submit! {
    SpaceEntry {
        name: "lstm",
        summary: "one network, an LSTM: what cells of enas-recurrent are measured against (Hochreiter and Schmidhuber 1997)",
        fields: || vec![
            Field::int("hidden", 200, 1..=65_536, "width of state and cell"),
            Field::float("drop_words", 0.0, 0.0..=0.9, "share of the words that are dropped from a window, wherever they stand"),
            Field::float("drop_inputs", 0.0, 0.0..=0.9, "dropout on what the cell reads, one mask for all steps"),
            Field::float("drop_outputs", 0.0, 0.0..=0.9, "dropout on what the cell gives, one mask for all steps"),
            Field::from_data("vocabulary", Fact::Vocabulary, "how many tokens there are"),
        ],
        build: |config| lstm(&Lstm::from_config(config)?),
    }
}

/// The config of `lstm`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lstm {
    /// The width of state and cell.
    pub hidden: u32,
    /// The fraction of the words of a window that are dropped at all their positions (Gal and
    /// Ghahramani 2016, §4.2).
    pub drop_words: f32,
    /// Dropout on the inputs of the cell, with one mask for all steps (Gal and Ghahramani 2016,
    /// §3.2).
    pub drop_inputs: f32,
    /// Dropout on the outputs of the cell, likewise.
    pub drop_outputs: f32,
    /// The number of tokens.
    pub vocabulary: u32,
}

impl Lstm {
    fn from_config(config: &Config) -> Result<Self, BuildError> {
        Ok(Lstm {
            hidden: config.size("hidden")?,
            drop_words: config.float("drop_words")? as f32,
            drop_inputs: config.float("drop_inputs")? as f32,
            drop_outputs: config.float("drop_outputs")? as f32,
            vocabulary: config.size("vocabulary")?,
        })
    }
}

/// A language model with one LSTM layer with a forget gate (Hochreiter and Schmidhuber 1997; Gers
/// et al. 2000), without biases, peepholes or projections, whose embedding is also its decoder, as
/// in the cells of `enas-recurrent`. It has no decisions: its genome is empty.
///
/// The weights of the cell are 8 H² numbers for H units; those of an ENAS cell with N nodes in use
/// are 2 (N + 1) H².
pub fn lstm(config: &Lstm) -> Built {
    let &Lstm {
        hidden, vocabulary, ..
    } = config;
    let s = Space::new("lstm");
    let uniform = Init::Uniform { bound: 0.025 };
    let words = s.weights("words", &[vocabulary, hidden], uniform);
    let gates = s.weights(
        "gates",
        &[hidden.saturating_mul(2), hidden.saturating_mul(4)],
        uniform,
    );

    let x = dropped(
        s.tokens("tokens").embed_by(words),
        config.drop_words,
        Per::Token,
    );
    let x = dropped(x, config.drop_inputs, Per::Sequence);
    let y = s.scan("cell", [x], |cell, [x]| {
        let [h, c] = ["h", "c"].map(|name| cell.carry_across_windows(name, &[hidden]));
        let all = s.concat(&[x, h]).linear_by(gates);
        let part = |n: u32| all.slice(n.saturating_mul(hidden), hidden);
        let [input, forget, output] = [0, 1, 2].map(|n| part(n).act("sigmoid"));
        let next = s.sum(&[forget.multiply(c), input.multiply(part(3).act("tanh"))]);
        let y = output.multiply(next.act("tanh"));
        cell.next(h, y);
        cell.next(c, next);
        y
    });
    let y = dropped(y, config.drop_outputs, Per::Sequence);
    s.output(y.linear_transposed_by(words));
    s.finish()
}
