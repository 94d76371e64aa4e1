//! The two kinds of failure that EDAS clients tell apart.
//!
//! - A [`GatewayError`] says that the request never became an operation: it was not signed, not known, not allowed, not
//!   well-formed. It travels as HTTP 4xx or 5xx with a **string** `Code`.
//! - A [`BusinessError`] says that the operation was understood and refused or failed. It travels as HTTP 200 with an
//!   **integer** `Code`. Conflicts belong here: the Go SDK sends a call again after a 5xx.
//!
//! Every message ends with what the reader can do about it.

use std::borrow::Cow;

use jiff::Timestamp;

/// The Code of a signature that is not the one we compute.
pub const BAD_SIGNATURE: &str = "SignatureDoesNotMatch";

/// A request refused before it became an operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} ({http_status}): {message}")]
pub struct GatewayError {
    pub http_status: u16,
    pub code: Cow<'static, str>,
    pub message: String,
    /// Only with a refused permission.
    pub denied: Option<AccessDenied>,
}

/// What a permission was refused for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDenied {
    /// Such as `edas:ManageApplication`.
    pub action: String,
    /// Who asked.
    pub principal: String,
    /// Whether something denies it, rather than nothing allowing it.
    pub explicit: bool,
}

impl GatewayError {
    fn new(http_status: u16, code: &'static str, message: String) -> Self {
        Self { http_status, code: code.into(), message, denied: None }
    }

    /// No such access key: check the id for typing errors, or create a key.
    pub fn access_key_not_found(access_key_id: &str) -> Self {
        let message = format!(
            "Specified access key is not found. Check the AccessKeyId \"{}\", or create a key.",
            shorten(access_key_id)
        );
        Self::new(404, "InvalidAccessKeyId.NotFound", message)
    }

    /// The key exists and is disabled: enable it or use another.
    pub fn access_key_inactive(access_key_id: &str) -> Self {
        let message =
            format!("The access key \"{}\" is disabled. Enable it, or use another key.", shorten(access_key_id));
        Self::new(403, "InvalidAccessKeyId.Inactive", message)
    }

    /// The signature is not the one we compute: compare the two strings to sign, then the secret.
    ///
    /// Java compares what follows `string to sign is:` with its own, byte for byte; Python takes what follows the first
    /// colon. So the text before has no colon, and the string stands last.
    pub fn signature_mismatch(string_to_sign: &str) -> Self {
        let message = format!(
            "Specified signature is not matched with our calculation. Check the AccessKeySecret, and whether a proxy changed the request. \
             server string to sign is:{string_to_sign}"
        );
        Self::new(400, BAD_SIGNATURE, message)
    }

    /// Too many bad signatures came for this key from this address: wait, and check the secret.
    pub fn locked_out(access_key_id: &str, until: Timestamp) -> Self {
        let message = format!(
            "Too many requests with a bad signature came from this address for the access key \"{}\". It is locked here until {}. \
             Check the AccessKeySecret, and try again then.",
            shorten(access_key_id),
            until.strftime("%FT%TZ")
        );
        Self::new(403, "InvalidAccessKeyId.LockedOut", message)
    }

    /// The Authorization header is missing or cannot be read: sign the request by one of the two schemes.
    pub fn incomplete_signature(reason: String) -> Self {
        Self::new(400, "IncompleteSignature", format!("The request signature is incomplete, {reason}."))
    }

    /// The client's clock is too far from ours: set it right, or sign anew instead of sending an old request again.
    pub fn timestamp_expired(signed_at: Timestamp, now: Timestamp) -> Self {
        let message = format!(
            "The request was signed at {} and it is {} here. Set the client's clock, and sign anew for each attempt.",
            signed_at.strftime("%FT%TZ"),
            now.strftime("%FT%TZ")
        );
        Self::new(400, "InvalidTimeStamp.Expired", message)
    }

    /// The time of signing is missing or unreadable: send it in the form shown.
    pub fn timestamp_malformed(header: &str, value: &str, example: &str) -> Self {
        let message = format!(
            "The header {header} does not say when the request was signed (\"{}\"). Send it in the form \"{example}\".",
            shorten(value)
        );
        Self::new(400, "InvalidTimeStamp.Format", message)
    }

    /// The nonce was used before: make a new one for each attempt.
    pub fn nonce_used() -> Self {
        let message = "Specified signature nonce was used already. Sign each attempt with a new nonce.";
        Self::new(400, "SignatureNonceUsed", message.into())
    }

    /// A parameter that the operation needs is absent or empty: add it.
    pub fn missing_parameter(name: &str, expected: &str) -> Self {
        let message = format!("The parameter {name} is missing. Give {expected}.");
        Self::new(400, "MissingParameter", message)
    }

    /// A parameter's value cannot be used: give what is described.
    ///
    /// A problem may quote what was sent, so it is cut to a readable length.
    pub fn invalid_parameter(name: &str, problem: &str) -> Self {
        let message = format!("The parameter {} is invalid. {}", shorten(name), cut(problem, 600));
        Self::new(400, "InvalidParameter", message)
    }

