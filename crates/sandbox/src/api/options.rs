//! The query string: list, watch and write options.

use serde_json::json;

use super::Request;
use super::selector::{FieldSelector, LabelSelector};
use crate::resources::FieldError;
use crate::status::Status;

/// All options a request can carry; which ones matter depends on the verb.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) labels: LabelSelector,
    pub(super) fields: FieldSelector,
    /// 0 for no limit.
    pub(super) limit: usize,
    pub(super) continue_token: String,
    pub(super) resource_version: String,
    pub(super) version_match: VersionMatch,
    pub(super) watch: bool,
    pub(super) allow_bookmarks: bool,
    pub(super) send_initial_events: Option<bool>,
    pub(super) timeout_seconds: Option<i64>,
    pub(super) dry_run: bool,
    pub(super) field_manager: Option<String>,
    pub(super) force: Option<bool>,
    pub(super) field_validation: FieldValidation,
    pub(super) include_object: IncludeObject,
    pub(super) no_headers: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum VersionMatch {
    #[default]
    Unset,
    Exact,
    NotOlderThan,
}

/// What to do with unknown and duplicate fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum FieldValidation {
    Ignore,
    #[default]
    Warn,
    Strict,
}

/// How much of the object a Table row carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum IncludeObject {
    None,
    #[default]
    Metadata,
    Object,
}

impl Query {
    /// The manager of a write: as given, else what the User-Agent says before its slash.
    pub(super) fn field_manager(&self, request: &Request) -> String {
        let given = self.field_manager.as_deref().unwrap_or_default();
        if !given.is_empty() {
            return given.to_owned();
        }
        let agent = request.header("user-agent").unwrap_or_default();
        let name = agent.split('/').next().unwrap_or_default();
        if name.is_empty() { "unknown".to_owned() } else { name.to_owned() }
    }
}

/// Reads and checks the query.
///
/// # Errors
/// 400 for what does not parse, 422 for combinations that are not allowed.
pub(super) fn parse(request: &Request, watch_path: bool) -> Result<Query, Status> {
    let get =
        |wanted: &str| request.query.iter().find(|(key, _)| key == wanted).map_or("", |(_, value)| value.as_str());
    let given = |wanted: &str| request.query.iter().any(|(key, _)| key == wanted);
    // An absent flag is false; a present one is true unless it says otherwise.
    let flag = |wanted: &str| given(wanted) && !matches!(get(wanted).to_ascii_lowercase().as_str(), "false" | "0");

    let mut query = Query {
        continue_token: get("continue").to_owned(),
        resource_version: get("resourceVersion").to_owned(),
        watch: watch_path || flag("watch"),
        allow_bookmarks: flag("allowWatchBookmarks"),
        send_initial_events: given("sendInitialEvents").then(|| flag("sendInitialEvents")),
        field_manager: given("fieldManager").then(|| get("fieldManager").to_owned()),
        force: given("force").then(|| flag("force")),
        ..Query::default()
    };
    query.limit = usize::try_from(integer(get("limit"))?.unwrap_or(0)).unwrap_or(0);
    query.timeout_seconds = integer(get("timeoutSeconds"))?;
    query.labels = LabelSelector::parse(get("labelSelector")).map_err(Status::bad_request)?;
    query.fields = FieldSelector::parse(get("fieldSelector")).map_err(Status::bad_request)?;
    query.include_object = match get("includeObject") {
        "None" => IncludeObject::None,
        "" | "Metadata" => IncludeObject::Metadata,
        "Object" => IncludeObject::Object,
        other => {
            return Err(Status::bad_request(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: \"{other}\": must be \
                 'Metadata', 'Object', 'None', or empty"
            )));
        }
    };
    query.field_validation = match get("fieldValidation") {
        "Ignore" => FieldValidation::Ignore,
        "Strict" => FieldValidation::Strict,
        _ => FieldValidation::Warn,
    };
    check_write_options(request)?;
    query.no_headers = flag("noHeaders");
    query.dry_run = request.query.iter().any(|(key, value)| key == "dryRun" && value == "All");
    query.version_match = version_match(&query, get("resourceVersionMatch"), given("resourceVersionMatch"))?;
    Ok(query)
}

/// Checks the options of a write, which are named after its verb.
fn check_write_options(request: &Request) -> Result<(), Status> {
    let kind = match request.method.as_str() {
        "POST" => "CreateOptions",
        "PUT" => "UpdateOptions",
        "PATCH" => "PatchOptions",
        "DELETE" => "DeleteOptions",
        _ => return Ok(()),
    };
    let values = |wanted: &str| -> Vec<&str> {
        request.query.iter().filter(|(key, _)| key == wanted).map(|(_, value)| value.as_str()).collect()
    };
    let mut errors = Vec::new();
    let dry_run = values("dryRun");
    if dry_run.iter().any(|value| *value != "All") {
        errors.push(FieldError::not_supported("dryRun", &json!(dry_run), &["All"]));
    }
    for value in values("fieldValidation") {
        let supported = ["", "Ignore", "Strict", "Warn"];
        if !supported.contains(&value) {
            errors.push(FieldError::not_supported("fieldValidation", &json!(value), &supported));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid_kind("meta.k8s.io", kind, "", errors))
}

fn integer(text: &str) -> Result<Option<i64>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))
}

fn version_match(query: &Query, text: &str, given: bool) -> Result<VersionMatch, Status> {
    const FIELD: &str = "resourceVersionMatch";
    let forbidden = |detail: &str| FieldError::forbidden(FIELD, detail);
    let mut errors = Vec::new();
    if query.watch {
        if query.send_initial_events.is_some() && text != "NotOlderThan" {
            errors.push(forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
        }
        if given && !text.is_empty() {
            if query.send_initial_events.is_none() {
                errors.push(forbidden(
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                ));
            }
            if text != "NotOlderThan" {
                errors.push(FieldError::not_supported(FIELD, &text.into(), &["NotOlderThan"]));
            }
            if !query.continue_token.is_empty() {
                errors.push(forbidden("resourceVersionMatch is forbidden when continue is provided"));
            }
        }
    } else {
        if query.send_initial_events.is_some() {
            errors.push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        if given && !text.is_empty() {
            if query.resource_version.is_empty() {
                errors.push(forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"));
            }
            if !query.continue_token.is_empty() {
                errors.push(forbidden("resourceVersionMatch is forbidden when continue is provided"));
            }
            if !matches!(text, "Exact" | "NotOlderThan") {
                errors.push(FieldError::not_supported(FIELD, &text.into(), &["Exact", "NotOlderThan", ""]));
            }
            if text == "Exact" && query.resource_version == "0" {
                errors.push(forbidden("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
            }
        }
    }
    if !errors.is_empty() {
        return Err(Status::invalid_kind("meta.k8s.io", "ListOptions", "", errors));
    }
    Ok(match text {
        "Exact" => VersionMatch::Exact,
        "NotOlderThan" => VersionMatch::NotOlderThan,
        _ => VersionMatch::Unset,
    })
}
