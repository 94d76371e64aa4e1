//! Every operation of EDAS 2017-08-01: what it is called, where it lives, what it takes.
//!
//! Paths are fixed (no parameters in them), so an operation is found by its method and path. The facts are data, in
//! `catalog/operations.json`, one operation a line; the binary carries them.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let operations: Vec<Operation> = serde_json::from_str(include_str!("catalog/operations.json"))
        .expect("the embedded catalog is part of the build, and a test reads it");
    Catalog::index(operations)
});

/// One operation of the API.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Operation {
    pub name: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    /// Whether it concerns applications on Kubernetes; the others are for ECS clusters and old features.
    pub kubernetes: bool,
    /// How its answer writes lists; `None` where it is not known.
    pub lists: Option<ListForm>,
    pub parameters: Vec<ParameterSpec>,
}

/// How an answer writes a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ListForm {
    /// An object that holds one array under the item's name.
    #[serde(rename = "item-named")]
    ItemNamed,
    /// A bare array.
    #[serde(rename = "plain")]
    Plain,
}

/// One parameter of an operation, as the SDKs send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct ParameterSpec {
    pub name: &'static str,
    #[serde(rename = "in")]
    pub location: Location,
    #[serde(rename = "type")]
    pub kind: ParameterKind,
    /// What the documentation claims. It is sometimes wrong (`EmptyDirs` of InsertK8sApplication): don't enforce it blindly.
    #[serde(default)]
    pub required: bool,
}

/// Where a parameter travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    Query,
    /// In a form body.
    Body,
}

/// The type of a parameter's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterKind {
    String,
    Integer,
    Boolean,
    Number,
    /// A structure, as JSON text or flattened.
    Object,
}

impl Operation {
    /// The parameter of exactly that name.
    pub fn parameter(&self, name: &str) -> Option<&ParameterSpec> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// The operations, findable by route and by name.
#[derive(Debug)]
pub struct Catalog {
    operations: Vec<Operation>,
    by_route: HashMap<(&'static str, &'static str), usize>,
    by_name: HashMap<&'static str, usize>,
}

impl Catalog {
    fn index(operations: Vec<Operation>) -> Self {
        let numbered = || operations.iter().enumerate();
        let by_route = numbered().map(|(at, operation)| ((operation.method, operation.path), at)).collect();
        let by_name = numbered().map(|(at, operation)| (operation.name, at)).collect();
        Self { operations, by_route, by_name }
    }

    /// The operation that answers this method and path. Both are compared exactly; the method is upper-case.
    pub fn find(method: &str, path: &str) -> Option<&'static Operation> {
        let catalog = &*CATALOG;
        catalog.by_route.get(&(method, path)).map(|at| &catalog.operations[*at])
    }

    /// The operation of exactly that name.
    pub fn by_name(name: &str) -> Option<&'static Operation> {
        let catalog = &*CATALOG;
        catalog.by_name.get(name).map(|at| &catalog.operations[*at])
    }

    /// All operations, ordered by name.
    pub fn operations() -> &'static [Operation] {
        &CATALOG.operations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_is_complete_and_unambiguous() {
        let operations = Catalog::operations();
        assert_eq!(operations.len(), 162);
        assert_eq!(operations.iter().filter(|operation| operation.kubernetes).count(), 98);
        assert_eq!(CATALOG.by_route.len(), 162, "two operations share a method and path");
        assert_eq!(CATALOG.by_name.len(), 162);
        assert_eq!(operations.iter().map(|operation| operation.parameters.len()).sum::<usize>(), 767);
        assert!(operations.is_sorted_by_key(|operation| operation.name));
    }

    #[test]
    fn every_operation_is_found_by_its_route_and_by_its_name() {
        for operation in Catalog::operations() {
            assert_eq!(Catalog::find(operation.method, operation.path), Some(operation));
            assert_eq!(Catalog::by_name(operation.name), Some(operation));
        }
        assert_eq!(Catalog::find("PATCH", "/pop/v5/k8s/acs/k8s_apps"), None);
    }

    #[test]
    fn one_path_serves_several_methods() {
        let at = |method| Catalog::find(method, "/pop/v5/k8s/acs/k8s_apps").map(|operation| operation.name);
        assert_eq!(at("POST"), Some("DeployK8sApplication"));
        assert_eq!(at("PUT"), Some("ScaleK8sApplication"));
        assert_eq!(at("DELETE"), Some("DeleteK8sApplication"));
        assert_eq!(at("GET"), None);
    }

    #[test]
    fn ten_operations_have_a_form_body() {
        let with_body: Vec<&str> = Catalog::operations()
            .iter()
            .filter(|operation| operation.parameters.iter().any(|parameter| parameter.location == Location::Body))
            .map(|operation| operation.name)
            .collect();
        let expected = [
            "AddLogPath",
            "CreateConfigTemplate",
            "CreateIDCImportCommand",
            "CreateK8sConfigMap",
            "CreateK8sSecret",
            "UpdateConfigTemplate",
            "UpdateK8sConfigMap",
            "UpdateK8sResource",
            "UpdateK8sSecret",
            "UpdateSlsLogStore",
        ];
        assert_eq!(with_body, expected);
    }

    #[test]
    fn list_forms_and_parameters_are_those_of_the_sdks() {
        let order = Catalog::by_name("GetChangeOrderInfo").unwrap();
        assert_eq!((order.method, order.path), ("POST", "/pop/v5/changeorder/change_order_info"));
        assert_eq!(order.lists, Some(ListForm::ItemNamed));
        let id = order.parameter("ChangeOrderId").unwrap();
        assert_eq!((id.location, id.kind, id.required), (Location::Query, ParameterKind::String, true));
        assert_eq!(Catalog::by_name("ListK8sNamespaces").unwrap().lists, Some(ListForm::Plain));
    }
}
