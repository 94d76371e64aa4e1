//! Proxies before the server: whose word about the client counts.

use jiff::SignedDuration;
use sternway_server::Config;
use sternway_wire::signature::client::AccessKey;

use crate::audit::entries;
use crate::permissions::user;
use crate::world::{KEY, Reply, World, now};

/// A server behind a proxy on this machine, or one that knows of none.
async fn world(trusts: bool) -> World {
    let trusted_proxies = if trusts { vec!["127.0.0.0/8".parse().unwrap()] } else { Vec::new() };
    let lockout = SignedDuration::from_secs(60);
    World::with(Config { bad_signatures: 3, lockout, trusted_proxies, audit_reads: true, ..Config::default() }).await
}

/// A request with this `X-Forwarded-For`.
async fn call(world: &World, key: AccessKey<'_>, forwarded: &str) -> Reply {
    let sign = |call: sternway_wire::signature::client::Call<'_>| call.sign_acs3(key, now(), &world.nonce());
    let (method, mut signed) = world.signed("ListCluster", &[], sign);
    signed.headers.push(("x-forwarded-for".to_owned(), forwarded.to_owned()));
    world.send(method, &signed).await
}

const GUESS: AccessKey<'_> = AccessKey { secret: "a guess", ..KEY };

#[tokio::test]
async fn behind_a_trusted_proxy_guessing_locks_the_client_and_not_the_proxy() {
    let world = world(true).await;
    for claimed in ["198.51.100.1, 203.0.113.9", "198.51.100.2, 203.0.113.9", "203.0.113.9"] {
        call(&world, GUESS, claimed).await.gateway(400, "SignatureDoesNotMatch");
    }
    call(&world, KEY, "198.51.100.3, 203.0.113.9").await.gateway(403, "InvalidAccessKeyId.LockedOut");
    for other in ["203.0.113.8", "203.0.113.9, 203.0.113.8", "unknown"] {
        call(&world, KEY, other).await.success();
    }
    let sources: Vec<_> = entries(&world).await.into_iter().map(|entry| entry.source).collect();
    let client = "203.0.113.9".to_owned();
    assert_eq!(sources[..4], [(); 4].map(|()| client.clone()));
    assert_eq!(sources[4..], ["203.0.113.8", "203.0.113.8", "127.0.0.1"]);
}

#[tokio::test]
async fn who_is_not_trusted_cannot_come_from_elsewhere() {
    let world = world(false).await;
    for claimed in ["203.0.113.1", "203.0.113.2", "203.0.113.3"] {
        call(&world, GUESS, claimed).await.gateway(400, "SignatureDoesNotMatch");
    }
    call(&world, KEY, "203.0.113.4").await.gateway(403, "InvalidAccessKeyId.LockedOut");
    assert!(entries(&world).await.iter().all(|entry| entry.source == "127.0.0.1"));
}

#[tokio::test]
async fn conditions_on_the_source_see_the_client_behind_a_trusted_proxy_alone() {
    for trusts in [true, false] {
        let world = world(trusts).await;
        let office = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"edas:ReadCluster","Resource":"*",
            "Condition":{"IpAddress":{"acs:SourceIp":"203.0.113.0/24"}}}]}"#;
        world.call("PutPolicy", &[("PolicyName", "office"), ("PolicyDocument", office)]).await.success();
        let key = user(&world, "alice", &["office"]).await;
        let sees = async |forwarded: &str| {
            let reply = call(&world, key.signing(), forwarded).await.success();
            !reply["ClusterList"]["Cluster"].as_array().unwrap().is_empty()
        };
        assert_eq!(sees("203.0.113.9").await, trusts);
        assert!(!sees("198.51.100.1").await);
        assert!(!sees("203.0.113.9, 198.51.100.1").await, "claimed by whoever asks");
    }
}
