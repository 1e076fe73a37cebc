//! The source of the default of every setting.

use super::{Line, same};

const EXPERIMENT: &str = "found by experiment, see runtime/docs/controller.md";

const RANKING: &str = "found by experiment, see runtime/docs/ranking.md (paper: no such thing)";

pub(super) const SHORT: &[Line] = &[
    same("search.space", "ours: the macro space, paper §2.3"),
    same("search.dataset", "ours: built in"),
    same("search.strategy", "Guo et al. 2020 (paper §2.2: enas)"),
    same(
        "search.epochs",
        "ours: 64,000 images, from 8 to 150 passes, or 150 passes with a controller (paper: 310)",
    ),
    same("search.budget", "ours: none"),
    same(
        "search.warm_up",
        "ours: weights that are not trained yet mislead the controller (paper and released code: none)",
    ),
    same("search.seed", "ours"),
    same("data.train", "ours"),
    same("data.validation", "ours"),
    same("data.seed", "ours"),
    same("train.batch", "ours (released code: 128)"),
    same("train.paths", RANKING),
    same("train.identity", RANKING),
    same("train.identity_noise", RANKING),
    same("train.emphasis", RANKING),
    same(
        "method.learning_rate",
        "ours: as far as Adam can move a logit in DARTS (Liu et al. 2019: 3e-4 in 19,500 updates)",
    ),
    same(
        "method.every",
        "Liu et al. 2019 and Dong and Yang 2019: 1 (ProxylessNAS, released code: 5)",
    ),
    same(
        "method.order",
        "Liu et al. 2019, released code; its README sets 2",
    ),
    same(
        "method.temperature",
        "released code of SNAS: 1; of GDAS: 10",
    ),
    same(
        "method.final_temperature",
        "released code of SNAS: 0.03, after 150 epochs; of GDAS: 0.1",
    ),
    same(
        "method.gradient",
        "ours (released code of GDAS: the others as if their outputs were ones)",
    ),
    same("method.gates", "Cai et al. 2019, §3.2.1"),
    same("method.dropout", "Bender et al. 2018 tune it; ours"),
    same("method.slices", "ours (Bender et al. 2018: slices of 32)"),
    same("method.stop_at_collapse", "Liu et al. 2019: never"),
    same(
        "method.sandwich",
        "Chu et al. 2021, §3.2 (the sandwich: Yu and Huang 2019)",
    ),
    same("nas.candidates", "ours (Zoph and Le 2017, §4.1: 12,800)"),
    same("nas.children", "Zoph and Le 2017, §4.1: eight in a replica"),
    same("nas.epochs", "ours (Zoph and Le 2017, §4.1: 50)"),
    same("nas.last", "Zoph and Le 2017, §4.1"),
    same(
        "nas.power",
        "Zoph and Le 2017, §4.1: the accuracy cubed; §4.2: c over the perplexity squared",
    ),
    same("optimizer.method", "paper §3.2: Nesterov's momentum"),
    same("optimizer.nesterov", "paper §3.2"),
    same(
        "optimizer.learning_rate",
        "paper §3.2: cosine from 0.05, first period 10 epochs, each twice the one before",
    ),
    same(
        "optimizer.min_learning_rate",
        "paper §3.2 (released code: 0.0005)",
    ),
    same("optimizer.momentum", "released code"),
    same("optimizer.beta1", "Kingma and Ba 2015; not used by `sgd`"),
    same("optimizer.beta2", "Kingma and Ba 2015; not used by `sgd`"),
    same("optimizer.eps", "Kingma and Ba 2015; not used by `sgd`"),
    same(
        "optimizer.weight_decay",
        "paper §3.2: λ = 1e-4 of λ·‖w‖², which is 2e-4 of weight_decay/2·‖w‖² (released code, macro: 2.5e-4)",
    ),
    same(
        "optimizer.clip",
        "released code, which sets 5 and then applies the gradient as it was",
    ),
    same(
        "optimizer.touch",
        "ours (released code: weights off the path decay and coast, too)",
    ),
    same(
        "optimizer.activation_penalty",
        "ours: none (AWD-LSTM, Merity et al. 2018: 2)",
    ),
    same(
        "optimizer.temporal_penalty",
        "ours: none (AWD-LSTM, Merity et al. 2018: 1)",
    ),
    same("score.batch", "ours (released code: that of training)"),
    same("score.rollouts", "released code, macro"),
    same(
        "score.updates",
        "ours: 0 scores for about as long as it trains (released code, macro: 50)",
    ),
    same("controller.lstm", "released code (paper §2.1: 100)"),
    same(
        "controller.temperature",
        "released code for CIFAR-10: none (paper: 5)",
    ),
    same("controller.tanh", "paper §3.1 (released code, macro: 1.5)"),
    same("controller.prior", "ours: the paper has no such term"),
    same("controller.learning_rate", EXPERIMENT),
    same("controller.beta1", "Kingma and Ba 2015 (released code: 0)"),
    same("controller.beta2", "Kingma and Ba 2015"),
    same(
        "controller.epsilon",
        "Kingma and Ba 2015 (released code: 1e-3)",
    ),
    same("controller.entropy", EXPERIMENT),
    same("controller.skip", EXPERIMENT),
    same("controller.baseline", EXPERIMENT),
    same(
        "controller.decay",
        "carpedm20/ENAS-pytorch; not used by `leave_one_out` (paper: no number; released code: 0.99)",
    ),
    same("controller.standardise", EXPERIMENT),
    same("controller.clip", "ours (released code: none on CIFAR-10)"),
    same(
        "evolution.population",
        "Real et al. 2019; not used by `enas`",
    ),
    same(
        "evolution.tournament",
        "Real et al. 2019; not used by `enas`",
    ),
    same(
        "derive.candidates",
        "ours (released code: 10, each on one minibatch)",
    ),
    same(
        "derive.report",
        "ours: standard errors of a few tenths of a point",
    ),
    same("derive.generations", "Guo et al. 2020, §4, has 20"),
    same("derive.rule", "each method's paper"),
    same("derive.by", RANKING),
    same("text.unit", "ours: words, as the paper's Penn Treebank has"),
    same(
        "text.vocabulary_limit",
        "ours: every word of the training split",
    ),
    same("text.window", "paper §2.2"),
    same(
        "text.reward",
        "ours: the paper's 80 by word (§2.2), 4 by character",
    ),
    same(
        "augment.pad",
        "ours: none, whatever the images show (paper §3.2: 4)",
    ),
    same(
        "augment.flip",
        "ours: none, whatever the images show (paper §3.2: yes)",
    ),
    same(
        "augment.cutout",
        "ours: none (DeVries and Taylor 2017: 16 on CIFAR-10)",
    ),
    same(
        "selection.share",
        "ours: the cost of the search again (Jamieson and Talwalkar 2016 halve; the paper has none)",
    ),
    same(
        "retrain.epochs",
        "ours: seconds a network on small images (released code: 310)",
    ),
    same(
        "retrain.learning_rate",
        "ours: twice that of the search, by the digits",
    ),
    same("retrain.warm_up", "ours: Goyal et al. 2017 have 5"),
    same("retrain.smoothing", "Szegedy et al. 2016 §7 (paper: none)"),
    same(
        "retrain.drop_path",
        "ours: none in trainings this short (released code, micro: 0.4 over 630 epochs)",
    ),
    same(
        "retrain.auxiliary",
        "released code, micro; Szegedy et al. 2015 have 0.3",
    ),
    same(
        "retrain.average",
        "ours: Izmailov et al. 2018, over the last quarter",
    ),
    same("retrain.seeds", "ours: as many as give a standard error"),
    same("retrain.random", "ours: as many as seeds"),
    same("retrain.same_size", "ours: what size alone achieves"),
    same("retrain.largest", "ours: as few as give a standard error"),
    same("retrain.budget", "ours: not much longer than the search"),
    same("checkpoint.steps", "ours; changes no result"),
    same("checkpoint.minutes", "ours; changes no result"),
    same("checkpoint.keep", "ours; changes no result"),
];
