//! Applications and their versions.

use sternway_core::application::Application;
use sternway_core::ids::VersionNumber;
use sternway_core::order::OrderKind;
use sternway_core::ports::{AppFilter, CommitError, Store, StoreWrite};

use crate::samples::{app, app_id, cluster_id, insert, insert_app, order, put_version, update_app, version, write};

pub(crate) async fn an_application_comes_back_as_it_was(store: &dyn Store) {
    let first = app("web");
    write(store, [insert_app(&first)]).await.unwrap();
    assert_eq!(store.app(first.id).await.unwrap(), Some(first.clone()));
    let mut second = changed(&first);
    second.held = None;
    write(store, [update_app(&second)]).await.unwrap();
    assert_eq!(store.app(first.id).await.unwrap(), Some(second));
    assert_eq!(store.app(app_id()).await.unwrap(), None);
}

fn changed(app: &Application) -> Application {
    Application { revision: app.revision + 1, ..app.clone() }
}

pub(crate) async fn a_name_is_taken_once(store: &dyn Store) {
    let first = app("web");
    write(store, [insert_app(&first)]).await.unwrap();
    let refused = async |app: &Application| {
        let error = write(store, [insert_app(app)]).await.unwrap_err();
        assert!(matches!(error, CommitError::NameTaken), "{error}");
    };
    refused(&app("web")).await;
    // Another name for the same Deployment, and the same name for another one.
    let mut alias = app("web");
    alias.name = "alias".to_owned();
    refused(&alias).await;
    let mut namesake = app("web");
    namesake.workload.name = "web-2".to_owned();
    refused(&namesake).await;

    let mut elsewhere = app("web");
    elsewhere.workload.namespace = "prod".to_owned();
    let mut far_away = app("web");
    far_away.workload.cluster = cluster_id();
    write(store, [insert_app(&elsewhere), insert_app(&far_away)]).await.unwrap();
    // Neither may an application become another one's namesake later.
    let mut moved = changed(&elsewhere);
    moved.workload.namespace = "default".to_owned();
    let error = write(store, [update_app(&moved)]).await.unwrap_err();
    assert!(matches!(error, CommitError::NameTaken), "{error}");

    // Who is gone leaves the name free, even within the commit.
    let second = app("web");
    write(store, [StoreWrite::DeleteApp(first.id), insert_app(&second)]).await.unwrap();
    assert_eq!(store.app(first.id).await.unwrap(), None);
    assert_eq!(store.app(second.id).await.unwrap(), Some(second));
}

pub(crate) async fn a_revision_follows_on_the_stored_one(store: &dyn Store) {
    let first = app("web");
    let second = changed(&first);
    let third = changed(&second);
    let conflicts = async |app: &Application| {
        let error = write(store, [update_app(app)]).await.unwrap_err();
        assert!(matches!(error, CommitError::Conflict(_)), "{error}");
        assert!(error.to_string().contains(&app.id.to_string()));
    };
    conflicts(&second).await;
    write(store, [insert_app(&first)]).await.unwrap();
    conflicts(&first).await;
    conflicts(&third).await;
    write(store, [update_app(&second)]).await.unwrap();
    conflicts(&second).await;

    // An id is used once, whatever the name.
    let mut twin = app("twin");
    twin.id = first.id;
    let error = write(store, [insert_app(&twin)]).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict(_)), "{error}");

    write(store, [StoreWrite::DeleteApp(first.id)]).await.unwrap();
    conflicts(&third).await;
    // Gone is gone, however often it is said.
    write(store, [StoreWrite::DeleteApp(first.id)]).await.unwrap();
}

pub(crate) async fn applications_are_filtered_and_sorted(store: &dyn Store) {
    let web = app("web");
    let mut api = app("api");
    api.logical_region = "cn-hangzhou:dev".to_owned();
    let mut prod = app("web");
    prod.workload.namespace = "prod".to_owned();
    let mut far_away = app("zeta");
    far_away.workload.cluster = cluster_id();
    write(store, [&web, &prod, &far_away, &api].map(insert_app)).await.unwrap();

    let listed = async |filter: AppFilter| -> Vec<String> {
        let apps = store.apps(filter).await.unwrap();
        apps.iter().map(|app| format!("{}/{}", app.workload.namespace, app.name)).collect()
    };
    let mut all = listed(AppFilter::default()).await;
    // The two of one name may come in either sequence.
    all[1..3].sort();
    assert_eq!(all, ["default/api", "default/web", "prod/web", "default/zeta"]);
    let of_cluster = AppFilter { cluster: Some(far_away.workload.cluster), ..AppFilter::default() };
    assert_eq!(listed(of_cluster).await, ["default/zeta"]);
    let of_namespace = AppFilter { namespace: Some("prod".to_owned()), ..AppFilter::default() };
    assert_eq!(listed(of_namespace).await, ["prod/web"]);
    let of_region = AppFilter { logical_region: Some("cn-hangzhou:dev".to_owned()), ..AppFilter::default() };
    assert_eq!(listed(of_region).await, ["default/api"]);
    let named =
        AppFilter { name: Some("web".to_owned()), namespace: Some("default".to_owned()), ..AppFilter::default() };
    assert_eq!(listed(named).await, ["default/web"]);
    let exactly = AppFilter { name: Some("we".to_owned()), ..AppFilter::default() };
    assert_eq!(listed(exactly).await, [""; 0]);
}

pub(crate) async fn orders_and_versions_outlive_their_application(store: &dyn Store) {
    let app = app("web");
    let delete = order(app.id, OrderKind::DeleteApp, 0);
    let first = version(app.id, 1);
    write(store, [insert_app(&app), insert(&delete), put_version(&first)]).await.unwrap();
    write(store, [StoreWrite::DeleteApp(app.id)]).await.unwrap();
    assert_eq!(store.order(delete.id).await.unwrap(), Some(delete.clone()));
    assert_eq!(store.orders_of(app.id, 10).await.unwrap(), [delete]);
    assert_eq!(store.versions(app.id, 10).await.unwrap(), [first]);
}

pub(crate) async fn versions_are_put_and_listed(store: &dyn Store) {
    let app = app_id();
    let numbers = [2, 10, 1];
    write(store, numbers.map(|number| put_version(&version(app, number)))).await.unwrap();
    write(store, [put_version(&version(app_id(), 99))]).await.unwrap();

    let listed = store.versions(app, 2).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|version| version.number.0).collect();
    assert_eq!(listed, [10, 2]);

    let mut second = store.version(app, VersionNumber(2)).await.unwrap().unwrap();
    let template = second.snapshot.template.json().to_string();
    let sent = version(app, 2).snapshot.template.json().to_string();
    assert_eq!(template, sent, "even the sequence of keys is kept");
    second.good = true;
    write(store, [put_version(&second)]).await.unwrap();
    let stored = store.version(app, VersionNumber(2)).await.unwrap();
    assert_eq!(stored, Some(second));
    assert_eq!(store.version(app, VersionNumber(3)).await.unwrap(), None);
    assert_eq!(store.versions(app, 10).await.unwrap().len(), 3);
}
