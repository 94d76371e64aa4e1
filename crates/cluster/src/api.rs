//! Requests to one API server, with the answers as the API's own JSON.
//!
//! Typed structs would lose every field that is newer than they are; what is read here is patched, compared and given
//! back, so it stays as it came.

use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use kube::Client;
use kube::client::Body;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::failure::{Answer, RequestError};
use crate::kind::Kind;

/// Who wrote what, in `metadata.managedFields`.
const FIELD_MANAGER: &str = "sternway";

/// What a path segment and a query value carry as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A client of one API server.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    timeout: Duration,
}

impl Api {
    /// Every request is given up after `timeout`; watches are not sent this way.
    pub(crate) fn new(client: Client, timeout: Duration) -> Self {
        Self { client, timeout }
    }

    /// The client, for watches.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The JSON at a path.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, RequestError> {
        json_of(&self.send(Method::GET, path, None).await?)
    }

    /// The JSON at a path, `None` where there is nothing (404).
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Value>, RequestError> {
        match self.get(path).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_status(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The items of a list.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Value>, RequestError> {
        match self.get(path).await?["items"].take() {
            Value::Array(items) => Ok(items),
            _ => Ok(Vec::new()),
        }
    }

    /// The text at a path.
    pub(crate) async fn text(&self, path: &str) -> Result<String, RequestError> {
        let body = self.send(Method::GET, path, None).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Sends an object to a collection.
    pub(crate) async fn create(&self, path: &str, object: &Value) -> Result<Value, RequestError> {
        let path = written(path);
        let body = Some(("application/json", object));
        json_of(&self.send(Method::POST, &path, body).await?)
    }

    /// Has everything checked that sending an object to a collection would, and nothing stored.
    pub(crate) async fn try_create(&self, path: &str, object: &Value) -> Result<(), RequestError> {
        let path = format!("{}&dryRun=All", written(path));
        self.send(Method::POST, &path, Some(("application/json", object))).await?;
        Ok(())
    }

    /// Merges a patch into an object.
    pub(crate) async fn merge(&self, path: &str, patch: &Value) -> Result<Value, RequestError> {
        let path = written(path);
        let body = Some(("application/merge-patch+json", patch));
        json_of(&self.send(Method::PATCH, &path, body).await?)
    }

    /// Deletes an object as far as it still is the one of this uid and resourceVersion, its dependents first.
    pub(crate) async fn delete(&self, path: &str, uid: &str, resource_version: &str) -> Result<(), RequestError> {
        let options = json!({
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Foreground",
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
        });
        let body = Some(("application/json", &options));
        self.send(Method::DELETE, path, body).await.map(drop)
    }

    /// Puts an object in place of the one that is there.
    pub(crate) async fn replace(&self, path: &str, object: &Value) -> Result<Value, RequestError> {
        let path = written(path);
        let body = Some(("application/json", object));
        json_of(&self.send(Method::PUT, &path, body).await?)
    }

    /// Deletes an object; what it owns follows.
    pub(crate) async fn delete_in_background(&self, path: &str) -> Result<(), RequestError> {
        let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"});
        let body = Some(("application/json", &options));
        self.send(Method::DELETE, path, body).await.map(drop)
    }

    /// Asks a question that is answered and stored nowhere (the `…Review` kinds).
    pub(crate) async fn review(&self, path: &str, question: &Value) -> Result<Value, RequestError> {
        let body = Some(("application/json", question));
        json_of(&self.send(Method::POST, path, body).await?)
    }

    async fn send(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Vec<u8>, RequestError> {
        let mut request =
            Request::builder().method(method).uri(path).header(header::ACCEPT, "application/json, */*;q=0.5");
        if let Some((content_type, _)) = body {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let body = body.map_or_else(Vec::new, |(_, body)| body.to_string().into_bytes());
        let request = request.body(Body::from(body)).map_err(RequestError::Malformed)?;
        let exchange = async {
            let answer = self.client.send(request).await?;
            let (head, body) = answer.into_parts();
            Ok::<_, kube::Error>((head, body.collect_bytes().await?))
        };
        let (head, body) = tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_| RequestError::Timeout(self.timeout))?
            .map_err(|error| RequestError::Transport(Box::new(error)))?;
        if head.status.is_success() {
            Ok(body.to_vec())
        } else {
            Err(RequestError::Answer(Answer::read(head.status, &head.headers, &body)))
        }
    }
}

/// The path of a kind's collection in a namespace.
pub(crate) fn collection(kind: Kind, namespace: &str) -> String {
    let root = match kind.group() {
        "" => "/api/v1".to_owned(),
        group => format!("/apis/{group}/v1"),
    };
    format!("{root}/namespaces/{}/{}", encoded(namespace), kind.plural())
}

/// The path of an object.
pub(crate) fn object(kind: Kind, namespace: &str, name: &str) -> String {
    format!("{}/{}", collection(kind, namespace), encoded(name))
}

/// A text as a path segment or a query value.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

fn written(path: &str) -> String {
    format!("{path}?fieldManager={FIELD_MANAGER}")
}

fn json_of(body: &[u8]) -> Result<Value, RequestError> {
    serde_json::from_slice(body).map_err(RequestError::Decode)
}
