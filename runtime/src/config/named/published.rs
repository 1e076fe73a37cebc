//! The settings that Pham et al. 2018 published, in the paper or, where the paper is silent, in
//! their code.
//!
//! Files in brackets belong to melodyguan/enas; `enas_lm` is the authors' later code for recurrent
//! cells, in google-research/google-research.

use super::{Line, lacks, last, same, set};

/// Shared by macro and micro search.
pub(super) const CIFAR: &[Line] = &[
    set("search.strategy", "enas", "paper §2.2"),
    set(
        "search.dataset",
        "cifar-10-batches-bin",
        "the folder that the published cifar-10-binary.tar.gz unpacks to; give another with --data PATH",
    ),
    set(
        "search.epochs",
        "310",
        "paper §3.2: 10 + 20 + 40 + 80 + 160, whole periods of the learning rate",
    ),
    set(
        "search.warm_up",
        "0",
        "paper and released code: the controller learns from the first epoch on",
    ),
    set(
        "data.validation",
        "0.1",
        "released code (cifar10/data_utils.py): 5,000 of 50,000; there the last ones, here drawn",
    ),
    set(
        "augment.pad",
        "4",
        "paper §3.2 and released code (cifar10/models.py): padded to 40x40, cropped to 32x32",
    ),
    set(
        "augment.flip",
        "true",
        "paper §3.2 and released code (cifar10/models.py)",
    ),
    same(
        "augment.cutout",
        "the search has none; the last training of the micro space may have 16 (DeVries and Taylor 2017)",
    ),
    set("train.paths", "1", "paper §2.2: one child at a time"),
    set(
        "train.identity",
        "false",
        "released code: He's start throughout",
    ),
    set(
        "train.emphasis",
        "1",
        "neither paper nor released code; without a warm-up it has no effect",
    ),
    set("derive.generations", "0", "paper §2.2: samples alone"),
    set(
        "derive.by",
        "reward",
        "paper §2.2: the child with the highest reward",
    ),
    set(
        "optimizer.touch",
        "all",
        "released code: L2 and momentum move unsampled weights too; the paper does not say",
    ),
    same(
        "controller.lstm",
        "paper §2.1 (released code for CIFAR-10: 64)",
    ),
    same(
        "controller.temperature",
        "paper §3.1, as carpedm20/ENAS-pytorch has it (released code for CIFAR-10: none)",
    ),
    same(
        "controller.tanh",
        "paper §3.1 (released code, macro: 1.5, micro: 1.1)",
    ),
    same(
        "controller.prior",
        "the paper has no such term (released code, micro: biases to separable convolutions)",
    ),
    same(
        "controller.learning_rate",
        "paper §3.2 (released code, macro: 1e-3, micro: 3.5e-3)",
    ),
    same(
        "controller.beta1",
        "the paper names Adam alone, so Kingma and Ba 2015 (released code: 0)",
    ),
    same(
        "controller.beta2",
        "the paper names Adam alone, so Kingma and Ba 2015",
    ),
    same(
        "controller.epsilon",
        "the paper names Adam alone, so Kingma and Ba 2015 (released code: 1e-3)",
    ),
    same(
        "controller.entropy",
        "paper §3.2 (released code: 1e-4, added to the reward)",
    ),
    same(
        "controller.skip",
        "paper §3.2; the target of 0.4 is the prior of a skip (released code: 0.8, sampled rate 0.308); only the macro \
         space has skips",
    ),
    same(
        "controller.baseline",
        "paper §2.2; it starts at the first mean (released code: at 0)",
    ),
    same(
        "controller.decay",
        "the paper gives no number: carpedm20/ENAS-pytorch (released code: 0.99)",
    ),
    same("controller.standardise", "neither paper nor released code"),
    same(
        "controller.clip",
        "the paper does not say (released code: none on CIFAR-10)",
    ),
    same(
        "derive.candidates",
        "ours: the paper says several, each on one minibatch (released code: 10)",
    ),
    set(
        "retrain.epochs",
        "310",
        "paper §3.2: as the search (released code, micro: 630)",
    ),
    set("retrain.learning_rate", "0.05", "paper §3.2: as the search"),
    set("retrain.warm_up", "0", "paper and released code"),
    set("retrain.smoothing", "0", "paper and released code"),
    set("retrain.average", "false", "paper and released code"),
    set("selection.share", "0", "the paper has none"),
    set("retrain.seeds", "1", "paper: one training of each result"),
    set("retrain.random", "1", "paper §3.3: one random network"),
    set("retrain.same_size", "0", "the paper has none"),
    set("retrain.largest", "0", "the paper has none"),
    set(
        "retrain.budget",
        "100",
        "ours: whatever these networks take",
    ),
    lacks(
        "restarts of the learning rate while the result is trained; here it falls once",
        "paper §3.2",
    ),
];

