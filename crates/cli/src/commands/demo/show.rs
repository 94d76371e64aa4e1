//! How the demo looks: the pods against the floor, and the order with its batches, live on a terminal, as lines elsewhere.

use std::sync::{Mutex, PoisonError};

use sternway_wire::model::ChangeOrderInfo;
use tokio::time::Instant;

use super::story::{APP, NEW_IMAGE, OLD_IMAGE};
use super::witness::{Pod, Sight};
use crate::progress::{self, Screen};

const RESET: &str = "\x1b[0m";
const OLD_COLOUR: &str = "\x1b[36m";
const NEW_COLOUR: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";

/// Shows the demo on stderr.
#[derive(Debug)]
pub(super) struct Show {
    screen: Screen,
    began: Instant,
    /// NO_COLOR is not set, and there is a terminal.
    is_coloured: bool,
    /// The line about pods that was said last, and the lines about the order that were shown last.
    said: Mutex<String>,
    order: Mutex<Vec<String>>,
}

impl Show {
    pub(super) fn new() -> Self {
        let screen = Screen::new();
        let is_coloured = screen.is_live() && std::env::var_os("NO_COLOR").is_none();
        Self { screen, began: Instant::now(), is_coloured, said: Mutex::default(), order: Mutex::default() }
    }

    /// A step of the story.
    pub(super) fn step(&self, text: &str) {
        let time = self.began.elapsed().as_secs_f32();
        self.screen.say(&format!("{}{time:>5.1} s{}  {}", self.colour(DIM), self.reset(), self.paint(BOLD, text)));
    }

    /// A remark on a step.
    pub(super) fn remark(&self, text: &str) {
        self.screen.say(&format!("         {text}"));
    }

    /// The present state; without an order, the one shown last stays. Without a terminal, a line if the pods have changed.
    pub(super) fn state(&self, sight: &Sight, floor: Option<usize>, order: Option<&ChangeOrderInfo>) {
        if !self.screen.is_live() {
            let line = in_words(sight, floor);
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if *said != line {
                self.remark(&line);
                *said = line;
            }
            return;
        }
        let mut lines = vec![
            " ".to_owned(),
            format!("  {APP}  {}", self.bar(sight, floor)),
            format!("  {}  {}", " ".repeat(APP.len()), in_words(sight, floor)),
            " ".to_owned(),
        ];
        let mut known = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(order) = order {
            *known = progress::order_in_brief(order).into_iter().map(|line| format!("  {line}")).collect();
        }
        lines.extend(known.iter().cloned());
        self.screen.show(&lines);
    }

    /// One sign per pod: its version's number while it serves, `+` while it starts, `-` while it leaves; a bar where the floor
    /// is, to the left of which all must serve.
    fn bar(&self, sight: &Sight, floor: Option<usize>) -> String {
        let mut signs: Vec<(&str, char)> = sight.pods.values().map(sign).collect();
        // Serving pods first, old before new, then those that come, then those that go.
        signs.sort_by_key(|(_, sign)| "12+-".find(*sign));
        let mut bar = String::new();
        for (index, (colour, sign)) in signs.into_iter().enumerate() {
            if Some(index) == floor {
                bar.push_str(&self.paint(BOLD, "| "));
            }
            bar.push_str(&self.paint(colour, &format!("{sign} ")));
        }
        bar
    }

    /// Leaves the last picture where it is.
    pub(super) fn end(&self) {
        self.screen.leave();
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        format!("{}{text}{}", self.colour(colour), self.reset())
    }

    fn colour<'a>(&self, colour: &'a str) -> &'a str {
        if self.is_coloured { colour } else { "" }
    }

    fn reset(&self) -> &'static str {
        if self.is_coloured { RESET } else { "" }
    }
}

fn sign(pod: &Pod) -> (&'static str, char) {
    let (colour, version) = if pod.image == OLD_IMAGE { (OLD_COLOUR, '1') } else { (NEW_COLOUR, '2') };
    match (pod.is_leaving, pod.is_ready) {
        (true, _) => (DIM, '-'),
        (false, true) => (colour, version),
        (false, false) => (colour, '+'),
    }
}

/// The pods in words, such as `7 pods of v1, 5 of v2; 10 ready, floor 8`.
fn in_words(sight: &Sight, floor: Option<usize>) -> String {
    let leaving = sight.pods.values().filter(|pod| pod.is_leaving).count();
    let leaving = if leaving > 0 { format!(", {leaving} leaving") } else { String::new() };
    let floor = floor.map(|floor| format!(" (floor {floor})")).unwrap_or_default();
    format!(
        "{} pods of v1, {} of v2{leaving}; {} ready{floor}",
        sight.of(OLD_IMAGE),
        sight.of(NEW_IMAGE),
        sight.ready()
    )
}
