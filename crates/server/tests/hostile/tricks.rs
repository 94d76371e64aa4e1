//! What can be done to a request beside its parameters: to its line, its headers, its body and its signature.

use jiff::SignedDuration;
use sternway_wire::catalog::{Catalog, Operation};
use sternway_wire::signature::roa;

use crate::dice::Dice;
use crate::live::{DISABLED, GUEST, ROOT};
use crate::request::{Request, Scheme, Signer};
use crate::world::now;

/// Changes a request before it is signed; true if its body is to be sent in chunks.
pub(crate) fn play(request: &mut Request, dice: &mut Dice) -> bool {
    match dice.below(6) {
        0 => {
            const METHODS: &[&str] =
                &["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "FROB", "get", "PO-ST", "A.B"];
            dice.pick(METHODS).clone_into(&mut request.method);
        }
        1 => request.path = path(&request.path, dice),
        2 => request.query = Some(query(request.query.as_deref().unwrap_or_default(), dice)),
        3 => body(request, dice),
        4 => headers(request, dice),
        _ => {
            if request.body.is_empty() {
                request.body = b"Data=%5B%5D&AppId=x".to_vec();
            }
            return true;
        }
    }
    false
}

fn path(path: &str, dice: &mut Dice) -> String {
    match dice.below(14) {
        0 => format!("{path}/"),
        1 => format!("/{path}"),
        2 => format!("{path}/."),
        3 => format!("/x/..{path}"),
        4 => path.to_uppercase(),
        5 => path.replacen('p', "%70", 1),
        6 => format!("/{}", path[1..].replace('/', "%2F")),
        7 => format!("{path};x=1"),
        8 => format!("{path}%20"),
        9 => format!("{path}%00"),
        10 => format!("{path}/应用"),
        11 => "/".to_owned(),
        12 => format!("/healthz/..{path}"),
        _ => format!("{path}{}", "/x".repeat(4000)),
    }
}

fn query(query: &str, dice: &mut Dice) -> String {
    const ODD: &[&str] = &[
        "a=%",
        "%zz=1",
        "&&&",
        "=",
        "=1",
        "a",
        "a=%C3%28",
        "a=%00",
        "%00=a",
        "a=1;b=2",
        "AppId=%2541",
        "a=1?b=2",
        "AppId=1&AppId=2",
        "%41ppId=1",
        "App%49d=1",
        "a+b=c+d",
        "名=值",
        "a[0]=1",
        "a=1#fragment",
        "%F0%9F%98%80=%ed%a0%80",
        "AppId=%e4%ba",
        "a=%u0041",
        "Image=a%3A1&Image=a:1",
        "+AppId=1",
        "AppId+=1",
    ];
    let odd = dice.pick(ODD);
    match dice.below(7) {
        0 => odd.to_owned(),
        1 => format!("{odd}&{query}"),
        2 => query.replace("%20", "+"),
        3 => query.to_lowercase(),
        4 => query.replace('%', "%25"),
        5 => format!("{query}&{}", "x".repeat(60_000)),
        _ => format!("{query}&{odd}"),
    }
}

fn body(request: &mut Request, dice: &mut Dice) {
    const KINDS: &[&str] = &[
        "application/json",
        "application/json; charset=utf-8",
        "application/x-www-form-urlencoded; charset=gbk",
        "APPLICATION/X-WWW-FORM-URLENCODED",
        "application/x-www-form-urlencoded;",
        "multipart/form-data; boundary=x",
        "text/xml",
        "",
        ";",
        "a/b/c",
        "应用",
    ];
    const BODIES: &[&[u8]] = &[
        br#"{"AppId":"x","Image":"a:1"}"#,
        b"--x\r\ncontent-disposition: form-data; name=\"AppId\"\r\n\r\nx\r\n--x--\r\n",
        b"<AppId>x</AppId>",
        b"AppId=%zz&%=&=&&&",
        b"AppId=\xff\xfe\x00\x80",
        b"\x00",
        b"AppId",
        b"Data.1.Key=a&Data.1.Value=b&Data.1=c&Data.=d&.=e",
        b"Data=%5B%7B%27Key%27%3A+None%7D%5D",
    ];
    request.body = dice.pick(BODIES).to_vec();
    match dice.below(12) {
        0 => request.remove("content-type"),
        1 => request.set("content-type", &"a".repeat(8000)),
        _ => request.set("content-type", dice.pick(KINDS)),
    }
}

fn headers(request: &mut Request, dice: &mut Dice) {
    match dice.below(12) {
        0 => request.remove("host"),
        1 => request.set("host", dice.pick(&["", "a b", "应用", "evil.example", "[::1]:1", "\"<b>"])),
        2 => request.remove("accept"),
        3 => (0..60).for_each(|index| request.set(&format!("x-filler-{index}"), "v")),
        4 => request.set("x-filler", &"v".repeat(60_000)),
        5 => request.set("expect", "100-continue"),
        6 => request.set("expect", "a miracle"),
        7 => {
            request.set("connection", "upgrade");
            request.set("upgrade", dice.pick(&["h2c", "websocket"]));
        }
        8 => request.set("accept-encoding", "gzip, br;q=0.5, *"),
        9 => {
            request.headers.push(("x-acs-extra".to_owned(), "b".to_owned()));
            request.headers.push(("X-Acs-Extra".to_owned(), "a".to_owned()));
        }
        10 => request.set("x-http-method-override", "DELETE"),
        _ => request.set("connection", "close"),
    }
}

/// Sends the body in chunks. A signature is over what they hold.
pub(crate) fn chunk(request: &mut Request) {
    let mut chunked = Vec::new();
    for piece in request.body.chunks(7) {
        chunked.extend(format!("{:x};ext=1\r\n", piece.len()).into_bytes());
        chunked.extend(piece);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\nx-trailer: a\r\n\r\n");
    request.body = chunked;
    request.set("transfer-encoding", "chunked");
}

/// Signs a request as somebody who must not be let in.
pub(crate) fn forge(request: &mut Request, operation: &Operation, nonce: &str, spent: Option<&str>, dice: &mut Dice) {
    const STRANGER: Signer = Signer { id: "nobody", secret: ROOT.secret };
    const GUESSER: Signer = Signer { id: ROOT.id, secret: "guessed" };
    const GARBAGE: &[&str] = &[
        "",
        " ",
        "acs",
        "acs ",
        "acs :",
        "acs testid:",
        "acs testid:!!!",
        "acs :YQ==",
        "Basic dGVzdGlkOnRlc3Q=",
        "Bearer x",
        "应用 x",
        "acs testid:YQ==",
        "ACS3-HMAC-SHA256",
        "ACS3-HMAC-SHA256 ",
        "ACS3-HMAC-SHA256 Credential=testid",
        "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=,Signature=",
        "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host,Signature=zz",
        "ACS3-HMAC-SHA256 Credential=testid,Credential=x,SignedHeaders=a,Signature=00",
        "ACS3-HMAC-SHA256 a,b,c",
        "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=x-acs-date;x-acs-content-sha256,Signature=00",
        "ACS3-HMAC-SHA256 =,=,=",
        "ACS3-HMAC-SHA1 Credential=testid,SignedHeaders=x-acs-date,Signature=00",
        "acs testid:YQ==:YQ==",
        "acs  testid:YQ==",
    ];
    let scheme = dice.pick(&[Scheme::Acs3, Scheme::Roa(roa::Form::JAVA)]);
    let signer = match dice.below(8) {
        0 => STRANGER,
        1 => GUESSER,
        2 => DISABLED,
        3 => GUEST,
        _ => ROOT,
    };
    request.sign(scheme, signer, operation.name, Some(nonce));
    if signer.id != ROOT.id || signer.secret != ROOT.secret {
        return;
    }
    match dice.below(14) {
        0 => request.remove("authorization"),
        1 => request.set("authorization", dice.pick(GARBAGE)),
        2 => request.headers.insert(0, ("authorization".to_owned(), dice.pick(GARBAGE).to_owned())),
        3 => {
            let query = request.query.take().unwrap_or_default();
            request.query = Some(format!("{query}&Injected=1"));
        }
        4 => {
            request.body.extend(b"&Injected=1");
            if scheme != Scheme::Acs3 {
                request.set("content-md5", &roa::body_digest(&request.body));
            }
        }
        5 => {
            // To another operation than the one that was signed.
            let others: Vec<_> = Catalog::operations().iter().filter(|other| other.name != operation.name).collect();
            let other = dice.pick(&others);
            other.method.clone_into(&mut request.method);
            other.path.clone_into(&mut request.path);
        }
        6 => again(request, "x-acs-date", Some("2026-11-26T03:44:59Z")),
        7 => again(request, "x-acs-date", Some(&(now() + SignedDuration::from_mins(16)).to_string())),
        8 => again(
            request,
            "x-acs-date",
            dice.pick(&[None, Some("yesterday"), Some(""), Some("2026-13-45T99:99:99Z"), Some("-1")]),
        ),
        9 => again(request, "x-acs-content-sha256", dice.pick(&[None, Some("UNSIGNED-PAYLOAD"), Some("")])),
        10 => again(request, "x-acs-signature-nonce", Some(&"n".repeat(200))),
        11 => {
            again(request, "accept", None);
            let authorization = request.acs3(ROOT, Some("x-acs-signature-nonce"));
            request.set("authorization", &authorization);
        }
        12 => request.set("x-acs-action", "Injected"),
        _ => match spent {
            Some(spent) => again(request, "x-acs-signature-nonce", Some(spent)),
            None => request.set("authorization", "acs testid:kxHvpX9lxWu89TTcKLMaQIcRraQ="),
        },
    }
}

/// Signs anew by the newer scheme, with a header changed or left out: the signature is right and the claim is not.
fn again(request: &mut Request, header: &str, value: Option<&str>) {
    request.sign(Scheme::Acs3, ROOT, "Any", Some("n-again"));
    match value {
        Some(value) => request.set(header, value),
        None => request.remove(header),
    }
    let authorization = request.acs3(ROOT, None);
    request.set("authorization", &authorization);
}

/// Makes bytes of it that HTTP has no use for, or that break off.
pub(crate) fn mangle(request: &mut Request, dice: &mut Dice) {
    const BYTES: &[&[u8]] = &[
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"\r\n\r\n\r\nGET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nname : value\r\n\r\n",
        b"GET / HTTP/1.1\r\nname: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nname: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nname: \xff\xfe\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"CONNECT /pop/v5/k8s/acs/k8s_apps HTTP/1.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http://a/pop/v5/k8s/acs/k8s_apps?AppId=1 HTTP/1.1\r\n\r\n",
        b"GET http://a:99999/ HTTP/1.1\r\n\r\n",
        b"GET pop/v5 HTTP/1.1\r\n\r\n",
        b"GET /pop/v5/x HTTP/1.0\r\n\r\n",
        b"GET /pop/v5/x\r\n\r\n",
        b"POST /pop/v5/k8s/acs/k8s_apps HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /pop/v5/k8s/acs/k8s_apps HTTP/1.1\r\ncontent-length: 1e3\r\n\r\n",
        b"POST /pop/v5/k8s/acs/k8s_apps HTTP/1.1\r\ncontent-length: 18446744073709551616\r\n\r\n",
        b"POST /pop/v5/k8s/acs/k8s_apps HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST /pop/v5/k8s/acs/k8s_apps HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /pop/v5/k8s/acs/k8s_apps HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\nab",
        b"POST /pop/v5/k8s/acs/k8s_apps HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST /pop/v5/k8s/acs/k8s_apps HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n\r\n",
        b"GET /pop/v5/a HTTP/1.1\r\n\r\nGET /pop/v5/b HTTP/1.1\r\n\r\n",
    ];
    let mut bytes = request.bytes();
    let line_end = bytes.iter().position(|byte| *byte == b'\r').unwrap_or(0);
    match dice.below(8) {
        0 => {
            bytes.truncate(dice.below(bytes.len()));
            request.half_close = true;
        }
        1 => {
            request.set("content-length", &(request.body.len() + 10).to_string());
            bytes = request.bytes();
            request.half_close = true;
        }
        2 => {
            // Longer than the server takes.
            request.body = vec![b'a'; 100 << 10];
            bytes = request.bytes();
        }
        3 => {
            bytes = format!("{} {}?{} HTTP/1.1\r\n\r\n", request.method, request.path, "u".repeat(70_000)).into_bytes();
        }
        4 => {
            let headers = match dice.below(2) {
                0 => format!("\r\nx-long: {}", "h".repeat(300_000)),
                _ => (0..150).map(|index| format!("\r\nx-many-{index}: h")).collect(),
            };
            bytes.splice(line_end..line_end, headers.into_bytes());
        }
        5 => {
            // One byte of the head becomes another.
            let at = dice.below(line_end.max(1));
            bytes[at] = dice.pick(&[0, b'\n', b' ', 0x7f, 0x80, 0xff, b'%', b'"']);
            request.half_close = true;
        }
        _ => {
            bytes = dice.pick(BYTES).to_vec();
            request.half_close = dice.percent(50);
        }
    }
    request.raw = Some(bytes);
}
