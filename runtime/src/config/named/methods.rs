//! The settings that were published for the methods that followed ENAS.
//!
//! Repositories: quark0/darts, SNAS-Series, D-X-Y/AutoDL-Projects (GDAS), megvii-model/SinglePathOneShot,
//! mit-han-lab/proxylessnas.

use super::{Line, lacks, set};

const NONE: &str = "neither paper nor released code";

/// What none of these methods has.
const WITHOUT: &[Line] = &[
    set(
        "search.dataset",
        "cifar-10-batches-bin",
        "the folder that the published cifar-10-binary.tar.gz unpacks to; give another with --data PATH",
    ),
    set("train.identity", "false", NONE),
    set("train.emphasis", "1", NONE),
    set("selection.share", "0", NONE),
    set("derive.generations", "0", NONE),
    set(
        "retrain.epochs",
        "0",
        "the last training is a program of its own: `supernet retrain`",
    ),
    lacks(
        "a single period of the cosine",
        "all released codes; here it restarts after 10 epochs and then twice the period before",
    ),
];

/// Half of CIFAR-10's training images for the weights, the other half for the policy.
const HALVES: &[Line] = &[
    set("data.train", "0.5", "paper: half of the training images"),
    set(
        "data.validation",
        "0.49",
        "paper: the other half; the test split is the source's own",
    ),
    set(
        "augment.pad",
        "4",
        "released code: padded to 40x40, cropped to 32x32",
    ),
    set("augment.flip", "true", "released code"),
];

/// DARTS (Liu et al. 2019).
pub(super) const DARTS: &[&[Line]] = &[
    &[
        set("search.strategy", "darts", "paper §2"),
        set("search.space", "darts", "paper §3.1"),
        set("search.epochs", "50", "paper §A.1.1"),
        set(
            "search.warm_up",
            "0",
            "paper: none (PC-DARTS: 15 of 50 epochs)",
        ),
        set("train.batch", "64", "paper §A.1.1"),
        set("train.paths", "1", "paper §2.2: all choices at once"),
        set(
            "score.batch",
            "64",
            "released code (train_search.py): as in training",
        ),
        set(
            "method.order",
            "2",
            "the README's command (--unrolled); off by default there",
        ),
        set(
            "method.learning_rate",
            "3e-4",
            "paper §A.1.1; Adam, β = (0.5, 0.999), weight decay 1e-3",
        ),
        set("method.every", "1", "paper, algorithm 1"),
        set("optimizer.learning_rate", "0.025", "paper §A.1.1"),
        set(
            "optimizer.min_learning_rate",
            "0.001",
            "released code (train_search.py)",
        ),
        set("optimizer.weight_decay", "3e-4", "paper §A.1.1"),
        set("optimizer.clip", "5", "released code (train_search.py)"),
        set("optimizer.touch", "all", "every weight is on the path"),
        set("space.channels", "16", "paper §A.1.1"),
        set("space.cells", "8", "paper §A.1.1"),
        set("optimizer.nesterov", "false", "released code"),
    ],
    HALVES,
    WITHOUT,
];

/// SNAS (Xie et al. 2019), which trains on one half and measures on CIFAR-10's test images.
pub(super) const SNAS: &[&[Line]] = &[
    &[
        set("search.strategy", "snas", "paper §2.3"),
        set("search.space", "darts", "paper §3.1: as DARTS"),
        set("search.epochs", "150", "released code (train_search.py)"),
        set("search.warm_up", "0", "paper: none"),
        set("train.batch", "64", "released code"),
        set("train.paths", "1", "paper: all choices at once"),
        set(
            "method.learning_rate",
            "3e-4",
            "released code; Adam, β = (0.5, 0.999), weight decay 1e-3, clipped to 10",
        ),
        set("method.temperature", "1", "released code"),
        set(
            "method.final_temperature",
            "0.03",
            "released code: after 150 epochs",
        ),
        set("optimizer.nesterov", "false", "released code"),
        set("optimizer.learning_rate", "0.025", "released code"),
        set("optimizer.min_learning_rate", "0.001", "released code"),
        set("optimizer.weight_decay", "3e-4", "released code"),
        set("optimizer.touch", "all", "every weight is on the path"),
        set("space.channels", "16", "released code"),
        set("space.cells", "8", "released code"),
        set(
            "data.train",
            "0.5",
            "released code: half of the training images",
        ),
        set(
            "data.validation",
            "0.49",
            "ours: the test images that its code validates on are left alone",
        ),
        lacks("drop-path of 0.3 on every edge", "released code"),
        lacks("resource constraints", "paper §2.5"),
    ],
    WITHOUT,
];

