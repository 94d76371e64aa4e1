//! JAR and WAR packages of the deploying operations: parameters, and what runs now, become the package that is to run.
//!
//! An absent parameter keeps, an empty one clears, as with all of a deploy. Everything is checked before anything is fetched.

use serde_json::{Map, Value};
use sternway_core::ids::AppId;
use sternway_core::template::package::{Package, PackageKind, PackageRun, Tomcat, WebConfig};
use sternway_packages::{Digest, PackageError};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::parameters::{Given, Parameters, names, package};

use crate::call::Call;
use crate::failure::Failure;
use crate::operations::package::{public_url, service};
use crate::packages::{PackageService, fetching::NotYet, link, uploads};

/// A package of an application that is made.
pub(super) async fn of_insert(call: &Call, app: AppId, kind: PackageKind) -> Result<PackageRun, Failure> {
    let url = package::url(&call.parameters)?;
    let url = url.ok_or_else(|| GatewayError::missing_parameter("PackageUrl", "the URL of the package"))?;
    let blank = Package {
        kind,
        url: String::new(),
        file: String::new(),
        digest: String::new(),
        size: 0,
        jdk: String::new(),
        web_container: String::new(),
        build_pack: None,
        base_image: None,
        java: Map::new(),
        tomcat: Tomcat::default(),
    };
    run(call, app, blank, Some(url)).await
}

/// The package of an application that runs one, after what a deploy says.
pub(super) async fn of_deploy(call: &Call, app: AppId, present: Package) -> Result<PackageRun, Failure> {
    for name in ["Image", "ImageTag"] {
        if call.parameters.optional(name)?.is_some() {
            let reason = format!("This application runs packages: give PackageUrl instead of {name}.");
            return Err(BusinessError::unprocessable(&reason).into());
        }
    }
    let url = package::url(&call.parameters)?;
    let run = run(call, app, present, url).await?;
    if url.is_none() {
        require_kept(call, &run.package).await?;
    }
    Ok(run)
}

/// Refuses a package that is not in the store any more: its pods would not come up.
pub(super) async fn require_kept(call: &Call, package: &Package) -> Result<(), Failure> {
    let digest = Digest::parse(&package.digest);
    let found = match &digest {
        Some(digest) => service(call)?.packages.find(digest).await.map_err(failed)?,
        None => None,
    };
    if found.is_some() {
        return Ok(());
    }
    let message = format!(
        "The package {} ({}) does not exist in the package store any more. Deploy it again with PackageUrl.",
        package.file,
        package.short_digest()
    );
    Err(BusinessError::new(404, "Package.NotFound", message).into())
}

async fn run(call: &Call, app: AppId, mut package: Package, url: Option<&str>) -> Result<PackageRun, Failure> {
    let service = service(call)?;
    let server = public_url(service)?;
    let image = settle(&call.parameters, service, &mut package)?;
    if let Some(url) = url {
        bring(call, service, &mut package, url).await?;
    }
    let digest = Digest::parse(&package.digest).ok_or_else(|| damaged(&package))?;
    let keys = service.keys(call.records()).await?;
    Ok(PackageRun {
        download_url: link::for_pods(keys, server, app, &digest, &package.file),
        download_image: service.settings.download_image.clone(),
        image,
        package,
    })
}

fn damaged(package: &Package) -> BusinessError {
    BusinessError::unprocessable(&format!(
        "The Deployment does not say which package {} is. Give PackageUrl.",
        package.file
    ))
}

/// What the parameters say of runtime and settings; answers with the image.
fn settle(parameters: &Parameters, service: &PackageService, package: &mut Package) -> Result<String, Failure> {
    if let Some(jdk) = parameters.optional("JDK")? {
        package.jdk = jdk.to_owned();
    }
    if let Some(options) = package::java_start_up(parameters)?.change() {
        package.java = options.unwrap_or_default();
    }
    match names::image(parameters, "UserBaseImageUrl")? {
        Some(image) => package.base_image = Some(image.to_owned()),
        None if matches!(parameters.given("UserBaseImageUrl")?, Given::Cleared) => package.base_image = None,
        None => {}
    }
    match package.kind {
        PackageKind::FatJar => only_wars(parameters)?,
        PackageKind::War => {
            web_container(parameters, service, package)?;
            tomcat(parameters, &mut package.tomcat)?;
        }
    }
    image(service, package)
}

