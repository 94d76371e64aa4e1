//! Tables around the rows that a kind knows how to print.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::options::IncludeObject;
use super::read;
use crate::resources::Resource;

/// A Table of these objects. Streams tell the columns only once.
pub(super) fn render(
    resource: &'static Resource,
    objects: &[&Value],
    metadata: Value,
    include: IncludeObject,
    columns: bool,
    now: Timestamp,
) -> Value {
    let rows = objects
        .iter()
        .map(|object| row(cells(resource, object, now), object, include))
        .collect();
    assemble(resource, metadata, columns, rows)
}

/// The Table form of a bookmark: one row of blank cells around the object.
pub(super) fn blank(
    resource: &'static Resource,
    object: &Value,
    include: IncludeObject,
    columns: bool,
) -> Value {
    let cells = columns_of(resource)
        .as_array()
        .map(Vec::len)
        .unwrap_or_default();
    let cells = vec![json!(""); cells];
    let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
    assemble(
        resource,
        metadata,
        columns,
        vec![row(cells, object, include)],
    )
}

fn assemble(
    resource: &'static Resource,
    metadata: Value,
    columns: bool,
    rows: Vec<Value>,
) -> Value {
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": if columns { columns_of(resource) } else { Value::Null },
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

fn columns_of(_resource: &'static Resource) -> Value {
    json!([{"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0}])
}

fn cells(_resource: &'static Resource, object: &Value, _now: Timestamp) -> Vec<Value> {
    vec![object["metadata"]["name"].clone()]
}
