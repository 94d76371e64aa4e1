//! Settings of a cluster: what Sternway has to be told of it, because its API server does not say it.
//!
//! Each is JSON in a parameter of ImportK8sCluster (our extension), one record, and forgotten with the cluster.

use sternway_core::ids::ClusterId;
use sternway_core::ports::{Kept, Stored};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::parameters::{Given, Parameters};

use crate::call::Call;
use crate::failure::Failure;

/// How often a setting is written again because someone else wrote it at the same moment.
const ATTEMPTS: u32 = 4;

/// A setting; its default is what a cluster has that was told none.
pub(crate) trait Setting: Default + Kept {
    /// The parameter that gives it.
    const PARAMETER: &'static str;
    /// What a client may send, for errors.
    const EXAMPLE: &'static str;

    /// What is wrong with a setting that has the right shape; a sentence.
    fn problem(&self) -> Option<String> {
        None
    }

    /// The setting of a cluster.
    async fn of(call: &Call, cluster: ClusterId) -> Result<Self, Failure> {
        let stored = Stored::<Self>::get(call.records(), &cluster.to_string()).await?;
        Ok(stored.map(|stored| stored.value).unwrap_or_default())
    }

    /// The setting that ImportK8sCluster gives.
    fn read(parameters: &Parameters) -> Result<Given<Self>, GatewayError> {
        let wrong = |problem: String| GatewayError::invalid_parameter(Self::PARAMETER, &problem);
        parameters.json(Self::PARAMETER)?.try_map(|value| {
            let setting: Self = serde_json::from_value(value)
                .map_err(|error| wrong(format!("Give an object such as {} ({error}).", Self::EXAMPLE)))?;
            match setting.problem() {
                Some(problem) => Err(wrong(problem)),
                None => Ok(setting),
            }
        })
    }

    /// Keeps a setting that was given.
    async fn keep(call: &Call, cluster: ClusterId, given: Given<Self>) -> Result<(), Failure> {
        let id = cluster.to_string();
        let setting = match given {
            Given::Absent => return Ok(()),
            Given::Cleared => return Self::forget(call, cluster).await,
            Given::Value(setting) => setting,
        };
        for _ in 0..ATTEMPTS {
            let before = Stored::get(call.records(), &id).await?;
            let mut stored = before.unwrap_or_else(|| Stored::new(&*id, &*id, Self::default()));
            stored.value = setting.clone();
            if stored.put(call.records()).await? {
                return Ok(());
            }
        }
        let message = "The setting was changed at the same moment. Try again.".to_owned();
        Err(BusinessError::new(400, "Resource.Changed", message).into())
    }

    /// Forgets the setting of a cluster.
    async fn forget(call: &Call, cluster: ClusterId) -> Result<(), Failure> {
        call.records().delete_record(Self::KIND, &cluster.to_string()).await?;
        Ok(())
    }
}
