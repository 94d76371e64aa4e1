//! Which object of which cluster a request names, and the words for what it runs into.

use std::time::Duration;

use serde_json::{Value, json};
use sternway_access::{Action, Resource};
use sternway_core::ports::{ClusterError, ClusterRecord, ObjectKind, ObjectRef};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::parameters::entries::Condition;
use sternway_wire::parameters::{Parameters, names};

use super::{MANAGED_BY, US};
use crate::call::Call;
use crate::failure::{Failure, of_cluster};

/// How often an object is read again because someone else changed it between the read and the write.
const ATTEMPTS: u32 = 4;
/// How long a cluster is waited for in a list of several.
const PATIENCE: Duration = Duration::from_secs(3);
const LARGEST_PAGE: i64 = 1000;

/// An object of a namespace of a cluster: ClusterId, Namespace, Name.
pub(super) struct Target {
    pub(super) cluster: ClusterRecord,
    pub(super) object: ObjectRef,
}

impl Target {
    /// One that is to be made: its name is one by EDAS's rules.
    pub(super) async fn new(call: &Call, kind: ObjectKind) -> Result<Self, Failure> {
        let target = Self::of(call, kind).await?;
        let name = &target.object.name;
        if names::is_label(name) && name.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Ok(target);
        }
        let problem = "It has up to 63 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen.";
        Err(GatewayError::invalid_parameter("Name", problem).into())
    }

    /// One that may be there.
    pub(super) async fn of(call: &Call, kind: ObjectKind) -> Result<Self, Failure> {
        let name = call.parameters.required("Name", "the name of the object")?;
        if !names::is_subdomain(name) {
            let problem = "It has up to 253 lower-case letters, digits, hyphens and dots.";
            return Err(GatewayError::invalid_parameter("Name", problem).into());
        }
        let namespace = names::namespace(&call.parameters)?;
        Ok(Self { object: ObjectRef::new(kind, namespace, name), cluster: call.cluster().await? })
    }

    /// The object, or that it does not exist.
    pub(super) async fn read(&self, call: &Call) -> Result<Value, Failure> {
        let found = call.objects().get(self.cluster.id, &self.object).await;
        Ok(found.map_err(|error| self.failed(&error))?.ok_or_else(|| self.missing())?)
    }

    /// Makes the object of this content; its `metadata` may hold labels and annotations.
    pub(super) async fn create(&self, call: &Call, mut value: Value) -> Result<(), Failure> {
        let ObjectRef { kind, namespace, name } = &self.object;
        value["apiVersion"] = kind.api_version().into();
        value["kind"] = kind.kind.as_ref().into();
        value["metadata"]["name"] = json!(name);
        value["metadata"]["namespace"] = json!(namespace);
        value["metadata"]["labels"][MANAGED_BY] = json!(US);
        match call.objects().create(self.cluster.id, &self.object, &value).await {
            Ok(_) => Ok(()),
            Err(ClusterError::Conflict) => {
                let message = format!("The {} exists already. Update it, or take another name.", self.named());
                Err(BusinessError::new(400, "Resource.AlreadyExists", message).into())
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Changes the object that is there, on the version that was read.
    pub(super) async fn change(
        &self,
        call: &Call,
        edit: impl Fn(&mut Value) -> Result<(), Failure> + Send + Sync,
    ) -> Result<(), Failure> {
        for _ in 0..ATTEMPTS {
            let mut value = self.read(call).await?;
            edit(&mut value)?;
            match call.objects().replace(self.cluster.id, &self.object, &value).await {
                Ok(_) => return Ok(()),
                Err(ClusterError::Conflict) => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Err(self.changed().into())
    }

    /// Deletes the object.
    pub(super) async fn delete(&self, call: &Call) -> Result<(), Failure> {
        match call.objects().delete(self.cluster.id, &self.object).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.missing().into()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    pub(super) fn missing(&self) -> BusinessError {
        let message = format!("The {} does not exist. List what there is, or create it.", self.named());
        BusinessError::new(404, "Resource.NotFound", message)
    }

    pub(super) fn changed(&self) -> BusinessError {
        let message =
            format!("The {} was changed by someone else. Read it again, and send the change again.", self.named());
        BusinessError::new(400, "Resource.Changed", message)
    }

    pub(super) fn failed(&self, error: &ClusterError) -> Failure {
        of_cluster(self.cluster.id, error)
    }

    /// `ConfigMap settings of the namespace shop`
    pub(super) fn named(&self) -> String {
        let ObjectRef { kind, namespace, name } = &self.object;
        format!("{} {name} of the namespace {namespace}", kind.kind)
    }
}

/// An object in a list, and its cluster.
pub(super) struct Found {
    pub(super) cluster: ClusterRecord,
    pub(super) value: Value,
}

/// The objects that ClusterId, RegionId, Namespace and Condition ask for, by cluster, of the clusters that the caller may do this to. A cluster that is
/// named has to answer; one of several that does not is left out.
pub(super) async fn find_all(call: &Call, kind: &ObjectKind, action: Action) -> Result<Vec<Found>, Failure> {
    let parameters = &call.parameters;
    let condition = Condition::read(parameters)?;
    let namespace = match parameters.optional("Namespace")? {
        Some(_) => Some(names::namespace(parameters)?),
        None => None,
    };
    let mut found = Vec::new();
    for cluster in clusters(call, action).await? {
        let listed = call.objects().list(cluster.id, kind, namespace, "");
        let listed = match parameters.optional("ClusterId")? {
            Some(_) => listed.await.map_err(|error| of_cluster(cluster.id, &error))?,
            None => match tokio::time::timeout(PATIENCE, listed).await {
                Ok(Ok(listed)) => listed,
                Ok(Err(error)) => {
                    tracing::debug!(cluster = %cluster.id, %error, "the cluster is left out of a list");
                    continue;
                }
                Err(_) => continue,
            },
        };
        let fits = |value: &Value| {
            let name = value["metadata"]["name"].as_str().unwrap_or_default();
            condition.as_ref().is_none_or(|condition| condition.fits(name, &cluster.name))
        };
        found.extend(listed.into_iter().filter(fits).map(|value| Found { cluster: cluster.clone(), value }));
    }
    Ok(found)
}

/// The clusters that a list is about: the one that ClusterId names, or, of a region or of all, those that the caller may do this to.
pub(super) async fn clusters(call: &Call, action: Action) -> Result<Vec<ClusterRecord>, Failure> {
    let resource = |cluster: &ClusterRecord| Resource::cluster(Some(&cluster.region), cluster.id);
    if call.parameters.optional("ClusterId")?.is_some() {
        let named = call.cluster().await?;
        call.permit.require(action, &resource(&named))?;
        return Ok(vec![named]);
    }
    let region = call.parameters.optional("RegionId")?;
    let mut clusters = call.store().clusters().await?;
    clusters.retain(|cluster| {
        region.is_none_or(|region| cluster.region == region) && call.permit.allows(action, &resource(cluster))
    });
    Ok(clusters)
}

/// PageNo, which counts from 0, and PageSize; without a size, or with 0, all is one page.
pub(super) fn page<T>(parameters: &Parameters, items: Vec<T>) -> Result<Vec<T>, GatewayError> {
    let number = parameters.integer("PageNo", 0..=i64::from(i32::MAX))?.unwrap_or(0);
    let size = parameters.integer("PageSize", 0..=LARGEST_PAGE)?.unwrap_or(0);
    let (Ok(number), Ok(size)) = (usize::try_from(number), usize::try_from(size)) else {
        return Ok(items);
    };
    if size == 0 {
        return Ok(if number == 0 { items } else { Vec::new() });
    }
    Ok(items.into_iter().skip(number.saturating_mul(size)).take(size).collect())
}
