//! Taking an existing Deployment under management, without touching it.
//!
//! Everything that is known of it comes from the cluster: its ReplicaSets are its history, and our own annotations, if an earlier Sternway left
//! some, say what was borrowed and what it was called.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::Refused;
use super::create::package_version_or_tag;
use crate::application::{AppState, Application, Held};
use crate::effect::marks;
use crate::ids::{OrderId, VersionNumber};
use crate::observation::Workload;
use crate::template::{PodTemplate, TemplateDigest};
use crate::version::{Origin, Snapshot, Version};

/// An adopted application, to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Adoption {
    /// The application.
    pub app: Application,
    /// Its versions as far as the cluster knows them, oldest first.
    pub versions: Vec<Version>,
}

/// Adopts the Deployment that `app` names. Where it says which application it belongs to, that id is kept, so that what is
/// written elsewhere about the application stays right.
///
/// # Errors
/// [`Refused::WorkloadDeleting`].
pub fn adopt(
    mut app: Application,
    live: &Workload,
    deployment: &Value,
    replica_sets: &[Value],
    now: Timestamp,
) -> Result<Adoption, Refused> {
    if live.deleting {
        return Err(Refused::WorkloadDeleting(app.name));
    }
    if let Some(id) = live.marks.application.as_ref().and_then(|id| id.parse().ok()) {
        app.id = id;
    }
    let borrowed = marks::borrowed(deployment);
    let own = borrowed.clone().unwrap_or_else(|| live.spec.clone());
    let earlier = history(live, replica_sets, borrowed.as_ref());
    let named = marks::version(deployment).map_or(0, |number| number.0);
    let present = VersionNumber(named.max(earlier.len() as u32 + 1));
    let numbered = (1..).map(|offset| VersionNumber(present.0 - offset));
    let mut versions: Vec<Version> = earlier
        .into_iter()
        .rev()
        .zip(numbered)
        .map(|(template, number)| version(&app, number, Snapshot { template, ..own.clone() }, now))
        .collect();
    versions.reverse();
    versions.push(version(&app, present, Snapshot { template: live.spec.template.clone(), ..own }, now));

    let from = borrowed.filter(|_| live.is_held()).and_then(|borrowed| {
        let digest = borrowed.template.digest();
        let is_it = |version: &&Version| version.snapshot.template.digest() == digest && version.number != present;
        versions.iter().rfind(is_it).map(|version| version.number)
    });
    app.current = Some(from.unwrap_or(present));
    app.last_good = from;
    app.held = from.map(|from| Held { from, to: present });
    app.latest = present;
    app.replicas = live.replicas;
    app.state = if live.replicas == 0 { AppState::Stopped } else { AppState::Running };
    Ok(Adoption { app, versions })
}

/// Templates other than the present one, oldest first: of the ReplicaSets that are kept, and the one to go back to.
fn history(live: &Workload, replica_sets: &[Value], borrowed: Option<&Snapshot>) -> Vec<PodTemplate> {
    let revision = |set: &Value| -> u64 {
        let text = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
        text.and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    let mut newest: BTreeMap<TemplateDigest, (u64, PodTemplate)> = BTreeMap::new();
    for set in replica_sets {
        let template = PodTemplate::new(set["spec"]["template"].clone());
        newest.insert(template.digest(), (revision(set), template));
    }
    if let Some(borrowed) = borrowed {
        newest.entry(borrowed.template.digest()).or_insert((u64::MAX, borrowed.template.clone()));
    }
    newest.remove(&live.digest);
    let mut templates: Vec<_> = newest.into_values().collect();
    templates.sort_by_key(|(revision, _)| *revision);
    templates.into_iter().map(|(_, template)| template).collect()
}

fn version(app: &Application, number: VersionNumber, snapshot: Snapshot, now: Timestamp) -> Version {
    Version {
        app: app.id,
        number,
        package_version: package_version_or_tag(String::new(), &snapshot.template),
        snapshot,
        origin: Origin::Found,
        order: OrderId::new(Uuid::nil()),
        description: "found on the cluster when the application was adopted".to_owned(),
        created_at: now,
        good: false,
    }
}
