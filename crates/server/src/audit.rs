//! What goes into the audit log, and when.
//!
//! ```text
//!  proven, allowed ─► asked ─► the operation ─► answered ─► the answer goes out        (changes)
//!                              the operation ─► answered ─► the answer goes out        (reads, if that is set)
//!  not proven, not allowed ─► refused ─► the answer goes out                           (as long as they are not too many)
//! ```
//!
//! A change is recorded before it is carried out, so that none is without its record whatever crashes; if that record cannot be written,
//! nothing is carried out. Parameters are recorded by an allow-list; of all others, only the names.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use jiff::Timestamp;
use serde_json::Value;
use sternway_access::Action;
use sternway_core::audit::{Entry, Stage};
use sternway_core::ports::{Audit, Clock, StoreError};

use crate::call::{Call, Ids};
use crate::failure::Failure;
use crate::limits::PortClock;
use crate::origin::Origin;

/// Refused attempts that are recorded at once, and how many more each minute: some 2 MB a day at the most, whoever knocks. Those who have proven who they
/// are are counted apart, so that no stranger's noise hides what they were refused.
const REFUSED_AT_ONCE: NonZeroU32 = NonZeroU32::new(200).expect("200 is not 0");
const REFUSED_PER_MINUTE: NonZeroU32 = NonZeroU32::new(4).expect("4 is not 0");

/// How often the log of the process is told where the audit log is: a line among a hundred.
const HEAD_EVERY: u64 = 100;

/// Parameters that name things, counts and choices. Everything else may hold what nobody should read.
const HARMLESS: &[&str] = &[
    "AccessKeyId",
    "ActionData",
    "Adopt",
    "AppId",
    "AppIds",
    "AppName",
    "Applications",
    "Approve",
    "Approvers",
    "Asks",
    "AssumeRolePolicyDocument",
    "Batch",
    "ChangeOrderId",
    "ClusterId",
    "ClusterName",
    "Clusters",
    "Confirm",
    "Cron",
    "CsClusterId",
    "DryRun",
    "DurationSeconds",
    "EnableRules",
    "Enabled",
    "EntryApp",
    "Events",
    "Force",
    "Format",
    "GroupId",
    "GroupName",
    "HistoryVersion",
    "Id",
    "Image",
    "ImageTag",
    "ImageUrl",
    "LaneId",
    "LogicalRegionId",
    "LogicalRegions",
    "MaxSessionDuration",
    "MessageId",
    "Minutes",
    "Name",
    "Namespace",
    "NamespaceId",
    "Namespaces",
    "OnFailure",
    "PackageType",
    "PackageVersion",
    "PackageVersionId",
    "PipelineId",
    "PolicyDocument",
    "PolicyName",
    "RegionId",
    "RegionName",
    "RegionTag",
    "Replicas",
    "ResourceGroupId",
    "ResourceGroupIds",
    "ResourceIds",
    "ResourceName",
    "ResourceType",
    "RetryStatus",
    "RoleArn",
    "RoleId",
    "RoleIds",
    "RoleName",
    "RoleSessionName",
    "ScalingRuleEnable",
    "ScalingRuleName",
    "ScalingRuleType",
    "SlbId",
    "SlbName",
    "Status",
    "TagKeys",
    "TargetUserId",
    "TaskId",
    "Timeout",
    "Type",
    "UpdateStrategy",
    "UserAccessKeyId",
    "UserName",
    "Zone",
    "appIds",
    "cmd",
];
/// Two dozen ids.
const LONGEST_VALUE: usize = 1024;
/// InsertK8sApplication has 86.
const MOST_NAMES: usize = 100;
const LONGEST_NAME: usize = 64;

/// Where answers name what they are about.
const RESULTS: &[(&str, &str)] = &[
    ("ChangeOrderId", "/ChangeOrderId"),
    ("ChangeOrderId", "/Data/ChangeOrderId"),
    ("ChangeOrderId", "/ApplicationInfo/ChangeOrderId"),
    ("AppId", "/ApplicationInfo/AppId"),
    ("AccessKeyId", "/AccessKey/AccessKeyId"),
    ("AccessKeyId", "/Credentials/AccessKeyId"),
];

