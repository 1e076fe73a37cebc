//! What an application wants of a search or a training that is under way.

/// What an application wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Command {
    Run,
    Pause,
    Stop,
}

/// Whoever gives commands.
pub(crate) trait Commands {
    /// The command as it is now.
    fn command(&self) -> Command;
    /// Blocks as long as the command is to pause. Returns the next one.
    fn wait_while_paused(&self) -> Command;
}

/// Asks the application whether to stop.
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
