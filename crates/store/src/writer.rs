//! The writer: one task, one connection, all writes of the process, one after the other.
//!
//! ```text
//!  perform(command) ──► queue ──► writer:  BEGIN IMMEDIATE
//!        ▲                                   SAVEPOINT  command  RELEASE        (kept)
//!        │                                   SAVEPOINT  command  ROLLBACK TO    (refused: its neighbours do not notice)
//!        └───────── answers ◄──────────────  COMMIT   (one fsync for all)
//! ```
//!
//! SQLite has one writer at a time anyway; several connections would only wait for each other. What waits in the queue is
//! committed as one transaction, so that throughput grows with load while a lone command waits for nobody. Answers go out after the
//! COMMIT: whoever has one knows that the write is on disk.
//!
//! If the transaction itself fails (the disk is full, say), all its commands are answered with that error and the connection is
//! replaced, because the state of its transaction is not known. If it cannot be replaced, the task ends, which
//! [`Writer::failed`] reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use sternway_core::ports::StoreError;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::Doing as _;
use crate::lock::DirectoryLock;

/// Commands that wait for the writer before callers wait for a place: enough to fill several groups, small in memory.
const QUEUE: usize = 1024;
/// Commands in one transaction: at some 10 µs each, the first waits few milliseconds for the last.
const GROUP: usize = 256;

/// A write with a typed answer.
pub(crate) trait Command: Send + 'static {
    /// What a success answers.
    type Output: Send + 'static;
    /// What a refusal answers; the command's own writes are undone.
    type Error: From<StoreError> + Send + 'static;

    /// What it does, in the infinitive, for errors.
    fn doing(&self) -> String;

    /// Performs it within the present transaction. Must not begin or end one.
    fn perform(
        self,
        connection: &mut SqliteConnection,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

/// The handle: sends commands, waits for answers.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    tasks: TaskTracker,
    ended: CancellationToken,
    closing: AtomicBool,
}

impl Writer {
    /// Starts the task. It keeps `lock` until its connection is closed.
    pub(crate) fn start(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        lock: Option<DirectoryLock>,
    ) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        let tasks = TaskTracker::new();
        let ended = CancellationToken::new();
        let guard = ended.clone().drop_guard();
        tasks.spawn(async move {
            // Dropped in any case, a panic too.
            let _guard = guard;
            match run(connection, options, messages).await {
                Ok(totals) => {
                    tracing::debug!(totals.commands, totals.groups, "the store's writer has ended");
                }
                Err(error) => {
                    tracing::error!(%error, "the store's writer cannot go on");
                }
            }
            drop(lock);
        });
        tasks.close();
        Self { queue, tasks, ended, closing: AtomicBool::new(false) }
    }

    /// Performs a command; durable once answered. The command is performed even if the caller stops waiting.
    pub(crate) async fn perform<C: Command>(&self, command: C) -> Result<C::Output, C::Error> {
        perform(&self.queue, command).await
    }

    /// Ends the task after what waits in the queue, and waits for it. Later commands are refused.
    pub(crate) async fn close(&self) {
        self.closing.store(true, Ordering::Release);
        // A task that has ended has closed its queue: there is nothing to tell it.
        let _ = self.queue.send(Message::Close).await;
        self.tasks.wait().await;
    }

    /// Returns when the task has ended though nobody closed it.
    pub(crate) async fn failed(&self) {
        self.ended.cancelled().await;
        if self.closing.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
    }
}

/// The writer takes no more commands.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct Closed;

/// The writer ended before it answered.
#[derive(Debug, thiserror::Error)]
#[error("the store's writer ended; whether the write happened is not known")]
struct Unanswered;

async fn perform<C: Command>(queue: &mpsc::Sender<Message>, command: C) -> Result<C::Output, C::Error> {
    let doing = command.doing();
    let (reply, answer) = oneshot::channel();
    let waiting = Waiting { doing: doing.clone(), command: Some(command), outcome: None, reply };
    let sent = queue.send(Message::Command(Box::new(waiting))).await;
    sent.map_err(|_| Closed).doing(|| doing.clone())?;
    answer.await.map_err(|_| Unanswered).doing(|| doing)?
}

enum Message {
    Command(Box<dyn Job>),
    Close,
}

/// A command with its type erased.
#[async_trait]
trait Job: Send {
    /// Performs it and keeps the outcome; false if its writes must be undone.
    async fn perform(&mut self, connection: &mut SqliteConnection) -> bool;
    /// Answers, now that it is known what became of the transaction.
    fn answer(self: Box<Self>, transaction: Result<(), Arc<sqlx::Error>>);
}