    /// No operation has this method and path: check both, and the API version.
    pub fn api_not_found(method: &str, path: &str) -> Self {
        let message =
            format!("No operation of EDAS 2017-08-01 is {} {}. Check method and path.", shorten(method), shorten(path));
        Self::new(404, "InvalidApi.NotFound", message)
    }

    /// The operation exists in EDAS and not (yet) here: use one of the operations that are served.
    pub fn not_implemented(operation: &str) -> Self {
        let message = format!(
            "{operation} is not implemented by this server. The operations it serves are listed in docs/edas-compatibility.md."
        );
        Self::new(501, "NotImplemented", message)
    }

    /// A temporary key needs its token: send it along.
    pub fn security_token_missing() -> Self {
        let message = "This access key is a temporary one. Send its SecurityToken in the header x-acs-security-token, and sign it.";
        Self::new(400, "MissingSecurityToken", message.into())
    }

    /// The token is not this key's: send the one that came with it, and none with a permanent key.
    pub fn security_token_mismatch() -> Self {
        let message = "The security token does not belong to this access key. Send the one that came with it, and none with a permanent key.";
        Self::new(400, "InvalidSecurityToken.MismatchWithAccessKey", message.into())
    }

    /// The temporary key has ended: take the role on again.
    pub fn security_token_expired() -> Self {
        let message = "The temporary access key has expired. Get another one with AssumeRole.";
        Self::new(400, "InvalidSecurityToken.Expired", message.into())
    }

    /// The key's user may not do this: grant the action, or use another key. `explicit` says that a policy denies it, so that granting is
    /// not enough.
    pub fn forbidden(principal: &str, action: &str, resource: &str, explicit: bool) -> Self {
        let message = match explicit {
            false => format!("{principal} may not {action} on {resource}. Grant it, or use another access key."),
            true => format!(
                "{principal} may not {action} on {resource}, a policy denies it. Change the policy, or use another access key."
            ),
        };
        Self {
            denied: Some(AccessDenied { action: action.into(), principal: principal.into(), explicit }),
            ..Self::new(403, "Forbidden.RAM", message)
        }
    }

    /// This user sends too much: wait and try again. Terraform waits on exactly this code.
    pub fn throttled_user() -> Self {
        let message = "Request was denied due to user flow control. Wait some seconds and try again.";
        Self::new(429, "Throttling.User", message.into())
    }

    /// The server as a whole is asked too much: wait and try again.
    pub fn throttled() -> Self {
        let message = "Request was denied due to request throttling. Wait some seconds and try again.";
        Self::new(429, "Throttling", message.into())
    }

    /// The body is longer than the server takes: make it shorter.
    pub fn body_too_large(limit: usize) -> Self {
        let message = format!("The request's body is longer than {limit} bytes. Send a shorter one.");
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// Something behind the server is away: try again later.
    pub fn unavailable(reason: &str) -> Self {
        let message = format!("The server cannot answer at present, {reason}. Try again later.");
        Self::new(503, "ServiceUnavailable", message)
    }

    /// A fault of the server: report it with the trace id, by which its log can be searched.
    pub fn internal(trace_id: &str) -> Self {
        let message = format!("The server failed to handle the request. Report it with the trace id {trace_id}.");
        Self::new(500, "InternalError", message)
    }
}

/// An operation that was understood and refused, or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error_code} ({code}): {message}")]
pub struct BusinessError {
    pub code: i32,
    /// Sent by the Abort* and Rollback* family only, yet always set.
    pub error_code: Cow<'static, str>,
    pub message: String,
}

impl BusinessError {
    /// An error with a code of the caller's own; `code` must not be 200, which means success.
    pub fn new(code: i32, error_code: &'static str, message: String) -> Self {
        debug_assert_ne!(code, 200, "200 is success");
        Self { code, error_code: error_code.into(), message }
    }

    /// No such cluster: list the clusters, or import it. Terraform needs both the 601 and "does not exist".
    pub fn cluster_not_found(cluster_id: &str) -> Self {
        let message = format!(
            "The cluster {} does not exist. List the clusters with ListCluster, or import it.",
            shorten(cluster_id)
        );
        Self::new(601, "Cluster.NotFound", message)
    }

    /// No such application: list them. Terraform takes "does not exist" as gone.
    pub fn application_not_found(application_id: &str) -> Self {
        let message = format!(
            "The application {} does not exist. List the applications with ListApplication.",
            shorten(application_id)
        );
        Self::new(404, "Application.NotFound", message)
    }

    /// An application of that name is there already: choose another name, or deploy to it.
    pub fn application_exists(name: &str) -> Self {
        let message =
            format!("An application named {} exists already. Choose another name, or deploy to it.", shorten(name));
        Self::new(400, "Application.AlreadyExists", message)
    }

