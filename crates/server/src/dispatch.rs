//! The one way of every EDAS request, from its headers to its answer.
//!
//! The body is read on the connection; everything after runs as a task of the server, so that an operation once begun is carried out
//! even if the client hangs up or the answer comes too late for it. A panic in a handler ends its task and nothing else.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use sternway_wire::catalog::{Catalog, Operation};
use sternway_wire::error::{BAD_SIGNATURE, GatewayError};
use sternway_wire::parameters::Parameters;
use sternway_wire::signature::{Claim, SignedRequest};

use crate::answer::{Answer, Envelope};
use crate::audit;
use crate::authentication::{Caller, authenticate};
use crate::body::Held;
use crate::call::{self, Call, Ids};
use crate::failure::Failure;
use crate::identity::usage;
use crate::lockout::Door;
use crate::operations::instead::not_implemented;
use crate::origin::Origin;
use crate::permission::{Permit, authorize};
use crate::server::Shared;

/// What the log and the metrics call a request that is no operation.
const NO_ACTION: &str = "-";

pub(crate) async fn dispatch(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let began = Instant::now();
    let ids = fresh_ids(&shared);
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let path = parts.uri.path().to_owned();
    let host = header(&parts, "host").unwrap_or_default().to_owned();
    let operation = Catalog::find(method.as_str(), &path).or_else(|| of_sts(&parts));
    let action = operation.map_or(NO_ACTION, |operation| operation.name);
    let key_id = Arc::new(OnceLock::new());

    let limit = shared.config.request_timeout;
    let handled = handle(Arc::clone(&shared), operation, parts, body, ids.clone(), Arc::clone(&key_id));
    let outcome = tokio::time::timeout(limit, handled).await.unwrap_or_else(|_| {
        let reason = "it took too long; what was asked for may still be carried out, so look before asking again";
        Err(GatewayError::unavailable(reason).into())
    });

    let envelope = shared.operations.envelope(action).unwrap_or(Envelope::Plain);
    let answer = Answer::new(outcome, envelope, &ids, &host);
    let took = began.elapsed();
    shared.metrics.answered(action, &answer.code, took);
    tracing::info!(
        target: "sternway::access",
        %method,
        path,
        action,
        status = answer.status.as_u16(),
        code = answer.code,
        access_key_id = key_id.get().map_or("", String::as_str),
        trace_id = ids.trace,
        request_id = ids.request,
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "request"
    );
    answer.into_response(&ids)
}

async fn handle(
    shared: Arc<Shared>,
    operation: Option<&'static Operation>,
    parts: Parts,
    body: Body,
    ids: Ids,
    key_id: Arc<OnceLock<String>>,
) -> Result<String, Failure> {
    let Some(operation) = operation else {
        return Err(GatewayError::api_not_found(parts.method.as_str(), parts.uri.path()).into());
    };
    let body = shared.bodies.read(body).await?;
    let Ok(permit) = Arc::clone(&shared.room).try_acquire_owned() else {
        return Err(GatewayError::throttled().into());
    };
    let running = shared.running.clone();
    let task = running.spawn(async move {
        let outcome = act(shared, operation, parts, body, ids, &key_id).await;
        drop(permit);
        outcome
    });
    task.await.unwrap_or_else(|panic| Err(Failure::Internal(Box::new(panic))))
}

