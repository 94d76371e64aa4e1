//! What of packages is secret, and where it must not be.

use sternway_server::Config;

use super::uploads::Client;
use super::{Repository, archive};
use crate::audit::entries;
use crate::logging::log;
use crate::world::World;

/// The signature in a link.
fn signature(link: &str) -> String {
    let (_, signature) = link.split_once("signature=").unwrap();
    signature.to_owned()
}

#[tokio::test]
async fn no_credential_of_a_package_is_logged_recorded_or_stored_in_plain_text() {
    let log = log();
    let world = World::with(Config { audit_reads: true, ..Config::default() }).await;
    let repository = Repository::new().await;
    let with_credentials = |url: &str| url.replacen("http://", "http://someone:planted-password@", 1);
    let url = with_credentials(&repository.at("/v1/shop.jar?token=planted-in-a-query"));
    let app = world.jar_app(&url).await;
    let id = app.to_string();
    let mut answers = Vec::new();
    for (path, reason) in [("/login.jar", "archive"), ("/none.jar", "404")] {
        let url = with_credentials(&repository.at(&format!("{path}?token=planted-in-a-query")));
        let reply = world.call("DeployK8sApplication", &[("AppId", &id), ("PackageUrl", &url)]).await;
        assert!(reply.body.contains(reason), "{reply:?}");
        answers.push(reply.body);
    }
    let unreachable = with_credentials("http://127.0.0.1:1/shop.jar?token=planted-in-a-query");
    answers.push(world.call("DeployK8sApplication", &[("AppId", &id), ("PackageUrl", &unreachable)]).await.body);

    let client = Client::new(&world).await;
    let key = client.key();
    assert_eq!(client.request("PUT", &key, "", &archive("one")).await.status, 200);
    let uploaded = format!("http://{}/{}/{key}?token=planted-in-a-query", world.host, client.bucket);
    let deploy = [("AppId", id.as_str()), ("PackageUrl", uploaded.as_str())];
    world.call("DeployK8sApplication", &deploy).await.success();

    // Links: one for pods, which is in the template, and one for people.
    let link = world.download_path(app, 1).await;
    assert_eq!(world.get(&link).await.body, archive("one"));
    let versions = world.call("ListHistoryDeployVersion", &[("AppId", &id)]).await;
    let public = versions.success()["PackageVersionList"]["PackageVersion"][0]["PublicUrl"].clone();
    let public = world.path_of(&public);
    assert_eq!(world.get(&public).await.status, 200);
    for operation in ["GetApplication", "GetK8sApplication"] {
        answers.push(world.call(operation, &[("AppId", &id)]).await.body);
    }
    answers.push(versions.body);

    let (logged, recorded) = (log.text(), format!("{:?}", entries(&world).await));
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let planted = ["planted-password", "planted-in-a-query", client.secret.as_str(), client.token.as_str()];
    for secret in planted {
        assert!(!world.files().iter().any(|file| holds(file, secret)), "{secret} is stored");
        assert!(!answers.iter().any(|answer| answer.contains(secret)), "{secret} is answered");
    }
    for secret in planted.map(str::to_owned).into_iter().chain([signature(&link), signature(&public)]) {
        assert!(!logged.contains(&secret), "{secret} is logged");
        assert!(!recorded.contains(&secret), "{secret} is recorded");
    }
    // The search itself works.
    assert!(logged.contains("download") && recorded.contains("PutObject") && recorded.contains("PackageUrl"));
    assert!(world.files().iter().any(|file| holds(file, "/v1/shop.jar")));
}
