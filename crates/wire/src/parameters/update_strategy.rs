//! `UpdateStrategy`: in how many batches, and who lets the next one begin.
//!
//! ```json
//! {"type":"GrayBatchUpdate","batchUpdate":{"batch":2,"releaseType":"auto","batchWaitTime":1},"grayUpdate":{"gray":1}}
//! ```
//!
//! Absent or empty means one batch. Anything that is not understood is refused: a setting of a release that is silently
//! ignored is worse than a request that fails.

use serde_json::Value;

use super::structure::Node;
use super::{Given, Parameters};
use crate::error::GatewayError;

const NAME: &str = "UpdateStrategy";

/// More batches than anybody confirms by hand; whether there are pods enough is checked where the pods are known.
const MOST_BATCHES: i64 = 100;

/// More gray pods than applications have pods.
const MOST_GRAY: i64 = 10_000;

/// A week.
const LONGEST_WAIT_MINUTES: i64 = 7 * 24 * 60;

/// How a release is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateStrategy {
    pub kind: UpdateKind,
    /// The number of batches, the gray one not counted.
    pub batch: u32,
    pub release: Release,
    /// How many pods the gray batch has; only with [`UpdateKind::GrayBatchUpdate`].
    pub gray: Option<u32>,
}

/// The two types of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateKind {
    BatchUpdate,
    /// A gray batch comes first.
    GrayBatchUpdate,
}

/// Who lets the next batch begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    Auto { wait_minutes: u32 },
    Manual,
}

impl UpdateStrategy {
    /// Reads the parameter; `None` if it is absent or empty.
    pub fn read(parameters: &Parameters) -> Result<Option<Self>, GatewayError> {
        match parameters.json(NAME)? {
            Given::Absent | Given::Cleared => Ok(None),
            Given::Value(value) => parse(&value).map(Some),
        }
    }

    /// How many batches there are in all.
    pub fn batch_count(&self) -> u32 {
        self.batch + u32::from(self.gray.is_some())
    }

