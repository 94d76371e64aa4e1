//! Services, load balancers, Ingresses, ConfigMaps, Secrets and raw resources, as clients meet them.

use serde_json::{Value, json};
use sternway_core::application::WorkloadRef;
use sternway_core::effect::ObjectChange;
use sternway_core::ids::AppId;
use sternway_core::observation::Observation;
use sternway_core::order::birth::APP_ID_LABEL;
use sternway_core::order::{Job, OrderKind, Status};
use sternway_core::ports::{Clusters as _, ObjectKind, ObjectRef, Objects as _, Store as _};

use crate::world::{CLUSTER, Reply, World};

const PORTS: &str = r#"[{"protocol":"TCP","port":80,"targetPort":8080}]"#;
const LISTENERS: &str = r#"[{"loadBalancerProtocol":"HTTP","port":80,"targetPort":8080,"certId":""}]"#;

async fn object(world: &World, kind: ObjectKind, name: &str) -> Option<Value> {
    world.objects.get(CLUSTER, &ObjectRef::new(kind, "default", name)).await.unwrap()
}

async fn put(world: &World, kind: ObjectKind, name: &str, value: Value) {
    world.objects.create(CLUSTER, &ObjectRef::new(kind, "default", name), &value).await.unwrap();
}

/// What an order is to do to an object.
async fn change(world: &World, reply: &Reply, kind: OrderKind) -> ObjectChange {
    let order = world.order(reply.order_id()).await;
    assert_eq!(order.kind, kind);
    let Job::Attach(attach) = order.job else { panic!("{order:?}") };
    attach.change
}

/// Does what an order is to do, as the engine would.
async fn done(world: &World, reply: &Reply, app: AppId) {
    let order = world.order(reply.order_id()).await;
    let Job::Attach(attach) = &order.job else { panic!("{order:?}") };
    let at = ObjectRef::new(attach.change.kind.clone(), "default", attach.change.name.clone());
    match &attach.change.patch {
        Some(patch) => {
            let mut patch = patch.clone();
            patch["metadata"]["labels"][APP_ID_LABEL] = json!(app.to_string());
            if world.objects.get(CLUSTER, &at).await.unwrap().is_some() {
                world.objects.merge(CLUSTER, &at, &patch).await.unwrap();
            } else {
                world.objects.create(CLUSTER, &at, &patch).await.unwrap();
            }
        }
        None => assert!(world.objects.delete(CLUSTER, &at).await.unwrap()),
    }
    world.finish(order.id, Status::Succeeded).await;
}

#[tokio::test]
async fn a_service_is_made_changed_shown_and_deleted_by_change_orders() {
    let world = World::new().await;
    let app = world.app("web", 2).await;
    let id = app.to_string();
    let service = [("AppId", id.as_str()), ("Name", "web-http"), ("Type", "ClusterIP"), ("ServicePorts", PORTS)];
    let created = world.call("CreateK8sService", &service).await;
    let wanted = change(&world, &created, OrderKind::SetService).await;
    assert_eq!((wanted.kind, wanted.name.as_str()), (ObjectKind::SERVICE, "web-http"));
    let spec = &wanted.patch.unwrap()["spec"];
    assert_eq!(spec["selector"], json!({APP_ID_LABEL: id}));
    assert_eq!(spec["ports"][0], json!({"name": "tcp-80", "protocol": "TCP", "port": 80, "targetPort": 8080}));
    // One order at a time, as for everything of an application.
    world.call("DeleteK8sService", &[("AppId", &id), ("Name", "web-http")]).await.business(404);
    world.call("CreateK8sService", &service).await.business(400);
    done(&world, &created, app).await;

    assert!(world.call("CreateK8sService", &service).await.business(400).contains("exists already"));
    let shown = world.call("GetK8sServices", &[("AppId", &id)]).await.success();
    assert_eq!(shown["Services"][0]["ServicePorts"][0]["TargetPort"], "8080");
    let other = [("AppId", id.as_str()), ("Name", "web-http"), ("Type", "NodePort"), ("ServicePorts", PORTS)];
    let updated = world.call("UpdateK8sService", &other).await;
    let spec = change(&world, &updated, OrderKind::SetService).await.patch.unwrap()["spec"].clone();
    assert_eq!((&spec["type"], &spec["externalTrafficPolicy"]), (&json!("NodePort"), &json!("Local")));
    done(&world, &updated, app).await;
    let deleted = world.call("DeleteK8sService", &[("AppId", &id), ("Name", "web-http")]).await;
    assert_eq!(change(&world, &deleted, OrderKind::DeleteService).await.patch, None);
    done(&world, &deleted, app).await;
    let gone = world.call("DeleteK8sService", &[("AppId", &id), ("Name", "web-http")]).await.business(404);
    assert!(gone.contains("does not exist"), "{gone}");
}

