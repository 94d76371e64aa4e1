//! Keeping and fetching, on a real directory and with real sockets.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::get;
use futures::stream;

use super::*;
use crate::{Fetcher, Limits, PartName, Reach};

const LARGEST: u64 = 1000;

struct Ground {
    packages: Packages,
    directory: tempfile::TempDir,
}

fn place() -> Ground {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::Directory(directory.path().join("kept"));
    let packages = Packages::open_at(&place, &directory.path().join("spool"), LARGEST).unwrap();
    Ground { packages, directory }
}

impl Ground {
    /// All files that are on the disk.
    fn files(&self) -> Vec<String> {
        fn walk(directory: &FilePath, files: &mut Vec<String>) {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, files) } else { files.push(path.display().to_string()) }
            }
        }
        let mut files = Vec::new();
        walk(self.directory.path(), &mut files);
        files
    }
}

/// An archive with something in it.
fn archive(content: &str) -> Vec<u8> {
    let mut bytes = content.as_bytes().to_vec();
    bytes.extend(*b"PK\x05\x06");
    bytes.extend([0; 18]);
    bytes
}

fn chunks(bytes: &[u8]) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
    let chunks: Vec<_> = bytes.chunks(7).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    stream::iter(chunks)
}

async fn read(packages: &Packages, digest: &Digest, start: u64) -> Vec<u8> {
    let opened = packages.open(digest, start).await.unwrap().unwrap();
    let chunks: Vec<Bytes> = opened.chunks.try_collect().await.unwrap();
    chunks.concat()
}

#[tokio::test]
async fn the_same_content_is_kept_once() {
    let place = place();
    let content = archive("one");
    let kept = place.packages.keep(None, chunks(&content)).await.unwrap();
    let again = place.packages.keep(Some(&kept.digest), chunks(&content)).await.unwrap();
    assert_eq!(kept, again);
    assert_eq!(place.files().len(), 1);
    assert_eq!(read(&place.packages, &kept.digest, 0).await, content);
    assert_eq!(read(&place.packages, &kept.digest, 5).await, content[5..]);
    assert_eq!(place.packages.find(&kept.digest).await.unwrap(), Some(content.len() as u64));
}

