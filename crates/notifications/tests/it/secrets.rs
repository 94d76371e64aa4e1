//! What nobody may read: URLs and secrets, in files, logs, answers and errors.

use std::io;
use std::sync::{Arc, Mutex};

use sternway_core::order::Status;
use sternway_notifications::{Change, Creation, Format};
use tracing_subscriber::fmt::MakeWriter;

use crate::receiver::{Answer, Receiver, status};
use crate::world::{World, creation};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn neither_urls_nor_secrets_are_written_anywhere() {
    // For the whole process: whatever any test logs is looked at.
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(kept.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    receiver.then(Answer::Close).then(status(500)).then(status(404)).then(status(404));
    let secret = Some("SEC-very-secret".to_owned());
    let url = receiver.url.replace("127.0.0.1", "ci:very-secret@127.0.0.1");
    let robot = Creation { format: Format::DingTalk, secret, ..creation("robot-of-the-log", &url) };
    world.notifier.create(robot).await.unwrap();
    let change = Change { url: Some("https://hooks.invalid/hook/very-secret".to_owned()), ..Change::default() };
    let off = Creation { enabled: false, ..creation("ci", &receiver.url) };
    let key = world.notifier.create(off).await.unwrap().unwrap().reveal();
    world.notifier.change("ci", change).await.unwrap();
    let problem = world.notifier.test("ci").await.unwrap().problem.unwrap();
    assert!(!problem.contains("/very-secret") && !problem.contains("access_token"), "{problem}");
    let mut order = world.order("web").await;
    receiver.next().await;
    for _ in 0..3 {
        world.clock.pass_to_the_next_attempt().await;
        receiver.next().await;
    }
    world.happens(&mut order, Status::Succeeded, &["OrderEnded"]).await;
    receiver.next().await;
    assert_eq!(world.notifier.get("robot-of-the-log").await.unwrap().dead_letters, 1);

    let shown = format!(
        "{:?}{:?}{:?}",
        world.notifier,
        world.notifier.list().await.unwrap(),
        world.notifier.dead_letters("robot-of-the-log").await.unwrap()
    );
    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("robot-of-the-log") && log.contains("a delivery failed"), "{log}");
    let key = key.strip_prefix("whsec_").unwrap();
    for text in [&shown, &log] {
        for secret in ["SEC-very-secret", "hook/very-secret", "access_token", ":very-secret@", key] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    world.store.close().await;
    for file in world.files() {
        for secret in ["very-secret", key] {
            let found = file.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in a file");
        }
    }
}