/// Neural architecture search with reinforcement learning (Zoph and Le 2017).
pub(super) const NAS: &[&[Line]] = &[&[
    set("search.strategy", "nas", "paper §3.2"),
    set(
        "search.space",
        "enas-macro",
        "ours: the closest to the paper's §3.3 with skips",
    ),
    set(
        "search.dataset",
        "cifar-10-batches-bin",
        "the folder that the published cifar-10-binary.tar.gz unpacks to; give another with --data PATH",
    ),
    set("nas.candidates", "12800", "paper §4.1"),
    set("nas.children", "8", "paper §4.1"),
    set("nas.epochs", "50", "paper §4.1"),
    set("nas.last", "5", "paper §4.1"),
    set("nas.power", "3", "paper §4.1"),
    set("data.validation", "0.1", "paper §4.1: 5,000 of 50,000"),
    set(
        "augment.pad",
        "4",
        "paper §4.1: random crops of upsampled images",
    ),
    set("augment.flip", "true", "paper §4.1"),
    set("retrain.learning_rate", "0.1", "paper §4.1"),
    set("optimizer.weight_decay", "1e-4", "paper §4.1"),
    set("controller.lstm", "35", "paper §4.1"),
    set("controller.learning_rate", "6e-4", "paper §4.1"),
    set("controller.temperature", "1", "paper: a plain softmax"),
    set("controller.tanh", "0", "paper: no bound"),
    set("controller.entropy", "0", "paper: none"),
    set("controller.skip", "0", "paper: none"),
    set("controller.baseline", "moving_average", "paper §3.2"),
    set("selection.share", "0", "paper: none"),
    lacks("a second layer of the controller's LSTM", "paper §4.1"),
    lacks("a controller that starts in ±0.08", "paper §4.1; here ±0.1"),
    lacks(
        "the depth grows by 2 layers after every 1,600 networks",
        "paper §4.1",
    ),
    lacks(
        "100 controller replicas that update 20 parameter servers asynchronously",
        "paper §4.1",
    ),
    lacks(
        "a grid over learning rate, weight decay and others for the best network",
        "paper §4.1",
    ),
]];

/// GDAS (Dong and Yang 2019), with the settings of NAS-Bench-201 (Dong and Yang 2020).
pub(super) const GDAS: &[&[Line]] = &[
    &[
        set("search.strategy", "gdas", "paper §3"),
        set("search.space", "nasbench201", "released code (GDAS.config)"),
        set("search.epochs", "250", "released code (GDAS.config)"),
        set("search.warm_up", "0", "paper: none"),
        set("train.batch", "64", "released code (GDAS.config)"),
        set("train.paths", "1", "paper: one choice of each edge"),
        set(
            "method.learning_rate",
            "3e-4",
            "released code; Adam, β = (0.5, 0.999), weight decay 1e-3",
        ),
        set("method.temperature", "10", "released code"),
        set("method.final_temperature", "0.1", "released code"),
        set(
            "optimizer.learning_rate",
            "0.025",
            "released code (GDAS.config)",
        ),
        set(
            "optimizer.min_learning_rate",
            "0.001",
            "released code (GDAS.config)",
        ),
        set(
            "optimizer.weight_decay",
            "5e-4",
            "released code (GDAS.config)",
        ),
        set("optimizer.clip", "5", "released code"),
        lacks(
            "outputs of ones for choices that do not run",
            "released code; here they count as zero, or run with `method.gradient = all`",
        ),
    ],
    HALVES,
    WITHOUT,
];

