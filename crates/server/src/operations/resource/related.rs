//! Which applications use an object.

use std::collections::BTreeMap;

use serde_json::Value;
use sternway_core::application::Application;
use sternway_core::ids::ClusterId;
use sternway_core::ports::AppFilter;
use sternway_core::template::references::References;
use sternway_wire::model::RelatedApp;

use crate::call::Call;
use crate::failure::Failure;
use crate::operations::application::present_version;

/// The applications, with what each uses and how its pods are labelled.
pub(super) struct Related {
    users: Vec<User>,
}

struct User {
    app: Application,
    references: References,
    labels: BTreeMap<String, String>,
}

impl Related {
    /// Reads every application that the caller may see; what it runs now counts.
    pub(super) async fn load(call: &Call) -> Result<Self, Failure> {
        let mut users = Vec::new();
        let apps = call.store().apps(AppFilter::default()).await?;
        for app in apps.into_iter().filter(|app| call.may_read_app(app)) {
            let Some(version) = present_version(call, &app).await? else { continue };
            let template = &version.snapshot.template;
            let labels = serde_json::from_value(template.json()["metadata"]["labels"].clone()).unwrap_or_default();
            users.push(User { references: References::of(template), labels, app });
        }
        Ok(Self { users })
    }

    pub(super) fn of_config_map(&self, cluster: ClusterId, object: &Value) -> Vec<RelatedApp> {
        self.users_of(cluster, object, |references, name| references.config_maps.contains(name))
    }

    pub(super) fn of_secret(&self, cluster: ClusterId, object: &Value) -> Vec<RelatedApp> {
        self.users_of(cluster, object, |references, name| references.secrets.contains(name))
    }

    /// The application whose pods a Service selects; the first, should it select those of several.
    pub(super) fn of_service(&self, cluster: ClusterId, service: &Value) -> Option<RelatedApp> {
        let selector = service["spec"]["selector"].as_object().filter(|selector| !selector.is_empty())?;
        let is_behind = |user: &&User| {
            is_there(user, cluster, service)
                && selector.iter().all(|(label, value)| user.labels.get(label).is_some_and(|own| *value == **own))
        };
        self.users.iter().find(is_behind).map(named)
    }

    fn users_of(
        &self,
        cluster: ClusterId,
        object: &Value,
        uses: impl Fn(&References, &str) -> bool,
    ) -> Vec<RelatedApp> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let users = self.users.iter().filter(|user| is_there(user, cluster, object) && uses(&user.references, name));
        users.map(named).collect()
    }
}

fn is_there(user: &User, cluster: ClusterId, object: &Value) -> bool {
    user.app.workload.cluster == cluster && object["metadata"]["namespace"] == *user.app.workload.namespace
}

fn named(user: &User) -> RelatedApp {
    RelatedApp { app_id: user.app.id.to_string(), app_name: user.app.name.clone() }
}
