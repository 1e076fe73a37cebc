//! `supernet architectures`.

use std::io::Write;

use supernet::results::thousands;
use supernet::tools::gallery::{self, Claim, Counted, Published};

use crate::Failure;
use crate::arguments::ArchitecturesOptions;
use crate::display::summary::folded;

pub(crate) fn run(options: &ArchitecturesOptions) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let Some(name) = &options.name else {
        for published in gallery::all()? {
            show(&mut out, &gallery::built(published)?)?;
            writeln!(out)?;
        }
        return Ok(writeln!(
            out,
            "`supernet architectures NAME` also prints one's settings and notation."
        )?);
    };
    let counted = gallery::built(gallery::find(name)?)?;
    show(&mut out, &counted)?;
    let Published {
        space,
        settings,
        notation,
        ..
    } = &counted.published;
    let settings: Vec<String> = settings
        .iter()
        .map(|(key, value)| format!("space.{key}={value}"))
        .collect();
    folded(
        &mut out,
        "space",
        &format!("{space}, with {}", settings.join(" ")),
    )?;
    Ok(writeln!(out, "\n{notation}")?)
}

/// One architecture: its published values, the values computed here, and why they differ.
fn show(out: &mut impl Write, counted: &Counted) -> Result<(), Failure> {
    let Counted {
        published,
        parameters,
        macs,
        ..
    } = counted;
    let Published {
        name,
        title,
        source,
        data,
        claim,
        facts,
        ..
    } = published;
    let Claim {
        error,
        parameters: claimed,
        differs,
    } = claim;
    let per = if facts.vocabulary.is_some() {
        "a token"
    } else {
        "an image"
    };
    writeln!(out, "{name}: {title}")?;
    folded(out, "source", source)?;
    folded(
        out,
        "published",
        &format!("{error} on {data}, {claimed} parameters"),
    )?;
    let (parameters, macs) = (thousands(*parameters), thousands(*macs));
    folded(
        out,
        "here",
        &format!("{parameters} parameters, {macs} multiply-accumulates {per}"),
    )?;
    Ok(folded(out, "differs", differs)?)
}
