//! A client that keeps its connection while it can, and reads exactly one answer to each request.

use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::request::Request;

/// Longer than anything takes that ends.
const PATIENCE: Duration = Duration::from_secs(100);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// The server closed the connection and said nothing.
    Closed,
    /// The server neither answered nor closed the connection.
    Silence,
    /// Something that is no answer of HTTP, or an answer that broke off.
    Garbage(String),
}

impl fmt::Display for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer { status, headers, body } => {
                writeln!(formatter, "{status}")?;
                for (name, value) in headers {
                    writeln!(formatter, "{name}: {value}")?;
                }
                write!(formatter, "\n{}", body.escape_ascii())
            }
            Self::Closed | Self::Silence | Self::Garbage(_) => write!(formatter, "{self:?}"),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    host: String,
    kept: Option<TcpStream>,
}

impl Connection {
    pub(crate) fn new(host: &str) -> Self {
        Self { host: host.to_owned(), kept: None }
    }

    pub(crate) async fn exchange(&mut self, request: &Request) -> Reply {
        let mut stream = match self.kept.take() {
            Some(stream) => stream,
            None => TcpStream::connect(&self.host).await.unwrap(),
        };
        let bytes = request.bytes();
        let exchanged = async {
            let (mut half, mut writer) = stream.split();
            // Both at once: a server that refuses early answers before all was sent, and may not read the rest.
            let mut reader = BufReader::new(&mut half);
            let sending = async {
                let sent = writer.write_all(&bytes).await;
                if request.half_close {
                    let _ = writer.shutdown().await;
                }
                sent
            };
            let (sent, reply) = tokio::join!(sending, read(&mut reader, request.method == "HEAD"));
            if request.raw.is_none() && !reader.buffer().is_empty() {
                return (false, Reply::Garbage(format!("a second answer: {}", reader.buffer().escape_ascii())));
            }
            (sent.is_ok(), reply)
        };
        let Ok((sent, reply)) = tokio::time::timeout(PATIENCE, exchanged).await else {
            return Reply::Silence;
        };
        let closing = match &reply {
            Reply::Answer { headers, .. } => {
                headers.iter().any(|(name, value)| name == "connection" && value.eq_ignore_ascii_case("close"))
            }
            Reply::Closed | Reply::Silence | Reply::Garbage(_) => true,
        };
        // What HTTP cannot make sense of may leave bytes behind that would be taken for the next request.
        if sent && !closing && request.raw.is_none() && !request.half_close {
            self.kept = Some(stream);
        }
        reply
    }
}

async fn read(stream: &mut (impl AsyncBufRead + Unpin), bodiless: bool) -> Reply {
    loop {
        let head = match head(stream).await {
            Ok(Some(head)) => head,
            Ok(None) => return Reply::Closed,
            Err(why) => return Reply::Garbage(why),
        };
        let (status, headers) = head;
        if (100..200).contains(&status) {
            continue;
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = match length.map(|(_, value)| value.parse()) {
            Some(Ok(length)) => length,
            Some(Err(_)) => return Reply::Garbage("an unreadable content-length".to_owned()),
            None => 0,
        };
        let mut body = vec![0; if bodiless { 0 } else { length }];
        return match stream.read_exact(&mut body).await {
            Ok(_) => Reply::Answer { status, headers, body },
            Err(error) => Reply::Garbage(format!("the body broke off: {error}")),
        };
    }
}

type Head = (u16, Vec<(String, String)>);

/// Status and headers; `None` if the connection ended before the first byte.
async fn head(stream: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Head>, String> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        match stream.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) if lines.is_empty() && line.is_empty() => return Ok(None),
            Err(error) => return Err(format!("the head broke off: {error}")),
            Ok(_) if !line.ends_with(b"\r\n") => return Err(format!("no line: {}", line.escape_ascii())),
            Ok(_) if line == b"\r\n" => break,
            Ok(_) => lines.push(String::from_utf8_lossy(&line).trim_end().to_owned()),
        }
    }
    let status = lines.first().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| format!("no status line: {lines:?}"))?;
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
    Ok(Some((status, headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect())))
}
