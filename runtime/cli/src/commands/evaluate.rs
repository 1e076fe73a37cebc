//! `supernet evaluate`.

use std::io::Write;

use supernet::data::text::TextSettings;
use supernet::data::{SplitSpec, Splits};

use crate::arguments::{EvaluateOptions, PartName};
use crate::{Failure, data};

pub(crate) fn run(options: &EvaluateOptions) -> Result<(), Failure> {
    let (model, mut device) = options.on.model(&options.model)?;
    let provenance = model.provenance();
    let name = options.data.as_deref().unwrap_or(&provenance.data);
    if options.data.is_none() && !data::is_there(name) {
        return Err(format!(
            "the network was trained on the data `{name}`, which are neither built in nor a file or folder here; put back \
             what was there, or, if an application made them, evaluate on others (`--data NAME|PATH`), or in that \
             application (`Model::evaluate`)"
        )
        .into());
    }
    let data = data::read(name, &TextSettings::default())?;
    let changed = provenance
        .fingerprint
        .as_ref()
        .is_some_and(|was| *was != data.fingerprint());
    // Other data may be split like the training data: the model has seen none of them.
    if changed && data.address() == provenance.data && options.part != PartName::All {
        return Err(format!(
            "the data `{name}` are not what they were when the network was trained, so that their test split may have images \
             that it was trained on: put back what was there, or evaluate all with `--part all`"
        )
        .into());
    }
    let data = data.numbered_as(model.names().unwrap_or_default())?;
    let split = match options.part {
        // With `all`, the split does not matter.
        PartName::All => SplitSpec {
            train: 0.0,
            validation: 0.0,
            seed: 0,
        },
        _ => provenance.split,
    };
    let splits = Splits::new(&data, &split)?;
    let parts = match options.part {
        PartName::Test => vec![&splits.test],
        PartName::Validation => vec![&splits.validation],
        PartName::All => vec![&splits.train, &splits.validation, &splits.test],
    };
    let evaluation = model.evaluate_subsets(&mut *device, &splits, &parts)?;
    let mut out = std::io::stdout().lock();
    match options.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&evaluation)?)?,
        false => {
            writeln!(out, "{evaluation}")?;
            let names = (0..).zip(model.names().unwrap_or_default());
            let classes: Vec<String> = names
                .map(|(class, name): (u32, &String)| format!("{class} {name}"))
                .collect();
            if !classes.is_empty() {
                writeln!(out, "classes: {}", classes.join(", "))?;
            }
        }
    }
    Ok(())
}
