//! Settings that have a name, and where each of their values comes from.

use super::{Config, ConfigError};
use crate::strategy::enas::ControllerSettings;

/// Settings with a name.
struct Named {
    name: &'static str,
    /// What they are for, in one line.
    purpose: &'static str,
    controller: fn() -> ControllerSettings,
    lines: &'static [Line],
}

/// A setting, its value where that is not the default's or the controller's own, and where the value comes from.
struct Line(&'static str, Option<&'static str>, &'static str);

/// A line with the value as it is.
const fn same(key: &'static str, source: &'static str) -> Line {
    Line(key, None, source)
}

/// A line with a value of its own.
const fn set(key: &'static str, value: &'static str, source: &'static str) -> Line {
    Line(key, Some(value), source)
}

/// "The paper" is Pham et al. 2018, "the released code" the authors' for CIFAR-10.
const NAMED: &[Named] = &[
    Named {
        name: "short",
        purpose: "the defaults: searches of minutes, with a controller that learns within some thousand rollouts",
        controller: ControllerSettings::short,
        lines: SHORT,
    },
    Named {
        name: "paper",
        purpose: "as Pham et al. 2018 searched the macro space for CIFAR-10: 310 epochs of 1000 rollouts each",
        controller: ControllerSettings::paper,
        lines: PAPER,
    },
];

const EXPERIMENT: &str = "found by experiment, see CONTROLLER.md";

const SHORT: &[Line] = &[
    same("search.space", "ours: the macro space, paper §2.3"),
    same("search.data", "ours: built in"),
    same("search.strategy", "paper §2.2"),
    same("search.epochs", "ours: half a minute on two cores (paper: 310)"),
    same(
        "search.warm_up",
        "ours: weights that are not trained yet mislead the controller (paper and released code: none)",
    ),
    same("search.seed", "ours"),
    same("data.train", "ours"),
    same("data.validation", "ours"),
    same("data.seed", "ours"),
    same("train.batch", "ours (released code: 128)"),
    same("optimizer.method", "paper §3.2: Nesterov's momentum"),
    same("optimizer.rate", "paper §3.2: cosine from 0.05, first period 10 epochs, each twice the one before"),
    same("optimizer.rate_min", "paper §3.2 (released code: 0.0005)"),
    same("optimizer.momentum", "released code"),
    same("optimizer.beta1", "Kingma and Ba 2015; not used by `sgd`"),
    same("optimizer.beta2", "Kingma and Ba 2015; not used by `sgd`"),
    same("optimizer.eps", "Kingma and Ba 2015; not used by `sgd`"),
    same("optimizer.l2", "paper §3.2: λ = 1e-4 of λ·‖w‖², which is 2e-4 of l2/2·‖w‖² (released code, macro: 2.5e-4)"),
    same("optimizer.clip", "released code, which sets 5 and then applies the gradient as it was"),
    same("optimizer.touch", "ours (released code: weights off the path decay and coast, too)"),
    same("optimizer.activation_penalty", "ours: none (Merity et al. 2017: 2)"),
    same("optimizer.temporal_penalty", "ours: none (Merity et al. 2017: 1)"),
    same("text.unit", "paper §3.1: Penn Treebank by word"),
    same("text.limit", "ours: none (Penn Treebank as published has 10,000 words)"),
    same("text.window", "paper §3.1"),
    same("text.reward", "ours: 0 takes the paper's 80 by word, and 4 by character"),
    same("score.batch", "ours (released code: that of training)"),
    same("score.rollouts", "released code, macro"),
    same("score.updates", "ours: 0 scores for about as long as it trains (released code, macro: 50)"),
    same("controller.lstm", "released code (paper §2.1: 100)"),
    same("controller.temperature", "released code for CIFAR-10: none (paper: 5)"),
    same("controller.tanh", "paper §3.1 (released code, macro: 1.5)"),
    same("controller.prior", "ours: the paper has no such term"),
    same("controller.rate", EXPERIMENT),
    same("controller.beta1", "Kingma and Ba 2015 (released code: 0)"),
    same("controller.beta2", "Kingma and Ba 2015"),
    same("controller.epsilon", "Kingma and Ba 2015 (released code: 1e-3)"),
    same("controller.entropy", EXPERIMENT),
    same("controller.skip", EXPERIMENT),
    same("controller.baseline", EXPERIMENT),
    same(
        "controller.decay",
        "carpedm20/ENAS-pytorch; not used by `leave_one_out` (paper: no number; released code: 0.99)",
    ),
    same("controller.standardise", EXPERIMENT),
    same("controller.clip", "ours (released code: none on CIFAR-10)"),
    same("evolution.population", "Real et al. 2019; not used by `enas`"),
    same("evolution.tournament", "Real et al. 2019; not used by `enas`"),
    same("derive.candidates", "ours (released code: 10, each on one minibatch)"),
    same("derive.report", "ours: standard errors of a few tenths of a point"),
    same("augment.pad", "ours: none, whatever the images show (paper §3.2: 4)"),
    same("augment.flip", "ours: none, whatever the images show (paper §3.2: yes)"),
    same("augment.cutout", "ours: none (DeVries and Taylor 2017: 16 on CIFAR-10)"),
    same("retrain.epochs", "ours: seconds a network on the digits (released code: 310)"),
    same("retrain.rate", "ours: twice that of the search, by the digits"),
    same("retrain.warm_up", "ours: Goyal et al. 2017 have 5"),
    same("retrain.smoothing", "Szegedy et al. 2016 §7 (paper: none)"),
    same("retrain.average", "ours: Izmailov et al. 2018, over the last quarter"),
    same("retrain.seeds", "ours: as many as give a standard error"),
    same("retrain.random", "ours: as many as seeds"),
    same("retrain.budget", "ours: not much longer than the search"),
    same("checkpoint.steps", "ours; changes no result"),
    same("checkpoint.minutes", "ours; changes no result"),
    same("checkpoint.keep", "ours; changes no result"),
];

/// What is not in it is as in [`SHORT`], and so is its source.
const PAPER: &[Line] = &[
    set("search.epochs", "310", "paper §3.2: 10 + 20 + 40 + 80 + 160, whole periods of the learning rate"),
    set("search.warm_up", "0", "paper and released code: the controller learns from the first epoch on"),
    set("train.batch", "128", "released code, macro"),
    set("augment.pad", "4", "paper §3.2 and released code: padded to 40x40, cropped to 32x32"),
    set("augment.flip", "true", "paper §3.2 and released code"),
    same("augment.cutout", "the paper's macro networks have none"),
    set("optimizer.touch", "all", "released code: L2 and momentum move unsampled weights too; the paper does not say"),
    set("score.batch", "128", "released code: a reward is the accuracy on one validation minibatch (paper §2.2)"),
    set(
        "score.rollouts",
        "20",
        "released code, macro: the gradients of 20 samples make an update; the paper does not say",
    ),
    set("score.updates", "50", "released code, macro; the paper says 2000 for Penn Treebank"),
    same("controller.lstm", "paper §2.1 (released code for CIFAR-10: 64)"),
    same("controller.temperature", "paper §3.1, as carpedm20/ENAS-pytorch has it (released code for CIFAR-10: none)"),
    same("controller.tanh", "paper §3.1 (released code, macro: 1.5)"),
    same("controller.prior", "neither paper nor released code has such a term for the macro space"),
    same("controller.rate", "paper §3.2 (released code, macro: 1e-3)"),
    same("controller.beta1", "the paper names Adam alone, so Kingma and Ba 2015 (released code: 0)"),
    same("controller.beta2", "the paper names Adam alone, so Kingma and Ba 2015"),
    same("controller.epsilon", "the paper names Adam alone, so Kingma and Ba 2015 (released code: 1e-3)"),
    same("controller.entropy", "paper §3.2 (released code: 1e-4, added to the reward)"),
    same(
        "controller.skip",
        "paper §3.2; the target of 0.4 is the prior of a skip (released code: 0.8, sampled rate 0.308)",
    ),
    same("controller.baseline", "paper §2.2; it starts at the first mean (released code: at 0)"),
    same("controller.decay", "the paper gives no number: carpedm20/ENAS-pytorch (released code: 0.99)"),
    same("controller.standardise", "neither paper nor released code"),
    same("controller.clip", "the paper does not say (released code: none on CIFAR-10)"),
    same("derive.candidates", "ours: the paper says several, each on one minibatch (released code: 10)"),
];

impl Named {
    fn find(name: &str) -> Option<&'static Self> {
        NAMED.iter().find(|named| named.name == name)
    }

    fn config(&self) -> Result<Config, ConfigError> {
        let start = Config { controller: (self.controller)(), ..Config::default() }.to_toml()?;
        let own = self.lines.iter().filter_map(|Line(key, value, _)| Some(format!("{key}={}", (*value)?)));
        Config::read(&start, &own.collect::<Vec<_>>())
    }

    /// Where a value comes from.
    fn source(&self, key: &str) -> Option<&'static str> {
        let lines = self.lines.iter().chain(SHORT);
        lines.into_iter().find(|Line(known, _, _)| *known == key).map(|Line(_, _, source)| *source)
    }
}

