//! Where progress is shown: some lines that change in place, below lines that stay.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output;

/// A terminal's live lines; without a terminal there are none, and only what stays is written.
#[derive(Debug)]
pub(crate) struct Screen {
    live: Option<Live>,
}

#[derive(Debug)]
struct Live {
    all: MultiProgress,
    lines: Mutex<Vec<ProgressBar>>,
}

impl Screen {
    /// A screen on stderr.
    pub(crate) fn new() -> Self {
        let live =
            std::io::stderr().is_terminal().then(|| Live { all: MultiProgress::new(), lines: Mutex::new(Vec::new()) });
        Self { live }
    }

    /// Whether there is a terminal, on which [`Screen::show`] shows something.
    pub(crate) const fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Writes a line that stays.
    pub(crate) fn say(&self, line: &str) {
        match &self.live {
            // A terminal that cannot be written to is no reason to stop working.
            Some(live) => drop(live.all.println(line)),
            None => output::say(line),
        }
    }

    /// Replaces the live lines.
    pub(crate) fn show(&self, lines: &[String]) {
        let Some(live) = &self.live else { return };
        let mut bars = live.lines.lock().unwrap_or_else(PoisonError::into_inner);
        while bars.len() < lines.len() {
            bars.push(live.all.add(line_bar()));
        }
        while bars.len() > lines.len() {
            if let Some(bar) = bars.pop() {
                live.all.remove(&bar);
            }
        }
        for (bar, line) in bars.iter().zip(lines) {
            bar.set_message(line.clone());
            bar.tick();
        }
    }
}

impl Drop for Screen {
    /// The live lines go; what stays, stays.
    fn drop(&mut self) {
        self.show(&[]);
    }
}

/// A bar that is only its message. It is drawn when it changes, and by a slow tick that keeps it on the screen.
fn line_bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
