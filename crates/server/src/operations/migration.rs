//! MigrateApplication and GetMigrateApplication: applications out of this server, and into it.
//!
//! - `cmd=export` makes a document of the applications in `appIds`: what they are called and where they are, not what runs, which is in the cluster.
//! - `cmd=import` takes the Deployments that such a document names under management, exactly as they are: no pod and no object is touched. The document
//!   in `rawData` is one of an export, or one written by hand for Deployments of kubectl or Helm:
//!   `{"app_info":[{"app_name":"web","cluster_id":"..","k8sNamespace":"shop","deployment":"web"}]}`.
//!
//! Each application is taken for itself, and one that is managed already is done; so the same import may be asked for again. How each fared is what
//! GetMigrateApplication shows.

mod document;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sternway_access::{Action, Resource};
use sternway_core::application::{Application, WorkloadRef};
use sternway_core::ids::AppId;
use sternway_core::ports::{AppFilter, ClusterRecord, Record};
use sternway_engine::CommandError;
use sternway_wire::codes::PackageType;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{
    GetMigrateApplication, MigrateApplication, Migration, MigrationExtra, MigrationPage, MigrationStarted,
};

use self::document::Item;
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::whole;

const KIND: &str = "migration";
const IMPORT: i32 = 1;
const EXPORT: i32 = 2;
const CLONE: i64 = 3;
const SUCCESS: &str = "success";
const FAILED: &str = "failed";
/// One request has ten seconds.
const MOST_APPS: usize = 100;
/// Older ones are forgotten.
const MOST_KEPT: usize = 100;

/// How a migration went.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    kind: i32,
    owner: String,
    region: String,
    at: Timestamp,
    /// By the application's id, or its name if it has none.
    states: BTreeMap<String, Value>,
    file: String,
}

/// MigrateApplication
pub(crate) async fn migrate(call: Arc<Call>) -> Result<MigrateApplication, Failure> {
    let parameters = &call.parameters;
    let (kind, states, file) = match parameters.required("cmd", "export or import")?.to_ascii_lowercase().as_str() {
        "export" => export(&call).await?,
        "import" => import(&call).await?,
        "clone" => {
            let reason = "Applications are not cloned. Make another with InsertK8sApplication.";
            return Err(BusinessError::unprocessable(reason).into());
        }
        _ => return Err(GatewayError::invalid_parameter("cmd", "Give export or import.").into()),
    };
    let region = parameters.optional("regionId")?.unwrap_or(&call.region).to_owned();
    let kept = Kept { kind, owner: call.caller.user.clone(), region, at: call.now(), states, file };
    let id = call.engine().ports().ids.fresh().to_string();
    let record = Record {
        kind: KIND.to_owned(),
        id: id.clone(),
        owner: kept.region.clone(),
        revision: 1,
        document: serde_json::to_value(&kept)?,
        secret: None,
    };
    call.records().put_record(record).await?;
    forget_old(&call).await?;
    Ok(MigrateApplication { data: MigrationStarted { migration_id: id } })
}

/// GetMigrateApplication: the newest first.
pub(crate) async fn show(call: Arc<Call>) -> Result<GetMigrateApplication, Failure> {
    let parameters = &call.parameters;
    let id = parameters.optional("migrationId")?;
    let kind = parameters.integer("migrationType", i64::from(IMPORT)..=CLONE)?;
    let region = parameters.optional("regionId")?;
    let mut result = Vec::new();
    for record in call.records().records(KIND, region).await?.into_iter().rev() {
        let kept: Kept = serde_json::from_value(record.document)?;
        let is_wanted = id.is_none_or(|id| record.id == id) && kind.is_none_or(|kind| i64::from(kept.kind) == kind);
        if is_wanted {
            result.push(shown(record.id, kept));
        }
    }
    let data = MigrationPage { current_page: 1, page_size: whole(MOST_KEPT), total_size: whole(result.len()), result };
    Ok(GetMigrateApplication { data, trace_id: call.ids.trace.clone(), ..GetMigrateApplication::default() })
}

type Outcome = (i32, BTreeMap<String, Value>, String);

async fn export(call: &Call) -> Result<Outcome, Failure> {
    const NAME: &str = "appIds";
    let ids = document::ids(&call.parameters, NAME)?;
    let ids =
        ids.ok_or_else(|| GatewayError::missing_parameter(NAME, "the ids of applications, with commas between"))?;
    require_few(NAME, ids.len())?;
    let clusters = call.store().clusters().await?;
    let (mut items, mut states) = (Vec::new(), BTreeMap::new());
    for id in ids {
        let found = match id.parse::<AppId>() {
            Ok(id) => call.store().app(id).await?,
            Err(_) => None,
        };
        let Some(app) = found.filter(|app| call.may_read_app(app)) else {
            return Err(BusinessError::application_not_found(&id).into());
        };
        let cluster = clusters.iter().find(|cluster| cluster.id == app.workload.cluster);
        states.insert(id, state(&app, cluster, SUCCESS, ""));
        items.push(Item::of(&app, cluster));
    }
    let file = json!({"job_id": call.ids.trace, "app_info": items});
    Ok((EXPORT, states, file.to_string()))
}

