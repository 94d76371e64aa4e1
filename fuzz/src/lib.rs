//! What the fuzz targets share. Inputs are text, so that a seed can be read and written by hand: an HTTP message, or several parts
//! between lines of `---`.

use serde_json::Value;
use sternway_wire::signature::SignedRequest;

/// The parts of an input, as text.
pub fn parts(data: &[u8]) -> Vec<&str> {
    std::str::from_utf8(data).map(|text| text.split("\n---\n").collect()).unwrap_or_default()
}

/// The parts of an input as JSON; fewer than there are if one is none.
pub fn documents(data: &[u8]) -> Vec<Value> {
    parts(data).into_iter().map_while(|part| serde_json::from_str(part).ok()).collect()
}

/// An HTTP request: a line of method and target, lines of headers, an empty line, the body.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub headers: Vec<(&'a str, &'a str)>,
    pub body: &'a str,
}

impl<'a> Message<'a> {
    /// Reads a message that an HTTP library would let through: names are tokens, values have no line ends.
    pub fn read(text: &'a str) -> Option<Self> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, target) = lines.next()?.split_once(' ')?;
        let headers = lines.map(|line| line.split_once(':')).collect::<Option<Vec<_>>>()?;
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.trim())).collect();
        let names = headers.iter().all(|(name, _)| is_token(name));
        let values = headers.iter().all(|(_, value)| !value.contains(|c: char| c.is_control()));
        let fits = is_token(method) && !target.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#');
        (names && values && fits).then_some(Self { method, target, headers, body })
    }

    /// The same as the signature code sees it.
    pub fn signed<'b>(&'b self, headers: &'b [(&'b str, &'b str)]) -> SignedRequest<'b> {
        let (path, query) =
            self.target.split_once('?').map_or((self.target, None), |(path, query)| (path, Some(query)));
        SignedRequest { method: self.method, raw_path: path, raw_query: query, headers, body: self.body.as_bytes() }
    }

    /// A header, whatever its case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