/// A JAR brings its own server: settings of Tomcat would be lost.
fn only_wars(parameters: &Parameters) -> Result<(), Failure> {
    let default = match package::web_container_config(parameters)? {
        Given::Value(config) => config["useDefaultConfig"] == true,
        Given::Absent | Given::Cleared => true,
    };
    let mut lost = if default { None } else { Some("WebContainerConfig") };
    for name in ["WebContainer", "BuildPackId", "EdasContainerVersion", "UriEncoding", "UseBodyEncoding"] {
        if parameters.optional(name)?.is_some() {
            lost = Some(name);
        }
    }
    let Some(name) = lost else {
        return Ok(());
    };
    let reason = format!("{name} is for War packages; a FatJar brings its own server. Leave it out.");
    Err(BusinessError::unprocessable(&reason).into())
}

/// WebContainer names a Tomcat; BuildPackId and EdasContainerVersion choose one of ListBuildPack.
fn web_container(parameters: &Parameters, service: &PackageService, package: &mut Package) -> Result<(), Failure> {
    let runtimes = &service.settings.runtimes;
    if let Some(name) = parameters.optional("WebContainer")? {
        package.web_container = name.to_owned();
        package.build_pack = None;
        return Ok(());
    }
    let number = parameters.integer("BuildPackId", -1..=i64::from(i32::MAX))?;
    let number = number.filter(|number| *number > 0).and_then(|number| i32::try_from(number).ok());
    let version = parameters.optional("EdasContainerVersion")?;
    let chosen = match (number, version) {
        (None, None) => return Ok(()),
        (Some(number), _) => runtimes.build_pack(number).map(|container| (number, container)),
        (None, Some(version)) => runtimes.numbered().find(|(_, container)| container.version == version),
    };
    let (number, container) = chosen.ok_or_else(|| {
        BusinessError::unprocessable("There is no such build pack. Choose one of ListBuildPack, or give WebContainer.")
    })?;
    package.web_container.clone_from(&container.name);
    package.build_pack = Some(number);
    Ok(())
}

fn tomcat(parameters: &Parameters, tomcat: &mut Tomcat) -> Result<(), Failure> {
    match package::web_container_config(parameters)? {
        Given::Absent => {}
        Given::Cleared => tomcat.config = None,
        Given::Value(value) => tomcat.config = Some(serde_json::from_value::<WebConfig>(tidy(value))?),
    }
    if let Some(encoding) = package::uri_encoding(parameters)?.change() {
        tomcat.uri_encoding = encoding.map(str::to_owned);
    }
    if let Some(body) = parameters.boolean("UseBodyEncoding")? {
        tomcat.use_body_encoding = Some(body);
    }
    Ok(())
}

/// Clients send numbers and booleans as texts too, and null for nothing; all were checked to be what they should.
fn tidy(mut config: Value) -> Value {
    if let Some(entries) = config.as_object_mut() {
        entries.retain(|_, value| !value.is_null());
        for (name, value) in entries.iter_mut() {
            let text = value.as_str().map(str::to_ascii_lowercase);
            let is_text = matches!(name.as_str(), "contextInputType" | "contextPath" | "uriEncoding" | "serverXml");
            if let Some(plain) = text.filter(|_| !is_text).and_then(|text| serde_json::from_str(&text).ok()) {
                *value = plain;
            }
        }
    }
    config
}

/// The user's own image, or the runtime's.
fn image(service: &PackageService, package: &Package) -> Result<String, Failure> {
    if let Some(image) = &package.base_image {
        return Ok(image.clone());
    }
    let runtimes = &service.settings.runtimes;
    let missing = |what: &str, names: String| {
        let message = format!("Give {what}, one of: {names}; or an image with UserBaseImageUrl. See ListComponents.");
        BusinessError::new(400, "Application.MissingJdk", message)
    };
    let jdk = runtimes.jdk(&package.jdk).ok_or_else(|| missing("JDK", runtimes.jdk_names()))?;
    match package.kind {
        PackageKind::FatJar => Ok(jdk.image.clone()),
        PackageKind::War => {
            let container = runtimes.web_container(&package.web_container);
            let container = container.ok_or_else(|| missing("WebContainer", runtimes.web_container_names()))?;
            let image = container.images.get(&jdk.name);
            let names = || container.images.keys().cloned().collect::<Vec<_>>().join(", ");
            Ok(image.ok_or_else(|| missing("a JDK that the WebContainer has", names()))?.clone())
        }
    }
}

