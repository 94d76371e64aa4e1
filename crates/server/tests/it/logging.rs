//! One line per request, for programs, without secrets.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::Value;
use sternway_core::ports::Store as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{KEY, World, access_key, now};

/// The other tests log too, and not under this key.
const OWN_KEY: &str = "logged";

/// What is logged, by all tests of this process.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The log from now on. For the whole process: a subscriber of one thread may miss what another thread's tests reached first.
pub(crate) fn log() -> Kept {
    static LOG: OnceLock<Kept> = OnceLock::new();
    let kept = LOG.get_or_init(|| {
        let kept = Kept::default();
        let level = tracing::Level::DEBUG;
        let subscriber = tracing_subscriber::fmt().json().with_max_level(level).with_writer(kept.clone()).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        kept
    });
    kept.clone()
}

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
    let kept = log();
    let world = World::new().await;
    world.store.insert_key(access_key(OWN_KEY, true)).await.unwrap();
    let mut own = KEY;
    own.id = OWN_KEY;
    let import = [("ClusterId", "cs-new"), ("KubeConfig", "token: very-secret")];
    let reply = world.sign("ImportK8sCluster", &import, |call| call.sign_acs3(own, now(), &world.nonce()));
    let reply = reply.await;
    reply.success();

    let text = kept.text();
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
