//! As much of Alibaba Cloud's object storage as EDAS's plug-ins need to upload a package: its signature (version 1), and the XML of an upload in
//! parts.
//!
//! ```text
//! METHOD LF Content-MD5 LF Content-Type LF Date LF
//! x-oss-a:value LF ... (sorted)
//! /bucket/key?subresource=value&... (sorted, decoded)
//! ```
//!
//! `Authorization: OSS <AccessKeyId>:<base64(HMAC-SHA1(secret, string to sign))>`. Whether the client names the bucket in the host or in
//! the path, it signs the same.

use hmac::Mac as _;

use crate::signature::{decode_base64, encode_base64, hmac_sha1};

/// The word before the credentials.
pub const SCHEME: &str = "OSS ";
/// The header with the token of temporary credentials.
pub const SECURITY_TOKEN: &str = "x-oss-security-token";
/// Before the names of headers that are signed.
const HEADER_PREFIX: &str = "x-oss-";
const DATE: &str = "x-oss-date";
/// Parts of the query that are signed; all others are not.
const SIGNED: [&str; 12] = [
    "acl",
    "objectMeta",
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-type",
    "security-token",
    "sequential",
    "uploadId",
    "uploads",
    "x-oss-process",
];

/// A request for an object.
#[derive(Clone, Copy, Debug)]
pub struct OssRequest<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The bucket.
    pub bucket: &'a str,
    /// The object's name, decoded.
    pub key: &'a str,
    /// The query, decoded.
    pub query: &'a [(String, String)],
    /// The headers, by lower-case name.
    pub headers: &'a [(&'a str, &'a str)],
}

impl OssRequest<'_> {
    /// A header; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| *found == name).map_or("", |(_, value)| value)
    }

    /// When it was signed, as its header says.
    pub fn date(&self) -> &str {
        let own = self.header(DATE);
        if own.is_empty() { self.header("date") } else { own }
    }

    /// The text that is signed.
    pub fn string_to_sign(&self) -> String {
        let mut headers: Vec<_> = self.headers.iter().filter(|(name, _)| name.starts_with(HEADER_PREFIX)).collect();
        headers.sort();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let mut signed: Vec<_> = self.query.iter().filter(|(name, _)| SIGNED.contains(&name.as_str())).collect();
        signed.sort();
        let signed: Vec<_> = signed
            .iter()
            .map(|(name, value)| if value.is_empty() { name.clone() } else { format!("{name}={value}") })
            .collect();
        let question = if signed.is_empty() { "" } else { "?" };
        format!(
            "{}\n{}\n{}\n{}\n{headers}/{}/{}{question}{}",
            self.method,
            self.header("content-md5"),
            self.header("content-type"),
            self.date(),
            self.bucket,
            self.key,
            signed.join("&")
        )
    }

    /// Checks a signature, in constant time.
    pub fn is_signed(&self, signature: &str, secret: &str) -> bool {
        let mac = hmac_sha1(secret, &self.string_to_sign());
        decode_base64(signature).is_some_and(|signature| mac.verify_slice(&signature).is_ok())
    }

    /// The Authorization header of this request: what clients send.
    pub fn sign(&self, access_key_id: &str, secret: &str) -> String {
        let signature = hmac_sha1(secret, &self.string_to_sign()).finalize().into_bytes();
        format!("{SCHEME}{access_key_id}:{}", encode_base64(signature))
    }
}

/// The key's id and the signature of an Authorization header.
pub fn credentials(authorization: &str) -> Option<(&str, &str)> {
    authorization.strip_prefix(SCHEME)?.trim().split_once(':')
}

/// One part, in the order of a complete upload: its number and its ETag in hex.
pub type Part = (u32, String);

/// Reads `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"..."</ETag></Part>...`. `None` if it is not that.
pub fn complete_upload(body: &str) -> Option<Vec<Part>> {
    let inside = between(body, "<CompleteMultipartUpload>", "</CompleteMultipartUpload>")?;
    let mut parts = Vec::new();
    for part in inside.split("</Part>") {
        if part.trim().is_empty() {
            continue;
        }
        let number = between(part, "<PartNumber>", "</PartNumber>")?.trim().parse().ok()?;
        let tag = between(part, "<ETag>", "</ETag>")?.replace("&quot;", "\"").replace("&#34;", "\"");
        parts.push((number, tag.trim().trim_matches('"').to_ascii_lowercase()));
    }
    (!parts.is_empty()).then_some(parts)
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}

/// An XML document of one element with these children.
pub fn document(root: &str, children: &[(&str, &str)]) -> String {
    let children: String =
        children.iter().map(|(name, text)| format!("  <{name}>{}</{name}>\n", escape(text))).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}>\n{children}</{root}>\n")
}

/// Characters that XML 1.0 has no place for become U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' | '\r' => escaped.push(character),
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of OSS's documentation of this signature.
    #[test]
    fn the_documented_example_is_reproduced() {
        let request = OssRequest {
            method: "PUT",
            bucket: "oss-example",
            key: "nelson",
            query: &[],
            headers: &[
                ("content-md5", "ODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM="),
                ("content-type", "text/html"),
                ("date", "Thu, 17 Nov 2005 18:49:58 GMT"),
                ("host", "oss-example.oss-cn-hangzhou.aliyuncs.com"),
                ("x-oss-meta-author", "foo@bar.com"),
                ("x-oss-magic", "abracadabra"),
            ],
        };
        let secret = "OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV";
        assert_eq!(
            request.sign("44CF9590006BF252F707", secret),
            "OSS 44CF9590006BF252F707:26NBxoKdsyly4EDv6inkoDft/yA="
        );
        assert!(request.is_signed("26NBxoKdsyly4EDv6inkoDft/yA=", secret));
        assert!(!request.is_signed("26NBxoKdsyly4EDv6inkoDft/yA=", "other"));
        assert!(!request.is_signed("no base64", secret));
    }

    #[test]
    fn only_sub_resources_are_signed() {
        let query = [("uploads", ""), ("encoding-type", "url"), ("partNumber", "2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = OssRequest { method: "POST", bucket: "b", key: "a b/c", query: &query, headers: &[] };
        assert_eq!(request.string_to_sign(), "POST\n\n\n\n/b/a b/c?partNumber=2&uploads");
    }

    #[test]
    fn the_parts_of_an_upload_are_read() {
        let body = "<?xml version='1.0'?><CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"AB\"</ETag></Part>\n\
                    <Part><PartNumber>2</PartNumber><ETag>&quot;cd&quot;</ETag></Part></CompleteMultipartUpload>";
        assert_eq!(complete_upload(body), Some(vec![(1, "ab".into()), (2, "cd".into())]));
        for broken in
            ["", "<CompleteMultipartUpload></CompleteMultipartUpload>", "<CompleteMultipartUpload><Part></Part>"]
        {
            assert_eq!(complete_upload(broken), None);
        }
        assert!(document("Error", &[("Message", "a<b>&\u{1}")]).contains("a&lt;b&gt;&amp;\u{fffd}"));
    }
}
