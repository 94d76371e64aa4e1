//! Processes of the binary, ended by guards, and what they print.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine; a test that hangs must end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The binary, without settings from the environment of the tests.
pub(crate) fn sternway() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sternway"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("STERNWAY_")
            || name.starts_with("ACCESS_KEY_")
            || name == "SECURITY_TOKEN"
            || name == "KUBERNETES_SERVICE_HOST"
        {
            command.env_remove(name);
        }
    }
    command
}

/// A process that goes on until it is told to end, or its guard is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Service {
    /// Starts the binary with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    /// The same with these environment variables.
    pub(crate) fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = sternway()
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = read_lines(child.stderr.take().unwrap());
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line on stderr with this text in it; answers with what follows the text.
    pub(crate) fn after(&mut self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| {
                panic!("waited for `{text}`: {error}; it said:\n{}", self.seen.join("\n"));
            });
            self.seen.push(line.clone());
            if let Some((_, rest)) = line.split_once(text) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Everything on stderr until its end, after SIGTERM.
    pub(crate) fn terminate_and_read(mut self) -> Vec<String> {
        self.ask_to_stop();
        assert!(self.child.wait().unwrap().success());
        let mut all = std::mem::take(&mut self.seen);
        all.extend(self.lines.iter());
        all
    }

    /// Asks it to stop by SIGTERM, and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.ask_to_stop();
        self.child.wait().unwrap()
    }

    fn ask_to_stop(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A verb that was run to its end.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it printed, provided that it ended with this code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> String {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// What it printed as JSON, provided that it succeeded.
    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ended(0)).unwrap()
    }
}

/// Runs a command to its end; one that hangs is ended.
pub(crate) fn run(command: &mut Command) -> Ran {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let (stdout, stderr) = (collect(child.stdout.take().unwrap()), collect(child.stderr.take().unwrap()));
    let (sender, ended) = channel();
    let waiting = thread::spawn(move || {
        let status = child.wait();
        sender.send(()).ok();
        status
    });
    let began = Instant::now();
    if ended.recv_timeout(PATIENCE).is_err() {
        Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap();
        panic!("{command:?} did not end within {:?}; stderr:\n{}", began.elapsed(), stderr.join().unwrap());
    }
    let status = waiting.join().unwrap().unwrap();
    Ran::of(Output { status, stdout: stdout.join().unwrap().into_bytes(), stderr: stderr.join().unwrap().into_bytes() })
}

fn collect(mut source: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        source.read_to_string(&mut text).unwrap();
        text
    })
}

/// The verbs, talking to one server.
#[derive(Debug)]
pub(crate) struct Verbs<'a> {
    pub(crate) endpoint: String,
    pub(crate) data: &'a Path,
}

impl Verbs<'_> {
    /// Runs a verb, written as on a command line.
    pub(crate) fn run(&self, line: &str) -> Ran {
        run(&mut self.command(line))
    }

    /// A verb that is not run yet.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = sternway();
        command.args(line.split_whitespace()).env("STERNWAY_ENDPOINT", &self.endpoint).env("STERNWAY_DATA", self.data);
        command
    }

    /// The status of an order, by the API.
    pub(crate) fn status(&self, order: &str) -> i64 {
        let order = self.run(&format!("order get {order} -o json")).json();
        order["changeOrderInfo"]["Status"].as_i64().unwrap()
    }

    /// The images that the pods of an application run, each once, provided that all pods are ready.
    pub(crate) fn images(&self, app: &str) -> Vec<String> {
        let answer = self.run(&format!("app get {app} -o json")).json();
        let pods = answer["DescribeAppInstanceList"]["InstanceList"].as_array().unwrap();
        let mut images: Vec<String> = pods
            .iter()
            .map(|pod| serde_json::from_str::<serde_json::Value>(pod["PodRaw"].as_str().unwrap()).unwrap())
            .filter(|pod| pod["metadata"].get("deletionTimestamp").is_none())
            .map(|pod| pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned())
            .collect();
        images.sort();
        images.dedup();
        images
    }
}

/// The one word that a verb printed.
pub(crate) fn word(text: &str) -> String {
    text.trim().to_owned()
}
