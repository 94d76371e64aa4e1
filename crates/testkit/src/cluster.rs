//! The cluster as one process sees it: watches that lag, reads and writes that take time and fail.
//!
//! Mapping, index, wake-ups and the meaning of errors are the Kubernetes adapter's own ([`sternway_cluster::mirror`]); what an effect
//! writes is compiled by core; the answers are the sandbox's. Only the transport is simulated. Reads take the objects from the
//! sandbox's storage, which is what its GET and LIST serialise.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sternway_cluster::mirror::{self, Kind, Mirror};
use sternway_core::application::WorkloadRef;
use sternway_core::effect::{self, Effect, Fresh, Refusal, Write, Writer};
use sternway_core::ids::{ClusterId, Fence};
use sternway_core::observation::Observation;
use sternway_core::order::Order;
use sternway_core::ports::{ClusterAccess, ClusterError, ClusterInfo, Clusters, NativeObjects, Performed, WriteGuard};
use sternway_sandbox::api::{Body, Request};
use sternway_sandbox::resources::{self, Resource};
use sternway_sandbox::storage::EventKind;

use crate::breakage::Breakage;
use crate::script::{Fault, What};
use crate::universe::{ProcessId, State, Universe};

/// The resources of [`Kind::ALL`].
pub(crate) static RESOURCES: [&Resource; 4] =
    [resources::DEPLOYMENTS, resources::REPLICASETS, resources::PODS, resources::PODDISRUPTIONBUDGETS];

/// All applications live here.
pub(crate) const NAMESPACE: &str = "default";

/// See the module.
pub(crate) struct SimClusters {
    pub(crate) universe: Arc<Universe>,
    pub(crate) process: ProcessId,
    pub(crate) mirror: Mirror,
}

const GONE: Performed = Performed { object: None, generation: 0, replicas: 0, stored: None };

/// An effect in a word.
pub(crate) fn named(effect: &Effect) -> String {
    match effect {
        Effect::Create { .. } => "Create".to_owned(),
        Effect::Hold(hold) => match hold.wave {
            Some(wave) => format!("Hold({}, {})", wave.old, wave.new),
            None => "Hold(as is)".to_owned(),
        },
        Effect::Restore(restore) => format!("Restore(v{})", restore.version),
        Effect::Finish { version, .. } => format!("Finish(v{version})"),
        Effect::Scale { replicas } => format!("Scale({replicas})"),
        Effect::Replace { version, .. } => format!("Replace(v{version})"),
        Effect::Delete | Effect::DeleteOwn => "Delete".to_owned(),
        Effect::Object(change) => format!("Object({})", change.name),
        Effect::Route(change) => format!("Route({})", change.name),
    }
}

fn unreachable(message: &str) -> ClusterError {
    ClusterError::Unreachable { message: message.to_owned(), retry_after_seconds: None }
}

/// Sends a request to the sandbox, and lets its controllers and watches notice.
pub(crate) fn send(state: &mut State, method: &str, path: &str, content_type: &str, body: &Value) -> (u16, Vec<u8>) {
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: vec![("content-type".into(), content_type.into()), ("accept".into(), "application/json".into())],
        body: if body.is_null() { Vec::new().into() } else { body.to_string().into_bytes().into() },
        ..Request::default()
    };
    let now = state.now;
    let response = state.sandbox.handle(&request, now);
    let bytes = match response.body {
        Body::Full(bytes) => bytes.to_vec(),
        Body::Watch(_) => Vec::new(),
    };
    (response.status, bytes)
}

pub(crate) fn deployment_path(name: &str) -> String {
    format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}")
}

impl SimClusters {
    pub(crate) fn new(universe: Arc<Universe>, process: ProcessId) -> Arc<Self> {
        Arc::new(Self { universe, process, mirror: Mirror::default() })
    }

    /// Whether the cluster can be reached, and which fault the script wants for this call.
    fn arrive(&self, write: bool) -> Result<Option<Fault>, ClusterError> {
        let mut state = self.universe.lock();
        let now = state.now;
        let process = &mut state.processes[self.process];
        if process.away_until.is_some_and(|until| until > now) {
            return Err(unreachable("connection refused"));
        }
        if !write || process.cluster_faults.is_empty() {
            return Ok(None);
        }
        Ok(Some(process.cluster_faults.remove(0)))
    }