#[tokio::test]
async fn services_of_others_are_not_touched() {
    let world = World::new().await;
    let app = world.app("web", 1).await.to_string();
    put(&world, ObjectKind::SERVICE, "shared", json!({"spec": {"selector": {"tier": "front"}, "type": "ClusterIP"}}))
        .await;
    let own = json!({"spec": {"selector": {APP_ID_LABEL: app, "x": "y"}, "type": "ClusterIP", "ports": []}});
    put(&world, ObjectKind::SERVICE, "by-hand", own).await;
    for operation in ["UpdateK8sService", "DeleteK8sService"] {
        let parameters = [("AppId", app.as_str()), ("Name", "shared"), ("Type", "ClusterIP"), ("ServicePorts", PORTS)];
        let message = world.call(operation, &parameters).await.business(400);
        assert!(message.contains("does not belong"), "{message}");
    }
    let shown = world.call("GetK8sServices", &[("AppId", &app)]).await.success();
    assert_eq!(shown["Services"].as_array().unwrap().len(), 1);
    world.call("DeleteK8sService", &[("AppId", &app), ("Name", "by-hand")]).await.success();
}

#[tokio::test]
async fn a_load_balancer_is_bound_shown_changed_and_unbound_as_terraform_does() {
    let world = World::new().await;
    let app = world.app("web", 1).await;
    let id = app.to_string();
    let bind = [
        ("AppId", id.as_str()),
        ("Type", "internet"),
        ("SlbId", ""),
        ("Scheduler", "wrr"),
        ("Specification", ""),
        ("ServicePortInfos", LISTENERS),
    ];
    let bound = world.call("BindK8sSlb", &bind).await;
    assert_eq!(change(&world, &bound, OrderKind::BindSlb).await.name, "web-internet");
    let recent = world.call("ListRecentChangeOrder", &[("AppId", &id)]).await.success();
    assert_eq!(recent["ChangeOrderList"]["ChangeOrder"][0]["CoTypeCode"], "CoBindSlb");
    done(&world, &bound, app).await;

    let shown = world.call("GetApplication", &[("AppId", &id)]).await.success();
    let text = shown["Applcation"]["SlbInfo"].as_str().unwrap();
    let info: Value = serde_json::from_str(text).unwrap();
    assert_eq!(info.as_array().unwrap().len(), 1);
    assert_eq!((&info[0]["addressType"], &info[0]["name"]), (&json!("internet"), &json!("web-internet")));
    assert_eq!(info[0]["scheduler"], "wrr");
    let mapping = json!({"certId": "", "loadBalancerProtocol": "HTTP",
                         "servicePort": {"port": 80, "protocol": "TCP", "targetPort": 8080}});
    assert_eq!(info[0]["portMappings"], json!([mapping]));
    world.call("BindK8sSlb", &bind).await.business(400);

    let more = r#"[{"loadBalancerProtocol":"TCP","port":81,"targetPort":8081}]"#;
    // Terraform sends the parameter's own name as the cluster.
    let update = [
        ("AppId", id.as_str()),
        ("Type", "internet"),
        ("ClusterId", "ClusterId"),
        ("SlbName", "web-internet"),
        ("ServicePortInfos", more),
    ];
    let updated = world.call("UpdateK8sSlb", &update).await;
    done(&world, &updated, app).await;
    let service = object(&world, ObjectKind::SERVICE, "web-internet").await.unwrap();
    assert_eq!(service["spec"]["ports"][0]["port"], 81);
    let listed = world.call("ListSlb", &[("AddressType", "Internet")]).await.success();
    assert_eq!(listed["SlbList"]["SlbEntity"][0]["SlbName"], "web-internet");

    let unbind = [("AppId", id.as_str()), ("Type", "internet"), ("SlbName", "web-internet")];
    let unbound = world.call("UnbindK8sSlb", &unbind).await;
    assert_eq!(change(&world, &unbound, OrderKind::UnbindSlb).await.patch, None);
    done(&world, &unbound, app).await;
    assert!(world.call("UnbindK8sSlb", &unbind).await.business(404).contains("does not exist"));
}

