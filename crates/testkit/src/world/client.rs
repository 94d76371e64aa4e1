//! Clients: what they ask a server for, and what they make of its answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use sternway_core::application::{Application, WorkloadRef};
use sternway_core::ids::{AppId, ClusterId, OrderId, VersionNumber};
use sternway_core::order::birth::CreateRequest;
use sternway_core::order::job::OnFailure;
use sternway_core::order::{Actor, Stage};
use sternway_core::plan::{Batches, Gate};
use sternway_core::step::Command;
use sternway_core::template::edit::Edit;
use sternway_engine::{CommandError, Creation, Deploy, DeployChange, Engine};
use uuid::Uuid;

use super::{World, workload_name};
use crate::breakage::Breakage;
use crate::cluster::NAMESPACE;
use crate::script::{Ask, IMAGES};
use crate::store::short;
use crate::universe::{State, Universe};

/// Seconds that are enough for every order when nothing goes wrong.
const CALM_TIMEOUT: u32 = 300;

fn actor() -> Actor {
    Actor { user: "client".to_owned(), behind: None, source: "simulation".to_owned(), trace_id: "trace".to_owned() }
}

/// A request with everything in it that the client knows.
enum Request {
    Create(Box<Creation>),
    Deploy(AppId, Box<Deploy>),
    Continue(OrderId, bool),
    /// The order that is meant, and the command.
    Command(OrderId, Command),
    Retry(OrderId),
    Scale(AppId, u32),
    Stop(AppId),
    Start(AppId, Option<u32>),
    Delete(AppId),
}

impl World<'_> {
    pub(super) fn ask(&self, process: usize, app: usize, ask: &Ask) {
        let Some(server) = &self.servers[process] else { return };
        let name = workload_name(app);
        let timeout = if self.script.setup.calm { CALM_TIMEOUT } else { 90 };
        let request = {
            let mut state = self.universe.lock();
            state.tell(|| format!("client asks server {process} for {ask:?} of {name}"));
            match self.request(&mut state, &name, app, ask) {
                Some(request) => request,
                None => return,
            }
        };
        let (engine, universe) = (Arc::clone(&server.engine), Arc::clone(&self.universe));
        server.spawn(async move {
            let meant = match &request {
                Request::Command(order, Command::AbortAndRollback { .. }) => Some(*order),
                _ => None,
            };
            let answer = send(&engine, &universe, request, timeout).await;
            hear(&mut universe.lock(), meant, answer);
        });
        self.settle(process);
    }

    fn request(&self, state: &mut State, name: &str, index: usize, ask: &Ask) -> Option<Request> {
        if *ask == Ask::Create {
            let app = application(state, name);
            let replicas = self.script.setup.replicas[index];
            let request = CreateRequest {
                app,
                edits: vec![Edit::Image("app:v1".to_owned())],
                replicas,
                attachments: Vec::new(),
                package_version: String::new(),
                timeout_seconds: 120,
            };
            return Some(Request::Create(Box::new(Creation { request, description: String::new() })));
        }
        let broken = state.breakage == Some(Breakage::AbortByApplication);
        let app = state.judge.app_of(name)?.id;
        let newest = |back: usize| state.judge.orders_of(name).rev().nth(back).map(|order| order.id);
        let meant = |back: usize| {
            newest(back)
                .map(|id| (id, if broken { state.judge.active_of(name).map_or(id, |active| active.id) } else { id }))
        };
        let (asked, request) = match ask {
            Ask::Create => return None,
            Ask::Deploy(_) | Ask::History { .. } | Ask::Restart { .. } => {
                (None, Request::Deploy(app, Box::new(deployment(ask)?)))
            }
            Ask::Continue { confirm } => (None, Request::Continue(newest(0)?, *confirm)),
            Ask::Abort { back } => {
                let (asked, order) = meant(*back)?;
                (Some(asked), Request::Command(order, Command::Abort { actor: actor() }))
            }
            Ask::AbortAndRollback { back } => {
                let (asked, order) = meant(*back)?;
                (Some(asked), Request::Command(order, Command::AbortAndRollback { actor: actor() }))
            }
            Ask::Retry => (None, Request::Retry(newest(0)?)),
            Ask::Scale { replicas } => (None, Request::Scale(app, *replicas)),
            Ask::Stop => (None, Request::Stop(app)),
            Ask::Start { replicas } => (None, Request::Start(app, *replicas)),
            Ask::Delete => (None, Request::Delete(app)),
        };
        if let Some(asked) = asked {
            state.judge.abort_asked(asked);
        }
        Some(request)
    }
}

