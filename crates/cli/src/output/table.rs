//! Tables without frames, as `kubectl` prints them: easy to read and easy to cut.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Row};

/// A table with a head.
#[derive(Debug)]
pub(crate) struct Table {
    table: comfy_table::Table,
    none: &'static str,
}

impl Table {
    /// A table with these columns, which says `none` when it has no rows.
    pub(crate) fn new<const COLUMNS: usize>(columns: [&str; COLUMNS], none: &'static str) -> Self {
        let mut table = bare();
        table.set_header(columns);
        Self { table, none }
    }

    /// Adds a row.
    pub(crate) fn row<const COLUMNS: usize>(&mut self, cells: [String; COLUMNS]) {
        self.table.add_row(Row::from(cells.map(|cell| harmless(&cell, |_| false))));
    }

    /// The table as text.
    pub(crate) fn text(&self) -> String {
        if self.table.row_count() == 0 { format!("{}\n", self.none) } else { trimmed(&self.table) }
    }
}

/// Names and values, one pair a line, without those that are empty.
pub(crate) fn details(pairs: &[(&str, String)]) -> String {
    let mut table = bare();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        table.add_row([format!("{name}:"), harmless(value, |character| character == '\n')]);
    }
    trimmed(&table)
}

/// A text that others wrote, without what makes terminals do things or pass one line off as two.
fn harmless(text: &str, is_fine: impl Fn(char) -> bool) -> String {
    text.replace(|character: char| character.is_control() && !is_fine(character), "\u{fffd}")
}

fn bare() -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    // Never wrapped: a line is one thing, also when it goes through a pipe.
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn trimmed(table: &comfy_table::Table) -> String {
    table.lines().map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(&line).trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_nothing_trails() {
        let mut table = Table::new(["NAME", "PODS"], "no applications");
        assert_eq!(table.text(), "no applications\n");
        table.row(["shop".into(), "10".into()]);
        table.row(["a".into(), "1".into()]);
        assert_eq!(table.text(), "NAME  PODS\nshop  10\na     1\n");
    }

    #[test]
    fn what_others_wrote_moves_no_cursor_and_makes_no_lines() {
        let mut table = Table::new(["ABOUT"], "nothing");
        table.row(["a\nb\u{1b}[2J\u{9b}1A".into()]);
        assert_eq!(table.text(), "ABOUT\na\u{fffd}b\u{fffd}[2J\u{fffd}1A\n");
        assert_eq!(details(&[("text", "a\nb\u{1b}".into())]), "text:  a\n       b\u{fffd}\n");
    }

    #[test]
    fn empty_details_are_left_out() {
        assert_eq!(details(&[("name", "shop".into()), ("description", String::new())]), "name:  shop\n");
    }
}
