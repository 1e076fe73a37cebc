//! Settings that have a name, and where each of their values comes from.

mod published;

use supernet_strategy::enas::ControllerSettings;

use super::Config;
use super::error::ConfigError;

/// Settings with a name.
struct Named {
    name: &'static str,
    /// What they are for, in one line.
    purpose: &'static str,
    controller: fn() -> ControllerSettings,
    /// Lists of lines. Of several lines with one key the first counts; what is in none is as in
    /// [`SHORT`], and so is its source.
    lines: &'static [&'static [Line]],
}

/// A setting, or what else was published: its key, what is said of it, and where that comes from.
struct Line(&'static str, Said, &'static str);

enum Said {
    /// The value is the default's or the controller's own.
    Same,
    /// The value.
    Set(&'static str),
    /// The value when the result is trained alone, for keys that search and retraining share.
    Last(&'static str),
    /// This version has no such setting. The key may be any words.
    Lacks,
}

const fn same(key: &'static str, source: &'static str) -> Line {
    Line(key, Said::Same, source)
}

const fn set(key: &'static str, value: &'static str, source: &'static str) -> Line {
    Line(key, Said::Set(value), source)
}

const fn last(key: &'static str, value: &'static str, source: &'static str) -> Line {
    Line(key, Said::Last(value), source)
}

const fn lacks(what: &'static str, source: &'static str) -> Line {
    Line(what, Said::Lacks, source)
}

/// "The paper" is Pham et al. 2018, "the released code" the authors' (melodyguan/enas).
const NAMED: &[Named] = &[
    Named {
        name: "short",
        purpose: "the defaults: searches of minutes, with a controller that learns within some thousand rollouts",
        controller: ControllerSettings::short,
        lines: &[SHORT],
    },
    Named {
        name: "enas-macro-cifar10",
        purpose: "as Pham et al. 2018 searched whole networks for CIFAR-10: 310 epochs of 1000 rollouts each; also `paper`",
        controller: ControllerSettings::paper,
        lines: &[published::MACRO, published::CIFAR],
    },
    Named {
        name: "enas-micro-cifar10",
        purpose: "as Pham et al. 2018 searched cells for CIFAR-10: 310 epochs of 300 rollouts each",
        controller: ControllerSettings::paper,
        lines: &[published::MICRO, published::CIFAR],
    },
    Named {
        name: "enas-recurrent-ptb",
        purpose: "as Pham et al. 2018 searched recurrent cells for Penn Treebank: 150 epochs of 2000 rollouts each",
        controller: ControllerSettings::paper,
        lines: &[published::RECURRENT],
    },
];

const EXPERIMENT: &str = "found by experiment, see runtime/docs/controller.md";

const SHORT: &[Line] = &[
    same("search.space", "ours: the macro space, paper §2.3"),
    same("search.dataset", "ours: built in"),
    same("search.strategy", "paper §2.2"),
    same(
        "search.epochs",
        "ours: half a minute on two cores (paper: 310)",
    ),
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
        "paper §3.2: λ = 1e-4 of λ·‖w‖², which is 2e-4 of l2/2·‖w‖² (released code, macro: 2.5e-4)",
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
    same("text.unit", "ours: words, as the paper's Penn Treebank has"),
    same(
        "text.vocabulary_limit",
        "ours: every word of the training part",
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
        "retrain.epochs",
        "ours: seconds a network on the digits (released code: 310)",
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
    same("retrain.budget", "ours: not much longer than the search"),
    same("checkpoint.steps", "ours; changes no result"),
    same("checkpoint.minutes", "ours; changes no result"),
    same("checkpoint.keep", "ours; changes no result"),
];

impl Named {
    fn find(name: &str) -> Option<&'static Self> {
        // What the paper is known for first.
        let name = if name == "paper" {
            "enas-macro-cifar10"
        } else {
            name
        };
        NAMED.iter().find(|named| named.name == name)
    }

    fn config(&self) -> Result<Config, ConfigError> {
        let start = Config {
            controller: (self.controller)(),
            ..Config::default()
        }
        .to_toml()?;
        let lists = self.lines.iter().rev();
        let own = lists
            .flat_map(|lines| lines.iter())
            .filter_map(|line| match line {
                Line(key, Said::Set(value), _) => Some(format!("{key}={value}")),
                _ => None,
            });
        Config::read(&start, &own.collect::<Vec<_>>())
    }

    fn lines(&self) -> impl Iterator<Item = &'static Line> {
        self.lines.iter().flat_map(|lines| lines.iter())
    }

    /// Where a value comes from.
    fn source(&self, key: &str) -> Option<&'static str> {
        self.lines().chain(SHORT).find_map(|line| match line {
            Line(known, Said::Same | Said::Set(_), source) if *known == key => Some(*source),
            _ => None,
        })
    }

