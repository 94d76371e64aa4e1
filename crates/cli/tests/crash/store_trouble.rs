//! What a data directory may have wrong: a second server, a full disk, a lock, no right to write. Each is told in words that say what to
//! do, leaves nothing half written, and is got over.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions as _, Connection as _};
use tokio::process::Command;

use crate::client::Reply;
use crate::site::{Site, V1, V2, tree};

/// Runs a program with the signal for too large files ignored, so that writing fails as on a full disk.
const WITHOUT_SIGNAL: [&str; 4] = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];
/// Some user that is not root.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::metadata(folder.path()).unwrap().uid() == 0
}

#[track_caller]
fn is_internal_error(reply: &Reply) {
    match reply {
        Reply::Refused { status: 500, body } => assert_eq!(body["Code"], "InternalError", "{body}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_store_does_not_start() {
    let site = Site::new().await;
    let first = site.serve().await;
    let Err(mut second) = site.try_serve(&mut site.command(&[])).await else {
        panic!("two servers on one store");
    };
    assert_eq!(second.ended().await.code(), Some(1));
    let said = second.said();
    assert!(said.contains("error: ") && said.contains("sternway.db is in use by the process"), "{said}");
    assert!(said.contains(&format!("the process {}: stop it first", first.process.id())), "{said}");
    // The first one does not notice.
    first.create(&site).await;
    // A crash leaves no lock behind.
    first.process.kill().await;
    site.serve().await.process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_in_mid_release_is_told_and_got_over() {
    let site = Site::new().await;
    let server = match site.try_serve(&mut site.command(&WITHOUT_SIGNAL)).await {
        Ok(server) => server,
        Err(process) => panic!("{}", process.said()),
    };
    let app = server.create(&site).await;
    let pods = site.pods().await;
    let order = server.deploy_by_hand(&app).await;
    server.at_gate(&order).await;
    let limit = |bytes: &str| {
        let mut command = Command::new("prlimit");
        command.args(["--pid", &server.process.id().to_string(), &format!("--fsize={bytes}:unlimited")]);
        async move { assert!(command.status().await.unwrap().success()) }
    };
    // Nothing can be written any more, in whatever part of the files there is still room.
    limit("1").await;
    is_internal_error(&server.confirm(&order).await);
    is_internal_error(&server.client.call("AbortAndRollbackChangeOrder", &[("ChangeOrderId", &order)]).await);
    assert_eq!(server.status(&order).await, 8, "it can be read, and nothing of it was changed");
    server.process.after("a transaction failed").await.expect("it goes on, and says why");

    // With room again it goes on where it stood.
    limit("unlimited").await;
    server.confirm(&order).await.done();
    assert_eq!(server.end_of(&order).await, 2);
    site.settled(V2, 4).await;
    assert!(site.lowest_since(&pods).await >= 3);
    server.process.kill().await;

    // And where there is no room at all, it does not start, and leaves everything as it is.
    let no_room = ["prlimit", "--fsize=4096:unlimited"].iter().chain(&WITHOUT_SIGNAL).copied().collect::<Vec<_>>();
    let Err(mut refused) = site.try_serve(&mut site.command(&no_room)).await else {
        panic!("it cannot store anything");
    };
    assert_eq!(refused.ended().await.code(), Some(1));
    let said = refused.said();
    assert!(said.contains("sternway.db could not be opened") && said.contains("because: "), "{said}");
    let server = site.serve().await;
    assert_eq!(server.status(&order).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_somebody_locks_is_waited_for_told_and_got_over() {
    let site = Site::new().await;
    let server = site.serve().await;
    let app = server.create(&site).await;
    let pods = site.pods().await;
    let order = server.deploy_by_hand(&app).await;
    server.at_gate(&order).await;
    let file = site.data().join("sternway.db");
    let mut somebody = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut somebody).await.unwrap();
    is_internal_error(&server.confirm(&order).await);
    assert_eq!(server.status(&order).await, 8, "it can be read, and nothing of it was changed");
    server.process.after("database is locked").await.expect("it goes on, and says why");
    sqlx::query("ROLLBACK").execute(&mut somebody).await.unwrap();
    somebody.close().await.unwrap();
    server.confirm(&order).await.done();
    assert_eq!(server.end_of(&order).await, 2);
    site.settled(V2, 4).await;
    assert!(site.lowest_since(&pods).await >= 3);
}

/// Sets the rights of a directory and of all directories and files in it.
fn set_rights(directory: &Path, of_directory: u32, of_files: u32) {
    for path in tree(directory) {
        let rights = if path.is_dir() { of_directory } else { of_files };
        std::fs::set_permissions(path, PermissionsExt::from_mode(rights)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_may_not_be_written_to_is_told_and_left_as_it_is() {
    let site = Site::new().await;
    let server = site.serve().await;
    server.create(&site).await;
    server.process.kill().await;
    let mut command = site.command(&[]);
    if is_root() {
        // Root may write everywhere: the server runs as somebody else, to whom all belongs.
        site.give_to(NOBODY);
        command.uid(NOBODY).gid(NOBODY);
    }
    let listing = || {
        let content = |path: &PathBuf| path.is_file().then(|| std::fs::read(path).unwrap());
        let mut all: Vec<_> = tree(&site.data()).into_iter().map(|path| (content(&path), path)).collect();
        all.sort();
        all
    };
    let before = listing();
    set_rights(&site.data(), 0o500, 0o400);
    let Err(mut refused) = site.try_serve(&mut command).await else {
        panic!("it cannot store anything");
    };
    assert_eq!(refused.ended().await.code(), Some(1));
    let said = refused.said();
    assert!(said.contains("cannot be used: make sure that it is a directory that this user may write to"), "{said}");
    assert!(said.contains("because: Permission denied"), "{said}");
    set_rights(&site.data(), 0o700, 0o600);
    assert!(listing() == before, "nothing was changed");
    match site.try_serve(&mut command).await {
        Ok(_) => site.settled(V1, 4).await,
        Err(process) => panic!("{}", process.said()),
    }
}
