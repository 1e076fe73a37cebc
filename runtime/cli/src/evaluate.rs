//! `supernet evaluate`.

use std::io::Write;

use supernet::data::Splits;
use supernet::data::text::TextSettings;

use crate::arguments::{EvaluateOptions, PartName};
use crate::{Failure, data};

pub(crate) fn run(options: &EvaluateOptions) -> Result<(), Failure> {
    let (model, mut device) = options.on.model(&options.model)?;
    let provenance = model.provenance();
    let data = data::read(options.data.as_deref().unwrap_or(&provenance.data), &TextSettings::default())?;
    let splits = Splits::new(&data, &provenance.split)?;
    let parts = match options.part {
        PartName::Test => vec![&splits.test],
        PartName::Validation => vec![&splits.validation],
        PartName::All => vec![&splits.train, &splits.validation, &splits.test],
    };
    let evaluation = model.evaluate_parts(&mut *device, &splits, &parts)?;
    let mut out = std::io::stdout().lock();
    match options.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&evaluation)?)?,
        false => {
            writeln!(out, "{evaluation}")?;
            let names = (0..).zip(model.names().unwrap_or_default());
            let classes: Vec<String> = names.map(|(class, name): (u32, &String)| format!("{class} {name}")).collect();
            if !classes.is_empty() {
                writeln!(out, "classes: {}", classes.join(", "))?;
            }
        }
    }
    Ok(())
}