    /// What comes after the settings, as comments.
    fn closing(&self) -> String {
        let last = self.lines().filter_map(|line| match line {
            Line(key, Said::Last(value), source) => Some(format!("# {key} = {value}: {source}\n")),
            _ => None,
        });
        let lacks = self.lines().filter_map(|line| match line {
            Line(what, Said::Lacks, source) => Some(format!("# {what}: {source}\n")),
            _ => None,
        });
        let (last, lacks): (String, String) = (last.collect(), lacks.collect());
        let headed = |heading: &str, lines: &str| match lines {
            "" => String::new(),
            _ => format!("\n# {heading}:\n{lines}"),
        };
        headed(
            "For the network that is trained in the end, `supernet retrain RUN` with `--set KEY=VALUE` for each of",
            &last,
        ) + &headed("Published, and not in this version", &lacks)
    }
}

impl Config {
    /// The names that settings have, each with its purpose in a line.
    pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
        NAMED.iter().map(|named| (named.name, named.purpose))
    }

    /// The settings of a name: `short`, which are the defaults, or those that Pham et al. 2018
    /// published for a space and its data, such as `enas-macro-cifar10`.
    ///
    /// # Errors
    /// If there is no such name.
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        Named::find(name).ok_or_else(|| unknown(name))?.config()
    }

    /// The same as TOML, with a comment above each value that says where it comes from. Comments at
    /// the end say what the last training has instead, and what was published and has no setting
    /// here. [`Config::read`] reads it.
    ///
    /// # Errors
    /// If there is no such name.
    pub fn commented(name: &str) -> Result<String, ConfigError> {
        let named = Named::find(name).ok_or_else(|| unknown(name))?;
        let mut text = format!("# `{name}`: {}.\n", named.purpose);
        text += "# The paper: Pham et al. 2018. The released code: its authors\u{2019}, melodyguan/enas, with the file in brackets; enas_lm: \
                 their later code for text, in google-research.\n";
        let mut section = String::new();
        for line in named.config()?.to_toml()?.lines() {
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'))
            {
                name.clone_into(&mut section);
            } else if let Some((key, _)) = line.split_once(" = ") {
                let source = named
                    .source(&format!("{section}.{key}"))
                    .unwrap_or("the default");
                text += &format!("# {source}\n");
            }
            text += &format!("{line}\n");
        }
        Ok(text + &named.closing())
    }
}

