//! Namespaces: what every one has, and how one goes away.

use serde_json::json;

use super::Context;
use super::agenda::Name;
use crate::object;
use crate::resources;
use crate::status::Status;
use crate::writes::DeleteOptions;

/// The certificate authority that every pod may read. The sandbox speaks plain HTTP, so there is nothing to trust.
const ROOT_CA: &str = "kube-root-ca.crt";
/// Nothing is served over TLS, so there is no certificate to trust; pods mount the file all the same.
const NO_CERTIFICATE: &str = "# The sandbox serves plain HTTP: there is no certificate.\n";

/// Completes a namespace, or empties and removes one that is being deleted.
pub(super) fn sync(context: &mut Context<'_>, name: &str) -> Result<(), Status> {
    let Some(namespace) = context.get(resources::NAMESPACES, &Name::new("", name)) else {
        return Ok(());
    };
    if object::is_deleting(&namespace) { empty(context, name) } else { complete(context, name) }
}

fn complete(context: &mut Context<'_>, namespace: &str) -> Result<(), Status> {
    let account = Name::new(namespace, "default");
    if context.get(resources::SERVICEACCOUNTS, &account).is_none() {
        let object = json!({"metadata": {"name": account.name}});
        context.writes().create(resources::SERVICEACCOUNTS, namespace, object)?;
    }
    if context.get(resources::CONFIGMAPS, &Name::new(namespace, ROOT_CA)).is_none() {
        let object = json!({
            "metadata": {
                "name": ROOT_CA,
                "annotations": {"kubernetes.io/description":
                    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints \
                     such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
                     distributions of Kubernetes clusters."},
            },
            "data": {"ca.crt": NO_CERTIFICATE},
        });
        context.writes().create(resources::CONFIGMAPS, namespace, object)?;
    }
    Ok(())
}

fn empty(context: &mut Context<'_>, namespace: &str) -> Result<(), Status> {
    let mut left = 0_usize;
    for resource in resources::all().iter().copied().filter(|resource| resource.namespaced) {
        let names: Vec<(String, bool)> = context
            .storage
            .list(resource, Some(namespace))
            .map(|one| (object::name(one).to_owned(), object::is_deleting(one)))
            .collect();
        for (name, deleting) in names {
            if !deleting {
                match context.writes().delete(resource, namespace, &name, &DeleteOptions::default()) {
                    Err(refusal) if refusal.code != 404 => return Err(refusal),
                    Ok(_) | Err(_) => {}
                }
            }
            if context.get(resource, &Name::new(namespace, &*name)).is_some() {
                left += 1;
            }
        }
    }
    // The end of each object left brings the namespace back here.
    if left > 0 {
        return Ok(());
    }
    let mut writes = context.writes();
    // The API keeps everybody else from touching these finalizers.
    writes.modify_unchecked(resources::NAMESPACES, "", namespace, |object| {
        object::set_or_remove(&mut object["spec"], "finalizers", None);
    })?;
    writes.delete(resources::NAMESPACES, "", namespace, &DeleteOptions::default()).map(|_| ())
}
