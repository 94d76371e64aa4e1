//! Access keys, clusters and logical regions.

use sternway_core::ports::{AccessKey, ClusterAccess, ClusterRecord, LogicalRegion, Secret, Store};

use crate::samples::{at, cluster_id};

pub(crate) fn access_key(id: &str, seconds: i64) -> AccessKey {
    AccessKey {
        id: id.to_owned(),
        secret: Secret::new(format!("secret of {id}")),
        user: "root".to_owned(),
        enabled: true,
        description: "first".to_owned(),
        created_at: at(seconds),
    }
}

pub(crate) async fn keys_are_kept(store: &dyn Store) {
    let (younger, older) = (access_key("LTAI2", 5), access_key("LTAI1", 1));
    store.insert_key(younger.clone()).await.unwrap();
    store.insert_key(older.clone()).await.unwrap();
    assert_eq!(store.key("LTAI2").await.unwrap(), Some(younger.clone()));
    assert_eq!(store.key("ltai2").await.unwrap(), None);
    assert_eq!(store.keys().await.unwrap(), [older.clone(), younger.clone()]);

    let mut again = older.clone();
    again.secret = Secret::new("another");
    let error = store.insert_key(again).await.unwrap_err();
    assert!(error.to_string().contains("LTAI1"), "{error}");
    assert_eq!(store.key("LTAI1").await.unwrap(), Some(older));

    assert!(store.set_key_enabled("LTAI2", false).await.unwrap());
    let disabled = AccessKey { enabled: false, ..younger };
    assert_eq!(store.key("LTAI2").await.unwrap(), Some(disabled));
    assert!(!store.set_key_enabled("LTAI3", true).await.unwrap());

    assert!(store.delete_key("LTAI2").await.unwrap());
    assert_eq!(store.key("LTAI2").await.unwrap(), None);
    assert!(!store.delete_key("LTAI2").await.unwrap());
}

pub(crate) fn cluster(name: &str, seconds: i64, access: ClusterAccess) -> ClusterRecord {
    ClusterRecord {
        id: cluster_id(),
        name: name.to_owned(),
        cs_cluster_id: format!("cs-{name}"),
        region: "cn-hangzhou".to_owned(),
        description: String::new(),
        access,
        created_at: at(seconds),
        updated_at: at(seconds),
    }
}

pub(crate) async fn clusters_are_kept(store: &dyn Store) {
    let kubeconfig = ClusterAccess::Kubeconfig(Secret::new("apiVersion: v1\nkind: Config\n"));
    let younger = cluster("prod", 5, kubeconfig);
    let older = cluster("here", 1, ClusterAccess::InCluster);
    store.put_cluster(younger.clone()).await.unwrap();
    store.put_cluster(older.clone()).await.unwrap();
    assert_eq!(store.cluster(younger.id).await.unwrap(), Some(younger.clone()));
    assert_eq!(store.cluster(cluster_id()).await.unwrap(), None);
    assert_eq!(store.clusters().await.unwrap(), [older.clone(), younger.clone()]);

    let replaced =
        ClusterRecord { access: ClusterAccess::Kubeconfig(Secret::new("new")), updated_at: at(9), ..older.clone() };
    store.put_cluster(replaced.clone()).await.unwrap();
    assert_eq!(store.clusters().await.unwrap(), [replaced, younger.clone()]);
    assert!(store.delete_cluster(older.id).await.unwrap());
    assert!(!store.delete_cluster(older.id).await.unwrap());
    assert_eq!(store.clusters().await.unwrap(), [younger]);
}

pub(crate) async fn logical_regions_are_kept(store: &dyn Store) {
    let region = |id: i64, name: &str| LogicalRegion {
        id,
        region_id: format!("cn-hangzhou:{name}"),
        name: name.to_owned(),
        description: "for tests".to_owned(),
        debug_enable: true,
        registry_type: "default".to_owned(),
        mse_instance_id: String::new(),
        user: "root".to_owned(),
        created_at: at(0),
    };
    let put = async |region: LogicalRegion| store.put_logical_region(region).await.unwrap();
    let dev = put(region(0, "dev")).await.unwrap();
    let test = put(region(0, "test")).await.unwrap();
    assert!(dev.id > 0 && test.id > dev.id);
    assert_eq!(dev, region(dev.id, "dev"));
    assert_eq!(store.logical_regions().await.unwrap(), [dev.clone(), test.clone()]);

    assert_eq!(put(region(0, "dev")).await, None, "its region id is taken");
    assert_eq!(put(region(test.id, "dev")).await, None, "taken by another");
    assert_eq!(put(region(test.id + 1, "new")).await, None, "no such id");
    assert_eq!(put(region(-1, "new")).await, None, "no such id");
    let same = LogicalRegion { debug_enable: false, ..dev.clone() };
    assert_eq!(put(same.clone()).await, Some(same.clone()));
    let renamed = region(test.id, "stage");
    assert_eq!(put(renamed.clone()).await, Some(renamed.clone()));
    assert_eq!(store.logical_regions().await.unwrap(), [same, renamed]);

    assert!(store.delete_logical_region(test.id).await.unwrap());
    assert!(!store.delete_logical_region(test.id).await.unwrap());
    let next = put(region(0, "next")).await.unwrap();
    assert!(next.id > test.id, "an id is not given twice");
}