struct Waiting<C: Command> {
    doing: String,
    command: Option<C>,
    outcome: Option<Result<C::Output, C::Error>>,
    reply: oneshot::Sender<Result<C::Output, C::Error>>,
}

#[async_trait]
impl<C: Command> Job for Waiting<C> {
    async fn perform(&mut self, connection: &mut SqliteConnection) -> bool {
        if let Some(command) = self.command.take() {
            self.outcome = Some(command.perform(connection).await);
        }
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, transaction: Result<(), Arc<sqlx::Error>>) {
        let Self { doing, outcome, reply, .. } = *self;
        // Even a refusal falls with the transaction: it may rest on a neighbour's write that did not happen.
        let answer = match transaction.doing(|| doing) {
            Ok(()) => outcome,
            Err(error) => Some(Err(error.into())),
        };
        if let Some(answer) = answer {
            // Whoever asked may have stopped waiting.
            let _ = reply.send(answer);
        }
    }
}

/// What a writer did in its life.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Totals {
    commands: u64,
    groups: u64,
}

async fn run(
    mut connection: SqliteConnection,
    options: SqliteConnectOptions,
    mut messages: mpsc::Receiver<Message>,
) -> Result<Totals, sqlx::Error> {
    let mut totals = Totals::default();
    let mut received = Vec::with_capacity(GROUP);
    while messages.recv_many(&mut received, GROUP).await > 0 {
        let mut group = Vec::with_capacity(received.len());
        for message in received.drain(..) {
            match message {
                Message::Command(job) => group.push(job),
                Message::Close => messages.close(),
            }
        }
        if group.is_empty() {
            continue;
        }
        totals.commands += group.len() as u64;
        totals.groups += 1;
        let transaction = write(&mut connection, &mut group).await.map_err(Arc::new);
        for job in group {
            job.answer(transaction.clone());
        }
        if let Err(error) = transaction {
            tracing::warn!(%error, "a transaction failed; the connection is replaced");
            // An error while closing a connection that is given up says nothing new.
            let _ = connection.close_hard().await;
            connection = options.connect().await?;
        }
    }
    connection.close().await?;
    Ok(totals)
}

/// One transaction for all of `group`.
async fn write(connection: &mut SqliteConnection, group: &mut [Box<dyn Job>]) -> Result<(), sqlx::Error> {
    // IMMEDIATE: a transaction that starts as a reader can be refused when it first writes.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for job in group {
        let mut savepoint = transaction.begin().await?;
        if job.perform(&mut savepoint).await {
            savepoint.commit().await?;
        } else {
            savepoint.rollback().await?;
        }
    }
    transaction.commit().await
}

impl std::fmt::Debug for Message {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Command(_) => "Command",
            Self::Close => "Close",
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use sqlx::sqlite::SqliteJournalMode;

    use super::*;

    /// Writes a row, and refuses if it is told to, after writing.
    #[derive(Debug)]
    struct Put {
        text: String,
        refuse: bool,
    }

    fn put(text: &str) -> Put {
        Put { text: text.to_owned(), refuse: false }
    }

    fn refused(text: &str) -> Put {
        Put { refuse: true, ..put(text) }
    }

    impl Command for Put {
        type Output = ();
        type Error = StoreError;

        fn doing(&self) -> String {
            "put a row".to_owned()
        }

        async fn perform(self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
            sqlx::query("INSERT INTO rows (text) VALUES ($1)")
                .bind(&self.text)
                .execute(connection)
                .await
                .doing(|| self.doing())?;
            if self.refuse { Err("refused").doing(|| self.doing()) } else { Ok(()) }
        }
    }

    /// Sets how many pages the database may have: a disk that is full.
    #[derive(Debug)]
    struct Limit(&'static str);

    impl Command for Limit {
        type Output = ();
        type Error = StoreError;

        fn doing(&self) -> String {
            "set the limit".to_owned()
        }

        async fn perform(self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
            sqlx::query(self.0).execute(connection).await.doing(|| self.doing())?;
            Ok(())
        }
    }

    #[derive(Debug)]
    struct Panic;

    impl Command for Panic {
        type Output = ();
        type Error = StoreError;

        fn doing(&self) -> String {
            "panic".to_owned()
        }

        async fn perform(self, _: &mut SqliteConnection) -> Result<(), StoreError> {
            panic!("a test panics on purpose")
        }
    }

    struct Database {
        directory: tempfile::TempDir,
        options: SqliteConnectOptions,
    }

    impl Database {
        async fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let options = SqliteConnectOptions::new()
                .filename(directory.path().join("test.db"))
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal);
            let database = Self { directory, options };
            sqlx::query("CREATE TABLE rows (text TEXT NOT NULL)").execute(&mut database.connect().await).await.unwrap();
            database
        }