async fn act(
    shared: Arc<Shared>,
    operation: &'static Operation,
    parts: Parts,
    body: Held,
    ids: Ids,
    key_id: &OnceLock<String>,
) -> Result<String, Failure> {
    let origin = *parts.extensions.get::<Origin>().ok_or_else(|| Failure::Internal("a request from nowhere".into()))?;
    let headers = text_headers(&parts)?;
    let signed = SignedRequest {
        method: parts.method.as_str(),
        raw_path: parts.uri.path(),
        raw_query: parts.uri.query(),
        headers: &headers,
        body: body.bytes(),
    };
    let seen = |id: &str| {
        // It is told once; what it was told first is right.
        let _ = key_id.set(id.chars().take(128).collect());
    };
    let caller = match admit(&shared, &signed, origin, seen).await {
        Ok(caller) => caller,
        Err(failure) => {
            if let Failure::Gateway(error) = &failure {
                shared.metrics.refused(&error.code);
            }
            let claimed = key_id.get().map_or("", String::as_str);
            let now = shared.engine.ports().clock.now();
            let entry = audit::stranger(operation.name, origin, claimed, &ids, now);
            shared.recorder.refused(entry, &failure).await;
            return Err(failure);
        }
    };
    usage::note(&shared, &caller.access_key_id, operation.name, shared.engine.ports().clock.now());
    let Some(served) = shared.operations.get(operation.name) else {
        return Err(not_implemented(operation.name).into());
    };
    let parameters = Parameters::parse(parts.uri.query(), header(&parts, "content-type"), body.bytes())?;
    let region = call::region(&parameters, &parts.headers, &shared.config.region);
    let source = call::source(&parts.headers);
    let permit = Permit::of(&shared, &caller, origin).await?;
    let host = header(&parts, "host").unwrap_or_default().to_owned();
    let call = Call { shared: Arc::clone(&shared), parameters, caller, permit, origin, ids, region, source, host };
    let entry = audit::of_call(&call, operation.name).await?;
    if let Err(failure) = authorize(&call, operation.name, served.action).await {
        shared.recorder.refused(entry, &failure).await;
        return Err(failure);
    }
    shared.recorder.asked(&entry, served.action).await?;
    let outcome = served.run(call).await;
    let now = shared.engine.ports().clock.now();
    shared.recorder.answered(entry, served.action, now, &outcome).await;
    outcome
}

/// Who sent the request, unless the door is locked for them, or they ask for too much.
async fn admit(
    shared: &Shared,
    request: &SignedRequest<'_>,
    origin: Origin,
    seen: impl FnOnce(&str),
) -> Result<Caller, Failure> {
    let now = shared.engine.ports().clock.now();
    let door = Claim::parse(request).ok().map(|claim| Door::new(&claim.access_key_id, origin.address));
    if let Some(door) = &door {
        seen(door.access_key_id());
        shared.lockout.check(door, now)?;
    }
    let outcome = authenticate(shared, request, |_| {}).await;
    match (&outcome, door) {
        (Ok(_), Some(door)) => shared.lockout.succeeded(&door),
        (Err(Failure::Gateway(error)), Some(door)) if error.code == BAD_SIGNATURE => shared.lockout.failed(door, now),
        _ => {}
    }
    let caller = outcome?;
    shared.limits.admit(&caller.access_key_id)?;
    Ok(caller)
}

/// The two operations that clients of STS know, at the place where they look for them: all of STS is at `/`, and a header says what is meant.
fn of_sts(parts: &Parts) -> Option<&'static Operation> {
    let name = header(parts, "x-acs-action").filter(|_| parts.uri.path() == "/")?;
    Catalog::by_name(["AssumeRole", "GetCallerIdentity"].into_iter().find(|known| *known == name)?)
}

/// Headers as text. A header that is none cannot have been signed.
fn text_headers(parts: &Parts) -> Result<Vec<(&str, &str)>, GatewayError> {
    parts
        .headers
        .iter()
        .map(|(name, value)| match std::str::from_utf8(value.as_bytes()) {
            Ok(value) => Ok((name.as_str(), value)),
            Err(_) => Err(GatewayError::invalid_parameter(
                name.as_str(),
                "The value of this header is not UTF-8. Send it without other bytes.",
            )),
        })
        .collect()
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name)?.to_str().ok()
}

fn fresh_ids(shared: &Shared) -> Ids {
    let ids = &shared.engine.ports().ids;
    Ids { request: ids.fresh().hyphenated().to_string().to_uppercase(), trace: ids.fresh().simple().to_string() }
}