#[tokio::test]
async fn nothing_half_written_stays() {
    let place = place();
    let other = Digest::parse(&"0".repeat(64)).unwrap();
    let broken = stream::iter([Ok(Bytes::from_static(b"PK")), Err("gone")]);
    let outcomes = [
        place.packages.keep(Some(&other), chunks(&archive("x"))).await.unwrap_err(),
        place.packages.keep(None, chunks(&archive(&"x".repeat(1000)))).await.unwrap_err(),
        place.packages.keep(None, chunks(b"<html>")).await.unwrap_err(),
        place.packages.keep(None, broken).await.unwrap_err(),
    ];
    let [
        PackageError::Digest { .. },
        PackageError::TooLarge(LARGEST),
        PackageError::NotAnArchive,
        PackageError::Sender(_),
    ] = outcomes
    else {
        panic!("{outcomes:?}");
    };
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[tokio::test]
async fn what_a_crash_left_is_removed_at_the_next_start() {
    let place = place();
    let draft = place.directory.path().join("kept/blobs");
    std::fs::create_dir_all(&draft).unwrap();
    std::fs::write(draft.join("abc#1"), "half").unwrap();
    Packages::open_at(&Place::Directory(place.directory.path().join("kept")), &draft, LARGEST).unwrap();
    assert_eq!(place.files(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_package_that_was_kept_again_is_not_removed() {
    let place = place();
    let kept = place.packages.keep(None, chunks(&archive("one"))).await.unwrap();
    let [(digest, at)] = &place.packages.all().await.unwrap()[..] else { panic!() };
    assert!(!place.packages.remove(digest, *at).await.unwrap());
    assert!(place.packages.remove(digest, Timestamp::MAX).await.unwrap());
    assert!(place.packages.remove(digest, Timestamp::MAX).await.unwrap(), "gone is gone");
    assert_eq!(place.packages.find(&kept.digest).await.unwrap(), None);
    assert!(place.packages.open(&kept.digest, 0).await.unwrap().is_none());
}

#[tokio::test]
async fn parts_become_a_package() {
    let place = place();
    let content = archive("a package in two parts");
    let (first, second) = content.split_at(11);
    let two = place.packages.keep_part("u", 2, chunks(second)).await.unwrap();
    place.packages.keep_part("u", 1, chunks(b"replaced")).await.unwrap();
    let one = place.packages.keep_part("u", 1, chunks(first)).await.unwrap();
    let wrong = PartName { md5: [0; 16], ..two.clone() };
    for (parts, expected) in [
        (vec![two.clone(), one.clone()], "order"),
        (vec![one.clone(), wrong], "part 2"),
        (vec![one.clone(), PartName { number: 3, ..two.clone() }], "part 3"),
    ] {
        let error = place.packages.join("u", &parts).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let kept = place.packages.join("u", &[one, two]).await.unwrap();
    assert_eq!(read(&place.packages, &kept.digest, 0).await, content);
    let too_large = place.packages.keep_part("u", 3, chunks(&[0; 990])).await;
    assert!(matches!(too_large, Err(PackageError::TooLarge(LARGEST))), "all parts together count");
    place.packages.drop_parts("u").await.unwrap();
    assert_eq!(place.files().len(), 1);
    place.packages.keep_part("left", 1, chunks(first)).await.unwrap();
    assert_eq!(place.packages.drop_old_parts(Timestamp::MIN).await.unwrap(), 0);
    assert_eq!(place.packages.drop_old_parts(Timestamp::MAX).await.unwrap(), 1);
}

/// A repository with everything that can be wrong with one.
async fn repository() -> String {
    let endless = || async {
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"PK"))]);
        Body::from_stream(first.chain(stream::pending()))
    };
    let router = Router::new()
        .route("/a/shop.jar", get(|| async { archive("shop") }))
        .route("/moved", get(|| async { Redirect::temporary("/a/shop.jar") }))
        .route("/around", get(|| async { Redirect::temporary("/around") }))
        .route("/away", get(|| async { Redirect::temporary("http://169.254.169.254/a.jar") }))
        .route("/file", get(|| async { Redirect::temporary("file:///etc/passwd") }))
        .route("/large", get(|| async { archive(&"x".repeat(2000)) }))
        .route("/login", get(|| async { "<html>" }))
        .route("/gone", get(|| async { StatusCode::NOT_FOUND.into_response() }))
        .route("/slow", get(endless));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio_util::task::TaskTracker::new().spawn(async move { axum::serve(socket, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_url_is_fetched_through_redirects_and_what_is_wrong_is_said() {
    let place = place();
    let at = repository().await;
    let quick = Limits { silence: Duration::from_millis(50), ..Limits::default() };
    let fetcher = Fetcher::new(Reach { loopback: true }, quick).unwrap();
    for (path, expected) in [
        ("/around", "5 redirects were followed"),
        ("/away", "link-local"),
        ("/file", "no URL of a package"),
        ("/large", "more than 1000 bytes"),
        ("/login", "no JAR or WAR"),
        ("/gone", "HTTP 404"),
        ("/slow", "it took too long"),
    ] {
        let error = fetcher.fetch(&format!("{at}{path}"), None, &place.packages).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{path}: {error}");
    }
    assert_eq!(place.files(), [] as [&str; 0]);
    let url = at.replace("http://", "http://ci:password@");
    let fetched = fetcher.fetch(&format!("{url}/a/shop.jar?token=t"), None, &place.packages).await.unwrap();
    assert_eq!((fetched.url, fetched.file.as_str()), (format!("{at}/a/shop.jar"), "shop.jar"));
    let moved = fetcher.fetch(&format!("{at}/moved"), Some(&fetched.kept.digest), &place.packages).await.unwrap();
    assert_eq!(moved.kept, fetched.kept);

    let strict = Fetcher::new(Reach::default(), quick).unwrap();
    for url in [format!("{at}/a/shop.jar"), at.replace("127.0.0.1", "localhost")] {
        let error = strict.fetch(&url, None, &place.packages).await.unwrap_err();
        assert!(matches!(error, PackageError::Forbidden { .. }), "{error}");
    }
    let hurried = Limits { total: Duration::from_millis(20), ..Limits::default() };
    let hurried = Fetcher::new(Reach { loopback: true }, hurried).unwrap();
    let error = hurried.fetch(&format!("{at}/slow"), None, &place.packages).await.unwrap_err();
    assert!(matches!(error, PackageError::TooSlow(_)), "{error}");
}
