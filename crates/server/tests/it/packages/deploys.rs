//! What is deployed, shown, downloaded, gone back to and collected.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use sternway_core::order::Status;
use sternway_core::ports::StoreWrite;
use sternway_wire::catalog::Catalog;

use super::{Repository, archive, send};
use crate::world::World;

#[tokio::test]
async fn a_jar_is_deployed_served_and_gone_back_to() {
    let (world, repository) = (World::new().await, Repository::new().await);
    let app = world.jar_app(&format!("{}?token=secret", repository.at("/v1/shop.jar"))).await;
    let id = app.to_string();
    let first = world.download_path(app, 1).await;
    assert_eq!(world.get(&first).await.body, archive("one"));

    let two = repository.at("/v2/shop.jar");
    let options = r#"{"MaxHeapSize":{"original":512,"startup":"-Xmx512m"}}"#;
    let parameters =
        [("AppId", id.as_str()), ("PackageUrl", &two), ("JavaStartUpConfig", options), ("Args", r#"["--x"]"#)];
    let order = world.call("DeployK8sApplication", &parameters).await.order_id();
    let description = world.order(order).await.description;
    assert!(description.contains("Package: shop.jar"), "{description}");
    let second = world.download_path(app, 2).await;
    assert_eq!(world.get(&second).await.body, archive("two"));
    let version = world.version(app, 2).await;
    let main = version.snapshot.template.main_container().unwrap().clone();
    assert_eq!(main["command"], json!(["java", "-Xmx512m", "-jar", "/home/admin/app/shop.jar"]));
    assert_eq!((&main["args"], &main["image"]), (&json!(["--x"]), &json!("eclipse-temurin:8-jre")));
    assert_eq!(version.package_version.len(), 12, "named by its digest: {}", version.package_version);
    world.finish(order, Status::Succeeded).await;

    let back = [("AppId", id.as_str()), ("PackageVersionId", "1")];
    let order = world.call("DeployK8sApplication", &back).await.order_id();
    assert_eq!(world.download_path(app, 3).await, first, "the same package has the same link");
    assert_eq!(world.get(&first).await.body, archive("one"));
    world.finish(order, Status::Succeeded).await;

    let secret = world.everything().await.contains("token=secret");
    assert!(!secret, "what is secret in a URL is not stored");
}

#[tokio::test]
async fn a_package_is_shown_where_clients_look() {
    let (world, repository) = (World::new().await, Repository::new().await);
    let url = repository.at("/v1/shop.jar");
    let app = world.jar_app(&url).await.to_string();
    let shown = &world.call("GetK8sApplication", &[("AppId", &app)]).await.success()["Applcation"];
    assert_eq!(shown["App"]["ApplicationType"], "FatJar");
    assert_eq!(shown["App"]["BuildpackId"], -1);
    assert_eq!(shown["App"]["Annotations"], "", "our own notes are not the user's");
    assert_eq!(shown["LatestVersion"], json!({"PackageVersion": "1.0", "Url": url, "WarUrl": url}));
    let group = &shown["DeployGroups"]["DeployGroup"][0];
    assert_eq!(group["PackageUrl"], url);
    assert_eq!(group["Components"]["Components"][0]["ComponentKey"], "Open JDK 8");

    let options = r#"{"CustomParams":{"original":"-Da=b","startup":"-Da=b"}}"#;
    let deploy = [("AppId", app.as_str()), ("JavaStartUpConfig", options)];
    let order = world.call("DeployK8sApplication", &deploy).await.order_id();
    let id = app.parse().unwrap();
    assert_eq!(world.version(id, 2).await.package_version, "1.0", "the same package has the same name");
    world.finish(order, Status::Succeeded).await;
    let mut stored = world.stored_app(id).await;
    stored.current = Some(stored.latest);
    stored.revision += 1;
    world.commit(vec![StoreWrite::UpdateApp(Box::new(stored))]).await;
    let java = &world.call("GetJavaStartUpConfig", &[("AppId", &app)]).await.success()["JavaStartUpConfig"];
    assert_eq!(*java, json!({"OriginalConfigs": options, "StartUpArgs": "-Da=b"}));
    let conf = &world.call("GetK8sApplication", &[("AppId", &app)]).await.success()["Applcation"]["Conf"];
    assert_eq!(conf["JarStartOptions"], "-Da=b");

    let versions = &world.call("ListHistoryDeployVersion", &[("AppId", &app)]).await.success()["PackageVersionList"];
    let version = &versions["PackageVersion"][1];
    assert_eq!((&version["Type"], &version["WarUrl"]), (&json!("FatJar"), &json!(url)));
    let link = world.path_of(&version["PublicUrl"]);
    assert_eq!(world.get(&link).await.body, archive("one"));
    world.advance(3600);
    let over = world.get(&link).await;
    assert_eq!(over.status, 403);
    assert!(over.body.contains("no longer good"), "{over:?}");
}

#[tokio::test]
async fn a_war_runs_in_the_tomcat_that_was_asked_for() {
    let (world, repository) = (World::new().await, Repository::new().await);
    let url = repository.at("/shop.war");
    let config = r#"{"useDefaultConfig":false,"contextInputType":"custom","contextPath":"hello","httpPort":8088,"maxThreads":"7"}"#;
    let war = [
        ("PackageType", "War"),
        ("PackageUrl", url.as_str()),
        ("JDK", "Open JDK 11"),
        ("WebContainer", "apache-tomcat-9.0"),
        ("WebContainerConfig", config),
        ("UriEncoding", "UTF-8"),
        ("UseBodyEncoding", "True"),
    ];
    let app = world.app_with("shop", 1, &war).await;
    let template = world.version(app, 1).await.snapshot.template;
    assert_eq!(template.image(), "tomcat:9.0-jre11");
    let server_xml = template.json()["metadata"]["annotations"]["sternway.io/server.xml"].as_str().unwrap();
    for expected in [r#"port="8088""#, r#"maxThreads="7""#, r#"URIEncoding="UTF-8""#, r#"useBodyEncodingForURI="true""#]
    {
        assert!(server_xml.contains(expected), "{expected}: {server_xml}");
    }
    let shown = world.call("GetWebContainerConfig", &[("AppId", &app.to_string())]).await.success();
    let expected = json!({
        "ContextInputType": "custom", "ContextPath": "hello", "HttpPort": 8088, "MaxThreads": 7, "ServerXml": "",
        "UriEncoding": "UTF-8", "UseAdvancedServerXml": false, "UseBodyEncoding": true, "UseDefaultConfig": false,
    });
    assert_eq!(shown["WebContainerConfig"], expected);
    let shown = world.call("GetK8sApplication", &[("AppId", &app.to_string())]).await.success();
    assert_eq!(shown["Applcation"]["App"]["TomcatVersion"], "apache-tomcat-9.0");

    let packs = world.call("ListBuildPack", &[]).await.success();
    let pack = &packs["BuildPackList"]["BuildPack"][3];
    let (number, id) = (pack["ConfigId"].to_string(), app.to_string());
    let change = [("AppId", id.as_str()), ("BuildPackId", &number), ("WebContainerConfig", "{}"), ("UriEncoding", "")];
    world.call("DeployK8sApplication", &change).await.success();
    let template = world.version(app, 2).await.snapshot.template;
    assert_eq!(template.image(), "tomcat:10.1-jre11");
    let server_xml = template.json()["metadata"]["annotations"]["sternway.io/server.xml"].as_str().unwrap();
    assert!(
        server_xml.contains(r#"port="8080""#) && server_xml.contains(r#"URIEncoding="ISO-8859-1""#),
        "{server_xml}"
    );
}

#[tokio::test]
async fn runtimes_are_listed_with_their_images() {
    let world = World::new().await;
    let components = world.call("ListComponents", &[]).await.success();
    let components = components["ComponentList"]["Component"].as_array().unwrap().clone();
    let found = |key: &str| components.iter().find(|found| found["ComponentKey"] == key).unwrap().clone();
    assert_eq!(found("Open JDK 8")["Desc"], "eclipse-temurin:8-jre");
    assert_eq!(found("apache-tomcat-9.0")["Type"], "TOMCAT");
    assert!(Catalog::by_name("ListComponents").is_some());
}

#[tokio::test]
async fn a_link_is_good_for_one_package_of_one_living_application() {
    let (world, repository) = (World::new().await, Repository::new().await);
    let app = world.jar_app(&repository.at("/v1/shop.jar")).await;
    let path = world.download_path(app, 1).await;
    let (plain, signature) = path.split_once("?signature=").unwrap();
    let other = plain.replace(&app.to_string(), "6b55106c-c7f2-40f7-a1d4-092870000000");
    for (path, status) in [
        (plain.to_owned(), 403),
        (format!("{plain}?signature={}", signature.replace(&signature[..1], "z")), 403),
        (format!("{plain}?expires=9999999999&signature={signature}"), 403),
        (format!("{other}?signature={signature}"), 403),
        ("/packages/x/y/z?signature=a".to_owned(), 404),
    ] {
        assert_eq!(world.get(&path).await.status, status, "{path}");
    }
    let rest = send(&world, "GET", &path, &[("range", "bytes=2-")], "").await;
    assert_eq!((rest.status, rest.body.as_str()), (206, &archive("one")[2..]));
    assert!(rest.head.contains("content-range: bytes 2-24/25"), "{rest:?}");
    assert_eq!(send(&world, "GET", &path, &[("range", "bytes=99-")], "").await.status, 416);

    world.commit(vec![StoreWrite::DeleteApp(app)]).await;
    assert_eq!(world.get(&path).await.status, 410);
}

#[tokio::test]
async fn packages_are_collected_when_nothing_refers_to_them() {
    let (world, repository) = (World::new().await, Repository::new().await);
    let app = world.jar_app(&repository.at("/v1/shop.jar")).await;
    let two = repository.at("/v2/shop.jar");
    let deploy = [("AppId", app.to_string()), ("PackageUrl", two)];
    let deploy: Vec<_> = deploy.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let order = world.call("DeployK8sApplication", &deploy).await.order_id();
    world.finish(order, Status::Succeeded).await;
    // A third that no version has, as a request leaves it that was refused after its package came.
    let orphan = futures_stream(archive("three"));
    let orphan = world.packages.keep(None, orphan).await.unwrap().digest;
    const DECADES: i64 = 100 * 365 * 86_400;
    world.advance(DECADES);
    until_gone(&world, &[orphan.as_str()]).await;
    assert_eq!(world.packages.all().await.unwrap().len(), 2, "each version's package stays");

    let all: Vec<_> = world.packages.all().await.unwrap().into_iter().map(|(digest, _)| digest.to_string()).collect();
    world.commit(vec![StoreWrite::DeleteApp(app)]).await;
    world.advance(3600);
    until_gone(&world, &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

fn futures_stream(content: String) -> impl futures::Stream<Item = Result<bytes::Bytes, std::convert::Infallible>> {
    futures::stream::iter([Ok(bytes::Bytes::from(content))])
}

/// The collector works beside us: looks until these are gone.
async fn until_gone(world: &World, digests: &[&str]) {
    let look = async {
        loop {
            let there: Vec<(_, Timestamp)> = world.packages.all().await.unwrap();
            if !there.iter().any(|(digest, _)| digests.contains(&digest.as_str())) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.unwrap();
}
