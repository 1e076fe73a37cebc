//! `supernet resume`.

use supernet::Search;

use crate::arguments::{ResumeOptions, evaluators, threads};
use crate::{Failure, search};

pub(crate) fn run(options: &ResumeOptions) -> Result<(), Failure> {
    let (threads, evaluators) = (threads(options.threads.as_deref())?, evaluators(options.evaluators.as_deref())?);
    let builder = Search::builder().resume(&options.run).threads(threads).evaluators(evaluators);
    search::follow(builder, options.json)
}
