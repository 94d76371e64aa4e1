//! A transition in the making: the order being changed, and what follows beside it.

use jiff::{SignedDuration, Timestamp};

use super::{Context, Transition, VersionChange, steer};
use crate::application::AppChange;
use crate::effect::Effect;
use crate::health;
use crate::ids::OrderId;
use crate::observation::{Pod, Workload};
use crate::order::{Event, Failure, Instance, Order, Pending, Status};

/// How far watches may be behind before what they do not show counts as gone.
const WATCH_LAG: SignedDuration = SignedDuration::from_secs(30);

pub(super) struct Draft<'a> {
    before: &'a Order,
    pub(super) order: Order,
    pub(super) context: Context,
    pub(super) born: Option<Order>,
    pub(super) app: Vec<AppChange>,
    pub(super) versions: Vec<VersionChange>,
    pub(super) reply: OrderId,
    /// Another Deployment has the name of the order's own.
    pub(super) is_replaced: bool,
    events: Vec<Event>,
    wake: Option<Timestamp>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(before: &'a Order, context: Context) -> Self {
        Self {
            before,
            order: before.clone(),
            context,
            born: None,
            app: Vec::new(),
            versions: Vec::new(),
            reply: before.id,
            is_replaced: false,
            events: Vec::new(),
            wake: None,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.context.now
    }

    /// The order was looked at for the first time: it and its first pipeline run.
    pub(super) fn begin(&mut self) {
        if self.order.status == Status::Ready {
            self.order.status = Status::Running;
            self.event("OrderStarted", "the order runs");
            self.start_pipeline(0);
        }
    }

    pub(super) fn start_pipeline(&mut self, index: usize) {
        let now = self.now();
        let pipeline = &mut self.order.pipelines[index];
        pipeline.status = Status::Running;
        pipeline.started_at.get_or_insert(now);
        let text = format!("{} begins", pipeline.name);
        self.event("BatchStarted", text);
    }

    pub(super) fn event(&mut self, kind: &str, text: impl Into<String>) {
        self.events.push(Event { at: self.now(), kind: kind.to_owned(), text: text.into() });
    }

    /// What is going on, shown at the present pipeline.
    pub(super) fn say(&mut self, message: impl Into<String>) {
        let index = self.order.present_pipeline();
        self.order.pipelines[index].message = message.into();
    }

    /// Asks for an effect. Nothing else may be pending.
    pub(super) fn want(&mut self, effect: Effect) {
        debug_assert!(self.order.pending.is_none(), "an effect is pending already");
        self.order.pending = Some(Pending { revision: self.before.revision + 1, effect, trouble: None });
    }

    /// Asks to be woken at `at`, if nothing else happens before.
    pub(super) fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |present| present.min(at)));
    }

    /// Whether the order is so young that the watches may not show yet what it was born on, such as a Deployment that was made a moment before. Asks
    /// to be woken when it is not any more.
    pub(super) fn is_newborn(&mut self) -> bool {
        let age = self.now().duration_since(self.order.created_at);
        let is_newborn = (SignedDuration::ZERO..WATCH_LAG).contains(&age);
        if is_newborn && let Ok(grown) = self.order.created_at.checked_add(WATCH_LAG) {
            self.say("waiting for the Deployment to be seen");
            self.wake_at(grown);
        }
        is_newborn
    }

    /// Updates the instances of the present pipeline, and of earlier ones, from the pods of the version being brought.
    pub(super) fn record<'p>(&mut self, pods: impl Iterator<Item = &'p Pod>) {
        let now = self.now();
        let pods: Vec<&Pod> = pods.collect();
        let present = self.order.present_pipeline();
        for pipeline in &mut self.order.pipelines {
            pipeline.instances.retain_mut(|instance| {
                let here = pods.iter().any(|pod| pod.name == instance.pod);
                if !here {
                    "Gone".clone_into(&mut instance.phase);
                    instance.problem = None;
                }
                // A pod that came and went without ever being ready is no part of the record: it was replaced.
                here || instance.status == Status::Succeeded
            });
        }
        for pod in pods {
            let known = self.order.pipelines.iter_mut().flat_map(|pipeline| &mut pipeline.instances);
            match known.into_iter().find(|instance| instance.pod == pod.name) {
                Some(instance) => update(instance, pod, now),
                None => {
                    let mut instance = Instance {
                        pod: pod.name.clone(),
                        ip: None,
                        phase: String::new(),
                        status: Status::Running,
                        started_at: now,
                        ready_at: None,
                        problem: None,
                    };
                    update(&mut instance, pod, now);
                    self.order.pipelines[present].instances.push(instance);
                }
            }
        }
    }

    /// The first instance that has failed for good; asks to be woken when the next one will have.
    pub(super) fn failed_instance(&mut self) -> Option<Failure> {
        let instances: Vec<Instance> =
            self.order.pipelines.iter().flat_map(|pipeline| pipeline.instances.iter().cloned()).collect();
        let failure = health::first_failure(&instances, self.context.patience, self.now());
        if failure.is_none()
            && let Some(at) = health::next_deadline(&instances, self.context.patience)
        {
            self.wake_at(at);
        }
        failure
    }

    /// The words for what keeps instances from being ready, for a deadline that has passed.
    pub(super) fn why_not_ready(&self) -> Option<Failure> {
        let mut instances = self.order.pipelines.iter().flat_map(|pipeline| &pipeline.instances);
        let troubled = instances.clone().find(|instance| instance.problem.is_some());
        troubled
            .or_else(|| instances.find(|instance| instance.ready_at.is_none() && instance.phase != "Gone"))
            .map(health::describe)
    }

    /// Whether `seconds` have passed since `since`; if not, asks to be woken when they will have.
    pub(super) fn timed_out(&mut self, since: Timestamp, seconds: u32) -> bool {
        let Ok(deadline) = since.checked_add(SignedDuration::from_secs(i64::from(seconds))) else { return false };
        if self.now() < deadline {
            self.wake_at(deadline);
        }
        self.now() >= deadline
    }

    /// What stands in the way: why the pending effect is not done, why an instance does not run, or why the cluster makes none.
    pub(super) fn obstacle(&self, workload: &Workload) -> Option<String> {
        let pending = self.order.pending.as_ref().and_then(|pending| pending.trouble.clone());
        let mut instances = self.order.pipelines.iter().flat_map(|pipeline| &pipeline.instances);
        pending
            .or_else(|| instances.find(|it| it.problem.is_some()).map(|troubled| health::describe(troubled).message))
            .or_else(|| workload.pods_refused.clone())
    }

    /// Why the pending effect is not done, or what keeps an instance from being ready; `otherwise` if neither is known.
    pub(super) fn why(&self, otherwise: &str) -> String {
        let trouble = self.order.pending.as_ref().and_then(|pending| pending.trouble.clone());
        trouble.or_else(|| self.why_not_ready().map(|failure| failure.message)).unwrap_or_else(|| otherwise.to_owned())
    }

    /// Ends the order as failed because its Deployment is not there any more.
    pub(super) fn fail_gone(&mut self, consequence: &str) {
        self.fail(self.gone(consequence));
    }

    /// Its Deployment is not there any more, as a failure.
    pub(super) fn gone(&self, consequence: &str) -> Failure {
        let what = if self.is_replaced { "deleted, and another one of its name made," } else { "deleted" };
        Failure {
            code: "WorkloadGone".to_owned(),
            message: format!("the Deployment was {what} by someone else; {consequence}"),
        }
    }

    /// Ends the order well.
    pub(super) fn succeed(&mut self, message: &str) {
        for pipeline in &mut self.order.pipelines {
            if !pipeline.status.is_terminal() {
                pipeline.status = Status::Succeeded;
                pipeline.started_at.get_or_insert(self.context.now);
                message.clone_into(&mut pipeline.message);
            }
        }
        self.end(Status::Succeeded, message);
    }

    /// Ends the order as failed, with the reason at the present pipeline.
    pub(super) fn fail(&mut self, failure: Failure) {
        let present = self.order.present_pipeline();
        let text = failure.message.clone();
        let pipeline = &mut self.order.pipelines[present];
        pipeline.status = Status::Failed;
        pipeline.started_at.get_or_insert(self.context.now);
        pipeline.message.clone_from(&text);
        pipeline.error = Some(failure);
        for instance in &mut pipeline.instances {
            if instance.status == Status::Running {
                instance.status = Status::Failed;
            }
        }
        self.end(Status::Failed, &text);
    }

    /// Ends the order as aborted: whatever had not ended is aborted too.
    pub(super) fn abort(&mut self, message: &str) {
        for pipeline in &mut self.order.pipelines {
            if !pipeline.status.is_terminal() {
                pipeline.status = Status::Aborted;
                message.clone_into(&mut pipeline.message);
                for instance in &mut pipeline.instances {
                    if instance.status == Status::Running {
                        instance.status = Status::Aborted;
                    }
                }
            }
        }
        self.end(Status::Aborted, message);
    }

    fn end(&mut self, status: Status, text: &str) {
        self.order.status = status;
        self.order.finished_at = Some(self.now());
        self.order.pending = None;
        self.wake = None;
        self.event("OrderEnded", format!("ended with status {}: {text}", status.code()));
    }

    pub(super) fn done(mut self) -> Transition {
        for (pipeline, before) in self.order.pipelines.iter_mut().zip(&self.before.pipelines) {
            if pipeline != before {
                pipeline.updated_at = Some(self.context.now);
            }
        }
        let ends = self.order.status.is_terminal() && !self.before.status.is_terminal();
        // What a rollback carries on with is its to remove.
        if ends
            && self.order.rolled_back_by.is_none()
            && let Some(left) =
                steer::of(&self.order).and_then(|steering| steering.left(&self.order.workload.namespace))
        {
            self.event("RoutingLeft", left.clone());
            self.order.warnings.push(left);
        }
        if self.order != *self.before {
            self.order.revision += 1;
        }
        Transition {
            next: self.order,
            born: self.born,
            app: self.app,
            versions: self.versions,
            events: self.events,
            wake: self.wake,
            reply: self.reply,
        }
    }
}

fn update(instance: &mut Instance, pod: &Pod, now: Timestamp) {
    instance.ip.clone_from(&pod.ip);
    instance.phase.clone_from(&pod.phase);
    if pod.ready {
        instance.ready_at.get_or_insert(pod.ready_since.unwrap_or(now));
        instance.status = Status::Succeeded;
        instance.problem = None;
        return;
    }
    instance.ready_at = None;
    instance.status = Status::Running;
    let since = match &instance.problem {
        // The same kind of trouble goes on, whatever its words are now: a pull alternates between error and back-off.
        Some((before, since)) if pod.problem.as_ref().is_some_and(|problem| problem.kind == before.kind) => *since,
        _ => now,
    };
    instance.problem = match (&pod.problem, instance.problem.take()) {
        (Some(problem), before) => {
            let mut problem = problem.clone();
            if problem.last_log.is_none() {
                problem.last_log = before.and_then(|(before, _)| before.last_log);
            }
            Some((problem, since))
        }
        // Between two crashes a container runs for a moment: the trouble is over only when the pod is ready.
        (None, before) => before,
    };
}
