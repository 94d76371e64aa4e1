//! Where progress is shown: some lines that change in place, below lines that stay.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// Smooth to the eye, and little for a slow line.
const DRAWS_PER_SECOND: u8 = 15;

/// A terminal's live lines; without a terminal there are none, and only what stays is written.
#[derive(Debug)]
pub(crate) struct Screen {
    /// A bar that is nothing but its message, which has many lines.
    live: Option<ProgressBar>,
}

impl Screen {
    /// A screen on stderr.
    pub(crate) fn new() -> Self {
        let live = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            // Draws what the limit of draws held back.
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { live }
    }

    /// Whether there is a terminal, on which [`Screen::show`] shows something.
    pub(crate) const fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Writes a line that stays.
    pub(crate) fn say(&self, line: &str) {
        match &self.live {
            Some(bar) => bar.println(line),
            None => output::say(line),
        }
    }

    /// Replaces the live lines.
    pub(crate) fn show(&self, lines: &[String]) {
        if let Some(bar) = &self.live {
            bar.set_message(lines.join("\n"));
        }
    }

    /// Leaves the live lines as they are for good.
    pub(crate) fn leave(&self) {
        if let Some(bar) = &self.live {
            bar.finish();
        }
    }
}

impl Drop for Screen {
    /// Live lines that were not left go.
    fn drop(&mut self) {
        if let Some(bar) = self.live.take_if(|bar| !bar.is_finished()) {
            bar.finish_and_clear();
        }
    }
}
