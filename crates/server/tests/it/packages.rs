//! Packages: fetched or uploaded, deployed, downloaded as pods do, gone back to, and collected.

mod deploys;
mod refusals;
mod secrets;
mod uploads;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::Value;
use sternway_core::application::Application;
use sternway_core::ids::{AppId, VersionNumber};
use sternway_core::ports::Store as _;
use sternway_core::version::Version;
use tokio::sync::Semaphore;

use crate::world::{LARGEST_PACKAGE, Reply, World};

/// A ZIP archive, as far as anybody here looks.
fn archive(content: &str) -> String {
    format!("{content}PK\u{5}\u{6}{}", "\0".repeat(18))
}

/// A repository of packages on a loopback port.
struct Repository {
    url: String,
    /// Lets `/slow.jar` go on.
    gate: Arc<Semaphore>,
}

impl Repository {
    async fn new() -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let waits = Arc::clone(&gate);
        let slow = || async move {
            drop(waits.acquire().await.unwrap());
            archive("slow")
        };
        let router = Router::new()
            .route("/v1/shop.jar", get(|| async { archive("one") }))
            .route("/v2/shop.jar", get(|| async { archive("two") }))
            .route("/shop.war", get(|| async { archive("war") }))
            .route("/login.jar", get(|| async { "<html>Who are you?</html>" }))
            .route("/large.jar", get(|| async { archive(&"x".repeat(LARGEST_PACKAGE as usize)) }))
            .route("/slow.jar", get(slow));
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        tokio_util::task::TaskTracker::new().spawn(async move { axum::serve(socket, router).await });
        Self { url, gate }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl World {
    async fn stored_app(&self, app: AppId) -> Application {
        self.store.app(app).await.unwrap().unwrap()
    }

    async fn version(&self, app: AppId, number: u32) -> Version {
        self.store.version(app, VersionNumber(number)).await.unwrap().unwrap()
    }

    /// The URL by which the pods of a version download their package, from its path on.
    async fn download_path(&self, app: AppId, number: u32) -> String {
        let version = self.version(app, number).await;
        let url = &version.snapshot.template.json()["spec"]["initContainers"][0]["env"][0]["value"];
        self.path_of(url)
    }

    /// What of a URL is after our own address.
    fn path_of(&self, url: &Value) -> String {
        let url = url.as_str().unwrap();
        url.strip_prefix(&format!("http://{}", self.host)).unwrap_or_else(|| panic!("{url}")).to_owned()
    }

    async fn jar_app(&self, url: &str) -> AppId {
        let jar = [("PackageType", "FatJar"), ("PackageUrl", url), ("PackageVersion", "1.0"), ("JDK", "Open JDK 8")];
        self.app_with("shop", 2, &jar).await
    }
}

/// A request by hand.
async fn send(world: &World, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut text = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "host") {
        text.push_str(&format!("host: {}\r\n", world.host));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    world.send_bytes(format!("{text}\r\n{body}").as_bytes()).await
}