fn application(state: &mut State, name: &str) -> Application {
    let workload = WorkloadRef {
        cluster: ClusterId::new(Uuid::from_u128(1)),
        namespace: NAMESPACE.to_owned(),
        name: name.to_owned(),
    };
    let id = AppId::new(state.fresh_id());
    Application::new(id, name, workload, "cn-hangzhou", "client", "Image", state.now)
}

fn deployment(ask: &Ask) -> Option<Deploy> {
    let plain = |change, count| Deploy {
        change,
        batches: Batches { gray: None, count, gate: Gate::Automatic { wait_seconds: 1 } },
        batch_timeout_seconds: 120,
        on_failure: OnFailure::Rollback,
        replicas: None,
        steering: None,
        attributes: BTreeMap::new(),
        description: String::new(),
    };
    Some(match ask {
        Ask::Deploy(asked) => {
            let gate = asked.wait_seconds.map_or(Gate::Manual, |wait_seconds| Gate::Automatic { wait_seconds });
            let image = IMAGES[asked.image].to_owned();
            // More of the template changes than the image.
            let env = vec![serde_json::json!({"name": "IMAGE", "value": image})];
            Deploy {
                change: DeployChange::Edits {
                    edits: vec![Edit::Image(image), Edit::Env(env)],
                    min_ready_seconds: asked.min_ready_seconds,
                    package_version: String::new(),
                },
                batches: Batches { gray: asked.gray, count: asked.batches, gate },
                batch_timeout_seconds: asked.timeout_seconds,
                on_failure: [OnFailure::Rollback, OnFailure::Pause, OnFailure::Keep][usize::from(asked.on_failure) % 3],
                replicas: asked.replicas,
                steering: None,
                attributes: BTreeMap::new(),
                description: String::new(),
            }
        }
        Ask::History { version, batches } => plain(DeployChange::History(VersionNumber(*version)), *batches),
        Ask::Restart { batches } => plain(DeployChange::Restart, *batches),
        _ => return None,
    })
}

async fn send(engine: &Engine, universe: &Universe, request: Request, timeout: u32) -> Result<OrderId, CommandError> {
    match request {
        Request::Create(creation) => Ok(engine.create(*creation, actor()).await?.id),
        Request::Deploy(app, mut deploy) => {
            deploy.batch_timeout_seconds =
                deploy.batch_timeout_seconds.max(if timeout == CALM_TIMEOUT { timeout } else { 0 });
            engine.deploy(app, *deploy, actor()).await
        }
        Request::Continue(order, confirm) => {
            let part = {
                let state = universe.lock();
                let order = state.judge.orders.get(&order).ok_or(CommandError::NoOrder(order))?;
                order.pipelines[order.present_pipeline()].id
            };
            engine.confirm(part, confirm, actor()).await
        }
        Request::Command(order, command) => engine.command(order, &command).await,
        Request::Retry(order) => {
            let part = {
                let state = universe.lock();
                let order = state.judge.orders.get(&order).ok_or(CommandError::NoOrder(order))?;
                order.task_id(order.present_pipeline(), Stage::Change)
            };
            engine.retry(part, actor()).await
        }
        Request::Scale(app, replicas) => engine.scale(app, replicas, timeout, actor()).await,
        Request::Stop(app) => engine.stop(app, timeout, actor()).await,
        Request::Start(app, replicas) => engine.start(app, replicas, timeout, actor()).await,
        Request::Delete(app) => engine.delete(app, timeout, actor()).await,
    }
}

fn hear(state: &mut State, meant: Option<OrderId>, answer: Result<OrderId, CommandError>) {
    state.activity += 1;
    match answer {
        Ok(id) => {
            state.tell(|| format!("client is answered with {}", short(id)));
            match meant {
                Some(order) => state.judge.rollback_answered(order, id),
                None => state.judge.answered(id),
            }
        }
        Err(error) => state.tell(|| format!("client is refused: {error}")),
    }
}
