//! Bodies: what a success, a refusal and a failure look like as JSON.
//!
//! The Java SDK's parser shapes the rules. It does not decode `\u` escapes (it drops the backslash and keeps the rest), so
//! text leaves as raw UTF-8 with only the short escapes of JSON; a control character that has no short escape becomes a
//! space. It throws on a `null` inside an array, so the response models have no optional elements.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::ser::{CharEscape, Formatter};
use serde_json::{Map, Value, json};

use crate::error::{BusinessError, GatewayError};

/// The type of every answer, whatever the client says it accepts.
pub const CONTENT_TYPE: &str = "application/json;charset=utf-8";

/// The integer `Code` of a success.
pub const SUCCESS_CODE: i32 = 200;

/// The `Message` of a success.
pub const SUCCESS_MESSAGE: &str = "success";

/// The `ErrorCode` of a success, in the Abort* and Rollback* family.
pub const SUCCESS_ERROR_CODE: &str = "success";

/// Serialises a response model (or any other value) by the rules above.
///
/// Fails only if the value cannot be JSON at all, such as a map whose keys are no strings.
pub fn to_json<T: Serialize>(body: &T) -> serde_json::Result<String> {
    let mut bytes = Vec::with_capacity(512);
    body.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, JavaSafe))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The body of a gateway error, for a response with `error.http_status`.
pub fn gateway_error(error: &GatewayError, request_id: &str, host_id: &str) -> String {
    let mut body = json!({
        "RequestId": request_id,
        "HostId": host_id,
        "Code": error.code,
        "Message": error.message,
        "Recommend": "",
    });
    if let Some(denied) = &error.denied {
        body["AccessDeniedDetail"] = json!({
            "AuthAction": denied.action,
            "AuthPrincipalDisplayName": denied.principal,
            "NoPermissionType": if denied.explicit { "ExplicitDeny" } else { "ImplicitDeny" },
        });
    }
    render(&body)
}

/// The body of a business error, for a response with HTTP 200.
pub fn business_error(error: &BusinessError, request_id: &str) -> String {
    render(&json!({ "Code": error.code, "Message": error.message, "RequestId": request_id }))
}

/// The body of a business error of the Abort* and Rollback* family, for a response with HTTP 200.
pub fn change_order_error(error: &BusinessError, request_id: &str, trace_id: &str) -> String {
    render(&json!({
        "Code": error.code,
        "Message": error.message,
        "RequestId": request_id,
        "TraceId": trace_id,
        "ErrorCode": error.error_code,
        "Data": {},
    }))
}

/// A [`Value`] has only string keys, so that rendering it cannot fail.
fn render(body: &Value) -> String {
    to_json(body).unwrap_or_default()
}

/// The parts that every answer has, read from a body by a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Answer {
    /// A string in gateway errors, an integer otherwise.
    pub code: Value,
    pub message: String,
    pub request_id: String,
    pub trace_id: String,
    pub error_code: String,
    /// The payload: whatever else the body holds.
    #[serde(flatten)]
    pub payload: Map<String, Value>,
}

impl Answer {
    /// Whether the operation did what it was asked.
    pub fn is_success(&self) -> bool {
        self.code == SUCCESS_CODE
    }
}

/// Writes control characters without a short escape as spaces instead of `\u00XX`.
struct JavaSafe;

impl Formatter for JavaSafe {
    fn write_char_escape<W: ?Sized + io::Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Quote => writer.write_all(br#"\""#),
            CharEscape::ReverseSolidus => writer.write_all(br"\\"),
            CharEscape::Solidus => writer.write_all(b"/"),
            CharEscape::Backspace => writer.write_all(br"\b"),
            CharEscape::FormFeed => writer.write_all(br"\f"),
            CharEscape::LineFeed => writer.write_all(br"\n"),
            CharEscape::CarriageReturn => writer.write_all(br"\r"),
            CharEscape::Tab => writer.write_all(br"\t"),
            CharEscape::AsciiControl(_) => writer.write_all(b" "),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    #[test]
    fn markup_and_foreign_letters_stay_raw() {
        let text = "Apply success. <br>application is ready & 应用就绪 \u{2028}\u{7f}";
        assert_eq!(to_json(&text).unwrap(), format!("\"{text}\""));
    }

    #[test]
    fn control_characters_become_spaces_unless_json_has_a_short_escape() {
        assert_eq!(to_json(&"a\u{1}b\u{1f}c\n\t\r\u{8}\u{c}\"\\").unwrap(), r#""a b c\n\t\r\b\f\"\\""#);
    }

    #[test]
    fn a_gateway_error_has_a_string_code_and_all_five_fields() {
        let body = gateway_error(&GatewayError::nonce_used(), "ID", "host");
        let body: Value = serde_json::from_str(&body).unwrap();
        for field in ["Code", "Message", "RequestId", "HostId", "Recommend"] {
            assert!(body[field].is_string(), "{field}");
        }
    }

    #[test]
    fn a_refused_permission_says_which() {
        let error = GatewayError::forbidden("user deploy", "edas:ManageApplication", "application/a", false);
        let body: Value = serde_json::from_str(&gateway_error(&error, "ID", "host")).unwrap();
        assert_eq!(body["AccessDeniedDetail"]["AuthAction"], "edas:ManageApplication");
    }

    #[test]
    fn business_errors_have_an_integer_code() {
        let error = BusinessError::rollback_not_supported("o", "It has ended.");
        let plain: Value = serde_json::from_str(&business_error(&error, "ID")).unwrap();
        assert_eq!(plain["Code"], 400);
        let order: Answer = serde_json::from_str(&change_order_error(&error, "ID", "trace")).unwrap();
        assert!(!order.is_success());
        assert_eq!((order.error_code.as_str(), order.trace_id.as_str()), ("ChangeOrder.RollbackNotSupported", "trace"));
        assert!(order.payload["Data"].is_object());
    }

    proptest! {
        #[test]
        fn no_text_yields_a_unicode_escape(text in any::<String>()) {
            let body = to_json(&text).unwrap();
            let decoded: String = serde_json::from_str(&body).unwrap();
            let expected: String = text
                .chars()
                .map(|c| if c < ' ' && !"\n\t\r\u{8}\u{c}".contains(c) { ' ' } else { c })
                .collect();
            assert_eq!(decoded, expected);
            assert!(!body.replace(r"\\", "").contains(r"\u"));
        }
    }
}
