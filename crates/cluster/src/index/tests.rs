use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use sternway_core::observation::{Observation, Workload};

use super::{Crashed, Index, Name, Touched};
use crate::kind::Kind;

fn web() -> Name {
    Name { namespace: "shop".to_owned(), name: "web".to_owned() }
}

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": image}]}})
}

fn deployment(uid: &str, image: &str) -> Value {
    json!({
        "metadata": {"namespace": "shop", "name": "web", "uid": uid, "resourceVersion": "7", "generation": 3},
        "spec": {"replicas": 4, "template": template(image)},
        "status": {"observedGeneration": 2, "replicas": 5, "updatedReplicas": 1, "availableReplicas": 4},
    })
}

fn set(uid: &str, owner: &str, image: &str, wanted: u32) -> Value {
    let mut template = template(image);
    template["metadata"]["labels"]["pod-template-hash"] = json!(uid);
    json!({
        "metadata": {
            "namespace": "shop", "name": format!("web-{uid}"), "uid": uid,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
            "ownerReferences": [{"kind": "Deployment", "name": "web", "uid": owner, "controller": true}],
        },
        "spec": {"replicas": wanted, "template": template},
    })
}

fn pod(uid: &str, owner: &str) -> Value {
    json!({
        "metadata": {
            "namespace": "shop", "name": format!("web-{uid}"), "uid": uid,
            "ownerReferences": [{"kind": "ReplicaSet", "name": format!("web-{owner}"), "uid": owner, "controller": true}],
        },
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn budget(uid: &str, minimum: &str, label: &str) -> Value {
    json!({
        "metadata": {"namespace": "shop", "name": uid, "uid": uid},
        "spec": {"minAvailable": minimum, "selector": {"matchLabels": {"app": label}}},
    })
}

fn look(index: &Index) -> Observation {
    index.observe(&web(), |_| None)
}

fn present(index: &Index) -> Box<Workload> {
    match look(index) {
        Observation::Present(workload) => workload,
        Observation::Gone { pods } => panic!("gone, with {pods:?}"),
    }
}

fn pod_names(index: &Index) -> Vec<String> {
    let pods = match look(index) {
        Observation::Present(workload) => workload.pods,
        Observation::Gone { pods } => pods,
    };
    pods.into_iter().map(|pod| pod.name).collect()
}

#[test]
fn a_workload_is_put_together_whatever_comes_first() {
    let objects = [
        (Kind::Deployment, deployment("d", "app:v2")),
        (Kind::ReplicaSet, set("new", "d", "app:v2", 1)),
        (Kind::ReplicaSet, set("old", "d", "app:v1", 3)),
        (Kind::Pod, pod("a", "old")),
        (Kind::Pod, pod("b", "old")),
        (Kind::Pod, pod("c", "new")),
    ];
    let mut forwards = Index::default();
    for (kind, object) in &objects {
        forwards.apply(*kind, object);
    }
    let mut backwards = Index::default();
    for (kind, object) in objects.iter().rev() {
        backwards.apply(*kind, object);
    }
    assert_eq!(look(&forwards), look(&backwards));

    let workload = present(&forwards);
    assert_eq!((workload.replicas, workload.generation), (4, 3));
    assert_eq!((workload.status_replicas, workload.updated_replicas, workload.available_replicas), (5, 1, 4));
    assert_eq!(workload.new_set().map(|set| set.name.as_str()), Some("web-new"));
    assert_eq!((workload.old_wanted(), workload.new_wanted()), (3, 1));
    assert_eq!((workload.old_ready(), workload.new_ready()), (2, 1));
    assert_eq!(workload.disruption_floor, None);
}

#[test]
fn each_change_names_the_workload_it_touches() {
    let mut index = Index::default();
    let it = Touched::Workloads(vec![web()]);
    assert_eq!(index.apply(Kind::Pod, &pod("a", "old")), Touched::NOTHING, "its set is unknown");
    assert_eq!(index.apply(Kind::ReplicaSet, &set("old", "d", "app:v1", 1)), it);
    assert_eq!(index.apply(Kind::Pod, &pod("a", "old")), it);
    assert_eq!(index.apply(Kind::Deployment, &deployment("d", "app:v1")), it);
    assert_eq!(index.delete(Kind::Pod, &pod("a", "old")), it);
    assert_eq!(index.delete(Kind::Pod, &pod("a", "old")), Touched::NOTHING, "gone before");
    assert_eq!(index.delete(Kind::Deployment, &deployment("d", "app:v1")), it);
    let everything = Touched::Namespace("shop".to_owned());
    assert_eq!(index.apply(Kind::Budget, &budget("p", "1", "web")), everything);
    assert_eq!(index.delete(Kind::Budget, &budget("p", "1", "web")), everything);
}

#[test]
fn pods_outlive_what_owned_them() {
    let mut index = Index::default();
    index.apply(Kind::Deployment, &deployment("d", "app:v1"));
    index.apply(Kind::ReplicaSet, &set("old", "d", "app:v1", 2));
    index.apply(Kind::Pod, &pod("a", "old"));
    index.apply(Kind::Pod, &pod("b", "old"));

    index.delete(Kind::ReplicaSet, &set("old", "d", "app:v1", 2));
    assert_eq!(present(&index).sets, []);
    assert_eq!(pod_names(&index), ["web-a", "web-b"]);
    index.delete(Kind::Deployment, &deployment("d", "app:v1"));
    assert!(matches!(look(&index), Observation::Gone { .. }));
    assert_eq!(pod_names(&index), ["web-a", "web-b"]);
    index.delete(Kind::Pod, &pod("a", "old"));
    index.delete(Kind::Pod, &pod("b", "old"));
    assert_eq!(look(&index), Observation::Gone { pods: vec![] });
    assert!(index.sets_of.is_empty() && index.pods_of.is_empty(), "nothing stays behind");
}

#[test]
fn a_new_deployment_of_the_same_name_is_another_one() {
    let mut index = Index::default();
    index.apply(Kind::Deployment, &deployment("first", "app:v1"));
    index.apply(Kind::ReplicaSet, &set("old", "first", "app:v1", 1));
    index.apply(Kind::Pod, &pod("a", "old"));
    index.apply(Kind::Deployment, &deployment("second", "app:v1"));
    index.delete(Kind::Deployment, &deployment("first", "app:v1"));
    let workload = present(&index);
    assert_eq!(workload.uid, "second");
    assert_eq!((workload.sets, workload.pods), (vec![], vec![]));
}

#[test]
fn what_does_not_come_up_in_a_new_list_is_gone() {
    let mut index = Index::default();
    index.apply(Kind::Deployment, &deployment("d", "app:v1"));
    index.apply(Kind::ReplicaSet, &set("old", "d", "app:v1", 2));
    index.apply(Kind::Pod, &pod("a", "old"));
    index.apply(Kind::Pod, &pod("b", "old"));

    index.begin(Kind::Pod);
    index.apply(Kind::Pod, &pod("b", "old"));
    assert_eq!(pod_names(&index), ["web-a", "web-b"], "until the list is complete nothing is missing");
    index.apply(Kind::Pod, &pod("c", "old"));
    index.finish(Kind::Pod);
    assert_eq!(pod_names(&index), ["web-b", "web-c"]);

    index.begin(Kind::Deployment);
    index.finish(Kind::Deployment);
    assert!(matches!(look(&index), Observation::Gone { .. }));
}

#[test]
fn a_pod_that_is_orphaned_leaves() {
    let mut index = Index::default();
    index.apply(Kind::Deployment, &deployment("d", "app:v1"));
    index.apply(Kind::ReplicaSet, &set("old", "d", "app:v1", 1));
    index.apply(Kind::Pod, &pod("a", "old"));
    let mut orphan = pod("a", "old");
    orphan["metadata"]["ownerReferences"] = Value::Null;
    assert_eq!(index.apply(Kind::Pod, &orphan), Touched::Workloads(vec![web()]));
    assert_eq!(pod_names(&index), Vec::<String>::new());
}

#[test]
fn the_strictest_budget_that_guards_the_pods_counts() {
    let mut index = Index::default();
    index.apply(Kind::Deployment, &deployment("d", "app:v1"));
    index.apply(Kind::Budget, &budget("half", "50%", "web"));
    index.apply(Kind::Budget, &budget("three", "3", "web"));
    index.apply(Kind::Budget, &budget("others", "100%", "api"));
    assert_eq!(present(&index).disruption_floor, Some(3));
    index.delete(Kind::Budget, &budget("three", "3", "web"));
    assert_eq!(present(&index).disruption_floor, Some(2));
    index.apply(Kind::Budget, &budget("half", "50%", "api"));
    assert_eq!(present(&index).disruption_floor, None);
}

#[test]
fn a_budget_guards_old_pods_with_other_labels() {
    let mut index = Index::default();
    index.apply(Kind::Deployment, &deployment("d", "app:v1"));
    let mut old = set("old", "d", "app:v0", 2);
    old["spec"]["template"]["metadata"]["labels"]["app"] = json!("legacy");
    index.apply(Kind::ReplicaSet, &old);
    index.apply(Kind::Budget, &budget("p", "4", "legacy"));
    assert_eq!(present(&index).disruption_floor, Some(4));
    old["spec"]["replicas"] = json!(0);
    index.apply(Kind::ReplicaSet, &old);
    assert_eq!(present(&index).disruption_floor, None);
}

#[test]
fn logs_are_asked_for_by_restart() {
    let mut index = Index::default();
    index.apply(Kind::Deployment, &deployment("d", "app:v1"));
    index.apply(Kind::ReplicaSet, &set("old", "d", "app:v1", 1));
    let mut crashing = pod("a", "old");
    crashing["status"] = json!({"phase": "Running", "containerStatuses": [
        {"name": "app", "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
    ]});
    index.apply(Kind::Pod, &crashing);
    index.apply(Kind::Pod, &pod("b", "old"));

    let mut asked = Vec::new();
    let observation = index.observe(&web(), |crashed| {
        asked.push(crashed.clone());
        Some("panic".to_owned())
    });
    let expected = Crashed {
        workload: web(),
        pod: "web-a".to_owned(),
        pod_uid: "a".to_owned(),
        container: "app".to_owned(),
        restarts: 5,
    };
    assert_eq!(asked, [expected]);
    let Observation::Present(workload) = observation else {
        panic!("it is there");
    };
    let log = workload.pods[0].problem.as_ref().and_then(|problem| problem.last_log.as_deref());
    assert_eq!(log, Some("panic"));
}

// ------------------------------------------------------------------------------------------------------------ properties

/// What can happen to a small cluster.
#[derive(Debug, Clone)]
enum Happening {
    Changed(Kind, u8),
    Deleted(Kind, u8),
    /// A list of everything there is.
    Listed(Kind),
}

/// Object `number` of a kind: two Deployments of one name, three sets, six pods, two budgets.
fn object(kind: Kind, number: u8) -> Value {
    match kind {
        Kind::Deployment => deployment(&format!("d{}", number % 2), "app:v1"),
        Kind::ReplicaSet => {
            let (number, owner) = (number % 3, number % 2);
            set(&format!("s{number}"), &format!("d{owner}"), &format!("app:v{number}"), 1)
        }
        Kind::Pod => pod(&format!("p{}", number % 6), &format!("s{}", number % 3)),
        Kind::Budget => budget(&format!("b{}", number % 2), "1", "web"),
    }
}

fn happening() -> impl Strategy<Value = Happening> {
    let kind = prop::sample::select(Kind::ALL.to_vec());
    (kind, any::<u8>(), 0..5_u8).prop_map(|(kind, number, what)| match what {
        0 => Happening::Listed(kind),
        1 => Happening::Deleted(kind, number),
        _ => Happening::Changed(kind, number),
    })
}

proptest! {
    #[test]
    fn only_what_is_there_counts_and_not_how_it_came(history in prop::collection::vec(happening(), 0..60)) {
        let mut there: BTreeMap<(usize, String), Value> = BTreeMap::new();
        let key = |kind: Kind, object: &Value| (kind as usize, object["metadata"]["uid"].to_string());
        let mut index = Index::default();
        for happening in history {
            match happening {
                Happening::Changed(kind, number) => {
                    let object = object(kind, number);
                    index.apply(kind, &object);
                    // Two objects of one name are never there at the same time.
                    if kind == Kind::Deployment {
                        there.retain(|(kind, _), _| *kind != Kind::Deployment as usize);
                    }
                    there.insert(key(kind, &object), object);
                }
                Happening::Deleted(kind, number) => {
                    let object = object(kind, number);
                    index.delete(kind, &object);
                    there.remove(&key(kind, &object));
                }
                Happening::Listed(kind) => {
                    index.begin(kind);
                    for (_, object) in there.iter().filter(|((it, _), _)| *it == kind as usize) {
                        index.apply(kind, object);
                    }
                    index.finish(kind);
                }
            }
        }
        // Pods whose set is gone go at last.
        let is_orphan = |object: &Value| {
            let owner = object["metadata"]["ownerReferences"][0]["uid"].to_string();
            !there.contains_key(&(Kind::ReplicaSet as usize, owner))
        };
        let orphans: Vec<Value> = there
            .iter()
            .filter(|((kind, _), object)| *kind == Kind::Pod as usize && is_orphan(object))
            .map(|(_, object)| object.clone())
            .collect();
        for orphan in &orphans {
            index.delete(Kind::Pod, orphan);
            there.remove(&key(Kind::Pod, orphan));
        }
        let mut anew = Index::default();
        for ((kind, _), object) in &there {
            anew.apply(Kind::ALL[*kind], object);
        }
        prop_assert_eq!(look(&index), look(&anew));
    }
}
