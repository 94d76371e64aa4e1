//! What happens in the demo, step by step, over the public API; and the verdict.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use sternway_wire::codes::Status;
use sternway_wire::model::{
    ChangeOrderInfo, ChangeOrderStarted, ChangeOrderStopped, GetChangeOrderInfo, InsertK8sApplication, ListCluster,
    Nothing,
};
use tokio::time::{Instant, sleep, timeout};

use super::cluster::Cluster;
use super::show::Show;
use super::witness::{Sight, Witness};
use crate::client::Client;
use crate::output;

/// The demo's application, and its Deployment.
pub(super) const APP: &str = "shop";
pub(super) const OLD_IMAGE: &str = "registry.example.com/shop:v1";
pub(super) const NEW_IMAGE: &str = "registry.example.com/shop:v2";
const PODS: usize = 10;
const FIRST_BATCH: usize = 3;
const BATCHES: u32 = 3;

/// Far longer than any step takes; a demo that hangs must end.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the API is asked, and the picture drawn.
const INTERVAL: Duration = Duration::from_millis(100);
/// What a person needs to see the middle of the second batch.
const GLANCE: Duration = Duration::from_millis(900);

/// The story, with all it needs.
#[derive(Debug)]
pub(super) struct Story<'a> {
    client: &'a Client,
    cluster: &'a Cluster,
    witness: &'a Witness,
    is_fast: bool,
    show: Show,
    floor: Option<usize>,
}

/// What was promised, and whether it held.
#[derive(Debug)]
pub(super) struct Verdict {
    promises: Vec<(&'static str, bool, String)>,
    rollback: String,
}

impl Verdict {
    /// Whether everything held.
    pub(super) fn holds(&self) -> bool {
        self.promises.iter().all(|(_, held, _)| *held)
    }

    /// The verdict for stdout; its last line is the id of the rollback order.
    pub(super) fn text(&self) -> String {
        let lines: Vec<(&str, String)> = self
            .promises
            .iter()
            .map(|(promise, held, detail)| (*promise, format!("{}, {detail}", if *held { "yes" } else { "NO" })))
            .collect();
        format!("{}\nChangeOrderId: {}\n", output::details(&lines), self.rollback)
    }
}

impl<'a> Story<'a> {
    pub(super) fn new(client: &'a Client, cluster: &'a Cluster, witness: &'a Witness, is_fast: bool) -> Self {
        Self { client, cluster, witness, is_fast, show: Show::new(), floor: None }
    }

    /// Plays the story to its end.
    pub(super) async fn play(mut self, endpoint: &str) -> anyhow::Result<Verdict> {
        self.show.step(&format!("A sandbox cluster and a server run in this process ({endpoint})"));
        let app = self.create().await?;
        let before = self.cluster.deployment(APP).await?;
        let floor = floor(&before)?;
        self.floor = Some(floor);
        self.witness.guard();
        self.show.remark(&format!(
            "its Deployment may lack {} of {PODS} pods: the floor is {floor} ready pods",
            PODS - floor
        ));

        let deploy = self.deploy(&app).await?;
        self.confirm_first(&deploy).await?;
        let rollback = self.abort_in_the_middle(&deploy).await?;
        let rolled_back = self.follow(&rollback, |order| is_terminal(order.status)).await?;
        let aborted = self.order(&deploy).await?;
        self.show.step(&format!("The rollback order is {}", output::status(rolled_back.status)));
        // Pods that were told to stop may need a moment to be gone.
        let settled = self.see("every pod to run v1 again", |sight| sight.is_all(OLD_IMAGE, PODS)).await.is_ok();
        let after = self.cluster.deployment(APP).await?;
        let sight = self.witness.look().borrow().clone();
        self.show.state(&sight, self.floor, Some(&rolled_back));
        self.show.end();
        Ok(self.judge(&sight, settled, floor, &aborted, &rolled_back, before["spec"] == after["spec"]))
    }

