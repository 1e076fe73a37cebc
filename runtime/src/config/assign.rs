//! User-supplied settings: a file, and `KEY=VALUE` assignments on top of it.

use supernet_plugin::nearest;
use toml::{Table, Value};

use super::Config;
use super::error::ConfigError;

impl Config {
    /// The defaults, overridden by `text` (TOML), then by the assignments in order. Keys of the
    /// space are passed on: the space itself checks them. In `text`, the current name of a key
    /// takes precedence over an earlier one.
    ///
    /// # Errors
    /// If a key does not exist, or a value has the wrong type or is out of range.
    pub fn read<S: AsRef<str>>(text: &str, assignments: &[S]) -> Result<Self, ConfigError> {
        Self::over(&[], text, assignments)
    }

    /// As [`Config::read`], for the `config.toml` of a run: a setting that did not exist yet when
    /// the run was started has the value to which it amounted then.
    ///
    /// # Errors
    /// The same as for [`Config::read`].
    pub fn of_run<S: AsRef<str>>(text: &str, assignments: &[S]) -> Result<Self, ConfigError> {
        Self::over(&EARLIER, text, assignments)
    }

    fn over<S: AsRef<str>>(
        below: &[(&str, &str)],
        text: &str,
        assignments: &[S],
    ) -> Result<Self, ConfigError> {
        let syntax = |error: toml::de::Error| ConfigError::Syntax(error.message().to_owned());
        let mut table = Table::try_from(Self::default())
            .map_err(|error| ConfigError::Syntax(error.to_string()))?;
        let known = leaves(&table);
        for (key, value) in below {
            assign(&mut table, &known, key, parse(value))?;
        }
        let mut given = leaves(&text.parse().map_err(syntax)?);
        given.sort_by_key(|(key, _)| renamed(key) == key);
        for (key, value) in given {
            assign(&mut table, &known, renamed(&key), value)?;
        }
        for assignment in assignments {
            let given = assignment.as_ref();
            let not_assigned = || ConfigError::NotAssigned {
                given: given.to_owned(),
            };
            let (key, value) = given.split_once('=').ok_or_else(not_assigned)?;
            assign(&mut table, &known, renamed(key.trim()), parse(value.trim()))?;
        }
        for (key, words) in one_of_words() {
            let given = leaves(&table)
                .into_iter()
                .find(|(k, _)| k == key)
                .map(|(_, value)| plain(&value));
            // The file of a run with a custom strategy names it, but users cannot request it.
            let custom =
                |given: &str| key == "search.strategy" && ["custom", "own"].contains(&given);
            if let Some(given) =
                given.filter(|given| !words.contains(&given.as_str()) && !custom(given))
            {
                let known = words
                    .iter()
                    .map(|word| format!("`{word}`"))
                    .collect::<Vec<_>>()
                    .join(" or ");
                return Err(ConfigError::UnknownWord {
                    key: key.to_owned(),
                    given,
                    known,
                });
            }
        }
        let config: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| ConfigError::Invalid(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// The settings as the text of a `config.toml`.
    ///
    /// # Errors
    /// If a value cannot be represented in TOML, such as an integer that needs more than 63 bits.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|error| ConfigError::Syntax(error.to_string()))
    }
}

/// Renamed keys: the old name and the current one.
const RENAMED: [(&str, &str); 7] = [
    ("search.data", "search.dataset"),
    ("optimizer.rate", "optimizer.learning_rate"),
    ("optimizer.rate_min", "optimizer.min_learning_rate"),
    ("optimizer.l2", "optimizer.weight_decay"),
    ("retrain.rate", "retrain.learning_rate"),
    ("controller.rate", "controller.learning_rate"),
    ("text.limit", "text.vocabulary_limit"),
];

/// What settings that came later amounted to before they existed.
const EARLIER: [(&str, &str); 8] = [
    ("train.paths", "1"),
    ("train.identity", "false"),
    ("train.emphasis", "1.0"),
    ("derive.generations", "0"),
    ("derive.by", "reward"),
    ("selection.share", "0.0"),
    ("retrain.same_size", "0"),
    ("retrain.largest", "0"),
];

/// The current name of a key.
fn renamed(key: &str) -> &str {
    let new = RENAMED.iter().find(|(old, _)| *old == key);
    new.map_or(key, |(_, new)| new)
}

/// The settings that accept one of a few words.
fn one_of_words() -> [(&'static str, &'static [&'static str]); 9] {
    [
        (
            "search.strategy",
            &[
                "spos",
                "enas",
                "darts",
                "snas",
                "gdas",
                "proxyless",
                "one-shot",
                "fairnas",
                "random",
                "evolution",
                "halving",
                "nas",
            ],
        ),
        ("method.gradient", &["ran", "all"]),
        ("method.gates", &["two", "full", "reinforce"]),
        ("derive.rule", &["method", "samples", "perturbation"]),
        ("optimizer.method", &["sgd", "adam"]),
        ("text.unit", &["word", "character"]),
        ("optimizer.touch", &["path", "all"]),
        ("derive.by", &["loss", "reward"]),
        ("controller.baseline", &["leave_one_out", "moving_average"]),
    ]
}

/// A value parsed as TOML; a bare word is a string.
fn parse(text: &str) -> Value {
    let table = format!("value = {text}")
        .parse::<Table>()
        .ok()
        .filter(|table| table.len() == 1);
    table
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Every value of a table with its dotted key.
fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut leaves = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => leaves.extend(
                self::leaves(inner)
                    .into_iter()
                    .map(|(k, v)| (format!("{key}.{k}"), v)),
            ),
            _ => leaves.push((key.clone(), value.clone())),
        }
    }
    leaves
}

fn assign(
    table: &mut Table,
    known: &[(String, Value)],
    key: &str,
    value: Value,
) -> Result<(), ConfigError> {
    let Some((section, name)) = key.split_once('.') else {
        return Err(unknown(known, key));
    };
    if section == "space" {
        insert(table, section, name, value);
        return Ok(());
    }
    let Some((_, default)) = known.iter().find(|(k, _)| k == key) else {
        return Err(unknown(known, key));
    };
    // 1e9 is a whole number too, although TOML reads it as a float.
    let value = match (default, value) {
        (Value::Integer(_), Value::Float(float)) if float.fract() == 0.0 && float.abs() < 1e15 => {
            Value::Integer(float as i64)
        }
        (_, value) => value,
    };
    let wrong = |wanted| ConfigError::WrongKind {
        key: key.to_owned(),
        wanted,
        given: plain(&value),
    };
    let value = match (default, &value) {
        (Value::Float(_), Value::Integer(whole)) => Value::Float(*whole as f64),
        (Value::Float(_), Value::Float(_)) | (Value::Boolean(_), Value::Boolean(_)) => value,
        // Every integer setting is a count.
        (Value::Integer(_), Value::Integer(whole)) if *whole >= 0 => {
            if key.ends_with("seed") || *whole <= i64::from(u32::MAX) {
                value
            } else {
                return Err(wrong("below 4294967296"));
            }
        }
        (Value::String(_), Value::String(_)) => value,
        (Value::Integer(_), Value::Integer(_)) => return Err(wrong("a whole number, 0 or above")),
        (Value::Integer(_), Value::String(digits))
            if digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty() =>
        {
            return Err(wrong("below 9223372036854775808"));
        }
        (Value::Integer(_), _) => return Err(wrong("a whole number")),
        (Value::Float(_), _) => return Err(wrong("a number")),
        (Value::Boolean(_), _) => return Err(wrong("true or false")),
        _ => return Err(wrong("a word")),
    };
    insert(table, section, name, value);
    Ok(())
}

fn insert(table: &mut Table, section: &str, name: &str, value: Value) {
    if let Value::Table(inner) = table
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()))
    {
        inner.insert(name.to_owned(), value);
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Suggests the nearest key: a typo, or the same last word in other sections, of which all are
/// named, since a guess among them could change another phase than is meant.
fn unknown(known: &[(String, Value)], key: &str) -> ConfigError {
    let last_word = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let last = last_word(key);
    // A user who remembers an old name is pointed to the new one.
    let old = RENAMED.iter().map(|(old, _)| *old);
    let keys: Vec<&str> = known
        .iter()
        .map(|(key, _)| key.as_str())
        .chain(old)
        .collect();
    let with_word = |word: &str| -> Vec<&str> {
        let same = keys.iter().copied().filter(|key| last_word(key) == word);
        let mut same: Vec<&str> = same.map(renamed).collect();
        same.sort_unstable();
        same.dedup();
        same
    };
    let words: Vec<String> = keys.iter().map(|key| last_word(key)).collect();
    let typo = || nearest(key, keys.iter().copied()).map(renamed);
    let near = match with_word(&last) {
        same if !same.is_empty() && !key.contains('.') => same,
        same => match typo() {
            Some(typo) => vec![typo],
            None if same.is_empty() => nearest(&last, words.iter().map(String::as_str))
                .map(with_word)
                .unwrap_or_default(),
            None => same,
        },
    };
    let quoted = |keys: &[&str]| {
        let quoted = keys.iter().map(|key| format!("`{key}`"));
        quoted.collect::<Vec<_>>().join(" or ")
    };
    let hint = match &near[..] {
        [] => "; settings of the space are written `space.KEY`, and the others are listed in a run's config.toml".to_owned(),
        [one] => format!("; the nearest is `{one}`"),
        several => format!("; write {}", quoted(several)),
    };
    ConfigError::UnknownKey {
        key: key.to_owned(),
        hint,
    }
}

#[cfg(test)]
mod tests {
    use supernet_plugin::Setting;

    use super::*;

    #[test]
    fn keys_of_earlier_versions_are_read() {
        let known = leaves(&Table::try_from(Config::default()).unwrap());
        for (old, new) in RENAMED {
            assert!(known.iter().any(|(key, _)| key == new), "{new}");
            assert!(known.iter().all(|(key, _)| key != old), "{old}");
        }
        let text = "[search]\ndata = \"digits\"\nstrategy = \"own\"\n[optimizer]\nrate = 0.25";
        let config = Config::read(text, &["optimizer.l2=0.5", "text.limit=9"]).unwrap();
        assert_eq!(config.search.dataset, "digits");
        assert_eq!(config.search.strategy, crate::config::StrategyName::Custom);
        let optimizer = &config.optimizer;
        assert_eq!(
            [optimizer.learning_rate, optimizer.weight_decay],
            [0.25, 0.5]
        );
        assert_eq!(config.text.vocabulary_limit, 9);
        for text in [
            "optimizer.rate = 0.1\noptimizer.learning_rate = 0.2",
            "optimizer.learning_rate = 0.2\noptimizer.rate = 0.1",
        ] {
            let config = Config::read::<&str>(text, &[]).unwrap();
            assert_eq!(config.optimizer.learning_rate, 0.2);
        }
        for (old, new) in RENAMED {
            let (room, key) = old.split_once('.').unwrap();
            let value = &known.iter().find(|(key, _)| key == new).unwrap().1;
            let parsed: Result<Config, _> = toml::from_str(&format!("[{room}]\n{key} = {value}"));
            assert_eq!(parsed.unwrap(), Config::default(), "{old}");
        }
    }

    fn said(assignments: &[&str]) -> String {
        Config::read("", assignments).unwrap_err().to_string()
    }

    #[test]
    fn assignments_override_the_file_which_overrides_the_defaults() {
        let config = Config::read(
            "[optimizer]\nrate = 1\n[train]\nbatch = 32",
            &["train.batch=16", "space.layers=8"],
        )
        .unwrap();
        assert_eq!(
            (config.optimizer.learning_rate, config.train.batch),
            (1.0, 16)
        );
        assert_eq!(config.space["layers"], Setting::Int(8));
        assert_eq!(config.optimizer.momentum, 0.9);
    }

    #[test]
    fn mistakes_get_sentences() {
        assert_eq!(
            said(&["optimizer.rat=0.1"]),
            "there is no setting `optimizer.rat`; the nearest is `optimizer.learning_rate`"
        );
        assert_eq!(
            said(&["batch=3"]),
            "there is no setting `batch`; write `score.batch` or `train.batch`"
        );
        assert_eq!(
            said(&["epochs=3"]),
            "there is no setting `epochs`; write `nas.epochs` or `retrain.epochs` or `search.epochs`"
        );
        assert_eq!(
            said(&["searches.epoch=3"]),
            "there is no setting `searches.epoch`; the nearest is `search.epochs`"
        );
        assert_eq!(
            said(&["momentun=0.5"]),
            "there is no setting `momentun`; the nearest is `optimizer.momentum`"
        );
        assert_eq!(
            said(&["rate=0.5"]),
            "there is no setting `rate`; write `controller.learning_rate` or `optimizer.learning_rate` or `retrain.learning_rate`"
        );
        assert_eq!(
            said(&["train.batch=many"]),
            "`train.batch` must be a whole number, not `many`"
        );
        assert_eq!(
            said(&["search.epochs=-3"]),
            "`search.epochs` must be a whole number, 0 or above, not `-3`"
        );
        assert_eq!(
            said(&["search.epochs=2000000"]),
            "`search.epochs` is 2000000, but it must be from 0 (fitted) to 1048576"
        );
        assert_eq!(
            said(&["optimizer.learning_rate=nan"]),
            "`optimizer.learning_rate` is NaN, but it must be above 0 and below 3.4e38"
        );
        assert_eq!(
            Config::read("", &["search.epochs=1e3"])
                .unwrap()
                .search
                .epochs,
            1000
        );
        assert_eq!(
            said(&["search.epochs=1e9"]),
            "`search.epochs` is 1e9, but it must be from 0 (fitted) to 1048576"
        );
        assert_eq!(
            said(&["search.epochs=1.5"]),
            "`search.epochs` must be a whole number, not `1.5`"
        );
        assert_eq!(
            said(&["search.epochs=-1e3"]),
            "`search.epochs` must be a whole number, 0 or above, not `-1000`"
        );
        assert!(said(&["frobnicate"]).contains("write KEY=VALUE"));
        let strategies = "`spos` or `enas` or `darts` or `snas` or `gdas` or `proxyless` or `one-shot` or `fairnas` or `random` \
                          or `evolution` or `halving` or `nas`";
        assert_eq!(
            said(&["search.strategy=cream"]),
            format!("`search.strategy` is `cream`, but it must be {strategies}")
        );
        assert_eq!(
            said(&["evolution.population=0"]),
            "`evolution.population` is 0, but it must be from 1 to 1048576"
        );
        assert!(said(&["evolution.tournament=0"]).contains("from 1 to 1048576"));
        assert!(said(&["evolution.size=3"]).contains("there is no setting `evolution.size`"));
        assert!(
            said(&["controller.baseline=none"])
                .contains("must be `leave_one_out` or `moving_average`")
        );
        assert!(said(&["optimizer.beta2=0.99999999999"]).contains("below 1"));
    }

    #[test]
    fn every_word_that_is_offered_is_taken() {
        for (key, words) in one_of_words() {
            for word in words {
                assert!(
                    Config::read("", &[format!("{key}={word}")]).is_ok(),
                    "{key}={word}"
                );
            }
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let config = Config::read(
            "",
            &[
                "controller.learning_rate=0.003",
                "space.layers=8",
                "search.seed=9000000000",
            ],
        )
        .unwrap();
        let text = config.to_toml().unwrap();
        assert_eq!(Config::read::<&str>(&text, &[]).unwrap(), config);
        assert!(text.contains("rate = 0.003\n"), "{text}");
    }
}
