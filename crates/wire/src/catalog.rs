//! Every operation of EDAS 2017-08-01: what it is called, where it lives, what it takes. And beside them our extensions: what EDAS
//! leaves to other services of its cloud, under paths of our own.
//!
//! Paths are fixed (no parameters in them), so an operation is found by its method and path. The facts are data, in
//! `catalog/operations.json` and `catalog/extensions.json`, one operation a line; the binary carries them.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let read = |text| -> Vec<Operation> {
        serde_json::from_str(text).expect("the embedded catalog is part of the build, and a test reads it")
    };
    Catalog::index(read(include_str!("catalog/operations.json")), read(include_str!("catalog/extensions.json")))
});

/// What the path of every extension begins with.
pub const EXTENSIONS: &str = "/sternway/v1/";

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
    /// Those of EDAS first, then our extensions.
    operations: Vec<Operation>,
    of_edas: usize,
    by_route: HashMap<(&'static str, &'static str), usize>,
    by_name: HashMap<&'static str, usize>,
}

impl Catalog {
    fn index(mut operations: Vec<Operation>, extensions: Vec<Operation>) -> Self {
        let of_edas = operations.len();
        operations.extend(extensions);
        let numbered = || operations.iter().enumerate();
        let by_route = numbered().map(|(at, operation)| ((operation.method, operation.path), at)).collect();
        let by_name = numbered().map(|(at, operation)| (operation.name, at)).collect();
        Self { operations, of_edas, by_route, by_name }
    }

    /// The operation, of EDAS or an extension, that answers this method and path. Both are compared exactly; the method is upper-case.
    pub fn find(method: &str, path: &str) -> Option<&'static Operation> {
        let catalog = &*CATALOG;
        catalog.by_route.get(&(method, path)).map(|at| &catalog.operations[*at])
    }

    /// The operation, of EDAS or an extension, of exactly that name.
    pub fn by_name(name: &str) -> Option<&'static Operation> {
        let catalog = &*CATALOG;
        catalog.by_name.get(name).map(|at| &catalog.operations[*at])
    }

    /// All operations of EDAS, ordered by name.
    pub fn operations() -> &'static [Operation] {
        &CATALOG.operations[..CATALOG.of_edas]
    }

    /// Our extensions, ordered by name.
    pub fn extensions() -> &'static [Operation] {
        &CATALOG.operations[CATALOG.of_edas..]
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
        let all = operations.len() + Catalog::extensions().len();
        assert_eq!(CATALOG.by_route.len(), all, "two operations share a method and path");
        assert_eq!(CATALOG.by_name.len(), all, "two operations share a name");
        assert_eq!(operations.iter().map(|operation| operation.parameters.len()).sum::<usize>(), 767);
        assert!(operations.is_sorted_by_key(|operation| operation.name));
    }

    #[test]
    fn every_operation_is_found_by_its_route_and_by_its_name() {
        for operation in Catalog::operations().iter().chain(Catalog::extensions()) {
            assert_eq!(Catalog::find(operation.method, operation.path), Some(operation));
            assert_eq!(Catalog::by_name(operation.name), Some(operation));
        }
        assert_eq!(Catalog::find("PATCH", "/pop/v5/k8s/acs/k8s_apps"), None);
    }

    #[test]
    fn extensions_are_kept_apart() {
        let extensions = Catalog::extensions();
        assert!(extensions.is_sorted_by_key(|operation| operation.name));
        for operation in extensions {
            assert!(operation.path.starts_with(EXTENSIONS) && !operation.kubernetes, "{}", operation.name);
        }
        assert!(Catalog::operations().iter().all(|operation| !operation.path.starts_with(EXTENSIONS)));
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
