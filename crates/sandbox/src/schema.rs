//! The shapes of the served kinds: which fields there are, of which type, and how lists merge.
//!
//! The shapes are data (`schema/*.txt`), because everything generic reads them: decoding drops unknown fields and zero
//! values as the API server's typed decoding does, strategic merge patches look up merge keys, server-side apply looks
//! up list keys and atomic fields, and the OpenAPI documents are printed from them.
//!
//! ```text
//! Container                                    a struct; " atomic" after the name: applied as one value
//!   name! string                               "!": written even when zero (no omitempty)
//!   livenessProbe *Probe                       "*": absent and zero differ
//!   env [EnvVar] merge=name keys=name          "[T]" a list: merge= strategic merge key, keys= apply keys
//!   finalizers [string] merge set              a list that both kinds of patches treat as a set
//!   nodeSelector map(string) atomic            a map that is applied as one value
//!   volumes [Volume] retainKeys merge=name     a strategic patch must name the keys to retain
//!   timeoutSeconds int32 #3                    "#": the field's number in protobuf; `#1.2` is inside of field 1, where
//!                                              JSON has no such level
//! ```

use std::collections::HashMap;
use std::sync::LazyLock;

pub mod decode;

/// The type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    String,
    Boolean,
    Int32,
    Int64,
    /// Base64 text.
    Bytes,
    Quantity,
    IntOrString,
    /// RFC 3339 in seconds.
    Time,
    /// RFC 3339 in microseconds.
    MicroTime,
    /// Any JSON.
    Raw,
    Map(Box<Type>),
    List(Box<Type>),
    Object(ObjectId),
}

/// Names a struct of the schema; resolves without failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectId(usize);

impl ObjectId {
    #[must_use]
    pub fn get(self) -> &'static Object {
        &SCHEMA.objects[self.0]
    }
}

/// A struct.
#[derive(Debug)]
pub struct Object {
    pub name: &'static str,
    pub fields: Vec<Field>,
    /// Server-side apply owns it as one value.
    pub atomic: bool,
}

impl Object {
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A field of a struct.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub ty: Type,
    /// Absent and zero differ.
    pub pointer: bool,
    /// Written even when zero.
    pub always: bool,
    /// How a strategic merge patch treats the list; `None`: it is replaced.
    pub merge: Option<Merge>,
    /// A strategic merge patch may carry `$retainKeys` here.
    pub retain_keys: bool,
    /// How server-side apply owns the list, map or struct.
    pub ownership: Ownership,
    /// The protobuf field numbers that lead to it; empty for kinds that have none.
    pub numbers: Vec<u32>,
}

/// How a strategic merge patch merges a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// Elements are scalars: the union.
    Set,
    /// Elements are structs, the same when this field is.
    Key(&'static str),
}

/// How server-side apply owns a list, map or struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// By the nature of the type: structs and maps field by field, lists as one value.
    Natural,
    /// As one value.
    Atomic,
    /// A list of scalars, each owned for itself.
    Set,
    /// A list of structs, told apart by these fields.
    Keys(Vec<&'static str>),
}

/// The struct of a name: a kind (`Deployment`, `events.Event`) or a nested one (`Container`).
#[must_use]
pub fn find(name: &str) -> Option<&'static Object> {
    SCHEMA.by_name.get(name).map(|id| id.get())
}

/// The struct of a kind.
#[must_use]
pub fn of_kind(api_version: &str, kind: &str) -> Option<&'static Object> {
    match (api_version, kind) {
        ("events.k8s.io/v1", "Event") => find("events.Event"),
        ("autoscaling/v1", "HorizontalPodAutoscaler") => find("v1.HorizontalPodAutoscaler"),
        _ => find(kind).filter(|shape| shape.field("metadata").is_some() || kind == "DeleteOptions"),
    }
}

/// Every struct, in the order of the files.
pub fn objects() -> impl Iterator<Item = &'static Object> {
    SCHEMA.objects.iter()
}