async fn import(call: &Call) -> Result<Outcome, Failure> {
    let items = document::read(&call.parameters)?;
    require_few("rawData", items.len())?;
    let logical_regions = call.store().logical_regions().await?;
    let mut states = BTreeMap::new();
    for item in items {
        let region = item.logical_region_id.clone().unwrap_or_else(|| call.region.clone());
        let is_known = !region.contains(':') || logical_regions.iter().any(|known| known.region_id == region);
        let cluster = find_cluster(call, &item).await?;
        let app = wanted(call, &item, region, cluster.as_ref());
        let outcome = match &cluster {
            None => Err(BusinessError::cluster_not_found(&item.cluster_id).message),
            Some(_) if !is_known => Err(BusinessError::region_not_found(&app.logical_region).message),
            Some(cluster) => match may_take(call, &app, cluster) {
                Ok(()) => take(call, app.clone()).await?,
                Err(refused) => Err(refused.message),
            },
        };
        let (key, state) = match outcome {
            Ok(taken) => (taken.id.to_string(), state(&taken, cluster.as_ref(), SUCCESS, "")),
            Err(message) => (item.app_name.clone(), state(&app, cluster.as_ref(), FAILED, &message)),
        };
        states.insert(key, state);
    }
    Ok((IMPORT, states, String::new()))
}

/// Whether the caller may do this here: the operation as a whole is asked about elsewhere, and policies may deny single namespaces and clusters.
fn may_take(call: &Call, app: &Application, cluster: &ClusterRecord) -> Result<(), GatewayError> {
    call.permit.require(Action::CreateApplication, &Resource::application(Some(&app.logical_region), "*"))?;
    call.permit.require(Action::ManageCluster, &Resource::cluster(Some(&cluster.region), cluster.id))
}

/// Takes a Deployment under management; the application that has it already, if one has. The outer error is the server's own.
async fn take(call: &Call, app: Application) -> Result<Result<Application, String>, Failure> {
    let workload = app.workload.clone();
    match call.engine().adopt(app).await {
        Ok(taken) => Ok(Ok(taken)),
        Err(CommandError::NameTaken) => {
            let filter = AppFilter {
                cluster: Some(workload.cluster),
                namespace: Some(workload.namespace.clone()),
                ..AppFilter::default()
            };
            let managed = call.store().apps(filter).await?.into_iter().find(|other| other.workload == workload);
            Ok(managed.ok_or_else(|| "The name is taken by another application.".to_owned()))
        }
        Err(error) => match Failure::from(error) {
            Failure::Business(error) => Ok(Err(error.message)),
            failure => Err(failure),
        },
    }
}

/// The cluster of an item: ours by its id, or the one that has this id outside.
async fn find_cluster(call: &Call, item: &Item) -> Result<Option<ClusterRecord>, Failure> {
    for id in [Some(&item.cluster_id), item.cs_cluster_id.as_ref()].into_iter().flatten() {
        if let Some(cluster) = call.find_cluster(id).await? {
            return Ok(Some(cluster));
        }
    }
    Ok(None)
}

fn wanted(call: &Call, item: &Item, logical_region: String, cluster: Option<&ClusterRecord>) -> Application {
    let id = AppId::new(call.engine().ports().ids.fresh());
    let cluster = cluster
        .map_or_else(|| sternway_core::ids::ClusterId::new(call.engine().ports().ids.fresh()), |cluster| cluster.id);
    let workload = WorkloadRef { cluster, namespace: item.namespace.clone(), name: item.deployment.clone() };
    let owner = &call.caller.user;
    Application {
        description: item.description.clone(),
        ..Application::new(id, &item.app_name, workload, logical_region, owner, PackageType::Image.code(), call.now())
    }
}

/// How one application fared, in the keys that are published.
fn state(app: &Application, cluster: Option<&ClusterRecord>, state: &str, error: &str) -> Value {
    let cluster_id = cluster.map(|cluster| cluster.id.to_string()).unwrap_or_default();
    json!({
        "app_id": if state == SUCCESS { app.id.to_string() } else { String::new() },
        "app_name": app.name,
        "clusterId": cluster_id,
        "cluster_id": cluster_id,
        "cluster_name": cluster.map(|cluster| cluster.name.clone()).unwrap_or_default(),
        "error_msg": error,
        "is_multilingual_app": false,
        "k8sNamespace": app.workload.namespace,
        "logical_region_id": app.logical_region,
        "state": state,
    })
}

fn shown(id: String, kept: Kept) -> Migration {
    let errors: Vec<&str> =
        kept.states.values().filter_map(|state| state["error_msg"].as_str()).filter(|text| !text.is_empty()).collect();
    Migration {
        app_detail_state: json!(kept.states).to_string(),
        binary_cleaned: 0,
        create_time: kept.at.as_millisecond(),
        extra_info: MigrationExtra { app_json_file: kept.file, error_msg: errors.join(" ") },
        migration_id: id,
        migration_type: kept.kind,
        owner: kept.owner,
        region_id: kept.region,
        state: if errors.is_empty() { SUCCESS } else { FAILED }.to_owned(),
        state_percent: "100".to_owned(),
        update_time: kept.at.as_millisecond(),
    }
}

fn require_few(parameter: &str, count: usize) -> Result<(), GatewayError> {
    if count <= MOST_APPS {
        return Ok(());
    }
    Err(GatewayError::invalid_parameter(parameter, &format!("Name at most {MOST_APPS} applications at once.")))
}

async fn forget_old(call: &Call) -> Result<(), Failure> {
    let all = call.records().records(KIND, None).await?;
    let surplus = all.len().saturating_sub(MOST_KEPT);
    for record in all.into_iter().take(surplus) {
        call.records().delete_record(KIND, &record.id).await?;
    }
    Ok(())
}
