//! The end of a run: troubles cease, time runs on, gates are confirmed. Then every order has ended or waits for a person, and every application is
//! exactly at the version that its orders say; or, if Sternway has vanished, one line brings it back.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use sternway_cluster::mirror;
use sternway_core::order::job::ReleasePhase;
use sternway_core::order::{Job, Order, Status};

use super::{World, workload_name};
use crate::cluster::{deployment_path, send};
use crate::judge::{Live, Outside, READ_AGE};
use crate::script::{Ask, GOOD_IMAGES, IMAGES};
use crate::store::short;

/// Between two looks.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// Looks until whatever still runs counts as running for ever: every order has a deadline far below.
const LOOKS: i64 = 1000;
/// What pods need to come and go.
const SETTLING: SignedDuration = SignedDuration::from_secs(90);

impl World<'_> {
    pub(super) fn come_to_rest(&mut self) {
        self.cease();
        let most = self.most_looks();
        for look in 0..=most {
            if self.is_over() {
                return;
            }
            let busy = (0..self.script.setup.replicas.len()).filter(|app| self.nudge(*app)).count();
            if busy == 0 {
                break;
            }
            if look == most {
                let mut state = self.universe.lock();
                let left = state.judge.orders.values().find(|order| !order.status.is_terminal()).cloned();
                return state.judge.broken("everything comes to an end", format!("an order never ends: {left:#?}"));
            }
            self.pass(PAUSE);
        }
        self.pass(SETTLING);
        if !self.is_over() {
            self.check_store();
            (0..self.script.setup.replicas.len()).for_each(|app| self.check_app(app));
        }
    }

    /// Deadlines are times of day: by as much as a clock went back they come later.
    fn most_looks(&self) -> i64 {
        let state = self.universe.lock();
        let back = state.processes.iter().map(|process| -process.skew_ms).max().unwrap_or(0).max(0);
        LOOKS + back / PAUSE.as_millis() as i64
    }

    fn pass(&mut self, time: SignedDuration) {
        let until = self.universe.lock().now + time;
        self.run_until(until);
    }

    fn cease(&mut self) {
        let mut state = self.universe.lock();
        let state = &mut *state;
        state.tell(|| "troubles cease".to_owned());
        for process in &mut state.processes {
            process.fates.clear();
            process.store_faults.clear();
            process.cluster_faults.clear();
            process.frozen_until = None;
            process.away_until = None;
            process.stalled_until = [None; 4];
        }
        for node in 1..=self.script.setup.nodes {
            let body = json!({"metadata": {"annotations": {"sandbox.sternway.io/lost": null}}});
            send(state, "PATCH", &format!("/api/v1/nodes/node-{node}"), "application/merge-patch+json", &body);
        }
        state.cluster_changed();
    }

    /// Confirms what waits for confirmation. True if the application has an order that waits for no person.
    fn nudge(&mut self, app: usize) -> bool {
        let active = self.universe.lock().judge.active_of(&workload_name(app)).cloned();
        let Some(order) = active else { return false };
        if is_paused(&order) {
            return false;
        }
        if order.status == Status::AwaitingConfirmation
            && let Some(process) = (0..self.servers.len()).find(|process| self.servers[*process].is_some())
        {
            self.ask(process, app, &Ask::Continue { confirm: true });
        }
        true
    }

    /// What the store says now is what it was told.
    fn check_store(&mut self) {
        let orders: Vec<Order> = self.universe.lock().judge.orders.values().cloned().collect();
        for order in orders {
            let (store, id) = (Arc::clone(&self.disk.store), order.id);
            let stored = self.disk.at_once(async move { store.order(id).await });
            if !matches!(&stored, Ok(Some(stored)) if *stored == order) {
                self.universe
                    .lock()
                    .judge
                    .broken("nothing is lost", format!("order {} is stored as {stored:?}", short(id)));
            }
        }
    }

    fn check_app(&mut self, app: usize) {
        let name = workload_name(app);
        let mut state = self.universe.lock();
        let state = &mut *state;
        let Some(live) = Live::read(&state.sandbox, &name) else { return };
        let Some(app) = state.judge.app_of(&name).cloned() else { return };
        if state.judge.active_of(&name).is_some() || live.is_deleting() {
            return;
        }
        if live.is_held() {
            // The record may know of a hold that was never written, but never not know of one.
            if app.held.is_none() {
                state.judge.broken("a hold is known", format!("{name} is held, and the record says nothing of it"));
            }
            return;
        }
        let Some(current) = app.current.filter(|_| app.held.is_none()) else { return };
        let watch = state.judge.watch(&name);
        let given_back = watch.given_back;
        let touched = given_back
            .is_none_or(|at| watch.since(&[Outside::Template, Outside::Strategy, Outside::Deleted], at - READ_AGE));
        if touched {
            return;
        }
        let Some(version) = state.judge.versions.get(&(app.id, current)).cloned() else { return };
        let stored = mirror::performed(&live.deployment).stored;
        if stored.as_ref() != Some(&version.snapshot) {
            let text = format!("{name} is at {stored:?}, and its version {current} is {:?}", version.snapshot);
            state.judge.broken("at the version that its orders say", text);
        }
        let image = version.snapshot.template.image();
        let good = !IMAGES[GOOD_IMAGES..].contains(&image);
        if good && (live.ready_of_target() != live.replicas() || live.others_wanted() != 0) {
            let text = format!(
                "{} of {} pods of {name} are ready at version {current}",
                live.ready_of_target(),
                live.replicas()
            );
            state.judge.broken("at the version that its orders say", text);
        }
    }

    /// Sternway is gone. The application goes on serving; then a person runs the line.
    pub(super) fn recover_without_us(&mut self) {
        self.cease();
        self.universe.lock().judge.alone = true;
        self.pass(SETTLING);
        for app in 0..self.script.setup.replicas.len() {
            if !self.is_over() {
                self.restore_by_hand(&workload_name(app));
            }
        }
    }

    fn restore_by_hand(&mut self, name: &str) {
        let applied = {
            let mut state = self.universe.lock();
            let state = &mut *state;
            let Some(live) = Live::read(&state.sandbox, name) else { return };
            if !live.is_held() || live.is_deleting() || live.replicas() == 0 {
                return;
            }
            let watch = state.judge.watch(name);
            let original = watch.original.clone();
            let touched = original
                .as_ref()
                .is_none_or(|(_, at)| watch.meddled(*at) || watch.since(&[Outside::Deleted], *at - READ_AGE));
            let line = live.deployment["metadata"]["annotations"]["sternway.io/restore"].as_str().map(str::to_owned);
            let Some(patch) = line.as_deref().and_then(patch_of) else {
                return state
                    .judge
                    .broken("recoverable without us", format!("the line of {name} cannot be run: {line:?}"));
            };
            state.tell(|| format!("a person runs the line of {name}"));
            let (status, answer) = send(state, "PATCH", &deployment_path(name), "application/json-patch+json", &patch);
            if status != 200 {
                let text = format!("the line of {name} is refused: {status} {}", String::from_utf8_lossy(&answer));
                return state.judge.broken("recoverable without us", text);
            }
            state.cluster_changed();
            original.filter(|_| !touched).map(|(original, _)| original)
        };
        self.pass(SignedDuration::from_secs(300));
        let mut state = self.universe.lock();
        let Some(live) = Live::read(&state.sandbox, name) else { return };
        if let Some(original) = applied
            && live.fields() != original
        {
            let text = format!("{name} was {original} before the release, and the line leaves {}", live.fields());
            state.judge.broken("recoverable without us", text);
        }
        let image = live.deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
        let good = !IMAGES[GOOD_IMAGES..].contains(&image);
        if good && (live.ready_of_target() != live.replicas() || live.others_wanted() != 0) {
            let text =
                format!("{} of {} pods of {name} are back after the line", live.ready_of_target(), live.replicas());
            state.judge.broken("recoverable without us", text);
        }
    }
}

fn is_paused(order: &Order) -> bool {
    matches!(&order.job, Job::Release(release) if matches!(release.phase, ReleasePhase::Paused { .. }))
}

/// The JSON patch that a shell would hand to kubectl.
fn patch_of(line: &str) -> Option<Value> {
    let quoted = line.split_once(" -p '")?.1.strip_suffix('\'')?;
    serde_json::from_str(&quoted.replace(r"'\''", "'")).ok()
}