#[tokio::test]
async fn what_a_clusters_load_balancers_can_do_is_a_setting_of_it() {
    let world = World::new().await;
    let app = world.app("web", 1).await.to_string();
    let https = r#"[{"loadBalancerProtocol":"HTTPS","port":443,"targetPort":8080,"certId":"cert"}]"#;
    let bind = [("AppId", app.as_str()), ("Type", "intranet"), ("SlbId", "lb-1"), ("ServicePortInfos", https)];
    assert!(world.call("BindK8sSlb", &bind).await.business(400).contains("SlbId"));
    let cluster = CLUSTER.to_string();
    let setting = r#"{"alibabaCloud":true,"intranet":{"annotations":{"team":"shop"},"class":"inner"}}"#;
    world.call("ImportK8sCluster", &[("ClusterId", &cluster), ("LoadBalancer", setting)]).await.success();
    let bound = world.call("BindK8sSlb", &bind).await;
    let patch = change(&world, &bound, OrderKind::BindSlb).await.patch.unwrap();
    assert_eq!(patch["spec"]["loadBalancerClass"], "inner");
    let annotations = &patch["metadata"]["annotations"];
    assert_eq!(annotations["team"], "shop");
    let own = |name: &str| &annotations[format!("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-{name}")];
    assert_eq!((own("id"), own("address-type"), own("cert-id")), (&json!("lb-1"), &json!("intranet"), &json!("cert")));
}

#[tokio::test]
async fn an_application_is_created_with_its_services_and_load_balancers() {
    let world = World::new().await;
    let cluster = CLUSTER.to_string();
    let configs =
        r#"[{"name":"web-http","type":"ClusterIP","servicePorts":[{"protocol":"TCP","port":80,"targetPort":8080}]}]"#;
    let mut parameters = vec![
        ("AppName", "Web"),
        ("ClusterId", cluster.as_str()),
        ("ImageUrl", "web:v1"),
        ("ServiceConfigs", configs),
        ("IntranetSlbPort", "80"),
        ("IntranetTargetPort", "8080"),
        ("IntranetSlbProtocol", "TCP"),
    ];
    let reply = world.call("InsertK8sApplication", &parameters).await.success();
    let info = &reply["ApplicationInfo"];
    let order = world.order(info["ChangeOrderId"].as_str().unwrap().parse().unwrap()).await;
    let Job::Create(create) = order.job else { panic!("{order:?}") };
    let names: Vec<&str> = create.attachments.iter().map(|attachment| attachment.name.as_str()).collect();
    assert_eq!(names, ["web-http", "web-intranet"]);
    assert_eq!(create.attachments[0].selects[APP_ID_LABEL], info["AppId"].as_str().unwrap());
    parameters[0].1 = "other";
    parameters.push(("InternetSlbPort", "80"));
    world.call("InsertK8sApplication", &parameters).await.gateway(400, "MissingParameter");
}