    async fn create(&self) -> anyhow::Result<String> {
        self.show.step(&format!("Creating application {APP}: {PODS} pods of v1"));
        let clusters = self.client.call::<ListCluster>("ListCluster", Vec::new()).await?.payload.cluster_list;
        let cluster = clusters.first().context("the server has no cluster")?;
        let parameters = vec![
            ("AppName", APP.to_owned()),
            ("ClusterId", cluster.cluster_id.clone()),
            ("LogicalRegionId", super::REGION.to_owned()),
            ("PackageType", "Image".to_owned()),
            ("ImageUrl", OLD_IMAGE.to_owned()),
            ("Replicas", PODS.to_string()),
        ];
        let created = self.client.call::<InsertK8sApplication>("InsertK8sApplication", parameters).await?;
        let info = created.payload.application_info;
        let order = self.follow(&info.change_order_id, |order| is_terminal(order.status)).await?;
        ensure!(
            order.status == Status::Succeeded.code(),
            "the application could not be created: {}",
            output::status(order.status)
        );
        self.see("all pods of v1 to be ready", |sight| sight.is_all(OLD_IMAGE, PODS)).await?;
        Ok(info.app_id)
    }

    async fn deploy(&self, app: &str) -> anyhow::Result<String> {
        self.show.step(&format!("Deploying v2 in {BATCHES} batches (3, 3, 4), each confirmed by hand"));
        let strategy = json!({ "type": "BatchUpdate", "batchUpdate": { "batch": BATCHES, "releaseType": "manual" } });
        let parameters = vec![
            ("AppId", app.to_owned()),
            ("Image", NEW_IMAGE.to_owned()),
            ("UpdateStrategy", strategy.to_string()),
            ("ChangeOrderDesc", "the demo's release".to_owned()),
        ];
        let started = self.client.call::<ChangeOrderStarted>("DeployK8sApplication", parameters).await?;
        let order = started.payload.change_order_id;
        self.show.remark(&format!("change order {order}"));
        Ok(order)
    }

    async fn confirm_first(&self, deploy: &str) -> anyhow::Result<()> {
        let waits =
            |order: &ChangeOrderInfo| order.status == Status::AwaitingConfirmation.code() || is_terminal(order.status);
        let order = self.follow(deploy, waits).await?;
        ensure!(
            order.status == Status::AwaitingConfirmation.code(),
            "the release is {} before its time",
            output::status(order.status)
        );
        let new = self.witness.look().borrow().of(NEW_IMAGE);
        ensure!(new == FIRST_BATCH, "after the first batch the cluster has {new} pods of v2, not {FIRST_BATCH}");
        self.show.step(&format!("The first batch is done: {FIRST_BATCH} pods serve v2. Confirming the next"));
        let pipeline = order.pipeline_info_list.first().context("the change order has no pipelines")?;
        let parameters = vec![("PipelineId", pipeline.pipeline_id.clone()), ("Confirm", "true".to_owned())];
        self.client.call::<Nothing>("ContinuePipeline", parameters).await?;
        Ok(())
    }

    async fn abort_in_the_middle(&self, deploy: &str) -> anyhow::Result<String> {
        self.see("the second batch to begin", |sight| sight.of(NEW_IMAGE) > FIRST_BATCH).await?;
        if !self.is_fast {
            let end = Instant::now() + GLANCE;
            self.follow(deploy, |_| Instant::now() >= end).await?;
        }
        self.show.step("In the middle of the second batch: AbortAndRollbackChangeOrder");
        let parameters = vec![("ChangeOrderId", deploy.to_owned())];
        let stopped = self.client.call::<ChangeOrderStopped>("AbortAndRollbackChangeOrder", parameters).await?.payload;
        let rollback = stopped.data.change_order_id;
        ensure!(!rollback.is_empty() && rollback != deploy, "the answer names no new change order: {rollback}");
        self.show.remark(&format!("new change order {rollback}, trace {}", stopped.trace_id));
        Ok(rollback)
    }

