//! Who may upload, how much, and what is recorded of it: the same as for operations ([`crate::dispatch`]).
//!
//! ```text
//!  locked door? ─► signature, name ─► key still good? ─► rate ─► asked ─► the upload ─► answered
//! ```
//!
//! The rate is that of the access key by which the credentials were asked for, so that more credentials are not more requests. Of the parts of an upload,
//! its beginning and its end are recorded.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;
use sternway_core::audit::Entry;
use sternway_wire::envelope::SUCCESS_CODE;
use sternway_wire::{oss, query};

use super::answer::Refusal;
use super::{LONGEST_KEY, Object, Verb, Verified};
use crate::audit;
use crate::authentication::is_still_good;
use crate::call::Ids;
use crate::failure::Failure;
use crate::lockout::Door;
use crate::origin::Origin;
use crate::packages::PackageService;
use crate::server::Shared;

/// What the audit log calls a request that is none of those that are served.
const NO_VERB: &str = "-";

pub(super) async fn handle(
    shared: Arc<Shared>,
    service: Arc<PackageService>,
    parts: Parts,
    body: Body,
    request_id: &str,
) -> Result<(Response, String), Refusal> {
    let ports = shared.engine.ports();
    let origin = *parts.extensions.get::<Origin>().ok_or_else(|| Refusal::Internal("a request from nowhere".into()))?;
    let ids = Ids { request: request_id.to_owned(), trace: request_id.to_owned() };
    let query = query::pairs(parts.uri.query().unwrap_or_default());
    let verb = Verb::of(&parts.method, &query).ok_or(Refusal::Method);
    let name = verb.as_ref().map_or(NO_VERB, Verb::name);
    let entry = |claimed: &str| audit::stranger(name, origin, claimed, &ids, ports.clock.now());

    let claimed = claimed_id(&parts).unwrap_or_default();
    let request = match admit(&shared, &service, &parts, claimed, origin).await {
        Ok(request) => request,
        Err(refusal) => {
            shared.recorder.turned_away(entry(claimed), refusal.code().to_owned()).await;
            return Err(refusal);
        }
    };
    let verb = verb?;
    let user = request.claims.user.clone();
    let entry = of_request(entry(claimed), &request);
    let room = Arc::clone(&service.uploads).try_acquire_owned().map_err(|_| Refusal::Busy)?;
    if verb.changes() {
        shared.recorder.begun(&entry).await?;
    }
    let object = Object { service, records: Arc::clone(&ports.records), request, now: ports.clock.now() };
    let outcome = object.act(&verb, ports.ids.fresh().simple().to_string(), body).await;
    drop(room);
    if verb.changes() || (shared.recorder.records_reads() && !matches!(verb, Verb::Part(_))) {
        let code = outcome.as_ref().map_or_else(|refusal| refusal.code().to_owned(), |_| SUCCESS_CODE.to_string());
        shared.recorder.ended(Entry { at: ports.clock.now(), code, ..entry }).await;
    }
    Ok((outcome?, user))
}

/// Lets a request in, unless the door is locked for it, it is not what it claims to be, or it is one too many.
async fn admit(
    shared: &Shared,
    service: &PackageService,
    parts: &Parts,
    claimed: &str,
    origin: Origin,
) -> Result<Verified, Refusal> {
    let ports = shared.engine.ports();
    let now = ports.clock.now();
    let door = Door::new(claimed, origin.address);
    shared.lockout.check(&door, now).map_err(Refusal::Gateway)?;
    let keys = service.keys(ports.records.as_ref()).await?;
    let verified = Verified::new(keys, parts, now, shared.config.clock_tolerance);
    match &verified {
        Ok(_) => shared.lockout.succeeded(&door),
        // A token that is not ours is a guess as much as a signature that is wrong.
        Err(Refusal::Signature(_) | Refusal::Token) => shared.lockout.failed(door, now),
        Err(_) => {}
    }
    let request = verified?;
    if !is_still_good(shared, &request.claims.key).await.map_err(internal)? {
        return Err(Refusal::Revoked);
    }
    shared.limits.admit(&request.claims.key).map_err(Refusal::Gateway)?;
    Ok(request)
}

fn claimed_id(parts: &Parts) -> Option<&str> {
    let (id, _) = oss::credentials(parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?)?;
    Some(id)
}

fn of_request(entry: Entry, request: &Verified) -> Entry {
    let object = request.key.chars().take(LONGEST_KEY).collect();
    Entry { user: request.claims.user.clone(), parameters: [("Object".to_owned(), object)].into(), ..entry }
}

fn internal(failure: Failure) -> Refusal {
    match failure {
        Failure::Internal(error) => Refusal::Internal(error),
        Failure::Gateway(error) => Refusal::Gateway(error),
        Failure::Business(error) => Refusal::Internal(Box::new(error)),
    }
}
