//! CoBindSlb, CoUnbindSlb and the changes of Services: an object beside the workload is set or removed.

use super::{Birth, Request, accepted, order};
use crate::application::Application;
use crate::effect::ObjectChange;
use crate::order::OrderKind;
use crate::order::job::{Attach, Job};
use crate::plan::ONE_BATCH;

/// A change of an object beside the workload.
#[derive(Debug, Clone, PartialEq)]
pub struct AttachRequest {
    /// What the order is called.
    pub kind: OrderKind,
    /// The object and what is to become of it.
    pub change: ObjectChange,
    /// What it is for, for a person.
    pub description: String,
    /// Seconds until it has failed.
    pub timeout_seconds: u32,
}

/// Begins a change of an object. It needs no look at the cluster: whose the object is, is checked when it is written.
pub fn attach(app: &Application, attach: &AttachRequest, request: &Request) -> Birth {
    let mut app = app.clone();
    app.revision += 1;
    let job = Job::Attach(Box::new(Attach { change: attach.change.clone(), timeout_seconds: attach.timeout_seconds }));
    let order = order(request, &app, attach.kind, attach.description.clone(), ONE_BATCH, job);
    Birth { events: vec![accepted(request, &order)], order, app, versions: Vec::new() }
}
