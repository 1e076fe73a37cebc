use std::collections::BTreeSet;

use super::{AbiError, Description};

/// The most characters of a name.
const MOST_LETTERS: usize = 100;

impl Description {
    /// Checks that names can be shown, looked up and told apart. Their number was checked during
    /// deserialization.
    pub fn check(&self) -> Result<(), AbiError> {
        name("a name", &self.plugin)?;
        distinct(
            "search space",
            self.spaces.iter().map(|space| space.name.as_str()),
        )?;
        distinct("op", self.cpu_ops.iter().map(String::as_str))
    }
}

fn distinct<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), AbiError> {
    let mut seen = BTreeSet::new();
    for found in names {
        name(&format!("a {what}"), found)?;
        if !seen.insert(found) {
            return Err(AbiError::Description {
                what: format!("two of one name, the {what} `{found}`"),
                limit: "rename one of them".into(),
            });
        }
    }
    Ok(())
}

fn name(what: &str, name: &str) -> Result<(), AbiError> {
    let printable = |c: char| !c.is_control() && c != '/';
    if !name.is_empty() && name.chars().count() <= MOST_LETTERS && name.chars().all(printable) {
        return Ok(());
    }
    let shown: String = name.chars().take(MOST_LETTERS).collect();
    Err(AbiError::Description {
        what: format!("{what} {shown:?}"),
        limit: format!("a name has 1 to {MOST_LETTERS} printable characters, and no `/`"),
    })
}
