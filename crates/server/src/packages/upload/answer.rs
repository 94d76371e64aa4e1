//! What uploads are answered with: OSS's headers, and its errors in XML.

use std::error::Error;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use sternway_core::ports::StoreError;
use sternway_packages::PackageError;
use sternway_wire::error::GatewayError;
use sternway_wire::oss;

use crate::packages::uploads::Upload;

/// Why an upload is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    NoSuchBucket,
    Version,
    Token,
    /// The key by which the credentials were asked for is disabled or gone.
    Revoked,
    Expired,
    Skewed,
    Signature(String),
    Prefix(String),
    Busy,
    /// What operations are refused for, too: a locked door, or too many requests.
    Gateway(GatewayError),
    Method,
    Digest,
    NoSuchKey,
    NoSuchUpload,
    PartNumber,
    Xml,
    Package(PackageError),
    Internal(Box<dyn Error + Send + Sync>),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<PackageError> for Refusal {
    fn from(error: PackageError) -> Self {
        if error.is_ours() { Self::Internal(Box::new(error)) } else { Self::Package(error) }
    }
}

impl Refusal {
    /// OSS's code.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::NoSuchBucket => "NoSuchBucket",
            Self::Version | Self::PartNumber => "InvalidArgument",
            Self::Token | Self::Revoked => "InvalidAccessKeyId",
            Self::Gateway(error) => &error.code,
            Self::Expired => "SecurityTokenExpired",
            Self::Skewed => "RequestTimeTooSkewed",
            Self::Signature(_) => "SignatureDoesNotMatch",
            Self::Prefix(_) => "AccessDenied",
            Self::Busy => "ServiceBusy",
            Self::Method => "MethodNotAllowed",
            Self::Digest => "InvalidDigest",
            Self::NoSuchKey => "NoSuchKey",
            Self::NoSuchUpload => "NoSuchUpload",
            Self::Xml => "MalformedXML",
            Self::Package(PackageError::TooLarge(_)) => "EntityTooLarge",
            Self::Package(PackageError::Part(_)) => "InvalidPart",
            Self::Package(PackageError::PartOrder) => "InvalidPartOrder",
            Self::Package(PackageError::Sender(_)) => "RequestTimeout",
            Self::Package(_) => "InvalidObject",
            Self::Internal(_) => "InternalError",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchBucket | Self::NoSuchKey | Self::NoSuchUpload => StatusCode::NOT_FOUND,
            Self::Version | Self::PartNumber | Self::Digest | Self::Xml | Self::Package(_) => StatusCode::BAD_REQUEST,
            Self::Token | Self::Revoked | Self::Expired | Self::Skewed | Self::Signature(_) | Self::Prefix(_) => {
                StatusCode::FORBIDDEN
            }
            Self::Gateway(error) => StatusCode::from_u16(error.http_status).unwrap_or(StatusCode::FORBIDDEN),
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NoSuchBucket => "The bucket is not the one that GetPackageStorageCredential names.".to_owned(),
            Self::Version => "Sign by version 1 of the signature: Authorization: OSS <id>:<signature>.".to_owned(),
            Self::Token => {
                "These are no credentials of GetPackageStorageCredential: send its id, secret and token.".to_owned()
            }
            Self::Revoked => {
                "The access key by which these credentials were asked for is disabled or gone: ask again with another."
                    .to_owned()
            }
            Self::Gateway(error) => error.message.clone(),
            Self::Expired => "The credentials are over: take new ones from GetPackageStorageCredential.".to_owned(),
            Self::Skewed => "The request was not signed in these 15 minutes: set the clock.".to_owned(),
            Self::Signature(_) => "The signature does not match: compare StringToSign with your own.".to_owned(),
            Self::Prefix(prefix) => format!("Only names that begin with {prefix}/ may be used."),
            Self::Busy => "Too many uploads at this moment: try again.".to_owned(),
            Self::Method => "Only uploads, HeadObject and GetObject are served.".to_owned(),
            Self::Digest => "The content does not have the digest in Content-MD5.".to_owned(),
            Self::NoSuchKey => "There is no object of this name.".to_owned(),
            Self::NoSuchUpload => "There is no upload in parts of this id and name.".to_owned(),
            Self::PartNumber => "partNumber is a number from 1 to 10000.".to_owned(),
            Self::Xml => "The list of parts cannot be read.".to_owned(),
            Self::Package(error) => error.to_string(),
            Self::Internal(_) => "The server failed; its log says why.".to_owned(),
        }
    }

    pub(super) fn response(&self, request_id: &str) -> Response {
        let message = self.message();
        let mut children = vec![("Code", self.code()), ("Message", message.as_str()), ("RequestId", request_id)];
        if let Self::Signature(text) = self {
            children.push(("StringToSign", text));
        }
        let mut response = xml(&oss::document("Error", &children));
        *response.status_mut() = self.status();
        response
    }
}

/// An XML document.
pub(super) fn xml(document: &str) -> Response {
    ([(CONTENT_TYPE, "application/xml")], document.to_owned()).into_response()
}

/// The same answer, whose body is XML.
pub(super) fn as_xml(mut response: Response) -> Response {
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

/// Done, with an object's ETag.
pub(super) fn tagged(md5: &str) -> Response {
    ([(ETAG, format!("\"{md5}\""))], ()).into_response()
}

/// Done.
pub(super) fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// An object, or only its head.
pub(super) fn sized(upload: &Upload, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, upload.size.into());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/java-archive"));
    headers.extend(HeaderValue::try_from(format!("\"{}\"", upload.md5)).map(|tag| (ETAG, tag)));
    response
}

/// What every answer has.
pub(super) fn finish(mut response: Response, request_id: &str) -> Response {
    response.headers_mut().extend(HeaderValue::try_from(request_id).map(|id| {
        let name = axum::http::HeaderName::from_static("x-oss-request-id");
        (name, id)
    }));
    response
}
