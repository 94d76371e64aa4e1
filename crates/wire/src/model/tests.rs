//! Each model against the response tree of the SDKs (`shapes.json`: what the newer SDKs declare, what Java reads).

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::*;
use crate::envelope;

#[derive(Deserialize)]
struct Shape {
    response: Value,
    java_reads: BTreeMap<String, String>,
}

/// A document of that tree in which no value is a default, so that a field that a model does not know is lost and seen.
fn specimen(tree: &Value, path: &str) -> Value {
    match tree {
        Value::String(kind) => match kind.as_str() {
            "int" => json!(7),
            "bool" => json!(true),
            _ => json!(format!("text of {path}")),
        },
        Value::Array(items) => items.iter().map(|item| specimen(item, path)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (name.clone(), specimen(field, &format!("{path}.{name}"))))
            .collect::<Map<_, _>>()
            .into(),
        other => panic!("{other} is no part of a shape"),
    }
}

/// Asserts that `actual` holds all that `expected` holds; more is harmless to every client.
fn assert_contains(actual: &Value, expected: &Value, path: &str) {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            for (name, value) in expected {
                let found = actual.get(name).unwrap_or_else(|| panic!("{path}.{name} is missing"));
                assert_contains(found, value, &format!("{path}.{name}"));
            }
        }
        (Value::Array(actual), Value::Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "{path}");
            for (actual, expected) in actual.iter().zip(expected) {
                assert_contains(actual, expected, &format!("{path}[]"));
            }
        }
        _ => assert_eq!(actual, expected, "{path}"),
    }
}

/// What the Java parser makes of a document: flat paths, in which the name of an item-named list is swallowed.
fn java_paths(value: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let list_inside = field.is_array() && !path.is_empty();
                let own = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                java_paths(field, &own, found);
                if list_inside {
                    java_paths(field, path, found);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                assert!(!item.is_null(), "{path} holds null, at which Java throws");
                java_paths(item, &format!("{path}[]"), found);
            }
        }
        leaf => {
            found.insert(path.to_owned(), leaf.clone());
        }
    }
}

fn java_can_read(kind: &str, value: &Value) -> bool {
    match kind {
        "integer" | "long" => value.is_i64() || value.as_str().is_some_and(|text| text.parse::<i64>().is_ok()),
        "boolean" => value.is_boolean() || matches!(value.as_str(), Some("true" | "false")),
        "string" => value.is_string() || value.is_number() || value.is_boolean(),
        other => panic!("Java has no reader for {other}"),
    }
}

/// Reads a full document into the model and writes it again.
fn check<T: Serialize + DeserializeOwned>(operation: &str) {
    let mut shapes: BTreeMap<String, Shape> = serde_json::from_str(include_str!("shapes.json")).unwrap();
    let shape = shapes.remove(operation).unwrap();
    let mut document = specimen(&shape.response, "");
    if let Some(application) = document.pointer_mut("/Application").filter(|_| operation == "GetApplication") {
        application["ClusterType"] = json!("5");
        application["HaveManageAccess"] = json!("true");
    }
    // One operation declares a text, one writes its own head in lower case: the head that all share is there too.
    document["Code"] = json!(7);
    let model: Success<T> = serde_json::from_value(document.clone()).unwrap();
    let written: Value = serde_json::from_str(&envelope::to_json(&model).unwrap()).unwrap();
    assert_contains(&written, &document, operation);

    let mut found = BTreeMap::new();
    java_paths(&written, "", &mut found);
    for (path, kind) in &shape.java_reads {
        let value = found.get(path).unwrap_or_else(|| panic!("{operation}: Java reads {path}"));
        assert!(java_can_read(kind, value), "{operation}: {path} is {value}, Java reads {kind}");
    }
}

macro_rules! matches_the_sdks {
    ($($test:ident: $payload:ty => $($operation:literal),+;)+) => {$(
        #[test]
        fn $test() {
            $(check::<$payload>($operation);)+
        }
    )+};
}

