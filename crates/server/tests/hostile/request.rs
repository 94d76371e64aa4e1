//! A request as bytes, and its signature over exactly what will be sent.

use std::fmt;

use sternway_wire::query;
use sternway_wire::signature::{SignedRequest, acs3, roa};

use crate::world::now;

/// Who signs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signer {
    pub(crate) id: &'static str,
    pub(crate) secret: &'static str,
}

/// How it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Acs3,
    Roa(roa::Form),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// As it stands in the request line.
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Instead of all of the above: bytes that are hardly HTTP.
    pub(crate) raw: Option<Vec<u8>>,
    /// The client stops sending after the last byte.
    pub(crate) half_close: bool,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str, pairs: &[(String, String)]) -> Self {
        let query = (!pairs.is_empty()).then(|| query::join(pairs));
        Self { method: method.to_owned(), path: path.to_owned(), query, ..Self::default() }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    /// Adds what a client of this scheme sends, and the signature. Nothing may be changed after this, or it is another request.
    pub(crate) fn sign(&mut self, scheme: Scheme, signer: Signer, operation: &str, nonce: Option<&str>) {
        self.set("x-acs-action", operation);
        self.set("x-acs-version", "2017-08-01");
        if let Some(nonce) = nonce {
            self.set("x-acs-signature-nonce", nonce);
        }
        let authorization = match scheme {
            Scheme::Acs3 => {
                self.set("x-acs-content-sha256", &acs3::body_hash(&self.body));
                self.set("x-acs-date", &now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
                self.acs3(signer, None)
            }
            Scheme::Roa(form) => {
                self.set("content-md5", &roa::body_digest(&self.body));
                self.set("date", &now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
                self.set("x-acs-signature-method", "HMAC-SHA1");
                let signature = self.view(|request| roa::sign(request, form, signer.secret));
                format!("acs {}:{signature}", signer.id)
            }
        };
        self.set("authorization", &authorization);
    }

    /// The newer scheme's Authorization over all headers but `unsigned`.
    pub(crate) fn acs3(&self, signer: Signer, unsigned: Option<&str>) -> String {
        let mut names: Vec<String> = self.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.retain(|name| name != "authorization" && Some(name.as_str()) != unsigned);
        names.sort();
        names.dedup();
        let names = names.join(";");
        let signature = self.view(|request| acs3::sign(request, &names, signer.secret));
        format!("ACS3-HMAC-SHA256 Credential={},SignedHeaders={names},Signature={signature}", signer.id)
    }

    fn view<T>(&self, act: impl FnOnce(&SignedRequest<'_>) -> T) -> T {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        act(&SignedRequest {
            method: &self.method,
            raw_path: &self.path,
            raw_query: self.query.as_deref(),
            headers: &headers,
            body: &self.body,
        })
    }

    /// What goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let mut text = format!("{} {}", self.method, self.path);
        if let Some(query) = &self.query {
            text.push_str(&format!("?{query}"));
        }
        text.push_str(" HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let told = |name: &str| self.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if !self.body.is_empty() && !told("content-length") && !told("transfer-encoding") {
            text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend(&self.body);
        bytes
    }
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes();
        let shown = &bytes[..bytes.len().min(6000)];
        let text = shown.escape_ascii().to_string().replace("\\r\\n", "\n");
        write!(formatter, "{text}")?;
        if shown.len() < bytes.len() {
            write!(formatter, "... ({} bytes in all)", bytes.len())?;
        }
        Ok(())
    }
}
