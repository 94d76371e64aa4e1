//! Parameters as edits of the pod template: absent keeps, empty clears.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sternway_core::ids::AppId;
use sternway_core::order::birth::APP_ID_LABEL;
use sternway_core::template::covers;
use sternway_core::template::edit::{Edit, Hook, Probe, ResourceBound};
use sternway_wire::error::GatewayError;
use sternway_wire::parameters::resources::{Bound, ResourceChange};
use sternway_wire::parameters::scheduling::Spread;
use sternway_wire::parameters::volumes::{CLAIM, CONFIG, EMPTY, LOCAL, Mounted};
use sternway_wire::parameters::{
    Given, Parameters, command, containers, environment, logs, metadata, names, probes, scheduling, volumes,
};

use super::logs::log_sources;

/// A day: longer is no grace.
const LONGEST_GRACE_SECONDS: i64 = 86_400;

/// The edits of everything but image and resources, whose parameters have other names in each operation.
///
/// `arguments` is the name of the parameter with the arguments; `affinity` is the one in the present template, null if there is none.
pub(crate) fn common(
    parameters: &Parameters,
    arguments: &str,
    app: AppId,
    affinity: &Value,
) -> Result<Vec<Edit>, GatewayError> {
    let mut edits = Vec::new();
    list(&mut edits, command::command(parameters)?, Edit::Command);
    list(&mut edits, command::arguments(parameters, arguments)?, Edit::Args);
    list(&mut edits, environment::variables(parameters)?, Edit::Env);
    list(&mut edits, environment::sources(parameters)?, Edit::EnvFrom);
    list(&mut edits, logs::configs(parameters, "SlsConfigs")?, |configs| Edit::Logs(log_sources(app, configs)));
    for (name, probe) in [("Liveness", Probe::Liveness), ("Readiness", Probe::Readiness), ("Startup", Probe::Startup)] {
        let given = probes::probe(parameters, name)?;
        edits.extend(given.change().map(|value| Edit::Probe(probe, value)));
    }
    for (name, hook) in [("PostStart", Hook::PostStart), ("PreStop", Hook::PreStop)] {
        let given = probes::hook(parameters, name)?;
        edits.extend(given.change().map(|value| Edit::Hook(hook, value)));
    }
    let context = containers::security_context(parameters)?;
    edits.extend(context.change().map(Edit::SecurityContext));
    for (group, given) in [
        (LOCAL, volumes::local(parameters)?),
        (EMPTY, volumes::empty_dirs(parameters)?),
        (CONFIG, volumes::config(parameters)?),
        (CLAIM, volumes::claims(parameters)?),
    ] {
        edits.extend(mounted(group, given));
    }
    list(&mut edits, volumes::custom(parameters)?, Edit::CustomVolumes);
    edits.extend(entries(metadata::labels(parameters)?).map(Edit::Labels));
    edits.extend(entries(metadata::annotations(parameters)?).map(Edit::Annotations));
    edits.extend(where_to_run(parameters, app, affinity)?);
    let grace = parameters.integer("TerminateGracePeriod", 0..=LONGEST_GRACE_SECONDS)?;
    let grace = grace.and_then(|seconds| u32::try_from(seconds).ok());
    edits.extend(grace.map(Edit::TerminationGrace));
    edits.extend(runtime_class(parameters)?.change().map(Edit::RuntimeClass));
    list(&mut edits, containers::containers(parameters, "InitContainers")?, Edit::InitContainers);
    list(&mut edits, containers::containers(parameters, "Sidecars")?, Edit::Sidecars);
    Ok(edits)
}

/// Limits and requests as edits.
pub(crate) fn resources(changes: Vec<ResourceChange>) -> impl Iterator<Item = Edit> {
    changes.into_iter().map(|change| Edit::Resource {
        bound: match change.bound {
            Bound::Limit => ResourceBound::Limits,
            Bound::Request => ResourceBound::Requests,
        },
        name: change.resource,
        quantity: change.quantity,
    })
}

/// What a template's affinity says of spreading, where the affinity is one that [`common`] made.
pub(super) fn spread_of(app: AppId, affinity: &Value) -> Option<Spread> {
    let flags = [(true, false), (false, true), (true, true)];
    flags.into_iter().map(|(across_nodes, across_zones)| Spread { across_nodes, across_zones }).find(|spread| {
        let made = spread.affinity(&selector(app));
        made.is_some_and(|made| covers(affinity, &made))
    })
}

