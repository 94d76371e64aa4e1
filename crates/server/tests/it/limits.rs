//! Flooding and guessing.

use jiff::SignedDuration;
use sternway_core::ports::Store as _;
use sternway_server::Config;
use sternway_wire::catalog::Catalog;
use sternway_wire::signature::client::AccessKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{KEY, Reply, World, access_key, now};

const OTHER: AccessKey<'_> = AccessKey { id: "other", ..KEY };

async fn call_as(world: &World, key: AccessKey<'_>) -> Reply {
    world.sign("ListCluster", &[], |call| call.sign_acs3(key, now(), &world.nonce())).await
}

#[tokio::test]
async fn a_key_that_asks_too_much_has_to_wait_and_no_other_has() {
    let world = World::with(Config { requests_per_second: 1, ..Config::default() }).await;
    world.store.insert_key(access_key(OTHER.id, true)).await.unwrap();
    for _ in 0..10 {
        call_as(&world, KEY).await.success();
    }
    let message = call_as(&world, KEY).await.gateway(429, "Throttling.User");
    assert!(message.contains("Wait"), "{message}");
    call_as(&world, OTHER).await.success();
    world.advance(1);
    call_as(&world, KEY).await.success();
    call_as(&world, KEY).await.gateway(429, "Throttling.User");
}

#[tokio::test]
async fn strangers_cannot_spend_what_a_key_may_ask_for() {
    let world = World::with(Config { requests_per_second: 1, bad_signatures: 0, ..Config::default() }).await;
    for _ in 0..30 {
        call_as(&world, AccessKey { secret: "a guess", ..KEY }).await.gateway(400, "SignatureDoesNotMatch");
    }
    call_as(&world, KEY).await.success();
}

#[tokio::test]
async fn guessing_locks_a_key_where_it_is_guessed() {
    let lockout = SignedDuration::from_secs(60);
    let world = World::with(Config { bad_signatures: 3, lockout, ..Config::default() }).await;
    world.store.insert_key(access_key(OTHER.id, true)).await.unwrap();
    let guess = AccessKey { secret: "a guess", ..KEY };
    for _ in 0..2 {
        call_as(&world, guess).await.gateway(400, "SignatureDoesNotMatch");
    }
    // A good one in between forgives.
    call_as(&world, KEY).await.success();
    for _ in 0..3 {
        call_as(&world, guess).await.gateway(400, "SignatureDoesNotMatch");
    }
    for key in [guess, KEY] {
        let message = call_as(&world, key).await.gateway(403, "InvalidAccessKeyId.LockedOut");
        assert!(message.contains("until 2026-11-26T04:01:00Z"), "{message}");
    }
    call_as(&world, OTHER).await.success();
    world.advance(60);
    call_as(&world, KEY).await.success();
}

#[tokio::test]
async fn strangers_cannot_fill_the_memory_with_long_bodies() {
    let world = World::with(Config { long_bodies: 1, ..Config::default() }).await;
    let path = Catalog::by_name("ImportK8sCluster").unwrap().path;
    let long = "a".repeat(100_000);
    let head = |more: &str| format!("POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{more}\r\n", world.host);
    let whole = format!("{}{long}", head("content-length: 100000\r\n"));

    let mut slow = TcpStream::connect(&world.host).await.unwrap();
    slow.write_all(head("content-length: 100000\r\nexpect: 100-continue\r\n").as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    slow.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n", "it reads, and so it has the place");
    world.send_bytes(whole.as_bytes()).await.gateway(429, "Throttling");
    let unknown = head("transfer-encoding: chunked\r\n") + "1\r\na\r\n0\r\n\r\n";
    world.send_bytes(unknown.as_bytes()).await.gateway(429, "Throttling");
    call_as(&world, KEY).await.success();

    slow.write_all(long.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    let refused = world.send_bytes(whole.as_bytes()).await;
    assert_eq!(refused.status, 400, "it is read, and has no signature: {refused:?}");
}
