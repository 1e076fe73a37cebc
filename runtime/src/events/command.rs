//! Commands of the application to a search or a training in progress.

/// A command of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Command {
    Run,
    Pause,
    Stop,
}

/// A source of commands.
pub(crate) trait Commands {
    /// The current command.
    fn command(&self) -> Command;
    /// Blocks while the command is to pause. Returns the next command.
    fn wait_while_paused(&self) -> Command;
}

/// Stops when the function returns true.
pub(crate) struct StopWhen<'a>(pub(crate) &'a dyn Fn() -> bool);

impl Commands for StopWhen<'_> {
    fn command(&self) -> Command {
        if (self.0)() {
            Command::Stop
        } else {
            Command::Run
        }
    }

    fn wait_while_paused(&self) -> Command {
        self.command()
    }
}
