//! Loads the data of a search before it starts, so that the user sees the reason for the delay.

use std::io::Write;
use std::time::Instant;

use supernet::data::Dataset;
use supernet::data::text::TextSettings;
use supernet::results::thousands;

use crate::Failure;

/// Loads the data set of `--data NAME`, reading text with `settings`. Reports on standard error
/// when files are read.
pub(crate) fn read(name: &str, settings: &TextSettings) -> Result<Dataset, Failure> {
    if Dataset::is_built_in(name) || !is_there(name) {
        return Ok(Dataset::named(name)?);
    }
    let mut err = std::io::stderr().lock();
    write!(err, "reading {name} ... ")?;
    err.flush()?;
    let began = Instant::now();
    let read = Dataset::named_as(name, settings);
    let Ok(data) = &read else {
        writeln!(err)?;
        return Ok(read?);
    };
    if let Some(text) = data.text() {
        let parts =
            [&text.train, &text.validation, &text.test].map(|part| thousands(part.len() as u64));
        let ([train, validation, test], seconds) = (parts, began.elapsed().as_secs_f64());
        let words = thousands(text.vocabulary.len().into());
        writeln!(
            err,
            "{train}, {validation} and {test} tokens of {words} different ones, in {seconds:.1} s"
        )?;
        return Ok(read?);
    }
    let ([height, width, channels], seconds) = (data.shape(), began.elapsed().as_secs_f64());
    let (samples, classes) = (thousands(data.labels().len() as u64), data.classes());
    writeln!(
        err,
        "{samples} images of {height}x{width}x{channels}, {classes} classes, in {seconds:.1} s"
    )?;
    Ok(read?)
}

/// Whether there are data of this name.
pub(crate) fn is_there(name: &str) -> bool {
    Dataset::is_built_in(name) || std::path::Path::new(name).exists()
}
