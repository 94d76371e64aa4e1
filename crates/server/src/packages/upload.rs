//! Uploads, as Alibaba Cloud's object storage takes them: what the plug-ins for Jenkins and Maven do with the answer of
//! GetPackageStorageCredential.
//!
//! PutObject, an upload in parts, HeadObject and GetObject; for names under the credentials' own prefix, in the one bucket there is. The bucket may be
//! in the host or in the path. An object is a name for a package, which is kept by its digest as all are.

mod admission;
mod answer;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use jiff::{SignedDuration, Timestamp};
use sternway_core::ports::Records;
use sternway_packages::PartName;
use sternway_wire::oss::{self, OssRequest, SECURITY_TOKEN};
use sternway_wire::query;

use self::answer::Refusal;
use super::credential::Claims;
use super::keys::Keys;
use super::uploads::{self, InParts, Upload};
use super::{PackageService, credential};
use crate::dispatch;
use crate::server::Shared;

/// Without a byte of it, a body is given up.
const SILENCE: Duration = Duration::from_secs(60);
/// As OSS has it.
const LONGEST_KEY: usize = 1023;
const MOST_PARTS: u32 = 10_000;
/// The list of 10,000 parts.
const LONGEST_LIST: usize = 2 << 20;
/// Begins the Authorization of all versions of the signature.
const ANY_VERSION: &str = "OSS";

/// Takes requests that are signed as OSS's are, and hands all others on.
pub(crate) async fn or_dispatch(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let authorization = request.headers().get(header::AUTHORIZATION);
    let is_ours = authorization.and_then(|value| value.to_str().ok()).is_some_and(|text| text.starts_with(ANY_VERSION));
    match &shared.packages {
        Some(service) if is_ours => {
            let service = Arc::clone(service);
            receive(shared, service, request).await
        }
        _ => dispatch::dispatch(State(shared), request).await,
    }
}

async fn receive(shared: Arc<Shared>, service: Arc<PackageService>, request: Request) -> Response {
    let id = shared.engine.ports().ids.fresh().simple().to_string().to_uppercase();
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let running = shared.running.clone();
    let request_id = id.clone();
    // As operations: what was begun comes to its end and into the audit log even if its client hangs up.
    let handled = running.spawn(async move { admission::handle(shared, service, parts, body, &request_id).await });
    let outcome = handled.await.unwrap_or_else(|panic| Err(Refusal::Internal(Box::new(panic))));
    let (code, user) = match &outcome {
        Ok((_, user)) => ("", user.as_str()),
        Err(refusal) => (refusal.code(), ""),
    };
    if let Err(Refusal::Internal(error)) = &outcome {
        tracing::error!(request_id = id, error = error.as_ref() as &dyn std::error::Error, "an upload failed");
    }
    tracing::info!(target: "sternway::access", %method, path, code, user, request_id = id, "upload");
    let response = outcome.map(|(response, _)| response);
    answer::finish(response.unwrap_or_else(|refusal| refusal.response(&id)), &id)
}

/// What is done to an object, as OSS calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verb {
    Put,
    Begin,
    Part(String),
    Complete(String),
    Abort(String),
    Head,
    Get,
}

