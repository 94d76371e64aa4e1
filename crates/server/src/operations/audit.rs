//! The audit log: ListAuditEntries and GetAuditHead. Both are extensions.

use std::sync::Arc;

use jiff::Timestamp;
use sternway_core::ports::{AuditFilter, AuditPage};
use sternway_wire::error::GatewayError;
use sternway_wire::model::{GetAuditHead, ListAuditEntries};

use crate::call::Call;
use crate::failure::Failure;

const LONGEST_NAME: usize = 128;
const MOST_ENTRIES: i64 = 1000;
const DEFAULT_ENTRIES: u32 = 100;

/// ListAuditEntries: oldest first from After, or else newest first from Before or from the end.
pub(crate) async fn list(call: Arc<Call>) -> Result<ListAuditEntries, Failure> {
    let parameters = &call.parameters;
    let text = |name| Ok::<_, GatewayError>(parameters.text(name, LONGEST_NAME)?.map(str::to_owned));
    let number = |name| Ok::<_, GatewayError>(parameters.integer(name, 0..=i64::MAX)?.map(i64::unsigned_abs));
    let filter = AuditFilter {
        user: text("UserName")?,
        operation: text("Operation")?,
        app_id: text("AppId")?,
        since: moment(&call, "Since")?,
        until: moment(&call, "Until")?,
        only_outcomes: parameters.boolean("OnlyOutcomes")?.unwrap_or(false),
    };
    let page = match (number("After")?, number("Before")?) {
        (Some(_), Some(_)) => {
            let problem = "Give After or Before, not both.";
            return Err(GatewayError::invalid_parameter("Before", problem).into());
        }
        (Some(after), None) => AuditPage::After(after),
        (None, before) => AuditPage::Before(before.unwrap_or(u64::MAX)),
    };
    let limit = parameters.integer("Limit", 1..=MOST_ENTRIES)?;
    let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(DEFAULT_ENTRIES);
    let links = call.shared.recorder.log().entries(filter, page, limit).await?;
    let lines = links.iter().map(|link| serde_json::from_str(&link.line()?));
    Ok(ListAuditEntries { audit_entry_list: lines.collect::<Result<_, serde_json::Error>>()? })
}

fn moment(call: &Call, name: &str) -> Result<Option<Timestamp>, GatewayError> {
    let Some(text) = call.parameters.optional(name)? else { return Ok(None) };
    let problem = |_| GatewayError::invalid_parameter(name, "Give a time such as 2026-11-27T08:00:00Z.");
    text.parse().map(Some).map_err(problem)
}

/// GetAuditHead
pub(crate) async fn head(call: Arc<Call>) -> Result<GetAuditHead, Failure> {
    Ok(match call.shared.recorder.log().head().await? {
        Ok(head) => GetAuditHead { sequence: head.sequence, hash: head.hash, problem: String::new() },
        Err(broken) => GetAuditHead { problem: broken.to_string(), ..GetAuditHead::default() },
    })
}
