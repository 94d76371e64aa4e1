//! What goes to stdout: tables and plain words for people, the API's own JSON for programs.

mod table;
mod words;

use std::io::{self, Write as _};

use serde_json::Value;

use crate::arguments::Form;
use crate::exit::Outcome;

pub(crate) use self::table::{Table, details};
pub(crate) use self::words::{ago, moment, outcome_mark, status};

/// Writes text as it is.
pub(crate) fn text(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes one line.
pub(crate) fn line(line: &str) -> io::Result<()> {
    text(&format!("{line}\n"))
}

/// Writes a document of JSON, indented.
pub(crate) fn json(body: &Value) -> io::Result<()> {
    line(&format!("{body:#}"))
}

/// Tells that something was done: programs read the answer, people a sentence.
pub(crate) fn done(body: &Value, form: Form, words: &str) -> anyhow::Result<Outcome> {
    match form {
        Form::Json => json(body)?,
        Form::Text => say(words),
    }
    Ok(Outcome::Succeeded)
}

/// Says something on stderr, where it does not disturb what a program reads.
pub(crate) fn say(words: &str) {
    // Talk that nobody can hear is no reason to fail.
    let _ = writeln!(anstream::stderr(), "{words}");
}