    async fn fresh(&self, workload: &WorkloadRef) -> Result<(Option<Value>, Observation), ClusterError> {
        self.universe.travel(self.process).await;
        self.universe.point(self.process, What::Read, false).await;
        self.arrive(false)?;
        let deployment = {
            let state = self.universe.lock();
            state.sandbox.storage().get(resources::DEPLOYMENTS, NAMESPACE, &workload.name).cloned()
        };
        // The rest is read after the Deployment, and may be newer.
        self.universe.travel(self.process).await;
        let observation = {
            let state = self.universe.lock();
            let storage = state.sandbox.storage();
            let rest = Kind::ALL.into_iter().zip(RESOURCES).skip(1).flat_map(|(kind, resource)| {
                storage.list(resource, Some(NAMESPACE)).map(move |object| (kind, &**object))
            });
            let all = deployment.iter().map(|object| (Kind::Deployment, &**object)).chain(rest);
            mirror::observed(workload, all)
        };
        self.universe.point(self.process, What::Read, true).await;
        Ok((deployment.map(|object| Value::clone(&object)), observation))
    }

    async fn attempt(
        &self,
        workload: &WorkloadRef,
        effect: &Effect,
        writer: Writer,
        guard: &dyn WriteGuard,
    ) -> Result<Performed, ClusterError> {
        let (object, observation) = self.fresh(workload).await?;
        let fresh = mirror::fresh(object.as_ref(), observation);
        if fresh.as_ref().is_some_and(|fresh| fresh.workload.deleting) && matches!(effect, Effect::Create { .. }) {
            return Err(ClusterError::Conflict);
        }
        let write = self.compiled(effect, workload, fresh.as_ref(), writer)?;
        let breakage = self.breakage();
        // What is true before the question: a yes can only be right if it was so then, and a no is never wrong.
        let asked = self.universe.lock().judge.guarded(writer, effect);
        if write != Write::Nothing && breakage != Some(Breakage::GuardIgnored) && !guard.still_ours().await {
            return Err(ClusterError::NotOurs);
        }
        match (write, fresh) {
            (Write::Nothing, Some(fresh)) if !effect.is_deletion() => Ok(mirror::performed(&fresh.object)),
            (Write::Nothing, _) => Ok(GONE),
            (Write::Object(change), _) => panic!("nobody in the simulation asks for {change:?}"),
            (Write::Route(change), _) => panic!("nobody in the simulation asks for {change:?}"),
            (Write::Create(object), _) => {
                let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments");
                self.write(workload, effect, writer, asked, "POST", &path, &object).await
            }
            (Write::Patch(patch), _) => {
                self.write(workload, effect, writer, asked, "PATCH", &deployment_path(&workload.name), &patch).await
            }
            (Write::Delete { uid }, fresh) => {
                let version = fresh.map_or_else(String::new, |fresh| fresh.workload.resource_version);
                let options = json!({
                    "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground",
                    "preconditions": {"uid": uid, "resourceVersion": version},
                });
                let path = deployment_path(&workload.name);
                match self.write(workload, effect, writer, asked, "DELETE", &path, &options).await {
                    Ok(_) | Err(ClusterError::Refused(Refusal::Gone)) => Ok(GONE),
                    Err(error) => Err(error),
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a request and what the judge needs to know of it")]
    async fn write(
        &self,
        workload: &WorkloadRef,
        effect: &Effect,
        writer: Writer,
        asked: Option<String>,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Performed, ClusterError> {
        self.universe.travel(self.process).await;
        self.universe.point(self.process, What::Write, false).await;
        let fault = self.arrive(true)?;
        let refused = match fault {
            Some(Fault::Conflict) => Some(ClusterError::Conflict),
            Some(Fault::Busy) => Some(ClusterError::Unreachable {
                message: "too many requests".to_owned(),
                retry_after_seconds: Some(2),
            }),
            Some(Fault::Internal) => Some(mirror::failure(500, b"internal error")),
            Some(Fault::Unavailable) => Some(mirror::failure(503, b"not ready")),
            Some(Fault::Reset) => Some(unreachable("connection reset")),
            Some(Fault::LostAnswer | Fault::SlowAnswer) | None => None,
        };
        if let Some(error) = refused {
            self.universe.lock().tell(|| format!("server {}: {} is not written: {error}", self.process, named(effect)));
            return Err(error);
        }
        let (status, answer) = self.written(workload, effect, writer, asked, method, path, body);
        self.universe.point(self.process, What::Write, true).await;
        match fault {
            Some(Fault::SlowAnswer) => self.universe.pause(self.process, SignedDuration::from_secs(30)).await,
            _ => self.universe.travel(self.process).await,
        }
        if fault.is_some() {
            self.universe.lock().tell(|| format!("server {}: the answer to {} is lost", self.process, named(effect)));
            return Err(unreachable("timed out"));
        }
        match status {
            200..300 => {
                let object: Value = serde_json::from_slice(&answer).unwrap_or_default();
                let mut performed = mirror::performed(&object);
                if self.breakage() == Some(Breakage::StaleObservations) {
                    performed.generation = 0;
                }
                Ok(performed)
            }
            404 if method == "POST" => Err(ClusterError::Rejected("the namespace does not exist".to_owned())),
            404 => Err(ClusterError::Refused(Refusal::Gone)),
            status => Err(mirror::failure(status, &answer)),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a request and what the judge needs to know of it")]
    fn written(
        &self,
        workload: &WorkloadRef,
        effect: &Effect,
        writer: Writer,
        asked: Option<String>,
        method: &str,
        path: &str,
        body: &Value,
    ) -> (u16, Vec<u8>) {
        let mut state = self.universe.lock();
        let state = &mut *state;
        state.judge_cluster();
        let before = state.judge.before_write(&state.sandbox, &workload.name);
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let (status, answer) = send(state, method, path, kind, body);
        state.tell(|| {
            let spec = &body["spec"];
            let strategy = &spec["strategy"]["rollingUpdate"];
            let template = if spec["template"].is_null() { "" } else { " with template" };
            format!(
                "server {}: {} under fence {}: {method}{template} surge {} unavailable {} replicas {} -> {status}",
                self.process,
                named(effect),
                writer.fence,
                strategy["maxSurge"],
                strategy["maxUnavailable"],
                spec["replicas"]
            )
        });
        if (200..300).contains(&status) {
            let now = state.now;
            state.judge.written(&state.sandbox, &workload.name, before, effect, writer, asked, now);
            state.cluster_changed();
        }
        (status, answer)
    }

    /// What core compiles, or what a broken adapter would make of it.
    fn compiled(
        &self,
        effect: &Effect,
        workload: &WorkloadRef,
        fresh: Option<&Fresh>,
        writer: Writer,
    ) -> Result<Write, Refusal> {
        let Some(breakage) = self.breakage() else {
            return effect::compile(effect, workload, fresh, writer);
        };
        let mut effect = effect.clone();
        match (breakage, &mut effect, fresh) {
            (Breakage::ScaleByDifference, Effect::Scale { replicas }, Some(fresh)) => {
                let before = self.universe.lock().judge.resized_from(writer.order);
                *replicas =
                    (fresh.workload.replicas + *replicas).saturating_sub(before.unwrap_or(fresh.workload.replicas));
            }
            (Breakage::RollbackByImage, Effect::Restore(restore), Some(fresh)) => {
                let mut template = fresh.workload.spec.template.json().clone();
                template["spec"]["containers"][0]["image"] = json!(restore.snapshot.template.image());
                restore.snapshot.template = sternway_core::template::PodTemplate::new(template);
            }
            _ => {}
        }
        let mut doctored = fresh.cloned();
        let compiled = match effect::compile(&effect, workload, fresh, writer) {
            Err(Refusal::Floor(_)) if breakage == Breakage::FloorUnchecked => {
                doctored.iter_mut().flat_map(|fresh| &mut fresh.workload.pods).for_each(|pod| pod.ready = true);
                effect::compile(&effect, workload, doctored.as_ref(), writer)
            }
            compiled => compiled,
        };
        Ok(match compiled? {
            Write::Patch(mut patch) => {
                match breakage {
                    Breakage::PreconditionDropped => {
                        patch["metadata"].as_object_mut().map(|metadata| metadata.remove("resourceVersion"));
                    }
                    Breakage::BorrowedKept if matches!(effect, Effect::Finish { .. }) => {
                        patch.as_object_mut().map(|patch| patch.remove("spec"));
                    }
                    Breakage::RestoreLineMissing => {
                        patch["metadata"]["annotations"]
                            .as_object_mut()
                            .map(|marks| marks.remove(effect::marks::RESTORE));
                    }
                    Breakage::RestoreLineKeepsHold => {
                        let line = &mut patch["metadata"]["annotations"][effect::marks::RESTORE];
                        if let Some(text) = line.as_str() {
                            *line = json!(text.replace(
                                "/spec/minReadySeconds\",\"value\":0",
                                "/spec/minReadySeconds\",\"value\":2147483646"
                            ));
                        }
                    }
                    _ => {}
                }
                Write::Patch(patch)
            }
            write => write,
        })
    }

    /// For the engine that performs effects before it has stored them.
    pub(crate) async fn perform_unasked(&self, order: &Order, fence: Fence) {
        let Some(pending) = &order.pending else { return };
        struct Yes;
        #[async_trait]
        impl WriteGuard for Yes {
            async fn still_ours(&self) -> bool {
                true
            }
        }
        let writer = Writer { app: order.app, order: order.id, fence, object: order.object };
        // Whatever becomes of it, the engine will ask for it again.
        let _ = self.attempt(&order.workload, &pending.effect, writer, &Yes).await;
    }

    fn breakage(&self) -> Option<Breakage> {
        self.universe.lock().breakage
    }

    /// The watch of a kind brings what has happened since.
    pub(crate) fn deliver(&self, kind: usize) {
        let mut state = self.universe.lock();
        let state = &mut *state;
        let storage = state.sandbox.storage();
        let (resource, watched) = (RESOURCES[kind], Kind::ALL[kind]);
        let seen = state.processes[self.process].seen[kind];
        match seen.and_then(|seen| storage.events_after(resource, seen).ok()) {
            Some(events) => {
                for event in events {
                    match event.kind {
                        EventKind::Deleted => self.mirror.delete(watched, &event.object),
                        EventKind::Added | EventKind::Modified => self.mirror.change(watched, &event.object),
                    }
                }
            }
            None => self.mirror.list(watched, storage.list(resource, Some(NAMESPACE)).map(|object| &**object)),
        }
        let revision = storage.revision();
        state.processes[self.process].seen[kind] = Some(revision);
    }
}

#[async_trait]
impl Clusters for SimClusters {
    async fn connect(&self, _: ClusterId, _: &ClusterAccess) -> Result<ClusterInfo, ClusterError> {
        Ok(ClusterInfo::default())
    }

    async fn connect_later(&self, _: ClusterId, _: &ClusterAccess) {}

    async fn disconnect(&self, _: ClusterId) {}

    async fn info(&self, _: ClusterId) -> Result<ClusterInfo, ClusterError> {
        Ok(ClusterInfo::default())
    }

    async fn namespaces(&self, _: ClusterId) -> Result<Vec<String>, ClusterError> {
        Ok(vec![NAMESPACE.to_owned()])
    }

    async fn observe(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        self.mirror.observe(workload)
    }

    async fn changed(&self, workload: &WorkloadRef) {
        self.mirror.changed(workload).await;
    }

    async fn read(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        Ok(self.fresh(workload).await?.1)
    }

    async fn native(&self, workload: &WorkloadRef, _: bool) -> Result<NativeObjects, ClusterError> {
        let (deployment, _) = self.fresh(workload).await?;
        Ok(NativeObjects { deployment, ..NativeObjects::default() })
    }

    async fn perform(
        &self,
        workload: &WorkloadRef,
        effect: &Effect,
        writer: Writer,
        guard: &dyn WriteGuard,
    ) -> Result<Performed, ClusterError> {
        match self.attempt(workload, effect, writer, guard).await {
            Err(ClusterError::Conflict) if matches!(effect, Effect::Create { .. }) => {
                self.attempt(workload, effect, writer, guard).await
            }
            result => result,
        }
    }
}