/// One-Shot (Bender et al. 2018).
pub(super) const ONE_SHOT: &[&[Line]] = &[
    &[
        set("search.strategy", "one-shot", "paper §3"),
        set(
            "search.space",
            "darts",
            "ours: the paper's own space is not in this version",
        ),
        set("search.warm_up", "0", "paper: none"),
        set("train.batch", "1024", "paper §3.3"),
        set("train.paths", "1", "paper: everything at once"),
        set("method.slices", "32", "paper §3.3: ghost batches of 32"),
        set("method.dropout", "0.1", "ours: the paper tunes the rate"),
        set("derive.candidates", "20000", "paper §3.4"),
        set("derive.by", "reward", "paper §3.4: validation accuracy"),
    ],
    WITHOUT,
];

/// SPOS (Guo et al. 2020).
pub(super) const SPOS: &[&[Line]] = &[
    &[
        set("search.strategy", "spos", "paper §3.2"),
        set(
            "search.space",
            "nasbench201",
            "ours: the paper's ShuffleNet space is not in this version",
        ),
        set("search.warm_up", "0", "paper: none"),
        set("train.batch", "1024", "paper §4"),
        set("train.paths", "1", "paper: one path per step"),
        set("optimizer.learning_rate", "0.5", "paper §4; linear to 0"),
        set("optimizer.min_learning_rate", "0", "paper §4"),
        set("optimizer.weight_decay", "4e-5", "paper §4"),
        set("derive.candidates", "50", "paper §4: a population of 50"),
        set("derive.generations", "20", "paper §4"),
        set("derive.by", "reward", "paper §3.4: validation accuracy"),
        lacks("label smoothing of 0.1 in the search", "paper §4"),
        lacks("a limit of 330 million multiply-adds", "paper §4.2"),
        lacks("a linear decay of the learning rate", "paper §4"),
        set("optimizer.nesterov", "false", "released code"),
    ],
    WITHOUT,
];

/// FairNAS (Chu et al. 2021).
pub(super) const FAIRNAS: &[&[Line]] = &[
    &[
        set("search.strategy", "fairnas", "paper §3.2"),
        set(
            "search.space",
            "nasbench201",
            "ours: the paper's MobileNet space is not in this version",
        ),
        set("search.warm_up", "0", "paper: none"),
        lacks(
            "the sum of the paths' gradients on one minibatch",
            "paper §3.2; here their mean, each on a part of it",
        ),
        lacks("NSGA-II", "paper §3.4"),
    ],
    WITHOUT,
];

/// ProxylessNAS (Cai et al. 2019).
pub(super) const PROXYLESS: &[&[Line]] = &[
    &[
        set("search.strategy", "proxyless", "paper §3.2"),
        set(
            "search.space",
            "nasbench-macro",
            "ours: the paper's own space is not in this version",
        ),
        set(
            "search.epochs",
            "160",
            "released code: 40 of warm-up, then 120",
        ),
        set("search.warm_up", "0.25", "released code: 40 of 160 epochs"),
        set("train.batch", "256", "released code"),
        set("train.paths", "1", "paper: one path per step"),
        set("score.batch", "256", "released code"),
        set("method.gates", "full", "released code (full_v2)"),
        set(
            "method.learning_rate",
            "1e-3",
            "released code; Adam, β = (0, 0.999)",
        ),
        set("method.every", "5", "released code"),
        set(
            "optimizer.learning_rate",
            "0.05",
            "released code: the warm-up; then 0.025",
        ),
        set("optimizer.min_learning_rate", "0", "released code"),
        set("optimizer.weight_decay", "4e-5", "released code"),
        lacks("expected latency in the loss", "paper §3.3.1"),
        lacks("label smoothing of 0.1 in the search", "released code"),
    ],
    WITHOUT,
];
