//! A sandbox in virtual time: requests go in, time passes when told to.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sternway_sandbox::api::{Body, Request};
use sternway_sandbox::{Options, Sandbox};

pub(crate) struct Driver {
    pub(crate) sandbox: Sandbox,
    pub(crate) now: Timestamp,
}

impl Driver {
    pub(crate) fn new(options: Options) -> Self {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        Self { sandbox: Sandbox::new(options, now), now }
    }

    /// Sends a request with a JSON body (none for null); answers with the code and the body, JSON or text.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        content_type: &str,
        body: &Value,
    ) -> (u16, Value) {
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: query.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            headers: vec![
                ("content-type".into(), content_type.into()),
                ("accept".into(), "application/json".into()),
                ("user-agent".into(), "trace-recorder".into()),
            ],
            body: if body.is_null() { Vec::new().into() } else { body.to_string().into_bytes().into() },
        };
        let response = self.sandbox.handle(&request, self.now);
        let Body::Full(bytes) = response.body else { panic!("{method} {path} answered with a watch") };
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        (response.status, serde_json::from_slice(&bytes).unwrap_or_else(|_| text()))
    }

    /// Does what is due now, and tells when the next thing is.
    pub(crate) fn tick(&mut self) -> Option<Timestamp> {
        loop {
            let due = self.sandbox.tick(self.now);
            if due.is_none_or(|due| due > self.now) {
                return due;
            }
        }
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, duration: SignedDuration) {
        let end = self.now + duration;
        while let Some(due) = self.tick().filter(|due| *due <= end) {
            self.now = due;
        }
        self.now = end;
    }
}
