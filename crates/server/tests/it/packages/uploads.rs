//! Uploads as the plug-ins make them.

use jiff::SignedDuration;
use serde_json::Value;
use sternway_core::audit::Stage;
use sternway_core::ports::Store as _;
use sternway_server::Config;
use sternway_wire::oss::OssRequest;

use super::{archive, send};
use crate::audit::entries;
use crate::permissions::{allow, policy, user};
use crate::world::{KEY, Reply, World, now};

/// The answer of GetPackageStorageCredential, as a client uses it.
pub(super) struct Client<'a> {
    world: &'a World,
    id: String,
    pub(super) secret: String,
    pub(super) token: String,
    pub(super) bucket: String,
    prefix: String,
}

impl<'a> Client<'a> {
    pub(super) async fn new(world: &'a World) -> Self {
        Self::of(world, &world.call("GetPackageStorageCredential", &[]).await.success())
    }

    /// With the credentials of another answer.
    fn of(world: &'a World, reply: &Value) -> Self {
        let text = |name: &str| reply["Credential"][name].as_str().unwrap().to_owned();
        assert_eq!(text("OssPublicEndpoint"), world.host);
        assert_eq!(text("Expiration"), "2026-11-26T05:00:00Z");
        Self {
            world,
            id: text("AccessKeyId"),
            secret: text("AccessKeySecret"),
            token: text("SecurityToken"),
            bucket: text("Bucket"),
            prefix: text("KeyPrefix"),
        }
    }

    /// The name that the plug-in for Jenkins gives a package.
    pub(super) fn key(&self) -> String {
        format!("{}/apps/6b55106c/1/shop.jar", self.prefix)
    }

    pub(super) async fn request(&self, method: &str, key: &str, query: &str, body: &str) -> Reply {
        let pairs = sternway_wire::query::pairs(query);
        let date = now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let headers = [("date", date.as_str()), ("x-oss-security-token", self.token.as_str())];
        let request = OssRequest { method, bucket: &self.bucket, key, query: &pairs, headers: &headers };
        let authorization = request.sign(&self.id, &self.secret);
        let mut headers = headers.to_vec();
        headers.push(("authorization", &authorization));
        let question = if query.is_empty() { "" } else { "?" };
        let path = format!("/{}/{key}{question}{query}", self.bucket);
        send(self.world, method, &path, &headers, body).await
    }
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert!(reply.status == status && reply.body.contains(&format!("<Code>{code}</Code>")), "{code}: {reply:?}");
}

#[tokio::test]
async fn an_upload_is_deployed_by_the_urls_that_plug_ins_make() {
    let world = World::new().await;
    let client = Client::new(&world).await;
    let key = client.key();
    let put = client.request("PUT", &key, "", &archive("one")).await;
    assert_eq!(put.status, 200, "{put:?}");
    assert!(put.head.contains("etag: \""), "{put:?}");
    let got = client.request("GET", &key, "", "").await;
    assert_eq!(got.body, archive("one"));
    let bucket = &client.bucket;
    let region = world.call("QueryRegionConfig", &[]).await.success();
    let server = &region["RegionConfig"]["FileServerConfig"];
    assert_eq!((&server["Bucket"], &server["PublicUrl"]), (&bucket.as_str().into(), &world.host.as_str().into()));
    let urls = [
        format!("https://{bucket}.oss-cn-hangzhou-internal.aliyuncs.com/{key}"),
        format!("http://{bucket}.{}/{key}", world.host),
        format!("http://{}/{bucket}/{key}", world.host),
    ];
    let app = world.jar_app(&urls[0]).await;
    let path = world.download_path(app, 1).await;
    assert_eq!(world.get(&path).await.body, archive("one"));
    for url in &urls[1..] {
        let dry = [("AppId", app.to_string()), ("PackageUrl", url.clone()), ("DryRun", "true".to_owned())];
        let dry: Vec<_> = dry.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = world.call("DeployK8sApplication", &dry).await;
        assert!(!reply.body.contains("does not exist"), "{reply:?}");
    }
    let gone = format!("http://{}/{bucket}/{key}.none", world.host);
    let gone = [("AppId", app.to_string()), ("PackageUrl", gone)];
    let gone: Vec<_> = gone.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert!(world.call("DeployK8sApplication", &gone).await.business(404).contains("does not exist"));
}