fn unknown(name: &str) -> ConfigError {
    let known = Config::names()
        .map(|(name, _)| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    ConfigError::UnknownName {
        given: name.to_owned(),
        known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key of a config but for the space's.
    fn keys(text: &str) -> Vec<String> {
        let table: toml::Table = text.parse().unwrap();
        let inner = |(section, value): (String, toml::Value)| {
            let keys: Vec<String> = value
                .as_table()
                .unwrap()
                .keys()
                .map(|key| format!("{section}.{key}"))
                .collect();
            keys
        };
        table.into_iter().flat_map(inner).collect()
    }

    #[test]
    fn what_is_printed_is_what_is_named() {
        for (name, _) in Config::names() {
            let text = Config::commented(name).unwrap();
            assert_eq!(
                Config::read::<&str>(&text, &[]).unwrap(),
                Config::named(name).unwrap(),
                "{name}"
            );
            let closing = Named::find(name).unwrap().closing();
            let lines: Vec<&str> = text.strip_suffix(&closing).unwrap().lines().collect();
            let values = lines
                .iter()
                .filter(|line| line.contains(" = ") && !line.starts_with('#'))
                .count();
            assert_eq!(values, keys(&text).len(), "{name}");
            // A comment above each value, and two at the top.
            assert_eq!(
                lines.iter().filter(|line| line.starts_with("# ")).count(),
                values + 2,
                "{name}"
            );
            assert!(
                closing
                    .lines()
                    .all(|line| line.is_empty() || line.starts_with("# ")),
                "{name}"
            );
        }
        assert_eq!(Config::named("short").unwrap(), Config::default());
        assert_eq!(
            Config::named("paper").unwrap(),
            Config::named("enas-macro-cifar10").unwrap()
        );
    }

    #[test]
    fn every_value_has_a_source_and_every_source_a_value() {
        for named in NAMED {
            let keys = keys(&named.config().unwrap().to_toml().unwrap());
            let lacking: Vec<&String> = keys
                .iter()
                .filter(|key| named.source(key).is_none())
                .collect();
            assert!(
                lacking.is_empty(),
                "add to `SHORT` where these defaults come from: {lacking:?}"
            );
            let known = |key: &str| keys.iter().any(|known| known == key);
            for line in named.lines() {
                let Line(key, said, source) = line;
                match said {
                    Said::Same | Said::Set(_) => {
                        assert!(
                            known(key),
                            "`{}` has a line for {key}, which is gone",
                            named.name
                        );
                    }
                    Said::Last(value) => {
                        let set = Config::read(
                            &Config::commented(named.name).unwrap(),
                            &[format!("{key}={value}")],
                        );
                        assert_ne!(
                            set.unwrap(),
                            named.config().unwrap(),
                            "`{}` has that {key} already",
                            named.name
                        );
                    }
                    Said::Lacks => {
                        let key = key.split(" = ").next().unwrap_or_default();
                        assert!(
                            !known(key),
                            "{key} is a setting now: say what it is in `{}`",
                            named.name
                        );
                    }
                }
                assert!(
                    !source.is_empty() && !source.contains('\n'),
                    "{}",
                    named.name
                );
            }
        }
    }

    #[test]
    fn published_settings_are_the_published() {
        let of = |name| Config::named(name).unwrap();
        let whole = of("enas-macro-cifar10");
        assert_eq!(whole.controller, ControllerSettings::paper());
        assert_eq!((whole.search.epochs, whole.search.warm_up), (310, 0.0));
        assert_eq!(
            (whole.train.batch, whole.score.rollouts, whole.score.updates),
            (128, 20, 50)
        );
        let optimizer = &whole.optimizer;
        assert_eq!(
            (
                optimizer.learning_rate,
                optimizer.min_learning_rate,
                optimizer.momentum,
                optimizer.weight_decay
            ),
            (0.05, 0.001, 0.9, 2e-4)
        );
        let text = Config::commented("enas-macro-cifar10").unwrap();
        assert!(
            text.contains(
                "# paper §3.2 (released code, macro: 1e-3, micro: 3.5e-3)\nlearning_rate = 0.00035\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("\n# space.filters = 96: released code (cifar10_macro_final.sh)"),
            "{text}"
        );

        let cells = of("enas-micro-cifar10");
        assert_eq!(
            (cells.train.batch, cells.score.rollouts, cells.score.updates),
            (160, 10, 30)
        );
        assert_eq!(
            (cells.search.space.as_str(), &cells.optimizer),
            ("enas-micro", &whole.optimizer)
        );

        let recurrent = of("enas-recurrent-ptb");
        let optimizer = &recurrent.optimizer;
        assert_eq!(
            (
                optimizer.learning_rate,
                optimizer.momentum,
                optimizer.clip,
                optimizer.weight_decay
            ),
            (20.0, 0.0, 0.25, 2e-7)
        );
        assert_eq!(
            (
                recurrent.train.batch,
                recurrent.score.rollouts,
                recurrent.score.updates
            ),
            (64, 1, 2000)
        );
        assert_eq!(
            recurrent.controller,
            ControllerSettings {
                entropy: 1e-4,
                ..ControllerSettings::paper()
            }
        );
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let said = Config::named("papers").unwrap_err().to_string();
        assert!(
            said.starts_with(
                "no settings are named `papers`; the names are `short`, `enas-macro-cifar10`, "
            ),
            "{said}"
        );
    }
}
