//! What may be answered to anything at all.

use serde_json::Value;
use sternway_server::{served_extensions, served_operations};
use sternway_wire::catalog::Catalog;
use sternway_wire::error::BAD_SIGNATURE;

use crate::connection::Reply;
use crate::traffic::{Case, Expected};
use crate::world::KEY;

/// What a cluster's stored credentials are.
pub(crate) const KUBECONFIG_SECRET: &str = "users: [{user: {token: stored-kubeconfig-token}}]";
const STORED_TOKEN: &str = "stored-kubeconfig-token";
/// A credential that some requests bring; no answer to a request that was let in repeats it.
pub(crate) const BROUGHT_TOKEN: &str = "brought-kubeconfig-token";
/// The same for what has to be Base64.
pub(crate) const BROUGHT_KEY: &str = "YnJvdWdodC13ZWJob29rLWtleS0yNC1ieXRlcyEh";

/// HTTP itself refuses so, without a body, before there is a request.
const HTTP_REFUSALS: [u16; 5] = [400, 413, 414, 431, 505];

/// The finding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As documented; with the Code.
    Fine(String),
    Wrong(String),
}

pub(crate) fn judge(case: &Case, reply: &Reply) -> Verdict {
    // A trick may have led to another operation.
    let reached = Catalog::find(&case.request.method, &case.request.path);
    let served = |name| served_operations().contains(&name) || served_extensions().contains(&name);
    let served = reached.is_some_and(|reached| served(reached.name));
    match weigh(case.expected, served, case.request.method == "HEAD", reply) {
        Ok(code) => Verdict::Fine(code),
        Err(why) => Verdict::Wrong(why),
    }
}

fn weigh(expected: Expected, served: bool, bodiless: bool, reply: &Reply) -> Result<String, String> {
    let (status, headers, body) = match reply {
        Reply::Answer { status, headers, body } => (*status, headers, body),
        Reply::Closed if expected == Expected::Http => return Ok("closed".to_owned()),
        Reply::Closed | Reply::Silence | Reply::Garbage(_) => return Err("There is no answer.".to_owned()),
    };
    if expected == Expected::Http && body.is_empty() && HTTP_REFUSALS.contains(&status) {
        return Ok(status.to_string());
    }
    let header = |name: &str| headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    if !header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
        return Err("The content type is not JSON.".to_owned());
    }
    if bodiless {
        let fine = (400..500).contains(&status) && body.is_empty();
        return if fine { Ok(status.to_string()) } else { Err("HEAD belongs to no operation.".to_owned()) };
    }
    if header("content-length").and_then(|length| length.parse().ok()) != Some(body.len()) {
        return Err("The content length is not the body's.".to_owned());
    }
    let text = std::str::from_utf8(body).map_err(|error| format!("The body is no UTF-8: {error}."))?;
    escapes(text)?;
    for secret in [KEY.secret, STORED_TOKEN] {
        if text.contains(secret) {
            return Err("The answer holds a secret.".to_owned());
        }
    }
    let body: Value = serde_json::from_str(text).map_err(|error| format!("The body is no JSON: {error}."))?;
    // A signature that does not match is answered with the string that should have been signed; some tricks break it.
    let repeats = [BROUGHT_TOKEN, BROUGHT_KEY].iter().any(|credential| text.contains(credential));
    if expected == Expected::Answer && body["Code"] != BAD_SIGNATURE && repeats {
        return Err("The answer repeats a credential.".to_owned());
    }
    if !body.is_object() {
        return Err("The body is no object.".to_owned());
    }
    nulls(&body)?;
    let request_id = string(&body, "RequestId")?;
    if !is_request_id(request_id) || header("x-acs-request-id") != Some(request_id) {
        return Err("The RequestId is no upper-case UUID, or not the header's.".to_owned());
    }
    let message = string(&body, "Message")?;
    if status == 200 { success(expected, &body, message) } else { refusal(status, served, &body) }
}

fn success(expected: Expected, body: &Value, message: &str) -> Result<String, String> {
    let shows_something = body.as_object().is_some_and(|fields| {
        fields
            .iter()
            .any(|(name, value)| !matches!(name.as_str(), "Code" | "Message" | "RequestId") && holds_something(value))
    });
    if expected == Expected::Refusal || (expected == Expected::Nothing && shows_something) {
        return Err("It was let in.".to_owned());
    }
    let code = body.get("Code").and_then(Value::as_i64).ok_or("The Code is no integer.")?;
    if (code == 200) != (message == "success") {
        return Err("The Message contradicts the Code.".to_owned());
    }
    Ok(code.to_string())
}

/// Whether there is any text or truth in it; empty lists and the numbers of pages say nothing.
fn holds_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Number(_) => false,
        Value::Bool(value) => *value,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(holds_something),
        Value::Object(fields) => fields.values().any(holds_something),
    }
}

fn refusal(status: u16, served: bool, body: &Value) -> Result<String, String> {
    let code = string(body, "Code")?;
    for name in ["HostId", "Recommend"] {
        string(body, name)?;
    }
    match (status, code) {
        (400..=499, _) => Ok(code.to_owned()),
        (501, "NotImplemented") if !served => Ok(code.to_owned()),
        _ => Err(format!("The status {status} is documented for no such request.")),
    }
}

fn string<'a>(body: &'a Value, name: &str) -> Result<&'a str, String> {
    body.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name} is no string."))
}

fn is_request_id(text: &str) -> bool {
    text.len() == 36
        && text.chars().enumerate().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => matches!(c, '0'..='9' | 'A'..='F'),
        })
}

