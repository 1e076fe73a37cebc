use supernet_plugin::{
    BuildError, Built, Config, DecisionRef, Fact, Field, Init, Per, Space, SpaceEntry, Tensor,
    When, inventory,
};

/// The activations of a node, in published order.
const ACTIVATIONS: [&str; 4] = ["tanh", "relu", "identity", "sigmoid"];

inventory::submit! {
    SpaceEntry {
        name: "enas-recurrent",
        summary: "recurrent cells: an earlier node and an activation per node, with highway connections (ENAS 2.1)",
        fields: || vec![
            Field::int("nodes", 12, 1..=64, "how many nodes the cell has; 12 in the paper"),
            Field::int("hidden", 200, 1..=65_536, "the state's width; 200 while searching in the released code"),
            Field::one_of(
                "mean",
                &["loose-ends", "all-but-first"],
                "the nodes whose mean is the next state: those that no node reads (ENAS), or all but the first (DARTS)",
            ),
            Field::flag("norm", false, "whether each next state is normalised over the batch, which keeps a search stable (ENAS appendix A)"),
            Field::float("drop_words", 0.0, 0.0..=0.9, "share of the words that are dropped from a window, wherever they stand"),
            Field::float("drop_inputs", 0.0, 0.0..=0.9, "dropout on what the cell reads, one mask for all steps"),
            Field::float("drop_outputs", 0.0, 0.0..=0.9, "dropout on what the cell gives, one mask for all steps"),
            Field::from_data("vocabulary", Fact::Vocabulary, "how many tokens there are"),
        ],
        build: |config| match config.text("mean")? {
            "all-but-first" => darts_recurrent(&Recurrent::from_config(config)?),
            _ => enas_recurrent(&Recurrent::from_config(config)?),
        },
    }
}

/// The config of `enas-recurrent`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recurrent {
    /// The number of nodes of the cell.
    pub nodes: usize,
    /// The width of the state.
    pub hidden: u32,
    /// Whether each next state is normalised over the batch, as in the searches of the paper but
    /// not in its final training.
    pub norm: bool,
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

impl Recurrent {
    fn from_config(config: &Config) -> Result<Self, BuildError> {
        Ok(Recurrent {
            nodes: config.size("nodes")? as usize,
            hidden: config.size("hidden")?,
            norm: config.flag("norm")?,
            drop_words: config.float("drop_words")? as f32,
            drop_inputs: config.float("drop_inputs")? as f32,
            drop_outputs: config.float("drop_outputs")? as f32,
            vocabulary: config.size("vocabulary")?,
        })
    }
}

/// The decisions of a node: the earlier node that it reads, except for the first, and its
/// activation.
#[derive(Clone, Copy)]
struct NodeDecisions<'s> {
    from: Option<DecisionRef<'s>>,
    activation: DecisionRef<'s>,
}

/// The recurrent space: a genome is the first node's activation, then an earlier node and an
/// activation for each further node (23 numbers for 12 nodes).
///
/// The structure follows section 2.1 of the paper and its released code: node ℓ reads node j with
/// the weights W(j, ℓ) and computes h + c·(f − h), where h is the value of node j, c = σ(hW) the
/// gate and f = activation(hW) the candidate. The first node reads the word and the previous state.
/// The next state is the mean of the nodes that no node reads. The embedding is also the decoder.
pub fn enas_recurrent(config: &Recurrent) -> Built {
    if config.nodes == 0 {
        return Err(BuildError::refused(
            "the cell has 0 nodes, and needs at least 1",
        ));
    }
    build(config, |choices, i| {
        let reads = choices[i + 1..]
            .iter()
            .filter_map(move |choice| Some(choice.from?.is(i)));
        Some(When::none(reads))
    })
}

/// The same space with another mean: the next state is that of all nodes except the first, whether
/// or not a node reads them, as in the recurrent cells of DARTS (Liu et al. 2019, section 2.1 and
/// released code). There, the first node is always tanh.
pub fn darts_recurrent(config: &Recurrent) -> Built {
    if config.nodes < 2 {
        let nodes = config.nodes;
        return Err(BuildError::refused(format!(
            "the cell has {nodes} nodes, and a mean of all but the first needs at least 2"
        )));
    }
    build(config, |_, i| (i > 0).then_some(When::ALWAYS))
}

/// Builds the space, given the condition under which a node is part of the next state, if there is
/// one.
fn build(
    config: &Recurrent,
    counts: impl Fn(&[NodeDecisions<'_>], usize) -> Option<When>,
) -> Built {
    let &Recurrent {
        nodes,
        hidden,
        norm,
        vocabulary,
        ..
    } = config;
    let s = Space::new("enas-recurrent");
    let choices: Vec<_> = (0..nodes).map(|n| decide(&s, n)).collect();

    // Uniform and small, as in the searches of the paper (appendix A): the gates start half open.
    let uniform = Init::Uniform { bound: 0.025 };
    let words = s.weights("words", &[vocabulary, hidden], uniform);
    let double = hidden.saturating_mul(2);
    let first = s.weights("w0", &[double, double], uniform);
    let between: Vec<Vec<_>> = (1..nodes)
        .map(|n| {
            (0..n)
                .map(|from| s.weights(format!("w{n}.{from}"), &[hidden, double], uniform))
                .collect()
        })
        .collect();

    let x = dropped(
        s.tokens("tokens").embed_by(words),
        config.drop_words,
        Per::Token,
    );
    let x = dropped(x, config.drop_inputs, Per::Sequence);
    let y = s.scan("cell", [x], |cell, [x]| {
        let state = cell.carry_across_windows("state", &[hidden]);
        let mut h: Vec<Tensor<'_>> = Vec::new();
        for (n, &NodeDecisions { from, activation }) in choices.iter().enumerate() {
            let node = s.scope(format!("n{n}"), || {
                let (before, both) = match from {
                    None => (state, s.concat(&[x, state]).linear_by(first)),
                    Some(from) => {
                        let read = h.iter().zip(&between[n - 1]).map(|(h, w)| h.linear_by(*w));
                        (
                            s.choose(from, &h),
                            s.choose(from, &read.collect::<Vec<_>>()),
                        )
                    }
                };
                let (gate, f) = (
                    both.slice(0, hidden).act("sigmoid"),
                    both.slice(hidden, hidden),
                );
                let f = s.choose(activation, &[f.act("tanh"), f.relu(), f, f.act("sigmoid")]);
                before.lerp(f, gate)
            });
            h.push(node);
        }
        let next = s.mean_when(
            h.iter()
                .enumerate()
                .filter_map(|(i, h)| Some((*h, counts(&choices, i)?))),
        );
        let next = if norm { next.norm_plain() } else { next };
        cell.next(state, next);
        next
    });
    let y = dropped(y, config.drop_outputs, Per::Sequence);
    s.output(y.linear_transposed_by(words));
    s.finish()
}

/// Applies dropout if the rate is not zero.
pub(crate) fn dropped(x: Tensor<'_>, rate: f32, per: Per) -> Tensor<'_> {
    if rate > 0.0 {
        x.dropout_per(rate, per)
    } else {
        x
    }
}

fn decide(s: &Space, n: usize) -> NodeDecisions<'_> {
    let anchors: Vec<String> = (0..n).map(|i| format!("h{i}")).collect();
    let from = (n > 0).then(|| s.input_of(format!("from{n}"), &anchors));
    let activation = s.op(format!("act{n}"), &ACTIVATIONS);
    if let Some(from) = from {
        s.step(&[from]);
    }
    s.step(&[activation]).keep(format!("h{n}"));
    NodeDecisions { from, activation }
}