    /// No such change order: list the application's orders.
    pub fn change_order_not_found(order_id: &str) -> Self {
        let message = format!(
            "The change order {} does not exist. List the application's with ListRecentChangeOrder.",
            shorten(order_id)
        );
        Self::new(404, "ChangeOrder.NotFound", message)
    }

    /// No such pipeline: read the order's pipelines.
    pub fn pipeline_not_found(pipeline_id: &str) -> Self {
        let message = format!(
            "The pipeline {} does not exist. Read the order's pipelines with GetChangeOrderInfo.",
            shorten(pipeline_id)
        );
        Self::new(404, "Pipeline.NotFound", message)
    }

    /// No such task: read the order's tasks.
    pub fn task_not_found(task_id: &str) -> Self {
        let message =
            format!("The task {} does not exist. Read the order's tasks with GetChangeOrderInfo.", shorten(task_id));
        Self::new(404, "Task.NotFound", message)
    }

    /// No such historical version: list the versions.
    pub fn version_not_found(version_id: &str) -> Self {
        let message = format!(
            "The version {} does not exist. List the application's with ListHistoryDeployVersion.",
            shorten(version_id)
        );
        Self::new(404, "Application.Version.NotFound", message)
    }

    /// No such logical region: list them, or create it.
    pub fn region_not_found(region: &str) -> Self {
        let message = format!(
            "The microservice namespace {} does not exist. List them with ListUserDefineRegion, or create it.",
            shorten(region)
        );
        Self::new(404, "Region.NotFound", message)
    }

    /// The application has an unfinished order: wait for it or abort it. The spelling is the published one.
    pub fn change_order_running(order_id: &str) -> Self {
        let message = format!(
            "Another change order of this application is running, {order_id}. Wait until it ends, or abort it."
        );
        Self::new(400, "Application.ChangerOrderRunning", message)
    }

    /// The order has ended, so there is nothing to stop: read its status.
    pub fn change_order_not_running(order_id: &str, status: &str) -> Self {
        let message = format!(
            "The change order {order_id} is not running, it is {status}. Nothing was changed; to go back to an older version, deploy it."
        );
        Self::new(400, "Application.ChangerOrder.Not.Running", message)
    }

    /// The order cannot be rolled back, for the reason given: do what the reason says instead.
    pub fn rollback_not_supported(order_id: &str, reason: &str) -> Self {
        let message = format!("The change order {order_id} cannot be rolled back. {reason}");
        Self::new(400, "ChangeOrder.RollbackNotSupported", message)
    }

    /// The application's state does not allow this: do what the reason says first.
    pub fn invalid_status(reason: &str) -> Self {
        Self::new(400, "Application.InvalidStatus", reason.into())
    }

    /// The application has never been deployed: deploy it first.
    pub fn not_deployed_yet(application_id: &str) -> Self {
        let message = format!("The application {application_id} has not been deployed yet. Deploy it first.");
        Self::new(400, "Application.NotDeployYet", message)
    }

    /// The application has no instance to act upon: scale it out or start it first.
    pub fn no_instance_available(application_id: &str) -> Self {
        let message = format!("The application {application_id} has no instance. Scale it out, or start it, first.");
        Self::new(400, "Application.NoInstanceAvailable", message)
    }

    /// The cluster does not answer: check its address, its network and its kubeconfig.
    pub fn cluster_unavailable(cluster_id: &str, reason: &str) -> Self {
        let message =
            format!("The cluster {cluster_id} cannot be reached, {reason}. Check its address, network and kubeconfig.");
        Self::new(500, "Cluster.Unavailable", message)
    }

    /// The cluster forbids what is needed: grant the right that the reason names.
    pub fn cluster_forbidden(cluster_id: &str, reason: &str) -> Self {
        let message =
            format!("The cluster {cluster_id} does not allow this, {reason}. Grant the right to Sternway's user.");
        Self::new(403, "Cluster.Forbidden", message)
    }

    /// The request is well-formed and still cannot be carried out as asked: change what the reason names.
    pub fn unprocessable(reason: &str) -> Self {
        Self::new(400, "Request.Unprocessable", reason.into())
    }
}

/// Foreign text in a message: long enough to be recognised, too short to flood a log.
fn shorten(text: &str) -> String {
    cut(text, 120)
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_string_to_sign_follows_the_first_colon_of_a_mismatch() {
        let message = GatewayError::signature_mismatch("PUT\nx:y").message;
        let (before, after) = message.split_once(':').unwrap();
        assert!(before.ends_with("string to sign is"));
        assert_eq!(after, "PUT\nx:y");
    }

    #[test]
    fn terraform_recognises_what_is_gone() {
        let gone = BusinessError::cluster_not_found("c");
        assert_eq!(gone.code, 601);
        assert!(gone.message.contains("does not exist"));
        assert!(BusinessError::application_not_found("a").message.contains("does not exist"));
    }

    #[test]
    fn foreign_text_is_shortened_at_a_character() {
        let message = GatewayError::access_key_not_found(&"é".repeat(5000)).message;
        assert!(message.len() < 500);
    }
}