matches_the_sdks! {
    change_order_started: ChangeOrderStarted => "DeployK8sApplication", "ScaleK8sApplication", "RestartK8sApplication",
        "StartK8sApplication", "StopK8sApplication", "DeleteK8sApplication", "UpdateK8sApplicationConfig",
        "RollbackApplication", "CreateK8sService", "UpdateK8sService", "DeleteK8sService", "BindK8sSlb", "UpdateK8sSlb",
        "UnbindK8sSlb";
    change_order_stopped: ChangeOrderStopped => "AbortChangeOrder", "AbortAndRollbackChangeOrder", "RollbackChangeOrder";
    nothing: Nothing => "AddLogPath", "ContinuePipeline", "DeleteApplicationScalingRule", "DeleteConfigTemplate", "DeleteLogPath",
        "TagResources", "UntagResources", "UpdateConfigTemplate", "UpdateSlsLogStore", "CreateK8sConfigMap", "UpdateK8sConfigMap",
        "DeleteK8sConfigMap", "CreateK8sSecret", "UpdateK8sSecret", "DeleteK8sSecret", "CreateK8sIngressRule",
        "UpdateK8sIngressRule", "DeleteK8sIngressRule", "ConvertK8sResource", "UpdateK8sResource";
    config_template: CreateConfigTemplate => "CreateConfigTemplate";
    config_templates: ListConfigTemplates => "ListConfigTemplates";
    hooks: UpdateHookConfiguration => "UpdateHookConfiguration";
    log_stores: QuerySlsLogStoreList => "QuerySlsLogStoreList";
    precheck_jobs: StartK8sAppPrecheck => "StartK8sAppPrecheck";
    precheck_result: GetK8sAppPrecheckResult => "GetK8sAppPrecheckResult";
    scaling_rule: ScalingRuleAnswer => "CreateApplicationScalingRule", "DisableApplicationScalingRule",
        "EnableApplicationScalingRule", "UpdateApplicationScalingRule";
    scaling_rules: DescribeApplicationScalingRules => "DescribeApplicationScalingRules";
    tags: ListTagResources => "ListTagResources";
    update_application_base_info: UpdateApplicationBaseInfo => "UpdateApplicationBaseInfo";
    authorities: access::ListAuthority => "ListAuthority";
    edas_roles: access::ListRole => "ListRole";
    insert_role: access::InsertRole => "InsertRole";
    sub_accounts: access::ListSubAccount => "ListSubAccount";
    nothing_of_accounts: Nothing => "AuthorizeApplication", "AuthorizeResourceGroup", "AuthorizeRole", "DeleteRole", "UpdateRole";
    text_data: TextData => "CreateIDCImportCommand", "GetAppDeployment", "RetryChangeOrderTask", "ImportK8sCluster";
    insert_k8s_application: InsertK8sApplication => "InsertK8sApplication";
    update_base_info: UpdateK8sApplicationBaseInfo => "UpdateK8sApplicationBaseInfo";
    get_k8s_application: GetK8sApplication => "GetK8sApplication";
    get_application: GetApplication => "GetApplication";
    list_application: ListApplication => "ListApplication";
    query_application_status: QueryApplicationStatus => "QueryApplicationStatus";
    describe_app_instance_list: DescribeAppInstanceList => "DescribeAppInstanceList";
    get_change_order_info: GetChangeOrderInfo => "GetChangeOrderInfo";
    list_recent_change_order: ListRecentChangeOrder => "ListRecentChangeOrder";
    list_history_deploy_version: ListHistoryDeployVersion => "ListHistoryDeployVersion";
    get_k8s_cluster: GetK8sCluster => "GetK8sCluster";
    get_cluster: GetCluster => "GetCluster";
    list_cluster: ListCluster => "ListCluster";
    delete_cluster: DeleteCluster => "DeleteCluster";
    list_k8s_namespaces: ListK8sNamespaces => "ListK8sNamespaces";
    get_k8s_services: GetK8sServices => "GetK8sServices";
    list_slb: ListSlb => "ListSlb";
    list_k8s_ingress_rules: ListK8sIngressRules => "ListK8sIngressRules";
    list_k8s_config_maps: ListK8sConfigMaps => "ListK8sConfigMaps";
    list_k8s_secrets: ListK8sSecrets => "ListK8sSecrets";
    synchronize_resource: SynchronizeResource => "SynchronizeResource";
    insert_or_update_region: InsertOrUpdateRegion => "InsertOrUpdateRegion";
    list_user_define_region: ListUserDefineRegion => "ListUserDefineRegion";
    get_package_storage_credential: GetPackageStorageCredential => "GetPackageStorageCredential";
    get_java_start_up_config: GetJavaStartUpConfig => "GetJavaStartUpConfig";
    get_web_container_config: GetWebContainerConfig => "GetWebContainerConfig";
    list_build_pack: ListBuildPack => "ListBuildPack";
    list_components: ListComponents => "ListComponents";
    delete_user_define_region: DeleteUserDefineRegion => "DeleteUserDefineRegion";
    delete_swimming_lane: DeleteSwimmingLane => "DeleteSwimmingLane";
    get_migrate_application: GetMigrateApplication => "GetMigrateApplication";
    get_secure_token: GetSecureToken => "GetSecureToken";
    insert_swimming_lane: InsertSwimmingLane => "InsertSwimmingLane";
    insert_swimming_lane_group: InsertSwimmingLaneGroup => "InsertSwimmingLaneGroup";
    list_aliyun_region: ListAliyunRegion => "ListAliyunRegion";
    list_resource_group: ListResourceGroup => "ListResourceGroup";
    list_swimming_lane: ListSwimmingLane => "ListSwimmingLane";
    list_swimming_lane_group: ListSwimmingLaneGroup => "ListSwimmingLaneGroup";
    list_vpc: ListVpc => "ListVpc";
    migrate_application: MigrateApplication => "MigrateApplication";
    query_region_config: QueryRegionConfig => "QueryRegionConfig";
    update_swimming_lane: UpdateSwimmingLane => "UpdateSwimmingLane";
    update_swimming_lane_group: UpdateSwimmingLaneGroup => "UpdateSwimmingLaneGroup";
}

