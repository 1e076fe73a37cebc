//! `public-api-listing DOC [--bless]`: lists the public interface of each crate, from rustdoc's JSON in the folder DOC, and
//! compares it with the listing beside the crate, or writes that listing anew.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::{env, fs};

use public_api::Builder;

/// Crates that applications and plugins depend on: the name of rustdoc's file, and the listing.
const CRATES: [(&str, &str); 2] = [
    ("supernet", "runtime/public-api.txt"),
    ("supernet_plugin", "plugins/api/public-api.txt"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (docs, bless) = match arguments.as_slice() {
        [docs] => (docs, false),
        [docs, bless] if bless == "--bless" => (docs, true),
        _ => return Err("give the folder of rustdoc's JSON, and perhaps --bless".into()),
    };
    let mut changed = false;
    for (name, place) in CRATES {
        let listing = listing(&Path::new(docs).join(format!("{name}.json")))?;
        if bless {
            fs::write(place, listing)?;
            continue;
        }
        let known = fs::read_to_string(place).map_err(|error| format!("{place}: {error}"))?;
        for line in difference(&known, &listing) {
            println!("{line}");
            changed = true;
        }
    }
    if changed {
        return Err("the public interface has changed; if it was meant to, run tests/public-api.sh --bless and commit the \
                    listing"
            .into());
    }
    Ok(())
}

fn listing(json: &Path) -> Result<String, Box<dyn Error>> {
    let api = Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()?;
    Ok(api.to_string())
}

/// Lines that went and lines that came.
fn difference(before: &str, after: &str) -> Vec<String> {
    let [before, after] = [before, after].map(|text| text.lines().collect::<BTreeSet<_>>());
    let gone = before.difference(&after).map(|line| format!("- {line}"));
    gone.chain(after.difference(&before).map(|line| format!("+ {line}"))).collect()
}
