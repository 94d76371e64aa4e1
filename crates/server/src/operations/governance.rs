//! Approvals and freeze windows: the settings, and the decisions of those who approve. All are extensions.

pub(crate) mod approval;
pub(crate) mod freeze;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sternway_core::governance::Scope;
use sternway_core::ports::Record;
use sternway_wire::error::{BusinessError, GatewayError};

use crate::call::Call;
use crate::failure::Failure;

const LONGEST_NAME: usize = 64;
const LONGEST_TEXT: usize = 256;

/// The name of a setting: it stands in messages and command lines.
fn name(call: &Call) -> Result<&str, GatewayError> {
    let name = call.parameters.required("Name", "a name of letters, digits, dots, underscores and hyphens")?;
    let fits = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if name.len() > LONGEST_NAME || !name.chars().all(fits) {
        let problem = "Give at most 64 letters, digits, dots, underscores and hyphens.";
        return Err(GatewayError::invalid_parameter("Name", problem));
    }
    Ok(name)
}

/// The scope that the parameters give. What it names is there.
async fn scope(call: &Call) -> Result<Scope, Failure> {
    let text = |name| call.parameters.text(name, LONGEST_TEXT);
    let app_id = match text("AppId")? {
        Some(_) => Some(call.app().await?.id),
        None => None,
    };
    let cluster_id = match text("ClusterId")? {
        Some(_) => Some(call.cluster().await?.id),
        None => None,
    };
    let namespace = text("Namespace")?.map(str::to_owned);
    Ok(Scope { app_id, namespace, cluster_id, logical_region_id: text("LogicalRegionId")?.map(str::to_owned) })
}

/// A part of a scope, as answers show it.
fn shown(part: Option<&impl ToString>) -> String {
    part.map(ToString::to_string).unwrap_or_default()
}

async fn put(call: &Call, kind: &str, id: &str, document: &impl Serialize) -> Result<(), Failure> {
    loop {
        let present = call.records().record(kind, id).await?;
        let record = Record {
            kind: kind.to_owned(),
            id: id.to_owned(),
            owner: String::new(),
            revision: present.map_or(0, |present| present.revision) + 1,
            document: serde_json::to_value(document)?,
            secret: None,
        };
        // False: somebody else was faster; the last one counts.
        if call.records().put_record(record).await? {
            return Ok(());
        }
    }
}

async fn list<T: DeserializeOwned>(call: &Call, kind: &str) -> Result<Vec<T>, Failure> {
    let mut records = call.records().records(kind, None).await?;
    records.sort_by(|one, other| one.id.cmp(&other.id));
    let documents = records.into_iter().map(|record| serde_json::from_value(record.document));
    Ok(documents.collect::<Result<_, _>>()?)
}

fn unusable(reason: &str) -> Failure {
    BusinessError::unprocessable(reason).into()
}
