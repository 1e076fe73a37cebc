//! Names and configs, checked by their messages.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use supernet_plugin::{
    BuildError, Config, Fact, Facts, Field, Setting, Space, SpaceEntry, find, inventory, spaces,
};

inventory::submit! {
    SpaceEntry {
        name: "wide",
        summary: "for tests",
        fields: || vec![
            Field::int("layers", 2, 1..=8, "how many").multiple_of(2),
            Field::float("rate", 0.5, 0.0..=1.0, "how much"),
            Field::flag("norm", true, "whether"),
            Field::one_of("act", &["relu", "tanh"], "which"),
            Field::ints("widths", &[8, 16], 1..=64, "how wide"),
            Field::from_data("image", Fact::Shape, "the data's shape"),
            Field::from_data("classes", Fact::Classes, "the data's classes"),
        ],
        build: |config| {
            assert_eq!(config.int("layers")?, i64::from(config.size("layers")?));
            assert!(config.float("rate")? <= 1.0);
            let s = Space::new("wide");
            let width = s.value("width", &config.sizes("widths")?);
            let x = s.input("row", &config.sizes("image")?).linear(s.extent(width), true);
            let x = if config.flag("norm")? { x.norm() } else { x };
            s.output(x.act(config.text("act")?).linear(config.size("classes")?, true));
            s.finish()
        },
    }
}
inventory::submit! {
    SpaceEntry { name: "twice", summary: "", fields: Vec::new, build: |config| Err(config.int("x").unwrap_err()) }
}
inventory::submit! {
    SpaceEntry { name: "twice", summary: "", fields: Vec::new, build: |_| Err(BuildError::refused("no")) }
}

fn configure(key: &str, value: Setting) -> Result<Config, String> {
    let given = BTreeMap::from([(key.to_owned(), value)]);
    find("wide")
        .unwrap()
        .configure(&given, &Facts::images(&[4], 3))
        .map_err(|error| error.to_string())
}

#[test]
fn names() {
    let names: Vec<&str> = spaces().iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["twice", "twice", "wide"]);
    let error = |name: &str| find(name).err().unwrap().to_string();
    assert_eq!(
        error("wife"),
        "there is no search space `wife`; the nearest is `wide`. There are: twice, twice, wide."
    );
    assert_eq!(
        error("twice"),
        "two search spaces are registered as `twice`; rename one of them."
    );
}

#[test]
fn a_config_is_filled_in_and_kept() {
    let entry = find("wide").unwrap();
    let config = configure("rate", Setting::Int(1)).unwrap();
    assert_eq!(config.float("rate"), Ok(1.0), "a whole number is a number");
    let space = entry.space(&config).unwrap();
    assert_eq!(space.config, *config.values());
    assert_eq!(space.config["image"], Setting::List(vec![Setting::Int(4)]));
    assert_eq!(space.summary, "for tests");
    // The resolved config of a run is accepted again.
    assert_eq!(
        entry
            .configure(&space.config, &Facts::images(&[4], 3))
            .unwrap(),
        config
    );
}

#[test]
fn limits() {
    let sentence = |key, value: Setting| configure(key, value).unwrap_err();
    let text = |text: &str| Setting::Text(text.into());
    let list = |items: &[i64]| Setting::List(items.iter().map(|&n| Setting::Int(n)).collect());
    for (key, value, expected) in [
        (
            "layers",
            Setting::Int(9),
            "`layers` is 9, and must be between 1 and 8",
        ),
        (
            "layers",
            Setting::Int(3),
            "`layers` is 3, and must be a multiple of 2",
        ),
        (
            "layers",
            Setting::Float(2.0),
            "`layers` is 2.0, and must be a whole number, and is a number",
        ),
        (
            "layers",
            text("two"),
            "`layers` is \"two\", and must be a whole number, and is a text",
        ),
        (
            "rate",
            Setting::Float(1.5),
            "`rate` is 1.5, and must be between 0 and 1",
        ),
        (
            "rate",
            Setting::Float(f64::NAN),
            "`rate` is NaN, and must be between 0 and 1",
        ),
        (
            "norm",
            Setting::Int(1),
            "`norm` is 1, and must be true or false, and is a whole number",
        ),
        (
            "act",
            text("rleu"),
            "`act` is \"rleu\", and must be one of relu, tanh; the nearest is `relu`",
        ),
        (
            "widths",
            list(&[8, 65]),
            "`widths` is [8, 65], and must be between 1 and 64",
        ),
        (
            "widths",
            Setting::List(vec![text("a")]),
            "`widths` is [\"a\"], and must be a list of whole numbers",
        ),
        (
            "image",
            list(&[5]),
            "`image` is [5], and must be what the data set says, [4]; leave it out",
        ),
    ] {
        assert_eq!(sentence(key, value), format!("space `wide`: {expected}."));
    }
    let none = find("wide")
        .unwrap()
        .configure(&BTreeMap::new(), &Facts::default())
        .unwrap_err()
        .to_string();
    let expected = "space `wide` needs a data set with a sample shape, as images have it, for its setting `image`, and this \
                    one has none: choose other data, or a space that takes these (`supernet spaces` lists them).";
    assert_eq!(none, expected);
    assert_eq!(
        Config::default().int("x").unwrap_err().to_string(),
        "the space reads `x` as a whole number, but its config has nothing there; declare it in the space's fields."
    );
}
