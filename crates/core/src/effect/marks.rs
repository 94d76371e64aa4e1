//! Sternway's annotations on a workload: who holds it, and how to go back without Sternway.

use serde_json::{Value, json};

use super::{Writer, entries};
use crate::application::WorkloadRef;
use crate::ids::{Fence, VersionNumber};
use crate::observation::Marks;
use crate::strategy::Strategy;
use crate::template::PodTemplate;
use crate::version::Snapshot;

/// The application; stays.
pub const APPLICATION: &str = "sternway.io/application";
/// The version that runs, or is being released; stays.
pub const VERSION: &str = "sternway.io/version";
/// The order that holds the workload.
pub const ORDER: &str = "sternway.io/order";
/// The fence of the last writer.
pub const FENCE: &str = "sternway.io/fence";
/// The version to go back to, as JSON: `template`, `strategy`, `minReadySeconds`, `progressDeadlineSeconds`.
pub const BORROWED: &str = "sternway.io/borrowed";
/// One `kubectl` line that goes back without Sternway.
pub const RESTORE: &str = "sternway.io/restore";

const TEMPORARY: [&str; 4] = [ORDER, FENCE, BORROWED, RESTORE];

/// Reads our annotations from an object.
pub fn read(object: &Value) -> Marks {
    let text = |name: &str| object["metadata"]["annotations"][name].as_str().map(str::to_owned);
    Marks {
        application: text(APPLICATION),
        order: text(ORDER),
        fence: text(FENCE).and_then(|fence| fence.parse().ok()).map(Fence),
        borrowed: text(BORROWED).is_some(),
    }
}

/// The version to go back to, if a hold (or a way back from one) left it there.
pub fn borrowed(object: &Value) -> Option<Snapshot> {
    let text = object["metadata"]["annotations"][BORROWED].as_str()?;
    let borrowed: Value = serde_json::from_str(text).ok()?;
    let seconds = |name: &str| u32::try_from(borrowed[name].as_u64()?).ok();
    Some(Snapshot {
        template: PodTemplate::new(borrowed.get("template")?.clone()),
        strategy: Strategy::from_json(&borrowed["strategy"]),
        min_ready_seconds: seconds("minReadySeconds")?,
        progress_deadline_seconds: seconds("progressDeadlineSeconds")?,
    })
}

/// The number of the version that runs, or is being released.
pub fn version(object: &Value) -> Option<VersionNumber> {
    let text = object["metadata"]["annotations"][VERSION].as_str()?;
    text.parse().ok().map(VersionNumber)
}

pub(super) fn on_create(mut object: Value, writer: Writer) -> Value {
    let annotations = entries(&mut object["metadata"]["annotations"]);
    annotations.insert(APPLICATION.to_owned(), json!(writer.app.to_string()));
    object
}

pub(super) fn put_on(
    object: &mut Value,
    target: &WorkloadRef,
    writer: Writer,
    return_to: &Snapshot,
    version: VersionNumber,
) {
    let borrowed = json!({
        "template": return_to.template.json(),
        "strategy": return_to.strategy.to_json(),
        "minReadySeconds": return_to.min_ready_seconds,
        "progressDeadlineSeconds": return_to.progress_deadline_seconds,
    });
    let annotations = entries(&mut object["metadata"]["annotations"]);
    for (name, text) in [
        (APPLICATION, writer.app.to_string()),
        (VERSION, version.to_string()),
        (ORDER, writer.order.to_string()),
        (FENCE, writer.fence.to_string()),
        (BORROWED, borrowed.to_string()),
        (RESTORE, restore_command(target, return_to)),
    ] {
        annotations.insert(name.to_owned(), json!(text));
    }
}

pub(super) fn take_off(object: &mut Value, writer: Writer, version: VersionNumber) {
    let annotations = entries(&mut object["metadata"]["annotations"]);
    for name in TEMPORARY {
        annotations.shift_remove(name);
    }
    annotations.insert(APPLICATION.to_owned(), json!(writer.app.to_string()));
    annotations.insert(VERSION.to_owned(), json!(version.to_string()));
}

/// The line that a person runs to go back when Sternway is gone: one JSON patch that sets the template and the borrowed
/// fields and takes our temporary annotations off.
pub fn restore_command(target: &WorkloadRef, return_to: &Snapshot) -> String {
    let set = [
        ("/spec/template", return_to.template.json().clone()),
        ("/spec/strategy", return_to.strategy.to_json()),
        ("/spec/minReadySeconds", json!(return_to.min_ready_seconds)),
        ("/spec/progressDeadlineSeconds", json!(return_to.progress_deadline_seconds)),
    ];
    let set = set.map(|(path, value)| json!({"op": "add", "path": path, "value": value}));
    let remove = TEMPORARY
        .map(|name| json!({"op": "remove", "path": format!("/metadata/annotations/{}", name.replace('/', "~1"))}));
    let patch = Value::Array(set.into_iter().chain(remove).collect()).to_string();
    format!(
        "kubectl -n {} patch deployment {} --type=json -p '{}'",
        target.namespace,
        target.name,
        patch.replace('\'', r"'\''")
    )
}