#[tokio::test]
async fn an_upload_in_parts_becomes_one_package() {
    let world = World::new().await;
    let client = Client::new(&world).await;
    let (key, content) = (client.key(), archive("a package in two parts"));
    let begun = client.request("POST", &key, "uploads", "").await;
    let upload = between(&begun.body, "<UploadId>", "</UploadId>");
    let (first, second) = content.split_at(9);
    let mut list = String::new();
    for (number, part) in [(1, first), (2, second)] {
        let put = client.request("PUT", &key, &format!("partNumber={number}&uploadId={upload}"), part).await;
        let tag = between(&put.head, "etag: ", "\r\n").replace('"', "&quot;");
        list.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"));
    }
    let complete = |list: &str| format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>");
    let wrong = complete("<Part><PartNumber>7</PartNumber><ETag>00000000000000000000000000000000</ETag></Part>");
    refused(&client.request("POST", &key, &format!("uploadId={upload}"), &wrong).await, 400, "InvalidPart");
    refused(&client.request("POST", &key, &format!("uploadId={upload}"), "?").await, 400, "MalformedXML");
    let done = client.request("POST", &key, &format!("uploadId={upload}"), &complete(&list)).await;
    assert!(done.body.contains("CompleteMultipartUploadResult"), "{done:?}");
    assert_eq!(client.request("GET", &key, "", "").await.body, content);
    refused(&client.request("POST", &key, &format!("uploadId={upload}"), &complete(&list)).await, 404, "NoSuchUpload");

    let begun = client.request("POST", &key, "uploads", "").await;
    let upload = between(&begun.body, "<UploadId>", "</UploadId>");
    assert_eq!(client.request("DELETE", &key, &format!("uploadId={upload}"), "").await.status, 204);
}

#[tokio::test]
async fn only_good_credentials_upload_and_only_under_their_prefix() {
    let world = World::new().await;
    let client = Client::new(&world).await;
    let (key, content) = (client.key(), archive("one"));
    refused(&client.request("PUT", "other/shop.jar", "", &content).await, 403, "AccessDenied");
    refused(&client.request("PUT", &format!("{}x/shop.jar", client.prefix), "", &content).await, 403, "AccessDenied");
    refused(&client.request("PUT", &key, "", "<html>").await, 400, "InvalidObject");
    refused(&client.request("PUT", &key, "", &archive(&"x".repeat(70_000))).await, 400, "EntityTooLarge");
    refused(&client.request("GET", &key, "", "").await, 404, "NoSuchKey");
    refused(&client.request("DELETE", &key, "", "").await, 405, "MethodNotAllowed");
    let forger = Client { secret: "guessed".into(), ..Client::new(&world).await };
    refused(&forger.request("PUT", &key, "", &content).await, 403, "SignatureDoesNotMatch");
    let forger = Client { token: format!("{}0", client.token), ..Client::new(&world).await };
    refused(&forger.request("PUT", &key, "", &content).await, 403, "InvalidAccessKeyId");
    let stranger = Client { bucket: "other".into(), ..Client::new(&world).await };
    refused(&stranger.request("PUT", &key, "", &content).await, 404, "NoSuchBucket");
    world.advance(3600);
    refused(&client.request("PUT", &key, "", &content).await, 403, "SecurityTokenExpired");
    assert_eq!(world.packages.all().await.unwrap(), []);
}

#[tokio::test]
async fn who_operates_one_application_uploads_and_reaches_nothing_of_others() {
    let world = World::new().await;
    let app = world.app("web", 1).await;
    let root = Client::new(&world).await;
    let theirs = root.key();
    assert_eq!(root.request("PUT", &theirs, "", &archive("root's")).await.status, 200);
    let begun = root.request("POST", &theirs, "uploads", "").await;
    let upload = between(&begun.body, "<UploadId>", "</UploadId>");

    policy(&world, "web", &allow("edas:ManageApplication", &format!("acs:edas:*:*:namespace/*/application/{app}")))
        .await;
    policy(&world, "read", &allow("edas:Read*", "*")).await;
    let operator = user(&world, "operator", &["web"]).await;
    for (name, policies) in [("reader", &["read"][..]), ("nobody", &[])] {
        let key = user(&world, name, policies).await;
        key.call(&world, "GetPackageStorageCredential", &[]).await.gateway(403, "Forbidden.RAM");
    }
    let credential = operator.call(&world, "GetPackageStorageCredential", &[]).await.success();
    let client = Client::of(&world, &credential);
    assert_eq!(client.prefix, "operator");
    let key = client.key();
    assert_eq!(client.request("PUT", &key, "", &archive("operator's")).await.status, 200);
    for (method, query) in [("GET", ""), ("HEAD", ""), ("PUT", ""), ("POST", "uploads")] {
        let reply = client.request(method, &theirs, query, &archive("other")).await;
        assert_eq!(reply.status, 403, "{method}: {reply:?}");
    }
    // An upload in parts belongs to its name.
    let part = format!("partNumber=1&uploadId={upload}");
    refused(&client.request("PUT", &key, &part, "x").await, 404, "NoSuchUpload");
    refused(&client.request("DELETE", &key, &format!("uploadId={upload}"), "").await, 404, "NoSuchUpload");
    assert_eq!(root.request("GET", &theirs, "", "").await.body, archive("root's"));
    // The same bytes under two names are one package, and neither name is the other's.
    assert_eq!(client.request("PUT", &key, "", &archive("root's")).await.status, 200);
    assert_eq!(client.request("PUT", &key, "", &archive("new")).await.status, 200);
    assert_eq!(root.request("GET", &theirs, "", "").await.body, archive("root's"));

    // Credentials end with the key by which they were asked for.
    assert!(world.store.set_key_enabled(&operator.id, false).await.unwrap());
    refused(&client.request("GET", &key, "", "").await, 403, "InvalidAccessKeyId");
}

