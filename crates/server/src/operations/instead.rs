//! Operations that are not served and have one here that does the same: what their refusal recommends.

use sternway_wire::error::GatewayError;

const INSTEAD: &[(&str, &str)] = &[
    ("DeleteApplication", "DeleteK8sApplication"),
    ("DeployApplication", "DeployK8sApplication"),
    ("InsertApplication", "InsertK8sApplication"),
    ("InsertCluster", "ImportK8sCluster"),
    ("QueryEccInfo", "QueryApplicationStatus"),
    ("RestartApplication", "RestartK8sApplication"),
    ("ScaleInApplication", "ScaleK8sApplication"),
    ("ScaleOutApplication", "ScaleK8sApplication"),
    ("StartApplication", "StartK8sApplication"),
    ("StopApplication", "StopK8sApplication"),
];

/// The refusal of an operation that is not served.
pub(crate) fn not_implemented(operation: &str) -> GatewayError {
    let mut error = GatewayError::not_implemented(operation);
    if let Some((_, instead)) = INSTEAD.iter().find(|(name, _)| *name == operation) {
        error.message.push_str(&format!(" Use {instead} instead."));
    }
    error
}

#[cfg(test)]
mod tests {
    use sternway_wire::catalog::Catalog;

    use super::*;
    use crate::operations::Operations;

    #[test]
    fn what_is_recommended_is_served_and_what_is_not_served_is_not() {
        let served = Operations::all();
        for (operation, instead) in INSTEAD {
            assert!(Catalog::by_name(operation).is_some() && served.get(operation).is_none());
            let name = instead.split(' ').next().unwrap();
            assert!(served.get(name).is_some(), "{name}");
            assert!(not_implemented(operation).message.ends_with(&format!("Use {instead} instead.")));
        }
        assert!(!not_implemented("ListVpc").message.contains("instead"));
    }
}
