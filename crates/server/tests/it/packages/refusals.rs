//! Packages that are refused: each with its reason, and with nothing written.

use super::{Repository, archive};
use crate::world::{CLUSTER, World};

#[tokio::test]
async fn what_cannot_be_run_is_refused_and_nothing_is_written() {
    let (world, repository) = (World::new().await, Repository::new().await);
    let cluster = CLUSTER.to_string();
    let base = [("AppName", "shop"), ("ClusterId", cluster.as_str())];
    let good = repository.at("/v1/shop.jar");
    let good = good.as_str();
    let [missing, login, large, war] =
        ["/none.jar", "/login.jar", "/large.jar", "/shop.war"].map(|path| repository.at(path));
    let jar = [("PackageType", "FatJar"), ("JDK", "Open JDK 8")];
    let zeros = "0".repeat(64);
    let before = world.everything().await;
    for (parameters, expected) in [
        (vec![("PackageUrl", missing.as_str())], "HTTP 404"),
        (vec![("PackageUrl", &login)], "no JAR or WAR"),
        (vec![("PackageUrl", &large)], "more than 65536 bytes"),
        (vec![("PackageUrl", "http://169.254.169.254/a.jar")], "link-local"),
        (vec![("PackageUrl", "http://127.0.0.1:1/a.jar")], "could not be reached"),
        (vec![("PackageUrl", good), ("PackageDigest", &zeros)], "was expected"),
        (vec![("PackageUrl", good), ("WebContainer", "apache-tomcat-9.0")], "WebContainer is for War packages"),
        (vec![("PackageUrl", good), ("WebContainerConfig", r#"{"httpPort":8088}"#)], "WebContainerConfig is for War"),
    ] {
        let all: Vec<_> = base.iter().chain(&jar).copied().chain(parameters).collect();
        let message = world.call("InsertK8sApplication", &all).await.business(400);
        assert!(message.contains(expected), "{expected}: {message}");
    }
    for (kind, parameters, expected) in [
        ("FatJar", vec![("PackageUrl", good)], "Open JDK 8, Open JDK 11"),
        ("FatJar", vec![("PackageUrl", good), ("JDK", "Open JDK 6")], "Open JDK 8, Open JDK 11"),
        ("War", vec![("PackageUrl", &war), ("JDK", "Open JDK 8")], "apache-tomcat-9.0"),
        ("War", vec![("PackageUrl", &war), ("JDK", "Open JDK 8"), ("BuildPackId", "99")], "ListBuildPack"),
        (
            "War",
            vec![("PackageUrl", &war), ("JDK", "Open JDK 8"), ("WebContainer", "apache-tomcat-10.1")],
            "a JDK that the WebContainer has",
        ),
    ] {
        let kind = [("PackageType", kind)];
        let all: Vec<_> = base.iter().chain(&kind).copied().chain(parameters).collect();
        let message = world.call("InsertK8sApplication", &all).await.business(400);
        assert!(message.contains(expected), "{expected}: {message}");
    }
    for url in ["file:///etc/passwd", "oss://bucket/key"] {
        let all: Vec<_> = base.iter().chain(&jar).copied().chain([("PackageUrl", url)]).collect();
        world.call("InsertK8sApplication", &all).await.gateway(400, "InvalidParameter");
    }
    assert_eq!(world.everything().await, before);
    assert_eq!(world.packages.all().await.unwrap(), []);
}

#[tokio::test]
async fn images_and_packages_are_not_mixed_up() {
    let (world, repository) = (World::new().await, Repository::new().await);
    let shop = world.jar_app(&repository.at("/v1/shop.jar")).await.to_string();
    for name in ["Image", "ImageTag"] {
        let message = world.call("DeployK8sApplication", &[("AppId", &shop), (name, "v2")]).await.business(400);
        assert!(message.contains("runs packages"), "{message}");
    }
    let web = world.app("web", 1).await.to_string();
    let url = repository.at("/v1/shop.jar");
    let message = world.call("DeployK8sApplication", &[("AppId", &web), ("PackageUrl", &url)]).await.business(400);
    assert!(message.contains("runs images"), "{message}");
    let message = world.call("GetWebContainerConfig", &[("AppId", &web)]).await.business(400);
    assert!(message.contains("type War"), "{message}");
    let java = world.call("GetJavaStartUpConfig", &[("AppId", &web)]).await.success();
    assert_eq!(java["JavaStartUpConfig"]["StartUpArgs"], "");
}

#[tokio::test]
async fn a_package_that_takes_long_is_there_at_the_next_attempt() {
    let (world, repository) = (World::new().await, Repository::new().await);
    let (cluster, url) = (CLUSTER.to_string(), repository.at("/slow.jar"));
    let parameters = [
        ("AppName", "shop"),
        ("ClusterId", cluster.as_str()),
        ("PackageType", "FatJar"),
        ("JDK", "Open JDK 8"),
        ("PackageUrl", url.as_str()),
    ];
    let before = world.everything().await;
    let message = world.call("InsertK8sApplication", &parameters).await.gateway(503, "ServiceUnavailable");
    assert!(message.contains("still being fetched"), "{message}");
    assert_eq!(world.everything().await, before);
    repository.gate.add_permits(1);
    let reply = world.call("InsertK8sApplication", &parameters).await.success();
    let app = reply["ApplicationInfo"]["AppId"].as_str().unwrap().parse().unwrap();
    let path = world.download_path(app, 1).await;
    assert_eq!(world.get(&path).await.body, archive("slow"));
}

#[tokio::test]
async fn a_version_whose_package_was_lost_is_not_gone_back_to() {
    let (world, repository) = (World::new().await, Repository::new().await);
    let app = world.jar_app(&repository.at("/v1/shop.jar")).await.to_string();
    for (digest, _) in world.packages.all().await.unwrap() {
        world.packages.remove(&digest, jiff::Timestamp::MAX).await.unwrap();
    }
    for parameters in [vec![("AppId", app.as_str()), ("PackageVersionId", "1")], vec![("AppId", app.as_str())]] {
        let message = world.call("DeployK8sApplication", &parameters).await.business(404);
        assert!(message.contains("does not exist in the package store"), "{message}");
    }
}