impl Config {
    /// The names that settings have, each with its purpose in a line.
    pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
        NAMED.iter().map(|named| (named.name, named.purpose))
    }

    /// The settings of a name: `short`, which are the defaults, or `paper`, those of Pham et al. 2018.
    ///
    /// # Errors
    /// If there is no such name.
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        Named::find(name).ok_or_else(|| unknown(name))?.config()
    }

    /// The same as TOML, with a comment above each value that says where it comes from. [`Config::read`] reads it.
    ///
    /// # Errors
    /// If there is no such name.
    pub fn commented(name: &str) -> Result<String, ConfigError> {
        let named = Named::find(name).ok_or_else(|| unknown(name))?;
        let mut text = format!("# `{name}`: {}.\n", named.purpose);
        text += "# The paper: Pham et al. 2018. The released code: the authors\u{2019} for CIFAR-10.\n";
        let mut section = String::new();
        for line in named.config()?.to_toml()?.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                name.clone_into(&mut section);
            } else if let Some((key, _)) = line.split_once(" = ") {
                let source = named.source(&format!("{section}.{key}")).unwrap_or("the default");
                text += &format!("# {source}\n");
            }
            text += &format!("{line}\n");
        }
        Ok(text)
    }
}

fn unknown(name: &str) -> ConfigError {
    let known = Config::names().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    ConfigError::UnknownName { given: name.to_owned(), known }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key of a config but for the space's.
    fn keys(text: &str) -> Vec<String> {
        let table: toml::Table = text.parse().unwrap();
        let inner = |(section, value): (String, toml::Value)| {
            let keys: Vec<String> = value.as_table().unwrap().keys().map(|key| format!("{section}.{key}")).collect();
            keys
        };
        table.into_iter().flat_map(inner).collect()
    }

    #[test]
    fn what_is_printed_is_what_is_named() {
        for (name, _) in Config::names() {
            let text = Config::commented(name).unwrap();
            assert_eq!(Config::read::<&str>(&text, &[]).unwrap(), Config::named(name).unwrap(), "{name}");
            let values = text.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
            assert_eq!(values, keys(&text).len(), "{name}");
            // A comment above each value, and two at the top.
            assert_eq!(text.lines().filter(|line| line.starts_with("# ")).count(), values + 2, "{name}");
        }
        assert_eq!(Config::named("short").unwrap(), Config::default());
    }

    #[test]
    fn every_value_has_a_source_and_every_source_a_value() {
        let keys = keys(&Config::default().to_toml().unwrap());
        let lacking: Vec<&String> =
            keys.iter().filter(|key| Named::find("short").unwrap().source(key).is_none()).collect();
        assert!(lacking.is_empty(), "add where these defaults come from to `SHORT`: {lacking:?}");
        for named in NAMED {
            for Line(key, _, source) in named.lines {
                assert!(keys.iter().any(|known| known == key), "`{}` has a line for {key}, which is gone", named.name);
                assert!(!source.is_empty() && !source.contains('\n'), "{key}");
            }
        }
    }

    #[test]
    fn the_paper_is_the_papers() {
        let paper = Config::named("paper").unwrap();
        assert_eq!(paper.controller, ControllerSettings::paper());
        assert_eq!((paper.search.epochs, paper.search.warm_up), (310, 0.0));
        assert_eq!((paper.train.batch, paper.score.rollouts, paper.score.updates), (128, 20, 50));
        let optimizer = &paper.optimizer;
        assert_eq!((optimizer.rate, optimizer.rate_min, optimizer.momentum, optimizer.l2), (0.05, 0.001, 0.9, 2e-4));
        let text = Config::commented("paper").unwrap();
        assert!(text.contains("# paper §3.2 (released code, macro: 1e-3)\nrate = 0.00035\n"), "{text}");
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let said = Config::named("papers").unwrap_err().to_string();
        assert_eq!(said, "no settings are named `papers`; the names are `short` and `paper`");
    }
}