/// Gets the package: an upload of ours is in the store already, anything else is fetched.
async fn bring(call: &Call, service: &PackageService, package: &mut Package, url: &str) -> Result<(), Failure> {
    let expected = package::digest(&call.parameters)?.and_then(Digest::parse);
    let bucket = service.keys(call.records()).await?.bucket();
    let (host, path) = host_and_path(url);
    let file;
    if let Some(key) = uploads::object_key(&bucket, host, path) {
        let upload = uploads::find(call.records(), &key).await?;
        let digest = upload.as_ref().and_then(uploads::digest);
        let (Some(upload), Some(digest)) = (upload, digest) else {
            let message = format!("The upload {key} does not exist. Upload it again: uploads are kept for a week.");
            return Err(BusinessError::new(404, "Package.NotFound", message).into());
        };
        if let Some(expected) = expected.filter(|expected| *expected != digest) {
            let found = digest.to_string();
            return Err(failed(PackageError::Digest { expected: expected.to_string(), found }));
        }
        file = plain(key.rsplit('/').next().unwrap_or_default());
        package.size = upload.size;
        package.digest = digest.to_string();
        package.url = url.split(['?', '#']).next().unwrap_or_default().to_owned();
    } else {
        let fetched = fetch(call, service, url, expected.as_ref()).await?;
        file = fetched.file;
        package.size = fetched.kept.size;
        package.digest = fetched.kept.digest.to_string();
        package.url = fetched.url;
    }
    package.file = with_ending(file, package.kind);
    Ok(())
}

async fn fetch(
    call: &Call,
    service: &PackageService,
    url: &str,
    expected: Option<&Digest>,
) -> Result<sternway_packages::Fetched, Failure> {
    let patience = service.settings.fetch_patience;
    let outcome = service.fetching.fetch(url, expected, &service.packages, patience, call.now()).await;
    outcome.map_err(|not_yet| match not_yet {
        NotYet::Coming => GatewayError::unavailable(
            "the package is still being fetched, and nothing was changed; send the same request again in a moment",
        )
        .into(),
        NotYet::Busy => GatewayError::throttled().into(),
        NotYet::Failed(error) if error.is_ours() => Failure::Internal(Box::new(error)),
        NotYet::Failed(error) => refused(&error).into(),
    })
}

/// A failure with a package, as the client sees it.
pub(super) fn failed(error: PackageError) -> Failure {
    if error.is_ours() { Failure::Internal(Box::new(error)) } else { refused(&error).into() }
}

fn refused(error: &PackageError) -> BusinessError {
    let code = match error {
        PackageError::TooLarge(_) => "Package.TooLarge",
        PackageError::Digest { .. } | PackageError::NotAnArchive => "Package.Invalid",
        PackageError::NotAUrl(_) | PackageError::Forbidden { .. } => "Package.UrlNotAllowed",
        _ => "Package.NotFetched",
    };
    BusinessError::new(400, code, format!("The package was not taken: {error}."))
}

/// Without port and user, and the raw path. Only whether it is a URL of ours is asked of it.
fn host_and_path(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    (authority.rsplit('@').next().unwrap_or(authority), path)
}

fn plain(name: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let name: String = name.chars().map(|character| if plain(character) { character } else { '_' }).collect();
    name.trim_start_matches('.').to_owned()
}

/// Java and Tomcat go by the ending.
fn with_ending(file: String, kind: PackageKind) -> String {
    let ending = match kind {
        PackageKind::FatJar => ".jar",
        PackageKind::War => ".war",
    };
    if file.is_empty() {
        return format!("app{ending}");
    }
    if file.to_ascii_lowercase().ends_with(ending) { file } else { file + ending }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        assert_eq!(host_and_path("http://u:p@b.host:80/a/b.jar?x=/y"), ("b.host:80", "/a/b.jar"));
        assert_eq!(host_and_path("https://host"), ("host", ""));
    }

    #[test]
    fn files_have_the_right_ending() {
        assert_eq!(with_ending("a.JAR".into(), PackageKind::FatJar), "a.JAR");
        assert_eq!(with_ending(String::new(), PackageKind::War), "app.war");
        assert_eq!(with_ending(plain(".ä b"), PackageKind::War), "__b.war");
    }
}