    /// The parameter's text, for clients.
    pub fn to_json(&self) -> String {
        let release = match self.release {
            Release::Auto { wait_minutes } => {
                format!(r#""releaseType":"auto","batchWaitTime":{wait_minutes}"#)
            }
            Release::Manual => r#""releaseType":"manual""#.to_owned(),
        };
        let batch = format!(r#""batchUpdate":{{"batch":{},{release}}}"#, self.batch);
        match self.gray {
            Some(gray) => {
                format!(r#"{{"type":"GrayBatchUpdate",{batch},"grayUpdate":{{"gray":{gray}}}}}"#)
            }
            None => format!(r#"{{"type":"BatchUpdate",{batch}}}"#),
        }
    }
}

fn parse(value: &Value) -> Result<UpdateStrategy, GatewayError> {
    let root = Node::root(NAME, value);
    root.object(&["type", "batchUpdate", "grayUpdate"])?;
    let word = root.required_text("type")?;
    let kind = match word {
        _ if word.eq_ignore_ascii_case("BatchUpdate") => UpdateKind::BatchUpdate,
        _ if word.eq_ignore_ascii_case("GrayBatchUpdate") => UpdateKind::GrayBatchUpdate,
        _ => return Err(root.error("\"type\" is BatchUpdate or GrayBatchUpdate.")),
    };
    let batches = root.member("batchUpdate").ok_or_else(|| root.error("\"batchUpdate\" is missing."))?;
    batches.object(&["batch", "releaseType", "batchWaitTime"])?;
    let batch = batches.member("batch").ok_or_else(|| batches.error("\"batch\" is missing."))?;
    Ok(UpdateStrategy {
        kind,
        batch: within_u32(batch.integer(1, MOST_BATCHES)?),
        release: release(&batches)?,
        gray: gray(&root, kind)?,
    })
}

fn release(batches: &Node<'_>) -> Result<Release, GatewayError> {
    let wait = batches.member("batchWaitTime").filter(|wait| wait.value != "");
    let wait = wait.map(|wait| wait.integer(0, LONGEST_WAIT_MINUTES)).transpose()?;
    match batches.required_text("releaseType")? {
        word if word.eq_ignore_ascii_case("auto") => Ok(Release::Auto { wait_minutes: within_u32(wait.unwrap_or(0)) }),
        // A form that was switched to manual still sends its interval. Waiting for a person is longer than any.
        word if word.eq_ignore_ascii_case("manual") => Ok(Release::Manual),
        _ => Err(batches.error("\"releaseType\" is auto or manual.")),
    }
}

fn gray(root: &Node<'_>, kind: UpdateKind) -> Result<Option<u32>, GatewayError> {
    let given = root.member("grayUpdate").filter(|gray| *gray.value != serde_json::json!({}));
    match (kind, given) {
        (UpdateKind::BatchUpdate, None) => Ok(None),
        (UpdateKind::BatchUpdate, Some(gray)) => {
            Err(gray.error("\"grayUpdate\" belongs to the type GrayBatchUpdate only."))
        }
        (UpdateKind::GrayBatchUpdate, None) => {
            Err(root.error("The type GrayBatchUpdate needs \"grayUpdate\":{\"gray\":<pods>}."))
        }
        (UpdateKind::GrayBatchUpdate, Some(gray)) => {
            gray.object(&["gray"])?;
            let pods = gray.member("gray").ok_or_else(|| gray.error("\"gray\" is missing."))?;
            Ok(Some(within_u32(pods.integer(1, MOST_GRAY)?)))
        }
    }
}

/// The ranges above are far within.
fn within_u32(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<UpdateStrategy>, GatewayError> {
        UpdateStrategy::read(&Parameters::from_pairs(vec![(NAME.into(), text.into())]).unwrap())
    }

    #[test]
    fn the_documented_examples() {
        let auto = |wait_minutes| Release::Auto { wait_minutes };
        let gray = UpdateKind::GrayBatchUpdate;
        let cases = [
            (
                r#"{"type":"GrayBatchUpdate","batchUpdate":{"batch":2,"releaseType":"auto","batchWaitTime":1},"grayUpdate":{"gray":1}}"#,
                UpdateStrategy { kind: gray, batch: 2, release: auto(1), gray: Some(1) },
                3,
            ),
            (
                r#"{"type":"GrayBatchUpdate","batchUpdate":{"batch":2,"releaseType":"manual"},"grayUpdate":{"gray":1}}"#,
                UpdateStrategy { kind: gray, batch: 2, release: Release::Manual, gray: Some(1) },
                3,
            ),
            (
                r#"{"type":"BatchUpdate","batchUpdate":{"batch":2,"releaseType":"auto","batchWaitTime":0}}"#,
                UpdateStrategy { kind: UpdateKind::BatchUpdate, batch: 2, release: auto(0), gray: None },
                2,
            ),
        ];
        for (text, expected, batches) in cases {
            assert_eq!(read(text).unwrap(), Some(expected));
            assert_eq!(expected.batch_count(), batches);
            assert_eq!(expected.to_json(), text);
        }
    }

    #[test]
    fn nothing_is_one_batch() {
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("{}").unwrap(), None);
        assert_eq!(UpdateStrategy::read(&Parameters::default()).unwrap(), None);
    }

    #[test]
    fn python_and_digits_in_text_are_understood() {
        let strategy = read(
            "{'type': 'batchupdate', 'batchUpdate': {'batch': '3', 'releaseType': 'Manual', 'batchWaitTime': 5}, 'grayUpdate': None}",
        );
        let strategy = strategy.unwrap().unwrap();
        assert_eq!((strategy.batch, strategy.release), (3, Release::Manual));
    }

    #[test]
    fn whatever_else_is_refused_and_named() {
        for (text, named) in [
            ("auto", "JSON"),
            ("[1]", "object"),
            (r#"{"batchUpdate":{"batch":2,"releaseType":"auto"}}"#, "type"),
            (r#"{"type":"Rolling","batchUpdate":{"batch":2,"releaseType":"auto"}}"#, "GrayBatchUpdate"),
            (r#"{"type":"BatchUpdate"}"#, "batchUpdate"),
            (r#"{"type":"BatchUpdate","batchUpdate":{"releaseType":"auto"}}"#, "batch"),
            (r#"{"type":"BatchUpdate","batchUpdate":{"batch":0,"releaseType":"auto"}}"#, "1 to 100"),
            (r#"{"type":"BatchUpdate","batchUpdate":{"batch":2.5,"releaseType":"auto"}}"#, "integer"),
            (r#"{"type":"BatchUpdate","batchUpdate":{"batch":2}}"#, "releaseType"),
            (r#"{"type":"BatchUpdate","batchUpdate":{"batch":2,"releaseType":"soon"}}"#, "auto or manual"),
            (
                r#"{"type":"BatchUpdate","batchUpdate":{"batch":2,"releaseType":"auto","batchWaitTime":-1}}"#,
                "batchWaitTime",
            ),
            (r#"{"type":"BatchUpdate","batchUpdate":{"batch":2,"releaseType":"auto","pause":1}}"#, "pause"),
            (
                r#"{"type":"BatchUpdate","batchUpdate":{"batch":2,"releaseType":"auto"},"grayUpdate":{"gray":1}}"#,
                "grayUpdate",
            ),
            (r#"{"type":"GrayBatchUpdate","batchUpdate":{"batch":2,"releaseType":"auto"}}"#, "grayUpdate"),
            (
                r#"{"type":"GrayBatchUpdate","batchUpdate":{"batch":2,"releaseType":"auto"},"grayUpdate":{"gray":0}}"#,
                "gray",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!((error.http_status, error.code.as_ref()), (400, "InvalidParameter"), "{text}");
            assert!(error.message.contains("UpdateStrategy") && error.message.contains(named), "{text}: {error}");
        }
    }
}