struct Schema {
    objects: Vec<Object>,
    by_name: HashMap<&'static str, ObjectId>,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    parse(&[
        include_str!("schema/meta.txt"),
        include_str!("schema/volume.txt"),
        include_str!("schema/pod.txt"),
        include_str!("schema/core.txt"),
        include_str!("schema/apps.txt"),
        include_str!("schema/other.txt"),
        include_str!("schema/gateway.txt"),
    ])
    .expect("the schema is part of the program, and a test reads it")
});

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum ParseError {
    #[error("a field before the first struct: {0:?}")]
    Orphan(&'static str),
    #[error("struct {0} is there twice")]
    Twice(&'static str),
    #[error("no type named {0:?}")]
    UnknownType(&'static str),
    #[error("cannot read {0:?}")]
    Line(&'static str),
}

fn parse(texts: &[&'static str]) -> Result<Schema, ParseError> {
    let lines = || texts.iter().flat_map(|text| text.lines()).filter(|line| !line.is_empty());
    let mut by_name = HashMap::new();
    for line in lines().filter(|line| !line.starts_with(' ')) {
        let name = line.split(' ').next().unwrap_or(line);
        if by_name.insert(name, ObjectId(by_name.len())).is_some() {
            return Err(ParseError::Twice(name));
        }
    }
    let mut objects: Vec<Object> = Vec::with_capacity(by_name.len());
    for line in lines() {
        if line.starts_with(' ') {
            let field = parse_field(line, &by_name)?;
            objects.last_mut().ok_or(ParseError::Orphan(line))?.fields.push(field);
        } else {
            let (name, flags) = line.split_once(' ').unwrap_or((line, ""));
            objects.push(Object { name, fields: Vec::new(), atomic: flags == "atomic" });
        }
    }
    Ok(Schema { objects, by_name })
}

fn parse_field(line: &'static str, names: &HashMap<&'static str, ObjectId>) -> Result<Field, ParseError> {
    let mut words = line.split_whitespace();
    let (Some(name), Some(ty)) = (words.next(), words.next()) else {
        return Err(ParseError::Line(line));
    };
    let (ty, pointer) = ty.strip_prefix('*').map_or((ty, false), |rest| (rest, true));
    let mut field = Field {
        name: name.strip_suffix('!').unwrap_or(name),
        ty: parse_type(ty, names)?,
        pointer,
        always: name.ends_with('!'),
        merge: None,
        retain_keys: false,
        ownership: Ownership::Natural,
        numbers: Vec::new(),
    };
    for flag in words {
        if let Some(numbers) = flag.strip_prefix('#') {
            let numbers = numbers.split('.').map(str::parse);
            field.numbers = numbers.collect::<Result<_, _>>().map_err(|_| ParseError::Line(line))?;
            continue;
        }
        match flag.split_once('=').unwrap_or((flag, "")) {
            ("merge", "") => field.merge = Some(Merge::Set),
            ("merge", key) => field.merge = Some(Merge::Key(key)),
            ("retainKeys", "") => field.retain_keys = true,
            ("atomic", "") => field.ownership = Ownership::Atomic,
            ("set", "") => field.ownership = Ownership::Set,
            ("keys", keys) if !keys.is_empty() => field.ownership = Ownership::Keys(keys.split(',').collect()),
            _ => return Err(ParseError::Line(line)),
        }
    }
    Ok(field)
}

fn parse_type(text: &'static str, names: &HashMap<&'static str, ObjectId>) -> Result<Type, ParseError> {
    if let Some(item) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Ok(Type::List(Box::new(parse_type(item, names)?)));
    }
    if let Some(item) = text.strip_prefix("map(").and_then(|rest| rest.strip_suffix(')')) {
        return Ok(Type::Map(Box::new(parse_type(item, names)?)));
    }
    Ok(match text {
        "string" => Type::String,
        "bool" => Type::Boolean,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "bytes" => Type::Bytes,
        "quantity" => Type::Quantity,
        "intOrString" => Type::IntOrString,
        "time" => Type::Time,
        "microtime" => Type::MicroTime,
        "raw" => Type::Raw,
        name => Type::Object(*names.get(name).ok_or(ParseError::UnknownType(name))?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_parse_and_resolve() {
        let container = find("Container").unwrap();
        let ports = container.field("ports").unwrap();
        assert_eq!(ports.merge, Some(Merge::Key("containerPort")));
        assert_eq!(ports.ownership, Ownership::Keys(vec!["containerPort", "protocol"]));
        assert!(find("LabelSelector").unwrap().atomic);
        assert!(find("DeploymentSpec").unwrap().field("replicas").unwrap().pointer);
    }

    #[test]
    fn every_resource_has_a_schema() {
        for resource in crate::resources::all() {
            assert!(resource.schema().field("metadata").is_some(), "{resource:?}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        assert_eq!(parse(&["  a string"]).err(), Some(ParseError::Orphan("  a string")));
        assert_eq!(parse(&["A\n  a Nope"]).err(), Some(ParseError::UnknownType("Nope")));
        assert_eq!(parse(&["A\n  a string odd"]).err(), Some(ParseError::Line("  a string odd")));
        assert_eq!(parse(&["A", "A"]).err(), Some(ParseError::Twice("A")));
    }
}