/// Whole networks.
pub(super) const MACRO: &[Line] = &[
    same("search.space", "paper §2.3"),
    set("space.layers", "12", "paper §2.3"),
    set(
        "space.filters",
        "36",
        "released code (cifar10_macro_search.sh)",
    ),
    set(
        "train.batch",
        "128",
        "released code (cifar10_macro_search.sh)",
    ),
    set(
        "score.batch",
        "128",
        "released code: a reward is the accuracy on one validation minibatch (paper §2.2)",
    ),
    set(
        "score.rollouts",
        "20",
        "released code (cifar10_macro_search.sh): the gradients of 20 samples make an update; the paper does not say",
    ),
    set(
        "score.updates",
        "50",
        "released code (cifar10_macro_search.sh); the paper says 2000 for Penn Treebank",
    ),
    last(
        "space.form",
        "final",
        "released code (cifar10/general_child.py): widths double at each reduction",
    ),
    last(
        "space.filters",
        "96",
        "released code (cifar10_macro_final.sh)",
    ),
    last(
        "train.batch",
        "100",
        "released code (cifar10_macro_final.sh)",
    ),
    lacks(
        "24 layers in the end, whose architecture is not one of 12",
        "released code (cifar10_macro_final.sh)",
    ),
    lacks(
        "dropout of 0.5 before the classifier in the end, where it is 0.1",
        "released code (cifar10_macro_final.sh)",
    ),
    lacks(
        "skips joined by a 1x1 convolution instead of a sum",
        "paper, appendix B; released code: a sum in the search",
    ),
];

/// Cells.
pub(super) const MICRO: &[Line] = &[
    set("search.space", "enas-micro", "paper §2.4"),
    set(
        "space.layers",
        "6",
        "released code (cifar10_micro_search.sh): two that halve come on top",
    ),
    set(
        "space.filters",
        "20",
        "released code (cifar10_micro_search.sh)",
    ),
    set(
        "train.batch",
        "160",
        "released code (cifar10_micro_search.sh)",
    ),
    set(
        "score.batch",
        "160",
        "released code: a reward is the accuracy on one validation minibatch (paper §2.2)",
    ),
    set(
        "score.rollouts",
        "10",
        "released code (cifar10_micro_search.sh): the gradients of 10 samples make an update; the paper does not say",
    ),
    set(
        "score.updates",
        "30",
        "released code (cifar10_micro_search.sh); the paper says 2000 for Penn Treebank",
    ),
    last(
        "space.form",
        "final",
        "released code (cifar10/micro_child.py): reductions within cells, loose ends side by side",
    ),
    last(
        "space.layers",
        "15",
        "released code (cifar10_micro_final.sh)",
    ),
    last(
        "space.filters",
        "36",
        "released code (cifar10_micro_final.sh)",
    ),
    last(
        "train.batch",
        "144",
        "released code (cifar10_micro_final.sh)",
    ),
    last(
        "retrain.epochs",
        "630",
        "released code (cifar10_micro_final.sh); the paper says 310",
    ),
    last(
        "retrain.drop_path",
        "0.4",
        "released code (cifar10_micro_final.sh), rising from 0, the deeper the larger",
    ),
    same(
        "retrain.auxiliary",
        "released code (cifar10/micro_child.py): a second classifier's share of the loss",
    ),
    last(
        "augment.cutout",
        "16",
        "paper, table 2: the better of its two results (DeVries and Taylor 2017)",
    ),
];