#[test]
fn an_empty_answer_keeps_its_lists_and_its_head() {
    let answer = Success::new("ID", ListRecentChangeOrder::default());
    let body: Value = serde_json::from_str(&envelope::to_json(&answer).unwrap()).unwrap();
    let expected =
        json!({ "Code": 200, "Message": "success", "RequestId": "ID", "ChangeOrderList": { "ChangeOrder": [] } });
    assert_eq!(body, expected);
}

#[test]
fn the_stop_family_says_success_beside_the_code() {
    let answer = Success::new("ID", ChangeOrderStopped::new("order", "trace"));
    let body: Value = serde_json::from_str(&envelope::to_json(&answer).unwrap()).unwrap();
    assert_eq!(body["ErrorCode"], "success");
    assert_eq!(body["TraceId"], "trace");
    assert_eq!(body["Data"]["ChangeOrderId"], "order");
}

#[test]
fn components_are_written_for_both_generations() {
    let group = DeployGroup { components: vec![Component::default()], ..DeployGroup::default() };
    let body = serde_json::to_value(&group).unwrap();
    assert_eq!(body["Components"]["Components"], body["Components"]["ComponentsItem"]);
    assert_eq!(serde_json::from_value::<DeployGroup>(body).unwrap(), group);
}

#[test]
fn a_literal_names_only_what_it_knows() {
    let order = ChangeOrderInfo {
        status: 2,
        pipeline_info_list: vec![PipelineInfo { pipeline_name: "Batch: 1".into(), ..PipelineInfo::default() }],
        ..ChangeOrderInfo::default()
    };
    let body = serde_json::to_value(&order).unwrap();
    assert_eq!(body["PipelineInfoList"]["PipelineInfo"][0]["StageList"]["StageInfoDTO"], json!([]));
    assert_eq!(body["TrafficControl"]["Tips"], "");
}