impl Verb {
    fn of(method: &Method, query: &[(String, String)]) -> Option<Self> {
        let upload = parameter(query, "uploadId").map(str::to_owned);
        Some(match (method, upload) {
            (&Method::PUT, None) => Self::Put,
            (&Method::POST, None) if parameter(query, "uploads").is_some() => Self::Begin,
            (&Method::PUT, Some(upload)) => Self::Part(upload),
            (&Method::POST, Some(upload)) => Self::Complete(upload),
            (&Method::DELETE, Some(upload)) => Self::Abort(upload),
            (&Method::HEAD, None) => Self::Head,
            (&Method::GET, None) => Self::Get,
            _ => return None,
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Put => "PutObject",
            Self::Begin => "InitiateMultipartUpload",
            Self::Part(_) => "UploadPart",
            Self::Complete(_) => "CompleteMultipartUpload",
            Self::Abort(_) => "AbortMultipartUpload",
            Self::Head => "HeadObject",
            Self::Get => "GetObject",
        }
    }

    /// Whether it changes what is there. A part changes nothing until its upload is complete.
    fn changes(&self) -> bool {
        match self {
            Self::Put | Self::Begin | Self::Complete(_) | Self::Abort(_) => true,
            Self::Part(_) | Self::Head | Self::Get => false,
        }
    }
}

fn parameter<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// A request whose signature is right, for a name that it may use.
struct Verified {
    bucket: String,
    key: String,
    /// Whose the credentials are, and which.
    claims: Claims,
    /// As the client says it, in base64; empty if it does not.
    md5: String,
    query: Vec<(String, String)>,
}

impl Verified {
    /// Checks credentials, signature, time and name, in this sequence.
    fn new(keys: &Keys, parts: &Parts, now: Timestamp, tolerance: SignedDuration) -> Result<Self, Refusal> {
        let headers: Vec<(&str, &str)> = parts
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?)))
            .collect();
        let bucket = keys.bucket();
        let host = headers.iter().find(|(name, _)| *name == "host").map_or("", |(_, value)| value);
        // In a path a plus is a plus.
        let key = uploads::object_key(&bucket, host, &parts.uri.path().replace('+', "%2B"));
        let key = key.ok_or(Refusal::NoSuchBucket)?;
        let query = query::pairs(parts.uri.query().unwrap_or_default());
        let request =
            OssRequest { method: parts.method.as_str(), bucket: &bucket, key: &key, query: &query, headers: &headers };
        let (claims, secret) = credential::open(keys, request.header(SECURITY_TOKEN)).ok_or(Refusal::Token)?;
        let (id, signature) = oss::credentials(request.header("authorization")).ok_or(Refusal::Version)?;
        if claims.id != id {
            return Err(Refusal::Token);
        }
        if !request.is_signed(signature, &secret) {
            return Err(Refusal::Signature(request.string_to_sign()));
        }
        if claims.expires <= now.as_second() {
            return Err(Refusal::Expired);
        }
        let signed_at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(request.date());
        if signed_at.map_or(true, |at| now.duration_since(at).abs() > tolerance) {
            return Err(Refusal::Skewed);
        }
        if key.len() > LONGEST_KEY || !key.strip_prefix(&claims.prefix).is_some_and(|rest| rest.starts_with('/')) {
            return Err(Refusal::Prefix(claims.prefix));
        }
        let md5 = request.header("content-md5").to_owned();
        Ok(Self { bucket, claims, md5, key, query })
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        parameter(&self.query, name)
    }
}

/// What a request does to the object that it names.
struct Object {
    service: Arc<PackageService>,
    records: Arc<dyn Records>,
    request: Verified,
    now: Timestamp,
}

impl Object {
    async fn act(&self, verb: &Verb, fresh: String, body: Body) -> Result<Response, Refusal> {
        match verb {
            Verb::Put => self.put(body).await,
            Verb::Begin => self.begin(fresh).await,
            Verb::Part(upload) => self.part(upload, body).await,
            Verb::Complete(upload) => self.complete(upload, body).await,
            Verb::Abort(upload) => self.abort(upload).await,
            Verb::Head => self.head().await,
            Verb::Get => self.get().await,
        }
    }

    fn records(&self) -> &dyn Records {
        self.records.as_ref()
    }

    async fn put(&self, body: Body) -> Result<Response, Refusal> {
        let kept = self.service.packages.keep(None, chunks(body)).await?;
        self.check_md5(kept.md5)?;
        let upload = Upload::new(&kept, &self.request.claims.user, self.now);
        uploads::put(self.records(), &self.request.key, &upload).await?;
        Ok(answer::tagged(&upload.md5))
    }

    fn check_md5(&self, found: [u8; 16]) -> Result<(), Refusal> {
        use base64::Engine as _;
        let right =
            self.request.md5.is_empty() || base64::engine::general_purpose::STANDARD.encode(found) == self.request.md5;
        right.then_some(()).ok_or(Refusal::Digest)
    }