    /// Follows an order over the API until `enough`, showing it and the pods.
    async fn follow(&self, id: &str, enough: impl Fn(&ChangeOrderInfo) -> bool) -> anyhow::Result<ChangeOrderInfo> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let order = self.order(id).await?;
            let sight = self.sight()?;
            self.show.state(&sight, self.floor, Some(&order));
            if enough(&order) {
                return Ok(order);
            }
            ensure!(
                Instant::now() < deadline,
                "change order {id} is still {} after {PATIENCE:?}",
                output::status(order.status)
            );
            sleep(INTERVAL).await;
        }
    }

    async fn order(&self, id: &str) -> anyhow::Result<ChangeOrderInfo> {
        let parameters = vec![("ChangeOrderId", id.to_owned())];
        Ok(self.client.call::<GetChangeOrderInfo>("GetChangeOrderInfo", parameters).await?.payload.change_order_info)
    }

    /// Waits until the witness sees what is wanted, at the very event.
    async fn see(&self, what: &str, wanted: impl Fn(&Sight) -> bool) -> anyhow::Result<()> {
        let mut look = self.witness.look();
        let seen = timeout(PATIENCE, look.wait_for(|sight| wanted(sight) || sight.blind.is_some())).await;
        match seen {
            Ok(Ok(sight)) => match &sight.blind {
                Some(reason) => bail!("the cluster cannot be watched any more: {reason}"),
                None => {
                    self.show.state(&sight, self.floor, None);
                    Ok(())
                }
            },
            Ok(Err(_)) | Err(_) => bail!("waited for {what} in vain"),
        }
    }

    fn sight(&self) -> anyhow::Result<Sight> {
        let sight = self.witness.look().borrow().clone();
        match &sight.blind {
            Some(reason) => bail!("the cluster cannot be watched any more: {reason}"),
            None => Ok(sight),
        }
    }

    fn judge(
        &self,
        sight: &Sight,
        settled: bool,
        floor: usize,
        aborted: &ChangeOrderInfo,
        rolled_back: &ChangeOrderInfo,
        is_same: bool,
    ) -> Verdict {
        let lowest = sight.lowest.unwrap_or(0);
        let batches: Vec<i32> = aborted.pipeline_info_list.iter().map(|pipeline| pipeline.pipeline_status).collect();
        let in_the_middle = [Status::Succeeded, Status::Aborted, Status::Aborted].map(Status::code);
        let in_words: Vec<String> = batches.iter().map(|status| output::status(*status)).collect();
        let promises = vec![
            (
                "The release stopped in the middle",
                aborted.status == Status::Aborted.code() && batches == in_the_middle,
                format!("it is {}; its batches: {}", output::status(aborted.status), in_words.join(", ")),
            ),
            (
                "The rollback order succeeded",
                rolled_back.status == Status::Succeeded.code(),
                format!("Status {}", rolled_back.status),
            ),
            ("Every pod runs v1", settled, format!("{} of {PODS}, and none of v2", sight.of(OLD_IMAGE))),
            (
                "Ready pods never fell below the floor",
                lowest >= floor && sight.blind.is_none(),
                format!("lowest {lowest}, floor {floor}, in {} changes of pods", sight.events),
            ),
            ("The Deployment is as it was", is_same, "field for field".to_owned()),
        ];
        Verdict { promises, rollback: rolled_back.change_order_id.clone() }
    }
}

fn is_terminal(status: i32) -> bool {
    Status::from_code(status).is_some_and(Status::is_terminal)
}

/// The floor that the Deployment's own strategy sets: its pods less what may be unavailable.
fn floor(deployment: &Value) -> anyhow::Result<usize> {
    let unavailable = &deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"];
    let unavailable = match (unavailable.as_u64(), unavailable.as_str()) {
        (Some(count), _) => usize::try_from(count).ok(),
        (None, Some(text)) => {
            text.strip_suffix('%').and_then(|percent| percent.parse::<usize>().ok()).map(|percent| PODS * percent / 100)
        }
        (None, None) => None,
    };
    let unavailable = unavailable
        .with_context(|| format!("the Deployment has no maxUnavailable: {}", deployment["spec"]["strategy"]))?;
    Ok(PODS.saturating_sub(unavailable))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(max_unavailable: Value) -> Value {
        json!({ "spec": { "strategy": { "rollingUpdate": { "maxUnavailable": max_unavailable } } } })
    }

    #[test]
    fn the_floor_is_rounded_as_kubernetes_does() {
        assert_eq!(floor(&deployment(json!("25%"))).unwrap(), 8);
        assert_eq!(floor(&deployment(json!(0))).unwrap(), 10);
        assert!(floor(&json!({})).is_err());
    }

    #[test]
    fn one_broken_promise_breaks_the_verdict() {
        let mut verdict = Verdict { promises: vec![("All is well", true, "10".into())], rollback: "id".into() };
        assert!(verdict.holds());
        assert_eq!(verdict.text(), "All is well:  yes, 10\n\nChangeOrderId: id\n");
        verdict.promises.push(("Nothing fell", false, "1".into()));
        assert!(!verdict.holds() && verdict.text().contains("NO, 1"));
    }
}
