//! Query strings and form bodies: decoding what clients put on the wire, encoding what we put there.
//!
//! Clients disagree on how a space travels (`%20` or `+`); both mean a space, so decoding takes either. Encoding is the
//! strict RFC 3986 form, which is also the canonical form of the newer signature.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986: letters, digits, `-`, `_`, `.`, `~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The decoded `(key, value)` pairs of a raw query or form body, in the order they came.
///
/// A key without `=` has the empty value. Bytes that are no UTF-8 become U+FFFD, so that they can neither be signed nor
/// be mistaken for something else.
pub fn pairs(raw: &str) -> Vec<(String, String)> {
    raw.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// One component, decoded with plus as space.
pub fn decode(component: &str) -> String {
    let spaced = component.replace('+', " ");
    percent_decode(spaced.as_bytes()).decode_utf8_lossy().into_owned()
}

/// One component, encoded by RFC 3986.
pub fn encode(component: &str) -> String {
    utf8_percent_encode(component, RESERVED).to_string()
}

/// A query string or form body of these pairs, in the given order, always with `=`.
pub fn join<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)]) -> String {
    let encoded: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{}={}", encode(key.as_ref()), encode(value.as_ref()))).collect();
    encoded.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_space_decode() {
        assert_eq!(pairs("a=x+y&b=x%20y"), [("a".into(), "x y".into()), ("b".into(), "x y".into())]);
    }

    #[test]
    fn a_key_without_equals_is_empty_and_empty_parts_vanish() {
        assert_eq!(pairs("&a&&b="), [("a".into(), String::new()), ("b".into(), String::new())]);
    }

    #[test]
    fn a_plus_that_was_meant_survives() {
        assert_eq!(decode("1%2B1"), "1+1");
        assert_eq!(encode("1+1 *~"), "1%2B1%20%2A~");
    }

    #[test]
    fn join_is_the_inverse_of_pairs() {
        let original = vec![("k é".to_owned(), "a=b&c/+ %".to_owned()), ("empty".to_owned(), String::new())];
        assert_eq!(pairs(&join(&original)), original);
    }
}
