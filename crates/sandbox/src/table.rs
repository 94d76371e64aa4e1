//! Tables: what `kubectl get` prints.
//!
//! The server renders rows, so that clients need not know kinds. Columns are data (`table/columns.txt`, as a server
//! describes them); each kind has a function from an object to its cells, named in the registry
//! ([`Resource::row`](crate::resources::Resource)).

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::object;
use crate::resources::Resource;

mod pod;
mod rows;

pub(crate) use pod::pod;
pub(crate) use rows::*;

/// The column definitions of a resource.
#[must_use]
pub fn columns(resource: &Resource) -> Value {
    COLUMNS.get(resource.storage_key).cloned().unwrap_or_else(|| json!([]))
}

static COLUMNS: LazyLock<HashMap<&'static str, Value>> = LazyLock::new(|| parse(include_str!("table/columns.txt")));

/// Blocks of a storage key and its columns: name, type, format, priority and description, with tabs between. A
/// description that starts with `@` is one of those at the top. `\n` in a description is a line break.
fn parse(text: &'static str) -> HashMap<&'static str, Value> {
    let mut shared: HashMap<&str, &str> = HashMap::new();
    let mut tables = HashMap::new();
    for block in text.split("\n\n") {
        let mut lines = block.lines();
        let Some(key) = lines.next() else { continue };
        if key.starts_with('@') {
            shared.extend(block.lines().filter_map(|line| line.split_once(' ')));
            continue;
        }
        let columns = lines.filter_map(|line| {
            let mut parts = line.splitn(5, '\t');
            let mut next = || parts.next();
            let (name, kind, format, priority, description) = (next()?, next()?, next()?, next()?, next()?);
            Some(json!({
                "name": name,
                "type": kind,
                "format": format,
                "description": shared.get(description).unwrap_or(&description).replace("\\n", "\n"),
                "priority": priority.parse::<i64>().ok()?,
            }))
        });
        tables.insert(key, Value::Array(columns.collect()));
    }
    tables
}

/// How long ago the object was made.
pub(crate) fn age(object: &Value, now: Timestamp) -> Value {
    since(object::creation_timestamp(object), now)
}

/// How long ago that was, or `<unknown>`.
pub(crate) fn since(time: Option<Timestamp>, now: Timestamp) -> Value {
    json!(time.map_or_else(|| "<unknown>".to_owned(), |time| human(now.as_second() - time.as_second())))
}

/// A duration as people say it: two units at most, coarser the longer it is.
fn human(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |great: i64, unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{great}{unit}"),
        small => format!("{great}{unit}{small}{small_unit}"),
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        _ if days < 365 * 2 => format!("{days}d"),
        _ if days < 365 * 8 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (3_600, "60m"),
            (11_000, "3h3m"),
            (50_000, "13h"),
            (180_000, "2d2h"),
            (864_000, "10d"),
            (86_400 * 800, "2y70d"),
        ];
        for (seconds, text) in cases {
            assert_eq!(human(seconds), text);
        }
    }

    #[test]
    fn every_row_has_a_cell_per_column() {
        let now = Timestamp::UNIX_EPOCH;
        for resource in crate::resources::all().iter().filter(|resource| !resource.storage_key.is_empty()) {
            let (columns, row) = (columns(resource), (resource.row)(&json!({}), now));
            let count = columns.as_array().map(Vec::len);
            assert!(count.is_some_and(|count| count > 1), "{resource:?} has no columns");
            assert_eq!(count, Some(row.len()), "{resource:?}");
        }
    }
}
