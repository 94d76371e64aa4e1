//! QuerySlsLogStoreList, UpdateSlsLogStore, AddLogPath, DeleteLogPath: what of an application's logs is collected, and where they lie.
//!
//! Without Alibaba's log service there is still its collector, LoongCollector, which anybody may run on a cluster: what it takes is said in the pod
//! template, where it is kept ([`sternway_core::template::edit::logs`]). A change needs new pods and begins a change order.
//!
//! Directories of logs are a note for people and tools, in an annotation of the Deployment; adding one touches no pod.

use std::sync::Arc;

use serde_json::json;
use sternway_core::ids::AppId;
use sternway_core::ports::{ClusterError, ObjectKind, ObjectRef};
use sternway_core::template::edit::logs::sources;
use sternway_core::template::edit::{Edit, LogSource};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{LogStore, Nothing, QuerySlsLogStoreList};
use sternway_wire::parameters::logs::{LogConfig, LogType, STDOUT_PATH, configs, directory, required_type};

use super::configure::reconfigure;
use super::present_version;
use crate::call::Call;
use crate::failure::{Failure, of_cluster};
use crate::operations::{Page, whole};

/// Directories of logs, with commas between.
const PATHS: &str = "sternway.io/log-paths";
/// What takes the logs.
const COLLECTOR: &str = "LoongCollector";
/// An annotation is for a few words.
const MOST_PATHS: usize = 50;
/// Attempts at an object that others change at the same moment.
const ATTEMPTS: u32 = 8;

/// QuerySlsLogStoreList: of the version that runs.
pub(crate) async fn query(call: Arc<Call>) -> Result<QuerySlsLogStoreList, Failure> {
    let app = call.app().await?;
    let kind = required_type(&call.parameters)?;
    let page = Page::read(&call.parameters)?.unwrap_or_default();
    let Some(version) = present_version(&call, &app).await? else {
        return Err(BusinessError::not_deployed_yet(&app.id.to_string()).into());
    };
    let since = call.time_text(version.created_at);
    let all: Vec<LogSource> = sources(version.snapshot.template.json())
        .into_iter()
        .filter(|source| source.files.is_some() == (kind == LogType::File))
        .collect();
    let total_size = whole(all.len());
    let shown = |source: LogSource| LogStore {
        consumer_side: COLLECTOR.to_owned(),
        create_time: since.clone(),
        logstore: source.store,
        source: source.files.unwrap_or_else(|| STDOUT_PATH.to_owned()),
        ..LogStore::default()
    };
    Ok(QuerySlsLogStoreList { result: page.of(all).into_iter().map(shown).collect(), total_size })
}

/// UpdateSlsLogStore: these sources instead of the present ones.
pub(crate) async fn update(call: Arc<Call>) -> Result<Nothing, Failure> {
    const NAME: &str = "Configs";
    let id = call.app().await?.id;
    let given = configs(&call.parameters, NAME)?.change();
    let configs = given.ok_or_else(|| GatewayError::missing_parameter(NAME, "a list of sources, [] for none"))?;
    reconfigure(&call, vec![Edit::Logs(log_sources(id, configs.unwrap_or_default()))]).await?;
    Ok(Nothing {})
}

/// AddLogPath: one that is there already is added.
pub(crate) async fn add(call: Arc<Call>) -> Result<Nothing, Failure> {
    let path = directory(&call.parameters)?;
    change_paths(&call, |paths| {
        if !paths.iter().any(|present| present == path) {
            paths.push(path.to_owned());
        }
    })
    .await
}

/// DeleteLogPath: one that is not there is deleted.
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    let path = directory(&call.parameters)?;
    change_paths(&call, |paths| paths.retain(|present| present != path)).await
}

/// Sources with names for those that have none.
pub(super) fn log_sources(app: AppId, configs: Vec<LogConfig>) -> Vec<LogSource> {
    let app = app.uuid().simple().to_string();
    let named = |(at, config): (usize, LogConfig)| LogSource {
        store: config.store.unwrap_or_else(|| {
            let kind = if config.files.is_some() { "file" } else { "stdout" };
            format!("app-{}-{kind}-{at}", &app[..8])
        }),
        files: config.files,
    };
    configs.into_iter().enumerate().map(named).collect()
}

async fn change_paths(call: &Call, change: impl Fn(&mut Vec<String>)) -> Result<Nothing, Failure> {
    let app = call.app().await?;
    let cluster = app.workload.cluster;
    let failed = |error: ClusterError| of_cluster(cluster, &error);
    let deployment = ObjectRef::new(ObjectKind::DEPLOYMENT, &app.workload.namespace, &app.workload.name);
    for _ in 0..ATTEMPTS {
        let Some(object) = call.objects().get(cluster, &deployment).await.map_err(failed)? else {
            let message = format!("The Deployment of the application {} does not exist on its cluster.", app.name);
            return Err(BusinessError::new(400, "Application.WorkloadGone", message).into());
        };
        let text = object["metadata"]["annotations"][PATHS].as_str().unwrap_or_default();
        let before: Vec<String> = text.split(',').filter(|path| !path.is_empty()).map(str::to_owned).collect();
        let mut paths = before.clone();
        change(&mut paths);
        if paths == before {
            return Ok(Nothing {});
        }
        if paths.len() > MOST_PATHS {
            let reason =
                format!("An application has at most {MOST_PATHS} log directories. Delete one with DeleteLogPath.");
            return Err(BusinessError::unprocessable(&reason).into());
        }
        let text = (!paths.is_empty()).then(|| paths.join(","));
        let version = &object["metadata"]["resourceVersion"];
        let patch = json!({"metadata": {"resourceVersion": version, "annotations": {PATHS: text}}});
        match call.objects().merge(cluster, &deployment, &patch).await {
            Ok(_) => return Ok(Nothing {}),
            Err(ClusterError::Conflict) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Err(failed(ClusterError::Conflict))
}
