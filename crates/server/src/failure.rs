//! What went wrong, and as what it is answered. Every error of the engine, the store and the clusters is mapped here and nowhere
//! else.
//!
//! - The request is not one: a gateway error, HTTP 4xx with a string Code.
//! - The operation was understood and cannot be done: a business error, HTTP 200 with an integer Code. This includes a cluster that
//!   is away: the Go SDK sends a call again after a 5xx, and clients read the Message of a business error to their user.
//! - The server itself failed (its store): 500 InternalError. The cause goes to the log, once, with the TraceId that the answer
//!   carries, and not to the client.

use std::error::Error;

use sternway_access::Refused as Unchanged;
use sternway_core::ids::ClusterId;
use sternway_core::order::birth::Refused;
use sternway_core::ports::{ClusterError, StoreError};
use sternway_core::step::Illegal;
use sternway_engine::CommandError;
use sternway_wire::codes::Status;
use sternway_wire::error::{BusinessError, GatewayError};

/// Why a request was not answered with success.
#[derive(Debug)]
pub(crate) enum Failure {
    Gateway(GatewayError),
    Business(BusinessError),
    Internal(Box<dyn Error + Send + Sync>),
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        Self::Gateway(error)
    }
}

impl From<BusinessError> for Failure {
    fn from(error: BusinessError) -> Self {
        Self::Business(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<Unchanged> for Failure {
    fn from(refused: Unchanged) -> Self {
        let message = sentence(&refused);
        let (code, error_code) = match refused {
            Unchanged::Unknown { kind: "user", .. } => (404, "EntityNotExist.User"),
            Unchanged::Unknown { kind: "group", .. } => (404, "EntityNotExist.Group"),
            Unchanged::Unknown { kind: "policy", .. } => (404, "EntityNotExist.Policy"),
            Unchanged::Unknown { .. } => (404, "EntityNotExist.Role"),
            Unchanged::Taken { kind: "user", .. } => (409, "EntityAlreadyExists.User"),
            Unchanged::Taken { .. } => (409, "EntityAlreadyExists.Group"),
            Unchanged::Attached { .. } => (409, "DeleteConflict.Policy"),
            Unchanged::InUse { .. } => (409, "DeleteConflict.Role"),
            Unchanged::Malformed(_) => (400, "MalformedPolicyDocument"),
            Unchanged::Root => (403, "Root.Untouchable"),
            Unchanged::Name(..) | Unchanged::Reserved(_) => (400, "Request.Unprocessable"),
        };
        BusinessError::new(code, error_code, message).into()
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        let message = sentence(&error);
        let business = match error {
            CommandError::NoApp(app) => BusinessError::application_not_found(&app.to_string()),
            CommandError::NoOrder(order) => BusinessError::change_order_not_found(&order.to_string()),
            CommandError::NoPart(part) => BusinessError::pipeline_not_found(&part.to_string()),
            CommandError::NoCluster(cluster) => BusinessError::cluster_not_found(&cluster.to_string()),
            CommandError::NoVersion(app) => BusinessError::not_deployed_yet(&app.to_string()),
            CommandError::Busy(order) => BusinessError::change_order_running(&order.to_string()),
            CommandError::NameTaken => BusinessError::new(400, "Application.AlreadyExists", message),
            CommandError::Refused(refused) => refusal(&refused, message),
            CommandError::Blocked(_) => BusinessError::new(400, "Application.PrecheckFailed", message),
            CommandError::Frozen(_) => BusinessError::new(400, "Application.Frozen", message),
            CommandError::NoPreview(_) => BusinessError::new(400, "Application.PrecheckFailed", message),
            CommandError::Illegal(illegal) => illegal_command(&illegal, message),
            CommandError::Cluster(error) => cluster_failure(&error, "of the application"),
            CommandError::Store(error) => return error.into(),
        };
        business.into()
    }
}

/// A cluster that did not do what was asked, where the cluster is known.
pub(crate) fn of_cluster(id: ClusterId, error: &ClusterError) -> Failure {
    cluster_failure(error, &id.to_string()).into()
}

fn cluster_failure(error: &ClusterError, cluster: &str) -> BusinessError {
    match error {
        ClusterError::Unknown(id) => BusinessError::cluster_not_found(&id.to_string()),
        ClusterError::Unreachable { message, .. } => BusinessError::cluster_unavailable(cluster, message),
        ClusterError::Forbidden(message) => BusinessError::cluster_forbidden(cluster, message),
        ClusterError::Rejected(_) => BusinessError::new(400, "Cluster.Rejected", sentence(error)),
        ClusterError::Refused(_) => BusinessError::unprocessable(&sentence(error)),
        ClusterError::Conflict | ClusterError::NotOurs => BusinessError::new(
            409,
            "Cluster.Conflict",
            "The workload was changed by someone else at the same moment. Try again.".to_owned(),
        ),
    }
}

fn refusal(refused: &Refused, message: String) -> BusinessError {
    let error_code = match refused {
        Refused::UnknownVersion(version) => return BusinessError::version_not_found(version),
        Refused::WorkloadGone(_) | Refused::NothingToAdopt(_) => "Application.WorkloadGone",
        Refused::WorkloadDeleting(_)
        | Refused::Paused
        | Refused::HeldHalfWay { .. }
        | Refused::SameReplicas(_)
        | Refused::NotStopped(_)
        | Refused::AlreadyStopped => "Application.InvalidStatus",
        Refused::OfOthers(_) => "Resource.NotTheApplications",
        Refused::TooManyBatches { .. }
        | Refused::NoBatches
        | Refused::GrayTooLarge { .. }
        | Refused::RecreateInBatches
        | Refused::SteeringWithoutGray => "UpdateStrategy.Invalid",
        Refused::Deadlock { .. } => "Application.NoRoom",
        Refused::StartNothing | Refused::Edit(_) => "Request.Unprocessable",
    };
    BusinessError::new(400, error_code, message)
}

fn illegal_command(illegal: &Illegal, message: String) -> BusinessError {
    match illegal {
        Illegal::Ended { order, status } => {
            let status = Status::from_code(status.code()).map_or("finished", Status::text);
            BusinessError::change_order_not_running(&order.to_string(), status)
        }
        Illegal::NotADeploy { .. } => BusinessError::new(400, "ChangeOrder.RollbackNotSupported", message),
        Illegal::NotWaiting(_) => BusinessError::new(
            400,
            "Pipeline.NotWaiting",
            format!("{message} Read the pipelines' PipelineStatus with GetChangeOrderInfo; 8 waits."),
        ),
        Illegal::OwnOrder { .. } => BusinessError::new(403, "Approval.OwnOrder", message),
        Illegal::NotAnApprover { .. } => BusinessError::new(403, "Approval.NotAnApprover", message),
        Illegal::NotAwaitingApproval(_) => BusinessError::new(400, "Approval.NotAwaited", message),
        Illegal::NoSuchPart { part, .. } => BusinessError::pipeline_not_found(&part.to_string()),
        Illegal::NothingToRetry(_) => BusinessError::new(400, "Task.NothingToRetry", message),
    }
}

/// The error's own words as a sentence. Only a plain word is capitalised: a URL or an identifier would become another one. What a client named looks
/// like a word at times, so no error begins with it.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let word = text.split(' ').next().unwrap_or_default().trim_end_matches([',', ':']);
    let is_plain = word.bytes().all(|byte| byte.is_ascii_lowercase());
    if is_plain && let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use sternway_core::ids::OrderId;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Text(&'static str);

    #[test]
    fn a_sentence_begins_with_a_capital_and_names_things_as_they_are() {
        for (text, expected) in [
            ("the store failed", "The store failed."),
            ("a hold: undo it.", "A hold: undo it."),
            ("undo, then", "Undo, then."),
            ("ftp://x/ is no URL", "ftp://x/ is no URL."),
            ("mailto:x is no URL", "mailto:x is no URL."),
            ("acs:CurrentTime takes times", "acs:CurrentTime takes times."),
            ("web-1 is away", "web-1 is away."),
            ("\"web\" is no name", "\"web\" is no name."),
            ("élan", "élan."),
            ("", "."),
        ] {
            assert_eq!(sentence(&Text(text)), expected);
        }
    }

    #[test]
    fn names_that_look_like_words_stay_as_they_are() {
        let (order, user) = (OrderId::new(Uuid::nil()), "alice".to_owned());
        let own = Illegal::OwnOrder { order, user: user.clone() };
        let other = Illegal::NotAnApprover { order, user, rule: "prod".to_owned(), whom: "bob".to_owned() };
        for illegal in [own, other] {
            let message = sentence(&illegal);
            assert!(message.starts_with("The user alice "), "{message}");
        }
    }
}
