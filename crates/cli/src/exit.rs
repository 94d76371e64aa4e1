//! How the process ends: the one place that knows exit codes.

use std::io::Write as _;
use std::process::ExitCode;

use sternway_wire::codes::Status;

/// What an exit code says to a script. The list is part of the interface, and stands in `--help` and docs/cli.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What was asked for was done; a change order that was waited for ended in success.
    Succeeded,
    /// The change order that was waited for failed.
    Failed,
    /// The change order that was waited for was aborted.
    Aborted,
    /// The change order that was waited for did not end in time. It goes on.
    TimedOut,
}

impl Outcome {
    const fn number(self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::Failed => 3,
            Self::Aborted => 4,
            Self::TimedOut => 5,
        }
    }

    /// What the end of a change order means, or `None` if it is not at its end.
    pub(crate) const fn of(status: Status) -> Option<Self> {
        match status {
            Status::Succeeded => Some(Self::Succeeded),
            Status::Failed | Status::PartlySucceeded | Status::SystemFailed => Some(Self::Failed),
            Status::Aborted => Some(Self::Aborted),
            Status::Ready | Status::Running | Status::AwaitingConfirmation | Status::AwaitingInterval => None,
        }
    }
}

/// Anything else that went wrong.
const ERROR: u8 = 1;
/// The command line cannot be understood; clap uses the same code.
const USAGE: u8 = 2;

/// A command line that parses but makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// The table of exit codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done; with --wait: the change order succeeded
  1  an error: the server refuses, cannot be reached, or something is missing
  2  the command line is wrong
  3  with --wait: the change order failed
  4  with --wait: the change order was aborted
  5  with --wait: the change order did not end in time (it goes on)";

/// Says on stderr what went wrong, with all causes, and turns the result into the process's exit code.
pub(crate) fn code(result: anyhow::Result<Outcome>) -> ExitCode {
    let error = match result {
        Ok(outcome) => return outcome.number().into(),
        Err(error) => error,
    };
    if is_broken_pipe(&error) {
        // The reader has seen enough (`| head`): the end of a pipe is no news.
        return ExitCode::SUCCESS;
    }
    let mut stderr = anstream::stderr();
    let mut said = format!("error: {error}\n");
    for cause in error.chain().skip(1) {
        said.push_str(&format!("  because: {cause}\n"));
    }
    // Nothing is left to tell a failure of stderr to.
    let _ = stderr.write_all(said.as_bytes());
    if error.is::<Usage>() { USAGE.into() } else { ERROR.into() }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_an_order_has_an_outcome_and_nothing_else_has() {
        for status in Status::ALL {
            assert_eq!(Outcome::of(*status).is_some(), status.is_terminal(), "{status:?}");
        }
    }

    #[test]
    fn the_help_lists_every_outcome() {
        for outcome in [Outcome::Succeeded, Outcome::Failed, Outcome::Aborted, Outcome::TimedOut] {
            assert!(HELP.contains(&format!("\n  {}  ", outcome.number())));
        }
    }
}
