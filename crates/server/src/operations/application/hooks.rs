//! UpdateHookConfiguration: scripts at the start and the end of an instance, as lifecycle hooks of its container.
//!
//! The pod template is where they are kept. New scripts need new pods, so a change begins a change order, like any change of the configuration; it is found
//! with ListRecentChangeOrder, because EDAS's answer has no place for it.

use std::sync::Arc;

use serde_json::{Value, json};
use sternway_core::template::edit::{Edit, Hook};
use sternway_wire::model::{HookConfiguration, UpdateHookConfiguration};
use sternway_wire::parameters::hooks::{HookMoment, HookScript, hooks};

use super::configure::reconfigure;
use crate::call::Call;
use crate::failure::Failure;

/// Around a script whose failure does not count.
const IGNORING: (&str, &str) = ("(\n", "\n) || true");

/// UpdateHookConfiguration: moments that are not named keep their scripts.
pub(crate) async fn update(call: Arc<Call>) -> Result<UpdateHookConfiguration, Failure> {
    let given = hooks(&call.parameters)?;
    let edits = given.iter().filter_map(edit).collect();
    let template = reconfigure(&call, edits).await?;
    let lifecycle = &template["spec"]["containers"][0]["lifecycle"];
    Ok(UpdateHookConfiguration {
        hooks_configuration: HookMoment::ALL.iter().map(|moment| shown(*moment, lifecycle)).collect(),
    })
}

fn kubernetes(moment: HookMoment) -> Option<(Hook, &'static str)> {
    match moment {
        HookMoment::AfterStart => Some((Hook::PostStart, "postStart")),
        HookMoment::BeforeStop => Some((Hook::PreStop, "preStop")),
        HookMoment::AfterPreparation | HookMoment::BeforeStart | HookMoment::AfterStop | HookMoment::AfterDeletion => {
            None
        }
    }
}

fn edit(given: &HookScript) -> Option<Edit> {
    let (hook, _) = kubernetes(given.moment)?;
    let script = match given.ignore_fail {
        true => format!("{}{}{}", IGNORING.0, given.script, IGNORING.1),
        false => given.script.clone(),
    };
    let runs = !given.script.trim().is_empty();
    Some(Edit::Hook(hook, runs.then(|| json!({"exec": {"command": ["/bin/sh", "-c", script]}}))))
}

/// A hook that is no script of ours is shown as the JSON that it is.
fn shown(moment: HookMoment, lifecycle: &Value) -> HookConfiguration {
    let present = kubernetes(moment).map_or(&Value::Null, |(_, name)| &lifecycle[name]);
    let script = match present["exec"]["command"].as_array().map(Vec::as_slice) {
        Some([shell, flag, script]) if shell == "/bin/sh" && flag == "-c" => script.as_str().map(str::to_owned),
        _ => None,
    };
    let script = script.unwrap_or_else(|| if present.is_null() { String::new() } else { present.to_string() });
    let inner = script.strip_prefix(IGNORING.0).and_then(|script| script.strip_suffix(IGNORING.1));
    HookConfiguration {
        ignore_fail: inner.is_some(),
        name: moment.name().to_owned(),
        script: inner.map(str::to_owned).unwrap_or(script),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_come_back_as_they_were_given() {
        for (script, ignore_fail) in [("sleep 5\necho done", false), ("curl -f localhost", true)] {
            let given = HookScript { moment: HookMoment::BeforeStop, script: script.to_owned(), ignore_fail };
            let Some(Edit::Hook(Hook::PreStop, Some(hook))) = edit(&given) else { panic!() };
            let shown = shown(HookMoment::BeforeStop, &json!({ "preStop": hook }));
            assert_eq!((shown.script.as_str(), shown.ignore_fail), (script, ignore_fail));
        }
        let other = json!({"postStart": {"httpGet": {"port": 80}}});
        assert_eq!(shown(HookMoment::AfterStart, &other).script, r#"{"httpGet":{"port":80}}"#);
        assert_eq!(shown(HookMoment::BeforeStop, &other), shown(HookMoment::BeforeStop, &Value::Null));
    }
}