/// Writes the audit log.
pub(crate) struct Recorder {
    log: Arc<dyn Audit>,
    reads: bool,
    refused: Refusals,
    strangers: Refusals,
}

/// Attempts that are recorded as long as they are not too many, and how many were left out since the last one that was.
struct Refusals {
    limiter: RateLimiter<NotKeyed, InMemoryState, PortClock, NoOpMiddleware<Nanos>>,
    unrecorded: AtomicU64,
}

impl Refusals {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::per_minute(REFUSED_PER_MINUTE).allow_burst(REFUSED_AT_ONCE);
        let limiter = RateLimiter::new(quota, InMemoryState::default(), PortClock::new(clock));
        Self { limiter, unrecorded: AtomicU64::new(0) }
    }

    /// How many were left out before this one; `None` if this one is, too.
    fn admit(&self) -> Option<u64> {
        if self.limiter.check().is_err() {
            self.unrecorded.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.unrecorded.swap(0, Ordering::Relaxed))
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recorder").field("reads", &self.reads).finish_non_exhaustive()
    }
}

impl Recorder {
    pub(crate) fn new(log: Arc<dyn Audit>, reads: bool, clock: Arc<dyn Clock>) -> Self {
        Self { log, reads, refused: Refusals::new(Arc::clone(&clock)), strangers: Refusals::new(clock) }
    }

    /// The log, for reads.
    pub(crate) fn log(&self) -> &dyn Audit {
        self.log.as_ref()
    }

    /// Before an operation is carried out. If this fails, it must not be.
    pub(crate) async fn asked(&self, entry: &Entry, action: Action) -> Result<(), StoreError> {
        if is_change(action) { self.begun(entry).await } else { Ok(()) }
    }

    /// Before something is changed. If this fails, it must not be.
    pub(crate) async fn begun(&self, entry: &Entry) -> Result<(), StoreError> {
        self.write(Entry { stage: Stage::Asked, ..entry.clone() }).await
    }

    /// After an operation, before its answer goes out.
    pub(crate) async fn answered(
        &self,
        mut entry: Entry,
        action: Action,
        now: Timestamp,
        outcome: &Result<String, Failure>,
    ) {
        if !is_change(action) && !self.reads {
            return;
        }
        entry.at = now;
        entry.code = code(outcome);
        if let Ok(body) = outcome
            && is_change(action)
        {
            name_results(&mut entry, body);
        }
        self.ended(entry).await;
    }

    /// After something was changed or read; the outcome is in the entry.
    pub(crate) async fn ended(&self, entry: Entry) {
        // That it was asked is on record, and it is done: to answer with a failure would make clients do it again.
        self.append(entry).await;
    }

    /// Whether what changes nothing is recorded, too.
    pub(crate) fn records_reads(&self) -> bool {
        self.reads
    }

    /// A request that never became an operation.
    pub(crate) async fn refused(&self, entry: Entry, failure: &Failure) {
        let Failure::Gateway(error) = failure else { return };
        self.turned_away(entry, error.code.clone().into_owned()).await;
    }

    /// A request that was not let in, for the reason of this code.
    pub(crate) async fn turned_away(&self, entry: Entry, code: String) {
        let of_kind = if entry.user.is_empty() { &self.strangers } else { &self.refused };
        let Some(unrecorded) = of_kind.admit() else { return };
        self.append(Entry { stage: Stage::Refused, code, unrecorded, ..entry }).await;
    }

    async fn append(&self, entry: Entry) {
        let trace_id = entry.trace_id.clone();
        if let Err(error) = self.write(entry).await {
            tracing::error!(
                trace_id,
                error = &error as &dyn std::error::Error,
                "an outcome could not be recorded in the audit log"
            );
        }
    }

    async fn write(&self, entry: Entry) -> Result<(), StoreError> {
        let head = self.log.append(entry).await?;
        if head.sequence % HEAD_EVERY == 0 {
            // The log of the process goes elsewhere: an end of the audit log that it knows cannot be cut off unnoticed.
            tracing::info!(sequence = head.sequence, hash = head.hash, "the audit log has reached an entry");
        }
        Ok(())
    }
}