/// Recurrent cells.
pub(super) const RECURRENT: &[Line] = &[
    set("search.strategy", "enas", "paper §2.2"),
    set("train.paths", "1", "paper §2.2: one child at a time"),
    set(
        "train.identity",
        "false",
        "released code: uniform starts throughout",
    ),
    set(
        "train.emphasis",
        "1",
        "neither paper nor released code; without a warm-up it has no effect",
    ),
    set("derive.generations", "0", "paper §2.2: samples alone"),
    set(
        "derive.by",
        "reward",
        "paper §2.2: the child with the highest reward",
    ),
    set("search.space", "enas-recurrent", "paper §2.1"),
    set(
        "search.dataset",
        "simple-examples/data",
        "Mikolov's division, as his archive simple-examples.tgz unpacks; give another with --data PATH",
    ),
    set("search.epochs", "150", "paper §3.1"),
    set(
        "search.warm_up",
        "0",
        "paper and released code: the controller learns from the first epoch on",
    ),
    set("space.nodes", "12", "paper §2.1"),
    set(
        "space.hidden",
        "200",
        "enas_lm, search (released code: 720); the paper does not say",
    ),
    set(
        "space.norm",
        "true",
        "paper, appendix A: the mean of the loose ends is normalised over the batch",
    ),
    same("text.unit", "paper §3.1: Penn Treebank by word"),
    same(
        "text.vocabulary_limit",
        "the 10,000 words that Mikolov's division has",
    ),
    same("text.window", "paper §2.2"),
    set("text.reward", "80", "paper §2.2"),
    set(
        "train.batch",
        "64",
        "paper §2.2: some 400 minibatches of 64 an epoch (released code: 20; enas_lm: 128)",
    ),
    set("optimizer.method", "sgd", "paper §3.1"),
    set(
        "optimizer.learning_rate",
        "20",
        "paper §3.1 (released code: 0.25; enas_lm: 20)",
    ),
    set(
        "optimizer.min_learning_rate",
        "0.08",
        "what the paper's decay, 0.96 an epoch from the 15th on, ends at in §3.1",
    ),
    set(
        "optimizer.momentum",
        "0",
        "paper §3.1: plain gradient descent",
    ),
    set(
        "optimizer.weight_decay",
        "2e-7",
        "paper §3.1: λ = 1e-7 of λ·‖w‖², which is 2e-7 of weight_decay/2·‖w‖²",
    ),
    set(
        "optimizer.clip",
        "0.25",
        "paper §3.1 (released code: 10; enas_lm: 0.1)",
    ),
    same("optimizer.touch", "ours: the paper does not say"),
    set(
        "score.batch",
        "64",
        "as the training: a reward is taken on one validation minibatch (paper §2.2)",
    ),
    set(
        "score.rollouts",
        "1",
        "paper §2.2: 2000 steps an epoch, as carpedm20/ENAS-pytorch has them (released code: 10)",
    ),
    set(
        "score.updates",
        "2000",
        "paper §2.2 (released code: 100; enas_lm: 25)",
    ),
    same("controller.lstm", "paper §2.1 (enas_lm: 64)"),
    same("controller.temperature", "paper §3.1"),
    same("controller.tanh", "paper §3.1 (enas_lm: 2.25)"),
    same(
        "controller.prior",
        "the paper has no such term (enas_lm: one for near nodes)",
    ),
    same(
        "controller.learning_rate",
        "paper §3.1 (released code: 1e-3; enas_lm: 5e-5)",
    ),
    same(
        "controller.beta1",
        "the paper names Adam alone, so Kingma and Ba 2015",
    ),
    same(
        "controller.beta2",
        "the paper names Adam alone, so Kingma and Ba 2015",
    ),
    same(
        "controller.epsilon",
        "the paper names Adam alone, so Kingma and Ba 2015",
    ),
    set(
        "controller.entropy",
        "0.0001",
        "paper §3.1 (released code: 1e-3; enas_lm: 1e-5)",
    ),
    same("controller.skip", "not used: these cells have no skips"),
    same("controller.baseline", "paper §2.2"),
    same(
        "controller.decay",
        "the paper gives no number: carpedm20/ENAS-pytorch (released code: 0.99; enas_lm: 0.999)",
    ),
    same("controller.standardise", "neither paper nor released code"),
    same("controller.clip", "the paper does not say"),
    same(
        "derive.candidates",
        "ours: the paper says several, each on one minibatch",
    ),
    set(
        "retrain.epochs",
        "2000",
        "released code (ptb_final.sh); the paper does not say (enas_lm: 3000)",
    ),
    set("retrain.learning_rate", "20", "paper §3.1"),
    set("retrain.warm_up", "0", "paper and released code"),
    set("retrain.smoothing", "0", "paper and released code"),
    set(
        "retrain.average",
        "false",
        "paper and released code (enas_lm: from when validation stops to improve)",
    ),
    set("selection.share", "0", "the paper has none"),
    set(
        "retrain.seeds",
        "1",
        "paper: one training of the result (enas_lm: 10)",
    ),
    set("retrain.random", "1", "paper §3.3: one random cell"),
    set("retrain.same_size", "0", "the paper has none"),
    set("retrain.largest", "0", "the paper has none"),
    set("retrain.budget", "100", "ours: whatever these cells take"),
    last(
        "space.norm",
        "false",
        "paper, appendix A: in the search alone",
    ),
    last(
        "space.hidden",
        "748",
        "released code (ptb_final.sh): 22 million weights (enas_lm: 800)",
    ),
    last(
        "optimizer.weight_decay",
        "1e-6",
        "released code (ptb_final.sh): λ = 5e-7 of λ·‖w‖²",
    ),
    lacks(
        "the rate times 0.96 each epoch from the 15th on; here cosines with restarts fall to its end",
        "paper §3.1",
    ),
    lacks(
        "weights that start within ±0.04 in the end, where it is ±0.025",
        "paper, appendix A",
    ),
    lacks(
        "dropout of embeddings 0.2 and of the state 0.25; of words, inputs and outputs it is space.drop_words, drop_inputs and \
         drop_outputs, where enas_lm has 0.1, 0.75 and 0.75",
        "enas_lm, search; the paper says variational dropout and no numbers",
    ),
    last(
        "optimizer.activation_penalty",
        "0.7",
        "enas_lm, in the end and before dropout; not in the paper (AWD-LSTM, Merity et al. 2018: 2)",
    ),
    same(
        "optimizer.temporal_penalty",
        "not in the paper (enas_lm: 1 in the search, none in the end; AWD-LSTM, Merity et al. 2018: 1)",
    ),
];
