//! One line per request, for programs, without secrets.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sternway_core::ports::Store as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{KEY, World, access_key, now};

/// The other tests log too, and not under this key.
const OWN_KEY: &str = "logged";

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
async fn each_request_is_one_line_that_tells_who_did_what_and_no_secret() {
    // For the whole process: a subscriber of one thread may miss what another thread's tests reached first.
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(kept.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let world = World::new().await;
    world.store.insert_key(access_key(OWN_KEY, true)).await.unwrap();
    let mut own = KEY;
    own.id = OWN_KEY;
    let import = [("ClusterId", "cs-new"), ("KubeConfig", "token: very-secret")];
    let reply = world.sign("ImportK8sCluster", &import, |call| call.sign_acs3(own, now(), &world.nonce()));
    let reply = reply.await;
    reply.success();

    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains("very-secret") && !text.contains(KEY.secret), "{text}");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["fields"]["access_key_id"] == OWN_KEY)
        .collect();
    let [line] = lines.as_slice() else {
        panic!("{text}");
    };
    assert_eq!(line["target"], "sternway::access");
    let fields = &line["fields"];
    for (name, value) in
        [("action", "ImportK8sCluster"), ("method", "POST"), ("path", "/pop/v5/import_k8s_cluster"), ("code", "200")]
    {
        assert_eq!(fields[name], value, "{line}");
    }
    assert_eq!(fields["status"], 200);
    assert!(fields["duration_ms"].is_u64());
    let trace = fields["trace_id"].as_str().unwrap();
    assert!(reply.head.contains(&format!("x-acs-trace-id: {trace}")));
}