/// What policies call reading, listing or getting changes nothing.
fn is_change(action: Action) -> bool {
    let verb = action.name().split_once(':').map_or("", |(_, verb)| verb);
    !["Read", "List", "Get"].iter().any(|reading| verb.starts_with(reading))
}

fn code(outcome: &Result<String, Failure>) -> String {
    match outcome {
        Ok(_) => sternway_wire::envelope::SUCCESS_CODE.to_string(),
        Err(Failure::Business(error)) => error.error_code.clone().into_owned(),
        Err(Failure::Gateway(error)) => error.code.clone().into_owned(),
        Err(Failure::Internal(_)) => "InternalError".to_owned(),
    }
}

/// What is known of a request before it has proven anything.
pub(crate) fn stranger(operation: &str, origin: Origin, claimed: &str, ids: &Ids, now: Timestamp) -> Entry {
    Entry {
        at: now,
        stage: Stage::Answered,
        user: String::new(),
        access_key_id: claimed.to_owned(),
        source: origin.address.to_string(),
        operation: operation.to_owned(),
        app_id: String::new(),
        parameters: std::collections::BTreeMap::new(),
        withheld: Vec::new(),
        results: std::collections::BTreeMap::new(),
        code: String::new(),
        trace_id: ids.trace.clone(),
        unrecorded: 0,
    }
}

/// What a call of somebody who is proven asks for.
pub(crate) async fn of_call(call: &Call, operation: &str) -> Result<Entry, Failure> {
    let mut entry = stranger(operation, call.origin, &call.caller.access_key_id, &call.ids, call.now());
    entry.user.clone_from(&call.caller.user);
    entry.app_id = app_of(call).await?;
    for (name, value) in call.parameters.iter() {
        if HARMLESS.binary_search(&name).is_ok() {
            entry.parameters.insert(name.to_owned(), cut(value, LONGEST_VALUE));
        } else if entry.withheld.len() < MOST_NAMES {
            entry.withheld.push(cut(name, LONGEST_NAME));
        }
    }
    entry.withheld.sort_unstable();
    entry.withheld.dedup();
    Ok(entry)
}

/// The application that the request names, by itself or by an order or a part of one.
async fn app_of(call: &Call) -> Result<String, Failure> {
    let parameter = |name| call.parameters.optional(name).ok().flatten();
    if let Some(id) = parameter("AppId") {
        return Ok(cut(id, LONGEST_NAME));
    }
    let order = if let Some(id) = parameter("ChangeOrderId").and_then(|id| id.parse().ok()) {
        call.store().order(id).await?
    } else if let Some(part) = parameter("PipelineId").or(parameter("TaskId")).and_then(|id| id.parse().ok()) {
        call.store().order_of_part(part).await?
    } else {
        None
    };
    Ok(order.map(|order| order.app.to_string()).unwrap_or_default())
}

fn name_results(entry: &mut Entry, body: &str) {
    let Ok(body) = serde_json::from_str::<Value>(body) else { return };
    for (name, pointer) in RESULTS {
        if let Some(id) = body.pointer(pointer).and_then(Value::as_str).filter(|id| !id.is_empty()) {
            entry.results.insert((*name).to_owned(), id.to_owned());
        }
    }
    if entry.app_id.is_empty()
        && let Some(created) = entry.results.get("AppId")
    {
        entry.app_id.clone_from(created);
    }
}

/// A text that goes on says so, so that nobody takes what is left of a list for all of it.
fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_harmless_parameters_is_searchable_and_has_no_secret() {
        assert!(HARMLESS.is_sorted());
        for secret in ["KubeConfig", "Envs", "Data", "PackageUrl", "Secret", "Policy", "Url", "AccessKeySecret"] {
            assert!(!HARMLESS.contains(&secret), "{secret}");
        }
    }

    #[test]
    fn reading_is_told_from_changing_by_the_action() {
        for (action, changes) in [
            (Action::ReadApplication, false),
            (Action::ListUsers, false),
            (Action::GetCallerIdentity, false),
            (Action::ReadOperationLog, false),
            (Action::ManageApplication, true),
            (Action::AssumeRole, true),
            (Action::CreateAccessKey, true),
        ] {
            assert_eq!(is_change(action), changes, "{}", action.name());
        }
    }
}