#[tokio::test]
async fn an_upload_is_recorded_as_an_operation_is() {
    let world = World::new().await;
    let client = Client::new(&world).await;
    let key = client.key();
    assert_eq!(client.request("PUT", &key, "", &archive("one")).await.status, 200);
    refused(&client.request("PUT", &key, "", "<html>").await, 400, "InvalidObject");
    client.request("GET", &key, "", "").await;
    let forger = Client { secret: "guessed".into(), ..Client::new(&world).await };
    refused(&forger.request("PUT", &key, "", &archive("two")).await, 403, "SignatureDoesNotMatch");
    let all = entries(&world).await;
    let uploads: Vec<_> = all.iter().filter(|entry| entry.operation.ends_with("Object")).collect();
    let outcomes: Vec<_> = uploads.iter().map(|entry| (entry.stage, entry.code.as_str())).collect();
    let expected = [
        (Stage::Asked, ""),
        (Stage::Answered, "200"),
        (Stage::Asked, ""),
        (Stage::Answered, "InvalidObject"),
        (Stage::Refused, "SignatureDoesNotMatch"),
    ];
    assert_eq!(outcomes, expected);
    let first = uploads[0];
    assert_eq!(
        (first.operation.as_str(), first.user.as_str(), first.source.as_str()),
        ("PutObject", "root", "127.0.0.1")
    );
    assert_eq!((&first.access_key_id, &first.parameters["Object"]), (&client.id, &key));
    assert_eq!((uploads[4].user.as_str(), &uploads[4].access_key_id), ("", &forger.id), "claimed, not proven");
    assert!(!format!("{all:?}").contains(&client.token) && !format!("{all:?}").contains(&client.secret));
}

#[tokio::test]
async fn the_parts_of_an_upload_are_recorded_by_its_beginning_and_its_end() {
    let world = World::with(Config { audit_reads: true, ..Config::default() }).await;
    let client = Client::new(&world).await;
    let key = client.key();
    let begun = client.request("POST", &key, "uploads", "").await;
    let upload = between(&begun.body, "<UploadId>", "</UploadId>");
    client.request("PUT", &key, &format!("partNumber=1&uploadId={upload}"), "x").await;
    client.request("DELETE", &key, &format!("uploadId={upload}"), "").await;
    client.request("HEAD", &key, "", "").await;
    let all = entries(&world).await;
    let done = all.iter().filter(|entry| entry.stage == Stage::Answered && entry.access_key_id == client.id);
    let names: Vec<_> = done.map(|entry| entry.operation.as_str()).collect();
    assert_eq!(names, ["InitiateMultipartUpload", "AbortMultipartUpload", "HeadObject"]);
}

#[tokio::test]
async fn uploads_count_for_the_key_that_asked_for_the_credentials() {
    let world = World::with(Config { requests_per_second: 1, ..Config::default() }).await;
    let (one, two) = (Client::new(&world).await, Client::new(&world).await);
    for _ in 0..4 {
        for client in [&one, &two] {
            assert_eq!(client.request("HEAD", &client.key(), "", "").await.status, 404);
        }
    }
    for client in [&one, &two] {
        refused(&client.request("PUT", &client.key(), "", &archive("one")).await, 429, "Throttling.User");
    }
    world.call("ListCluster", &[]).await.gateway(429, "Throttling.User");
    world.advance(1);
    assert_eq!(one.request("HEAD", &one.key(), "", "").await.status, 404);
    assert_eq!(world.packages.all().await.unwrap(), []);
}

#[tokio::test]
async fn guessing_locks_credentials_where_they_are_guessed() {
    let lockout = SignedDuration::from_secs(60);
    let world = World::with(Config { bad_signatures: 3, lockout, ..Config::default() }).await;
    let client = Client::new(&world).await;
    let key = client.key();
    let guess = |secret: &str, token: &str| Client {
        world: &world,
        id: client.id.clone(),
        secret: secret.to_owned(),
        token: token.to_owned(),
        bucket: client.bucket.clone(),
        prefix: client.prefix.clone(),
    };
    for _ in 0..2 {
        refused(&guess("guessed", &client.token).request("GET", &key, "", "").await, 403, "SignatureDoesNotMatch");
    }
    refused(&guess(&client.secret, "guessed").request("GET", &key, "", "").await, 403, "InvalidAccessKeyId");
    refused(&client.request("PUT", &key, "", &archive("one")).await, 403, "InvalidAccessKeyId.LockedOut");
    // Others are not concerned, nor is the key that asked for them.
    let other = Client::new(&world).await;
    assert_eq!(other.request("PUT", &key, "", &archive("one")).await.status, 200);
    assert_eq!(entries(&world).await.last().unwrap().access_key_id, other.id);
    assert_ne!(other.id, KEY.id);
    world.advance(60);
    assert_eq!(client.request("GET", &key, "", "").await.status, 200);
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let (_, rest) = text.split_once(open).unwrap_or_else(|| panic!("{open} is not in {text}"));
    rest.split_once(close).map_or(rest, |(inside, _)| inside)
}
