//! Named settings, and the source of each of their values.

mod defaults;
mod methods;
mod published;
#[cfg(test)]
mod tests;

use defaults::SHORT;
use supernet_strategy::enas::ControllerSettings;

use super::Config;
use super::error::ConfigError;

/// A named set of settings.
struct Named {
    name: &'static str,
    /// Purpose, in one line.
    purpose: &'static str,
    controller: fn() -> ControllerSettings,
    /// Lists of lines. If several lines have the same key, the first wins. A key in none of them
    /// has the value and the source that it has in [`SHORT`].
    lines: &'static [&'static [Line]],
}

/// A setting, or another published fact: its key, its value, and the source.
struct Line(&'static str, Said, &'static str);

enum Said {
    /// The value is the default, or the controller's.
    Same,
    /// The value.
    Set(&'static str),
    /// The value for the final training from scratch, for keys that search and retraining share.
    Last(&'static str),
    /// This version has no such setting. The key is free text.
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

/// "The paper" is Pham et al. 2018; "the released code" is the authors' repository
/// (melodyguan/enas).
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
    Named {
        name: "darts",
        purpose: "as Liu et al. 2019 searched cells for CIFAR-10",
        controller: ControllerSettings::short,
        lines: methods::DARTS,
    },
    Named {
        name: "snas",
        purpose: "as Xie et al. 2019 searched cells for CIFAR-10",
        controller: ControllerSettings::short,
        lines: methods::SNAS,
    },
    Named {
        name: "gdas",
        purpose: "GDAS (Dong and Yang 2019) as Dong and Yang 2020 ran it on NAS-Bench-201",
        controller: ControllerSettings::short,
        lines: methods::GDAS,
    },
    Named {
        name: "one-shot",
        purpose: "One-Shot with path dropout, as far as Bender et al. 2018 give their settings",
        controller: ControllerSettings::short,
        lines: methods::ONE_SHOT,
    },
    Named {
        name: "spos",
        purpose: "single-path one-shot with evolution, as Guo et al. 2020 ran it",
        controller: ControllerSettings::short,
        lines: methods::SPOS,
    },
    Named {
        name: "fairnas",
        purpose: "strictly fair training, Chu et al. 2021",
        controller: ControllerSettings::short,
        lines: methods::FAIRNAS,
    },
    Named {
        name: "proxyless",
        purpose: "gates as in the released code of ProxylessNAS (Cai et al. 2019)",
        controller: ControllerSettings::short,
        lines: methods::PROXYLESS,
    },
    Named {
        name: "halving",
        purpose: "random networks trained alone by successive halving, at the cost of the defaults: the baseline of shared weights",
        controller: ControllerSettings::short,
        lines: &[HALVING],
    },
    Named {
        name: "nas",
        purpose: "a controller whose children are trained from scratch, as Zoph and Le 2017 searched for CIFAR-10",
        controller: ControllerSettings::paper,
        lines: methods::NAS,
    },
];

const HALVING: &[Line] = &[set(
    "search.strategy",
    "halving",
    "Jamieson and Talwalkar 2016; random search as the baseline: Li and Talwalkar 2019",
)];

impl Named {
    fn find(name: &str) -> Option<&'static Self> {
        // The paper is best known for its macro search.
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

    /// The source of a value.
    fn source(&self, key: &str) -> Option<&'static str> {
        self.lines().chain(SHORT).find_map(|line| match line {
            Line(known, Said::Same | Said::Set(_), source) if *known == key => Some(*source),
            _ => None,
        })
    }

    /// The comments after the settings.
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
    /// Every name of a set of settings, with a one-line description.
    pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
        NAMED.iter().map(|named| (named.name, named.purpose))
    }

    /// The settings of a name: `short`, which are the defaults, `halving`, or those that were
    /// published for a method, such as `darts`, or for a space and its data, such as
    /// `enas-macro-cifar10` (Pham et al. 2018).
    ///
    /// # Errors
    /// If the name is unknown.
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        Named::find(name).ok_or_else(|| unknown(name))?.config()
    }

    /// The named settings as TOML, with a comment above each value that gives its source. Comments
    /// at the end list what the final training uses instead, and what was published but has no
    /// setting here. [`Config::read`] accepts the result.
    ///
    /// # Errors
    /// If the name is unknown.
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
