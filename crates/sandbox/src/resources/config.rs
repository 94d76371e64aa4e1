//! ConfigMaps and Secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::default::{fill, structure};
use super::{FieldError, names};
use crate::api::go_json;

pub(super) fn validate_config_map(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let data = |key: &str| new.get(key).and_then(Value::as_object);
    let mut errors = Vec::new();
    for (key, _) in data("data").into_iter().flatten() {
        let field = format!("data[{key}]");
        errors.extend(FieldError::complaints(&field, key, names::config_key(key)));
        if data("binaryData").is_some_and(|binary| binary.contains_key(key)) {
            errors.push(FieldError::invalid(field, &json!(key), "duplicate of key present in binaryData"));
        }
    }
    for (key, _) in data("binaryData").into_iter().flatten() {
        errors.extend(FieldError::complaints(&format!("binaryData[{key}]"), key, names::config_key(key)));
    }
    errors.extend(immutable(new, old, &["data", "binaryData"]));
    errors
}

/// `stringData` folds into `data`, and the type is `Opaque` when none is given.
pub(super) fn default_secret(secret: &mut Value) {
    let Some(secret) = secret.as_object_mut() else {
        return;
    };
    let plain = secret.shift_remove("stringData");
    if let (Some(Value::Object(plain)), Some(data)) = (plain, structure(secret, "data")) {
        for (key, value) in plain {
            data.insert(key, json!(BASE64.encode(value.as_str().unwrap_or_default())));
        }
        data.sort_keys();
    }
    fill(secret, "type", "Opaque");
}

pub(super) fn validate_secret(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let empty = Map::new();
    let data = new.get("data").and_then(Value::as_object).unwrap_or(&empty);
    let mut errors = Vec::new();
    for key in data.keys() {
        errors.extend(FieldError::complaints(&format!("data[{key}]"), key, names::config_key(key)));
    }
    let demanded: &[&str] = match new.get("type").and_then(Value::as_str) {
        Some("kubernetes.io/tls") => &["tls.crt", "tls.key"],
        Some("kubernetes.io/dockerconfigjson") => &[".dockerconfigjson"],
        Some("kubernetes.io/dockercfg") => &[".dockercfg"],
        Some("kubernetes.io/ssh-auth") => &["ssh-privatekey"],
        Some("kubernetes.io/basic-auth") if !data.contains_key("password") && !data.contains_key("username") => {
            &["username", "password"]
        }
        _ => &[],
    };
    for key in demanded.iter().filter(|key| !data.contains_key(**key)) {
        errors.push(FieldError::required(format!("data[{key}]"), ""));
    }
    if new.get("type") == Some(&json!("kubernetes.io/dockerconfigjson")) {
        errors.extend(docker_config(data.get(".dockerconfigjson")));
    }
    if let Some(old) = old {
        let (new_type, old_type) = (new.get("type"), old.get("type"));
        if new_type != old_type {
            errors.push(FieldError::immutable("type", new_type.unwrap_or(&json!(""))));
        }
    }
    errors.extend(immutable(new, old, &["data"]));
    errors
}

/// A registry login must be JSON; its content is not repeated in the complaint.
fn docker_config(config: Option<&Value>) -> Option<FieldError> {
    let bytes = BASE64.decode(config?.as_str()?).ok()?;
    serde_json::from_slice::<Map<String, Value>>(&bytes).err()?;
    let complaint = go_json::explain(&bytes);
    let hidden = json!("<secret contents redacted>");
    Some(FieldError::invalid("data[.dockerconfigjson]", &hidden, &complaint))
}

fn immutable(new: &Value, old: Option<&Value>, fields: &[&str]) -> Vec<FieldError> {
    const COMPLAINT: &str = "field is immutable when `immutable` is set";
    let Some(old) = old.filter(|old| old.get("immutable") == Some(&json!(true))) else {
        return Vec::new();
    };
    let changed = ["immutable"].iter().chain(fields).filter(|field| new.get(**field) != old.get(**field));
    changed.map(|field| FieldError::forbidden(*field, COMPLAINT)).collect()
}
