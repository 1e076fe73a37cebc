//! What is shown on a terminal.

mod live_line;
pub(crate) mod summary;

pub(crate) use live_line::LiveLine;
