//! `sternway completions`: a script that lets a shell complete our commands.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::exit::Outcome;
use crate::{arguments, output};

/// See [`run`].
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints the script; where it goes is for the shell's own documentation to say.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut arguments::Arguments::command(), "sternway", &mut script);
    output::text(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Succeeded)
}
