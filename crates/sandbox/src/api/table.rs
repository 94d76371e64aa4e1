//! Tables around the rows that a kind knows how to print.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::options::IncludeObject;
use super::read;
use crate::resources::Resource;

/// A Table of these objects. Streams tell the columns only once. A bookmark is a row like any other, with empty cells.
pub(super) fn render(
    resource: &'static Resource,
    objects: &[&Value],
    metadata: Value,
    include: IncludeObject,
    columns: bool,
    now: Timestamp,
) -> Value {
    let rows = objects.iter().map(|object| row((resource.row)(object, now), object, include)).collect();
    assemble(resource, metadata, columns, rows)
}

fn assemble(resource: &'static Resource, metadata: Value, columns: bool, rows: Vec<Value>) -> Value {
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": if columns { crate::table::columns(resource) } else { Value::Null },
        "rows": rows,
    })
}

fn row(cells: Vec<Value>, object: &Value, include: IncludeObject) -> Value {
    let mut row = Map::new();
    row.insert("cells".into(), Value::Array(cells));
    match include {
        IncludeObject::None => {
            row.insert("object".into(), Value::Null);
        }
        IncludeObject::Metadata => {
            row.insert("object".into(), read::partial(object));
        }
        IncludeObject::Object => {
            row.insert("object".into(), object.clone());
        }
    }
    Value::Object(row)
}