        async fn connect(&self) -> SqliteConnection {
            self.options.connect().await.unwrap()
        }

        async fn writer(&self) -> Writer {
            let lock = DirectoryLock::acquire(&self.directory.path().join("lock")).unwrap();
            Writer::start(self.connect().await, self.options.clone(), Some(lock))
        }

        async fn rows(&self) -> Vec<String> {
            sqlx::query_scalar("SELECT text FROM rows ORDER BY rowid")
                .fetch_all(&mut self.connect().await)
                .await
                .unwrap()
        }
    }

    #[tokio::test]
    async fn a_refused_command_harms_no_neighbour_in_its_group() {
        let database = Database::new().await;
        let (queue, messages) = mpsc::channel(QUEUE);
        // All are in the queue before the writer starts, so that they are one group.
        let commands = [put("a"), refused("b"), put("c"), refused("d"), put("e")];
        let answers = join_all(commands.map(|command| perform(&queue, command)));
        let connection = database.connect().await;
        let writer = run(connection, database.options.clone(), messages);
        let asked = async {
            let answers = answers.await;
            queue.send(Message::Close).await.unwrap();
            answers
        };
        let (answers, totals) = tokio::join!(asked, writer);

        let kept: Vec<_> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(kept, [true, false, true, false, true]);
        assert_eq!(database.rows().await, ["a", "c", "e"]);
        let expected = Totals { commands: 5, groups: 1 };
        assert_eq!(totals.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_full_disk_refuses_and_is_got_over() {
        let database = Database::new().await;
        let writer = database.writer().await;
        writer.perform(put("before")).await.unwrap();
        writer.perform(Limit("PRAGMA max_page_count = 3")).await.unwrap();
        let large = "x".repeat(100_000);
        let error = writer.perform(put(&large)).await.unwrap_err();
        assert!(error.to_string().contains("put a row"), "{error}");
        writer.perform(Limit("PRAGMA max_page_count = 1000000")).await.unwrap();
        writer.perform(put("after")).await.unwrap();
        writer.close().await;
        assert_eq!(database.rows().await, ["before", "after"]);
    }

    #[tokio::test]
    async fn a_failed_transaction_is_answered_to_its_whole_group() {
        let database = Database::new().await;
        // Whatever fails at COMMIT: here, a constraint that is checked only then.
        sqlx::raw_sql(
            "CREATE TABLE parents (id INTEGER PRIMARY KEY); \
             CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);",
        )
        .execute(&mut database.connect().await)
        .await
        .unwrap();
        let (queue, messages) = mpsc::channel(QUEUE);
        let orphan = perform(&queue, Limit("INSERT INTO children (parent) VALUES (1)"));
        let commands = join_all([put("a"), refused("b")].map(|command| perform(&queue, command)));
        let connection = database.connect().await;
        let writer = run(connection, database.options.clone(), messages);
        let asked = async {
            let (orphan, neighbours) = tokio::join!(orphan, commands);
            let later = perform(&queue, put("later")).await;
            queue.send(Message::Close).await.unwrap();
            (orphan, neighbours, later)
        };
        let ((orphan, neighbours, later), totals) = tokio::join!(asked, writer);

        assert!(orphan.is_err());
        assert!(neighbours.iter().all(Result::is_err));
        later.unwrap();
        assert_eq!(database.rows().await, ["later"]);
        assert_eq!(totals.unwrap().groups, 2);
    }

    #[tokio::test]
    async fn a_writer_that_dies_is_noticed_by_everyone() {
        let database = Database::new().await;
        let writer = database.writer().await;
        writer.perform(put("before")).await.unwrap();
        let error = writer.perform(Panic).await.unwrap_err();
        assert_eq!(error.to_string(), "the store failed to panic");
        writer.failed().await;
        writer.perform(put("after")).await.unwrap_err();
        writer.close().await;
        assert_eq!(database.rows().await, ["before"]);
    }

    #[tokio::test]
    async fn what_waits_is_performed_even_if_the_store_is_dropped() {
        let database = Database::new().await;
        let writer = database.writer().await;
        let tasks = writer.tasks.clone();
        let mut asked = Box::pin(writer.perform(put("dropped")));
        // In the queue, and nobody waits any more.
        assert!(futures::poll!(asked.as_mut()).is_pending());
        drop(asked);
        drop(writer);
        tasks.wait().await;
        assert_eq!(database.rows().await, ["dropped"]);
    }
}