/// Java's parser knows only the short escapes; a control character has no other spelling.
fn escapes(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('\\') {
        let (escape, next) = after.split_at_checked(1).ok_or("An escape breaks off.")?;
        rest = next;
        if escape == "u" {
            let code = next.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
            if code.is_none_or(|code| code >= 0x20) {
                return Err("Something else than a control character is escaped as \\u.".to_owned());
            }
        }
    }
    Ok(())
}

fn nulls(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(items) if items.contains(&Value::Null) => Err("An array holds a null.".to_owned()),
        Value::Array(items) => items.iter().try_for_each(nulls),
        Value::Object(members) => members.values().try_for_each(nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "6B55106C-C7F2-40F7-A1D4-092870000000";

    fn reply(status: u16, body: &str) -> Reply {
        let headers = [
            ("content-type", "application/json;charset=utf-8".to_owned()),
            ("content-length", body.len().to_string()),
            ("x-acs-request-id", ID.to_owned()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Reply::Answer { status, headers, body: body.as_bytes().to_vec() }
    }

    fn without(name: &str, reply: Reply) -> Reply {
        let Reply::Answer { status, mut headers, body } = reply else { panic!() };
        headers.retain(|(other, _)| other != name);
        Reply::Answer { status, headers, body }
    }

    fn ok(more: &str) -> String {
        format!(r#"{{"Code":200,"Message":"success","RequestId":"{ID}"{more}}}"#)
    }

    fn error(code: &str, more: &str) -> String {
        format!(r#"{{"Code":{code},"Message":"m","RequestId":"{ID}","HostId":"h","Recommend":""{more}}}"#)
    }

    #[test]
    fn what_is_documented_is_fine() {
        let fine = |expected, served, reply: &Reply| weigh(expected, served, false, reply).unwrap();
        assert_eq!(fine(Expected::Answer, true, &reply(200, &ok(r#","L":[{"a":null},"\\u0041","\u001f"]"#))), "200");
        assert_eq!(
            fine(Expected::Answer, true, &reply(200, &ok("").replace("200", "404").replace("success", "m"))),
            "404"
        );
        assert_eq!(fine(Expected::Refusal, true, &reply(400, &error("\"InvalidParameter\"", ""))), "InvalidParameter");
        assert_eq!(fine(Expected::Answer, false, &reply(501, &error("\"NotImplemented\"", ""))), "NotImplemented");
        assert_eq!(fine(Expected::Http, true, &reply(414, "")), "414");
        assert_eq!(fine(Expected::Http, true, &Reply::Closed), "closed");
        assert_eq!(weigh(Expected::Answer, true, true, &reply(404, "")), Ok("404".to_owned()));
    }

    #[test]
    fn what_is_not_documented_is_condemned() {
        let answer = |reply| (Expected::Answer, reply);
        let wrong = [
            answer(Reply::Closed),
            answer(Reply::Silence),
            answer(Reply::Garbage(String::new())),
            (Expected::Http, Reply::Silence),
            (Expected::Http, reply(500, "")),
            (Expected::Http, reply(200, "")),
            (Expected::Refusal, reply(200, &ok(""))),
            answer(reply(414, "")),
            answer(reply(200, "")),
            answer(reply(200, "[]")),
            answer(reply(200, "<html>")),
            answer(without("content-type", reply(200, &ok("")))),
            answer(without("content-length", reply(200, &ok("")))),
            answer(without("x-acs-request-id", reply(200, &ok("")))),
            answer(reply(200, &ok("").replace("200", "\"200\""))),
            answer(reply(200, &ok("").replace("200", "200.5"))),
            answer(reply(200, &ok("").replace("200", "404"))),
            answer(reply(200, &ok("").replace("\"success\"", "null"))),
            answer(reply(200, &ok("").replace(ID, "6b55106c-c7f2-40f7-a1d4-092870000000"))),
            answer(reply(200, &ok(r#","L":[null]"#))),
            answer(reply(200, &ok(r#","A":{"L":[[],[1,{"b":[1,null]}]]}"#))),
            answer(reply(200, &ok(r#","S":"\u003c""#))),
            answer(reply(200, &ok(r#","S":"\\\u4e2d""#))),
            answer(reply(200, &ok(&format!(r#","S":"{}""#, KEY.secret)))),
            answer(reply(200, &ok(&format!(r#","S":"a {STORED_TOKEN}""#)))),
            answer(reply(200, &ok(&format!(r#","S":"a {BROUGHT_TOKEN}""#)))),
            answer(reply(200, &ok(&format!(r#","S":"a {BROUGHT_KEY}""#)))),
            answer(reply(204, &ok(""))),
            answer(reply(301, &error("\"Moved\"", ""))),
            answer(reply(400, &error("400", ""))),
            answer(reply(400, &error("\"A\"", "").replace("HostId", "Host"))),
            answer(reply(400, &error("\"A\"", "").replace("\"Recommend\":\"\"", "\"Recommend\":null"))),
            answer(reply(500, &error("\"InternalError\"", ""))),
            answer(reply(501, &error("\"NotImplemented\"", ""))),
            answer(reply(503, &error("\"ServiceUnavailable\"", ""))),
        ];
        for (expected, reply) in wrong {
            assert!(weigh(expected, true, false, &reply).is_err(), "{expected:?} {reply}");
        }
        assert!(weigh(Expected::Answer, true, true, &reply(200, "")).is_err());
    }
}