#[tokio::test]
async fn config_maps_are_made_replaced_listed_with_their_applications_and_deleted() {
    let world = World::new().await;
    let cluster = CLUSTER.to_string();
    let mounts = r#"[{"name":"settings","type":"ConfigMap","mountPath":"/etc/web"}]"#;
    let app = world.app_with("web", 1, &[("ConfigMountDescs", mounts)]).await.to_string();
    let named = [("ClusterId", cluster.as_str()), ("Namespace", "default"), ("Name", "settings")];
    let with = |data| [named[0], named[1], named[2], ("Data", data)];
    let missing = world.call("UpdateK8sConfigMap", &with("[]")).await.business(404);
    assert!(missing.contains("does not exist"), "{missing}");
    world.call("CreateK8sConfigMap", &with(r#"[{"Key":"a","Value":"1"}]"#)).await.success();
    world.call("CreateK8sConfigMap", &with("[]")).await.business(400);
    world.call("UpdateK8sConfigMap", &with(r#"[{"Key":"b","Value":"2"}]"#)).await.success();
    assert_eq!(object(&world, ObjectKind::CONFIG_MAP, "settings").await.unwrap()["data"], json!({"b": "2"}));
    for name in ["other-1", "other-2"] {
        put(&world, ObjectKind::CONFIG_MAP, name, json!({"data": {}})).await;
    }

    let list = |more: Vec<(&'static str, &'static str)>| [vec![named[0]], more].concat();
    let all = world.call("ListK8sConfigMaps", &list(vec![("ShowRelatedApps", "True")])).await.success();
    let result = &all["Result"];
    assert_eq!(result["Total"], 3);
    let settings = result["ConfigMaps"].as_array().unwrap().iter().find(|map| map["Name"] == "settings").unwrap();
    assert_eq!(settings["Data"], json!([{"Key": "b", "Value": "2"}]));
    assert_eq!(settings["RelatedApps"], json!([{"AppId": app, "AppName": "web"}]));
    let condition = r#"{"field":"Name","pattern":"other-"}"#;
    let page = list(vec![("Condition", condition), ("PageNo", "1"), ("PageSize", "1")]);
    let page = world.call("ListK8sConfigMaps", &page).await.success();
    assert_eq!((&page["Result"]["Total"], &page["Result"]["ConfigMaps"][0]["Name"]), (&json!(2), &json!("other-2")));

    world.call("DeleteK8sConfigMap", &named).await.success();
    assert!(world.call("DeleteK8sConfigMap", &named).await.business(404).contains("does not exist"));
    let wrong = [named[0], named[1], ("Name", "Settings")];
    world.call("CreateK8sConfigMap", &wrong).await.gateway(400, "InvalidParameter");
}

#[tokio::test]
async fn secrets_are_stored_in_base64_and_those_of_others_stay_hidden() {
    let world = World::new().await;
    let cluster = CLUSTER.to_string();
    let named = [("ClusterId", cluster.as_str()), ("Name", "login")];
    let with = |more: Vec<(&'static str, &'static str)>| [named.to_vec(), more].concat();
    let data = ("Data", r#"[{"Key":"password","Value":"planted-secret"}]"#);
    world.call("CreateK8sSecret", &with(vec![data])).await.success();
    let stored = object(&world, ObjectKind::SECRET, "login").await.unwrap();
    assert_eq!((&stored["type"], &stored["data"]["password"]), (&json!("Opaque"), &json!("cGxhbnRlZC1zZWNyZXQ=")));
    let encoded = [("Data", r#"{"password":"bmV3"}"#), ("Base64Encoded", "True")];
    world.call("UpdateK8sSecret", &with(encoded.to_vec())).await.success();
    let token = json!({"type": "kubernetes.io/service-account-token", "data": {"token": "cGxhbnRlZA=="}});
    put(&world, ObjectKind::SECRET, "token", token).await;

    let listed = world.call("ListK8sSecrets", &[named[0], ("ShowRelatedApps", "true")]).await.success();
    let secrets = &listed["Result"]["Secrets"];
    assert_eq!(secrets[0]["Data"], json!([{"Key": "password", "Value": "bmV3"}]));
    assert_eq!(secrets[1]["Data"], json!([{"Key": "token", "Value": ""}]));
    for operation in ["UpdateK8sSecret", "DeleteK8sSecret"] {
        world.call(operation, &[named[0], ("Name", "token"), data]).await.business(400);
    }
    let refused = world.call("UpdateK8sSecret", &with(vec![data, ("Type", "kubernetes.io/tls")])).await;
    assert!(!refused.business(400).contains("planted"));
    world.call("CreateK8sSecret", &with(vec![data, ("CertId", "1")])).await.business(400);
    let tls = [named[0], ("Name", "tls"), data, ("Type", "kubernetes.io/tls")];
    world.call("CreateK8sSecret", &tls).await.gateway(400, "InvalidParameter");
    world.call("DeleteK8sSecret", &named).await.success();
    assert!(!world.everything().await.contains("planted"));
}

#[tokio::test]
async fn ingress_rules_are_made_changed_and_shown_with_what_is_behind_them() {
    let world = World::new().await;
    let cluster = CLUSTER.to_string();
    let app = world.app("web", 1).await.to_string();
    let service = json!({"spec": {"selector": {APP_ID_LABEL: app}, "ports": [{"port": 80, "name": "http"}]}});
    put(&world, ObjectKind::SERVICE, "web", service).await;
    let conf = |service: &str| {
        json!({"rules": [{"host": "abc.com", "secretName": "tls-secret",
               "paths": [{"path": "/a", "backend": {"servicePort": 80, "serviceName": service}}]}]})
        .to_string()
    };
    let (known, unknown) = (conf("web"), conf("other"));
    let named = [("ClusterId", cluster.as_str()), ("Namespace", "default"), ("Name", "rule")];
    let annotations = ("Annotations", r#"{"nginx.ingress.kubernetes.io/ssl-redirect":"true"}"#);
    let with = |more: Vec<(&'static str, String)>| -> Vec<(&'static str, String)> {
        named.iter().map(|(name, value)| (*name, (*value).to_owned())).chain(more).collect()
    };
    let call = async |operation: &str, pairs: Vec<(&'static str, String)>| {
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.call(operation, &pairs).await
    };
    let pairs = with(vec![("IngressConf", known), (annotations.0, annotations.1.to_owned())]);
    call("CreateK8sIngressRule", pairs.clone()).await.success();
    call("CreateK8sIngressRule", pairs).await.business(400);
    let listed = world.call("ListK8sIngressRules", &[named[0]]).await.success();
    let shown = &listed["Data"][0]["IngressConfs"][0];
    assert_eq!((&shown["SslRedirect"], &shown["Rules"][0]["EnableTls"]), (&json!(true), &json!(true)));
    let path = &shown["Rules"][0]["Paths"][0];
    assert_eq!((&path["AppId"], &path["Status"]), (&json!(app), &json!("Normal")));
    assert_eq!(path["Backend"], json!({"ServiceName": "web", "ServicePort": "80"}));

    call("UpdateK8sIngressRule", with(vec![("IngressConf", unknown)])).await.success();
    call("UpdateK8sIngressRule", with(vec![])).await.gateway(400, "MissingParameter");
    let listed = world.call("ListK8sIngressRules", &[named[0]]).await.success();
    let shown = &listed["Data"][0]["IngressConfs"][0];
    assert_eq!(shown["Rules"][0]["Paths"][0]["Status"], "ServiceNotFound");
    assert!(shown["Annotations"].as_str().unwrap().contains("ssl-redirect"), "what is absent stays");
    world.call("DeleteK8sIngressRule", &named).await.success();
    world.call("DeleteK8sIngressRule", &named).await.business(404);
}

#[tokio::test]
async fn a_raw_resource_is_replaced_unless_someone_keeps_it() {
    let world = World::new().await;
    let cluster = CLUSTER.to_string();
    world.app("web", 1).await;
    put(&world, ObjectKind::CONFIG_MAP, "settings", json!({"data": {"a": "1"}})).await;
    let kept = json!({"metadata": {"ownerReferences": [{"controller": true, "kind": "Job", "name": "j"}]}});
    put(&world, ObjectKind::CONFIG_MAP, "kept", kept).await;
    put(&world, ObjectKind::DEPLOYMENT, "web", json!({"spec": {}})).await;
    let update = async |yaml: &str| {
        let parameters = [("ClusterId", cluster.as_str()), ("Namespace", "default"), ("ResourceContent", yaml)];
        world.call("UpdateK8sResource", &parameters).await
    };
    let yaml = |kind: &str, name: &str| format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n");
    update(&format!("{}data:\n  b: '2'\n", yaml("ConfigMap", "settings"))).await.success();
    assert_eq!(object(&world, ObjectKind::CONFIG_MAP, "settings").await.unwrap()["data"], json!({"b": "2"}));
    let stale = format!("{}  resourceVersion: '0'\n", yaml("ConfigMap", "settings"));
    assert!(update(&stale).await.business(400).contains("changed by someone else"));
    assert!(update(&yaml("ConfigMap", "none")).await.business(404).contains("does not exist"));
    assert!(update(&yaml("ConfigMap", "kept")).await.business(400).contains("Job j"));
    update(&yaml("Widget", "settings")).await.business(404);
    let deployment = yaml("Deployment", "web").replace("v1", "apps/v1");
    assert!(update(&deployment).await.business(400).contains("DeployK8sApplication"));
    let elsewhere = format!("{}  namespace: shop\n", yaml("ConfigMap", "settings"));
    update(&elsewhere).await.gateway(400, "InvalidParameter");
    update("just words").await.gateway(400, "InvalidParameter");
}

#[tokio::test]
async fn a_deployment_is_converted_and_resources_are_in_step() {
    let world = World::new().await;
    let cluster = CLUSTER.to_string();
    let convert = async |name: &str, kind: &str| {
        let parameters =
            [("ClusterId", cluster.as_str()), ("Namespace", "default"), ("ResourceName", name), ("ResourceType", kind)];
        world.call("ConvertK8sResource", &parameters).await
    };
    convert("legacy", "deployment").await.business(400);
    convert("legacy", "statefulset").await.gateway(400, "InvalidParameter");
    let app = world.app("web", 1).await;
    let workload = world.store.app(app).await.unwrap().unwrap().workload;
    let Observation::Present(live) = world.clusters.read(&workload).await.unwrap() else { panic!("it runs") };
    world.clusters.put(WorkloadRef { name: "legacy".to_owned(), ..workload }, *live);
    convert("legacy", "Deployment").await.success();
    let listed = world.call("ListApplication", &[("AppName", "legacy")]).await.success();
    assert_eq!(listed["ApplicationList"]["Application"][0]["Name"], "legacy");
    convert("legacy", "deployment").await.business(400);
    let answer = world.call("SynchronizeResource", &[("Type", "slb"), ("ResourceIds", "")]).await.success();
    assert_eq!(answer["Success"], true);
    world.call("SynchronizeResource", &[("Type", "disk")]).await.gateway(400, "InvalidParameter");
}
