use serde::{Deserialize, Serialize};

/// The search strategies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StrategyName {
    /// Single-path one-shot: the shared weights are trained on random paths, and nothing is scored
    /// before they are done (Guo et al. 2020).
    Spos,
    /// The LSTM controller of Pham et al. 2018.
    Enas,
    /// Samples of the space's prior at the same budget; in a search of a table, without repetition.
    Random,
    /// Regularised evolution (Real et al. 2019).
    Evolution,
    /// All choices run, weighted by probabilities that descend the validation loss (Liu et al.
    /// 2019).
    Darts,
    /// All choices run, weighted by samples of a concrete distribution (Xie et al. 2019).
    Snas,
    /// One choice runs, a straight-through Gumbel-softmax sample (Dong and Yang 2019).
    Gdas,
    /// Gates between choices, of which two, all or single ones run at a time (Cai et al. 2019).
    Proxyless,
    /// Everything trains at once, with path dropout (Bender et al. 2018).
    #[serde(rename = "one-shot", alias = "one_shot")]
    OneShot,
    /// Every choice is trained once per step (Chu et al. 2021).
    #[serde(rename = "fairnas")]
    FairNas,
    /// Successive halving of random architectures, each trained alone (Jamieson and Talwalkar 2016):
    /// no weights are shared. Its budget is the cost of a search by `spos` with the same settings,
    /// its selection included.
    Halving,
    /// The controller of `enas` without shared weights: every child is trained from scratch (Zoph
    /// and Le 2017).
    Nas,
    /// A custom strategy, passed to [`SearchBuilder::strategy`](crate::SearchBuilder::strategy).
    #[serde(alias = "own")]
    Custom,
}

impl StrategyName {
    /// The name in the settings.
    pub fn word(self) -> &'static str {
        match self {
            Self::Spos => "spos",
            Self::Enas => "enas",
            Self::Random => "random",
            Self::Evolution => "evolution",
            Self::Darts => "darts",
            Self::Snas => "snas",
            Self::Gdas => "gdas",
            Self::Proxyless => "proxyless",
            Self::OneShot => "one-shot",
            Self::FairNas => "fairnas",
            Self::Halving => "halving",
            Self::Nas => "nas",
            Self::Custom => "custom",
        }
    }

    /// Whether nothing is learnt but the weights: the candidates are random paths and those that
    /// are bred from the best of them.
    pub fn learns_only_weights(self) -> bool {
        matches!(self, Self::Spos | Self::OneShot | Self::FairNas)
    }

    /// Whether children share weights; else each is trained alone.
    pub fn shares_weights(self) -> bool {
        !matches!(self, Self::Halving | Self::Nas)
    }

    /// Whether children are scored while the shared weights are trained.
    pub fn scores_meanwhile(self) -> bool {
        matches!(
            self,
            Self::Enas | Self::Random | Self::Evolution | Self::Custom
        )
    }

    /// Whether several choices of a decision run at once in a training step.
    pub fn mixes(self) -> bool {
        matches!(self, Self::Darts | Self::Snas | Self::Gdas | Self::OneShot)
    }
}