fn list<T>(edits: &mut Vec<Edit>, given: Given<Vec<T>>, edit: impl Fn(Vec<T>) -> Edit) {
    edits.extend(given.change().map(|items| edit(items.unwrap_or_default())));
}

fn entries(given: Given<BTreeMap<String, String>>) -> impl Iterator<Item = BTreeMap<String, String>> {
    given.change().map(Option::unwrap_or_default).into_iter()
}

fn mounted(group: &'static str, given: Given<Mounted>) -> Option<Edit> {
    let Mounted { volumes, mounts } = given.change()?.unwrap_or_default();
    Some(Edit::Volumes { group, volumes, mounts })
}

/// EDAS lets the custom settings count only while neither spreading flag is true.
fn where_to_run(parameters: &Parameters, app: AppId, present: &Value) -> Result<Vec<Edit>, GatewayError> {
    let spread = scheduling::spread(parameters)?;
    let custom = scheduling::affinity(parameters)?;
    let tolerations = scheduling::tolerations(parameters)?;
    if let Some(affinity) = spread.and_then(|spread| spread.affinity(&selector(app))) {
        return Ok(vec![Edit::Affinity(Some(affinity))]);
    }
    let mut edits = Vec::new();
    list(&mut edits, tolerations, Edit::Tolerations);
    match custom.change() {
        Some(custom) => edits.push(Edit::Affinity(custom)),
        // "Not spread" takes back an earlier spreading, and leaves a custom affinity alone.
        None if spread.is_some() && spread_of(app, present).is_some() => {
            edits.push(Edit::Affinity(None));
        }
        None => {}
    }
    Ok(edits)
}

fn selector(app: AppId) -> Map<String, Value> {
    Map::from_iter([(APP_ID_LABEL.to_owned(), json!(app.to_string()))])
}

fn runtime_class(parameters: &Parameters) -> Result<Given<String>, GatewayError> {
    const NAME: &str = "RuntimeClassName";
    parameters.given(NAME)?.try_map(|name| {
        if names::is_subdomain(name) {
            return Ok(name.to_owned());
        }
        let problem =
            "It has lower-case letters, digits, hyphens and dots. Give the name of a RuntimeClass of the cluster.";
        Err(GatewayError::invalid_parameter(NAME, problem))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> AppId {
        "6b55106c-c7f2-40f7-a1d4-092870000000".parse().unwrap()
    }

    fn edits(pairs: &[(&str, &str)], affinity: &Value) -> Vec<Edit> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        common(&Parameters::from_pairs(pairs).unwrap(), "Args", app(), affinity).unwrap()
    }

    #[test]
    fn absent_keeps_and_empty_clears() {
        assert_eq!(edits(&[], &Value::Null), []);
        let cleared = edits(
            &[
                ("Command", ""),
                ("Args", "[]"),
                ("Envs", "[]"),
                ("Liveness", ""),
                ("PreStop", "{}"),
                ("EmptyDirs", "[]"),
                ("Labels", "{}"),
                ("RuntimeClassName", ""),
            ],
            &Value::Null,
        );
        let expected = [
            Edit::Command(vec![]),
            Edit::Args(vec![]),
            Edit::Env(vec![]),
            Edit::Probe(Probe::Liveness, None),
            Edit::Hook(Hook::PreStop, None),
            Edit::Volumes { group: EMPTY, volumes: vec![], mounts: vec![] },
            Edit::Labels(BTreeMap::new()),
            Edit::RuntimeClass(None),
        ];
        assert_eq!(cleared, expected);
    }

    #[test]
    fn spreading_wins_over_custom_settings_and_can_be_taken_back() {
        let custom = ("CustomAffinity", r#"{"nodeAffinity":{"a":1}}"#);
        let spread = edits(&[("DeployAcrossNodes", "true"), custom], &Value::Null);
        let [Edit::Affinity(Some(affinity))] = spread.as_slice() else {
            panic!("{spread:?}");
        };
        assert_eq!(spread_of(app(), affinity), Some(Spread { across_nodes: true, across_zones: false }));
        let off = [("DeployAcrossNodes", "false")];
        assert_eq!(edits(&off, affinity), [Edit::Affinity(None)]);
        assert_eq!(edits(&off, &json!({"nodeAffinity": {"a": 1}})), []);
        assert_eq!(edits(&off, &Value::Null), []);
        let both = edits(&[off[0], custom], affinity);
        assert_eq!(both, [Edit::Affinity(Some(json!({"nodeAffinity": {"a": 1}})))]);
    }
}
