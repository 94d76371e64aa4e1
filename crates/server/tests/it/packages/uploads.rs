//! Uploads as the plug-ins make them.

use sternway_wire::oss::OssRequest;

use super::{archive, send};
use crate::world::{Reply, World, now};

/// The answer of GetPackageStorageCredential, as a client uses it.
struct Client<'a> {
    world: &'a World,
    id: String,
    secret: String,
    token: String,
    bucket: String,
    prefix: String,
}

impl<'a> Client<'a> {
    async fn new(world: &'a World) -> Self {
        let reply = world.call("GetPackageStorageCredential", &[]).await.success();
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
    fn key(&self) -> String {
        format!("{}/apps/6b55106c/1/shop.jar", self.prefix)
    }

    async fn request(&self, method: &str, key: &str, query: &str, body: &str) -> Reply {
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

fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let (_, rest) = text.split_once(open).unwrap_or_else(|| panic!("{open} is not in {text}"));
    rest.split_once(close).map_or(rest, |(inside, _)| inside)
}