    async fn begin(&self, id: String) -> Result<Response, Refusal> {
        let upload = InParts { key: self.request.key.clone(), at: self.now };
        uploads::begin(self.records(), &id, &upload).await?;
        let url_encoded = self.request.parameter("encoding-type") == Some("url");
        let encoded = query::encode(&self.request.key);
        let mut children = vec![
            ("Bucket", self.request.bucket.as_str()),
            ("Key", if url_encoded { encoded.as_str() } else { self.request.key.as_str() }),
            ("UploadId", id.as_str()),
        ];
        if url_encoded {
            children.push(("EncodingType", "url"));
        }
        Ok(answer::xml(&oss::document("InitiateMultipartUploadResult", &children)))
    }

    async fn require(&self, upload: &str) -> Result<(), Refusal> {
        let found = uploads::in_parts(self.records(), upload, &self.request.key).await?;
        found.then_some(()).ok_or(Refusal::NoSuchUpload)
    }

    async fn part(&self, upload: &str, body: Body) -> Result<Response, Refusal> {
        let number = self
            .request
            .parameter("partNumber")
            .and_then(|number| number.parse().ok())
            .filter(|number| (1..=MOST_PARTS).contains(number));
        let number = number.ok_or(Refusal::PartNumber)?;
        self.require(upload).await?;
        let part = self.service.packages.keep_part(upload, number, chunks(body)).await?;
        self.check_md5(part.md5)?;
        Ok(answer::tagged(&hex::encode_upper(part.md5)))
    }

    async fn complete(&self, upload: &str, body: Body) -> Result<Response, Refusal> {
        self.require(upload).await?;
        let body = to_bytes(body, LONGEST_LIST).await.map_err(|_| Refusal::Xml)?;
        let list = std::str::from_utf8(&body).ok().and_then(oss::complete_upload).ok_or(Refusal::Xml)?;
        let mut parts = Vec::with_capacity(list.len());
        for (number, tag) in list {
            let md5 = hex::decode(tag).ok().and_then(|md5| md5.try_into().ok()).ok_or(Refusal::Xml)?;
            parts.push(PartName { number, md5 });
        }
        let kept = self.service.packages.join(upload, &parts).await?;
        let named = Upload::new(&kept, &self.request.claims.user, self.now);
        uploads::put(self.records(), &self.request.key, &named).await?;
        self.end(upload).await?;
        let tag = format!("\"{}\"", named.md5);
        let children =
            [("Bucket", self.request.bucket.as_str()), ("Key", self.request.key.as_str()), ("ETag", tag.as_str())];
        let mut response = answer::tagged(&named.md5);
        *response.body_mut() = Body::from(oss::document("CompleteMultipartUploadResult", &children));
        Ok(answer::as_xml(response))
    }

    async fn abort(&self, upload: &str) -> Result<Response, Refusal> {
        self.require(upload).await?;
        self.end(upload).await?;
        Ok(answer::nothing())
    }

    async fn end(&self, upload: &str) -> Result<(), Refusal> {
        self.service.packages.drop_parts(upload).await?;
        Ok(uploads::end(self.records(), upload).await?)
    }

    async fn found(&self) -> Result<Upload, Refusal> {
        uploads::find(self.records(), &self.request.key).await?.ok_or(Refusal::NoSuchKey)
    }

    async fn head(&self) -> Result<Response, Refusal> {
        Ok(answer::sized(&self.found().await?, Body::empty()))
    }

    async fn get(&self) -> Result<Response, Refusal> {
        let upload = self.found().await?;
        let digest = uploads::digest(&upload).ok_or(Refusal::NoSuchKey)?;
        let opened = self.service.packages.open(&digest, 0).await?.ok_or(Refusal::NoSuchKey)?;
        Ok(answer::sized(&upload, Body::from_stream(opened.chunks)))
    }
}

/// A body as chunks, which ends with an error if its sender is silent.
fn chunks(body: Body) -> BoxStream<'static, Result<Bytes, String>> {
    stream::unfold(body.into_data_stream(), |mut body| async move {
        match tokio::time::timeout(SILENCE, body.next()).await {
            Ok(chunk) => Some((chunk?.map_err(|error| error.to_string()), body)),
            Err(_) => Some((Err(format!("nothing came for {} s", SILENCE.as_secs())), body)),
        }
    })
    .boxed()
}
