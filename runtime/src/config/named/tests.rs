use super::*;

/// Every key of a config, without those of the space.
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
        // One comment above each value, and two at the top.
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
    let mut paper = ControllerSettings::paper();
    paper.entropy = 1e-4;
    assert_eq!(recurrent.controller, paper);
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
