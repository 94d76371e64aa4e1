//! The autoscaler of a rule on its cluster: there and as the rule says, or not there.

use serde_json::Value;
use sternway_core::application::{Application, WorkloadRef};
use sternway_core::ports::{ClusterError, ObjectKind, ObjectRef};
use sternway_core::scaling::Rule;
use sternway_core::scaling::autoscaler::{is_of, manifest, name, scales};

use super::RuleError;
use crate::Engine;

const KIND: ObjectKind = ObjectKind::HORIZONTAL_POD_AUTOSCALER;
/// Attempts at an object that others change at the same moment.
const ATTEMPTS: u32 = 8;

impl Engine {
    /// Makes the cluster have what the rule stands for. Doing it again changes nothing.
    pub(super) async fn follow(&self, rule: &Rule) -> Result<(), RuleError> {
        // Only times: there is nothing on the cluster, and it need not be asked.
        if !rule.wants_autoscaler() && !rule.on_cluster {
            return Ok(());
        }
        let app = self.application(rule.app).await?;
        let object = ObjectRef::new(KIND, &app.workload.namespace, name(rule, &app.workload));
        for _ in 0..ATTEMPTS {
            let done = match rule.wants_autoscaler() {
                true => self.put_autoscaler(rule, &app, &object).await,
                false => self.remove_autoscaler(rule, &app, &object).await,
            };
            match done {
                Err(RuleError::Cluster(ClusterError::Conflict)) => {}
                done => return done,
            }
        }
        Err(ClusterError::Conflict.into())
    }

    async fn put_autoscaler(&self, rule: &Rule, app: &Application, object: &ObjectRef) -> Result<(), RuleError> {
        let (cluster, objects) = (app.workload.cluster, &self.ports.objects);
        let uid = self.live(app).await?.uid;
        let mut wanted = manifest(rule, &app.workload, &uid);
        match objects.get(cluster, object).await? {
            Some(present) if !is_of(&present, rule) => Err(RuleError::NameTaken(object.name.clone())),
            Some(present) if covers(&present, &wanted) => Ok(()),
            Some(present) => {
                wanted["metadata"]["resourceVersion"] = present["metadata"]["resourceVersion"].clone();
                objects.replace(cluster, object, &wanted).await?;
                Ok(())
            }
            None => {
                self.check_alone(&app.workload).await?;
                objects.create(cluster, object, &wanted).await?;
                Ok(())
            }
        }
    }

    async fn remove_autoscaler(&self, rule: &Rule, app: &Application, object: &ObjectRef) -> Result<(), RuleError> {
        let (cluster, objects) = (app.workload.cluster, &self.ports.objects);
        match objects.get(cluster, object).await {
            Ok(Some(present)) if is_of(&present, rule) => {
                objects.delete(cluster, object).await?;
                Ok(())
            }
            // A cluster that was forgotten has nothing of ours any more.
            Ok(_) | Err(ClusterError::Unknown(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn check_alone(&self, workload: &WorkloadRef) -> Result<(), RuleError> {
        let all = self.ports.objects.list(workload.cluster, &KIND, Some(&workload.namespace), "").await?;
        match all.iter().find(|other| scales(other, workload)) {
            Some(other) => {
                let name = other["metadata"]["name"].as_str().unwrap_or_default();
                Err(RuleError::ForeignAutoscaler(name.to_owned()))
            }
            None => Ok(()),
        }
    }
}

/// Whether an object has everything that a manifest says; what a server adds does not count.
fn covers(present: &Value, wanted: &Value) -> bool {
    sternway_core::template::covers(&present["spec"], &wanted["spec"])
        && sternway_core::template::covers(&present["metadata"], &wanted["metadata"])
}
