//! Server-side apply: a client sends the fields it has an opinion on, and owns them from then on.

use jiff::Timestamp;
use serde_json::Value;

use crate::object;
use crate::ownership::{self, FieldSet, Operation, Owner, Owners, walk};
use crate::resources::Resource;
use crate::status::{Cause, Details, Status};
use crate::writes::Manager;

/// The object after a manager applied its configuration, with managedFields.
///
/// Fields that the manager had applied before and left out now go, unless somebody else owns them. Without a live
/// object the result is what is to be created.
///
/// # Errors
/// 409 when other managers own fields that would change, unless `force` takes them over; 500 for a field that the kind
/// does not have.
pub fn apply(
    resource: &'static Resource,
    live: Option<&Value>,
    configuration: &Value,
    manager: &Manager,
    force: bool,
    now: Timestamp,
) -> Result<Value, Status> {
    let shape = resource.schema();
    if let Some(path) = walk::undeclared(shape, configuration) {
        return Err(Status::unexplained(format!(
            "failed to create typed patch object ({}/{}; {}, Kind={}): {path}: field not declared in schema",
            object::namespace(configuration),
            object::name(configuration),
            resource.api_version(),
            resource.kind
        )));
    }
    let unowned = ownership::unowned(resource, manager.subresource);
    let owner = Owner::of(manager, resource);
    let mut fields = walk::fields_of(shape, configuration);
    fields.forget(&unowned);

    let nothing = serde_json::json!({});
    let before = live.unwrap_or(&nothing);
    let mut owners = Owners::read(before);
    let previous = owners.get(&owner).cloned().unwrap_or_default();
    owners.entry(&owner).fields = fields;
    let wanted = owners.0.iter().fold(FieldSet::default(), |all, owned| all.union(&owned.fields));
    let mut after = walk::merge(shape, before, configuration);
    walk::prune(shape, &mut after, &previous, &wanted);

    let mut comparison = walk::compare(shape, before, &after);
    for fields in [&mut comparison.added, &mut comparison.modified, &mut comparison.removed] {
        fields.forget(&unowned);
    }
    let changed = comparison.added.union(&comparison.modified);
    let conflicts = conflicts(&owners, &owner, &changed);
    if !conflicts.is_empty() && !force {
        return Err(refusal(&conflicts));
    }
    owners.take_from_others(&owner, &changed.union(&comparison.removed));
    if !changed.is_empty() || !comparison.removed.is_empty() {
        owners.entry(&owner).time = Some(object::format_time(now));
    }
    owners.write(&mut after);
    Ok(after)
}

/// Other managers' fields among those that change, with the manager as messages name it.
fn conflicts(owners: &Owners, owner: &Owner, changed: &FieldSet) -> Vec<(String, Vec<String>)> {
    let mut conflicts: Vec<(String, Vec<String>)> = owners
        .0
        .iter()
        .filter(|owned| owned.owner != *owner)
        .map(|owned| (spelt(&owned.owner), owned.fields.intersection(changed).paths()))
        .filter(|(_, paths)| !paths.is_empty())
        .collect();
    conflicts.sort();
    conflicts
}

fn spelt(owner: &Owner) -> String {
    let name = format!("{:?}", owner.name);
    match (owner.operation, owner.subresource.as_str()) {
        (Operation::Apply, _) => name,
        (Operation::Update, "") => format!("{name} using {}", owner.api_version),
        (Operation::Update, part) => format!("{name} with subresource {part:?} using {}", owner.api_version),
    }
}

fn refusal(conflicts: &[(String, Vec<String>)]) -> Status {
    let causes: Vec<Cause> = conflicts
        .iter()
        .flat_map(|(manager, paths)| paths.iter().map(move |path| (manager, path)))
        .map(|(manager, path)| Cause {
            reason: "FieldManagerConflict",
            message: format!("conflict with {manager}"),
            field: path.clone(),
        })
        .collect();
    let text = match causes.as_slice() {
        [only] => format!("Apply failed with 1 conflict: {}: {}", only.message, only.field),
        several => {
            let managers = conflicts.iter().map(|(manager, paths)| {
                let paths: String = paths.iter().map(|path| format!("\n- {path}")).collect();
                format!("conflicts with {manager}:{paths}")
            });
            let managers: Vec<String> = managers.collect();
            format!("Apply failed with {} conflicts: {}", several.len(), managers.join("\n"))
        }
    };
    Status::new(409, "Conflict", text).with_details(Details { causes, ..Details::default() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources;

    fn manager(name: &str) -> Manager {
        Manager { name: name.to_owned(), apply: true, subresource: "" }
    }

    fn applied(name: &str, live: Option<&Value>, configuration: Value, force: bool) -> Result<Value, Status> {
        apply(resources::DEPLOYMENTS, live, &configuration, &manager(name), force, Timestamp::UNIX_EPOCH)
    }

    fn configuration(containers: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
            "spec": {"template": {"spec": {"containers": containers}}}})
    }

    #[test]
    fn an_element_goes_when_its_only_owner_drops_it() {
        let first = applied("a", None, configuration(json!([{"name": "c", "image": "x"}])), false).unwrap();
        let second = applied("b", Some(&first), configuration(json!([{"name": "d", "image": "y"}])), false).unwrap();
        assert_eq!(object::items(&second, "/spec/template/spec/containers").len(), 2);
        let third = applied("b", Some(&second), configuration(json!([{"name": "c"}])), false).unwrap();
        assert_eq!(third.pointer("/spec/template/spec/containers"), Some(&json!([{"name": "c", "image": "x"}])));
    }

    #[test]
    fn what_a_parent_loses_takes_its_defaults_with_it() {
        let probe = json!([{"name": "c", "readinessProbe": {"httpGet": {"port": 80}}}]);
        let mut live = applied("a", None, configuration(probe), false).unwrap();
        live["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["periodSeconds"] = json!(10);
        let after = applied("a", Some(&live), configuration(json!([{"name": "c"}])), false).unwrap();
        assert_eq!(after.pointer("/spec/template/spec/containers"), Some(&json!([{"name": "c"}])));
    }

    #[test]
    fn a_conflict_names_path_and_owner_and_force_takes_over() {
        let first = applied("a", None, configuration(json!([{"name": "c", "image": "x"}])), false).unwrap();
        let other = configuration(json!([{"name": "c", "image": "y"}]));
        let refused = applied("b", Some(&first), other.clone(), false).unwrap_err();
        assert_eq!(
            refused.message,
            "Apply failed with 1 conflict: conflict with \"a\": .spec.template.spec.containers[name=\"c\"].image"
        );
        let taken = applied("b", Some(&first), other, true).unwrap();
        let back = applied("a", Some(&taken), configuration(json!([{"name": "c", "image": "x"}])), false);
        assert!(back.unwrap_err().message.contains("conflict with \"b\""));
    }
}
