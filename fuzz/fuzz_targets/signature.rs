//! The readers of `Authorization`, canonicalisation and verification: what was signed verifies, and nothing else does.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sternway_fuzz::Message;
use sternway_wire::signature::{CLOCK_TOLERANCE, Claim, SignedRequest, acs3, roa};

const SECRET: &str = "the secret";
const ACS_DATE: &str = "2026-11-26T20:43:56Z";
const DATE: &str = "Thu, 26 Nov 2026 20:43:56 GMT";
/// What the two schemes add themselves, or read a meaning from.
const OWN: [&str; 7] = [
    "authorization",
    "content-md5",
    "date",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-signature-method",
    "x-acs-signature-nonce",
];

fuzz_target!(|data: &[u8]| {
    let Some(message) = std::str::from_utf8(data).ok().and_then(Message::read) else {
        return;
    };
    let request = message.signed(&message.headers);
    let now = ACS_DATE.parse().expect("a constant");
    if let Ok(claim) = Claim::parse(&request) {
        let _ = claim.check_clock(now, CLOCK_TOLERANCE);
        assert!(claim.verify(&request, "another secret").is_err(), "verified without the secret");
    }

    let mut headers = message.headers.clone();
    headers.retain(|(name, _)| !OWN.iter().any(|own| name.eq_ignore_ascii_case(own)));
    let digest = roa::body_digest(message.body.as_bytes());
    for form in [roa::Form::JAVA, roa::Form::PYTHON, roa::Form::GO] {
        let mut headers = headers.clone();
        headers.extend([("date", DATE), ("content-md5", &digest)]);
        let signature = roa::sign(&message.signed(&headers), form, SECRET);
        verifies(&message, &headers, &format!("acs testid:{signature}"));
    }
    let hash = acs3::body_hash(message.body.as_bytes());
    headers.extend([("x-acs-date", ACS_DATE), ("x-acs-content-sha256", &hash)]);
    let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    let names = names.join(";");
    let signature = acs3::sign(&message.signed(&headers), &names, SECRET);
    let authorization = format!("ACS3-HMAC-SHA256 Credential=testid,Signature={signature},SignedHeaders={names}");
    verifies(&message, &headers, &authorization);
});

/// The signed request is let in; with anything else in it, it is not.
fn verifies(message: &Message<'_>, headers: &[(&str, &str)], authorization: &str) {
    let mut headers = headers.to_vec();
    headers.push(("authorization", authorization));
    let request = message.signed(&headers);
    let claim = Claim::parse(&request).expect("a well signed request is read");
    claim.verify(&request, SECRET).expect("a well signed request is verified");
    assert!(claim.verify(&request, "another secret").is_err());

    let query = format!("{}&Injected=1", request.raw_query.unwrap_or_default());
    let path = format!("{}x", request.raw_path);
    let body = [request.body, b"x"].concat();
    let method = format!("{}X", request.method);
    for forged in [
        SignedRequest { raw_query: Some(&query), ..request },
        SignedRequest { raw_path: &path, ..request },
        SignedRequest { body: &body, ..request },
        SignedRequest { method: &method, ..request },
    ] {
        assert!(claim.verify(&forged, SECRET).is_err(), "forged: {forged:?}");
    }
}
