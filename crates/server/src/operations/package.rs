//! Packages: where to upload them, and what they may run in.

use std::collections::BTreeMap;
use std::sync::Arc;

use sternway_wire::error::BusinessError;
use sternway_wire::model::{
    BuildPack, Credential, GetPackageStorageCredential, ListBuildPack, ListComponents, RuntimeComponent,
};

use crate::call::Call;
use crate::failure::Failure;
use crate::packages::{PackageService, WebContainer, credential};

/// What every operation with packages needs; a server without it says so.
pub(crate) fn service(call: &Call) -> Result<&PackageService, BusinessError> {
    call.shared.packages.as_deref().ok_or_else(|| {
        BusinessError::unprocessable("This server keeps no packages. Build an image, and give PackageType=Image.")
    })
}

/// Where pods and plug-ins reach this server.
pub(crate) fn public_url(service: &PackageService) -> Result<&str, BusinessError> {
    service.public_url().ok_or_else(|| {
        BusinessError::unprocessable(
            "This server does not know where pods and plug-ins reach it. Start it with --public-url http://HOST:PORT.",
        )
    })
}

/// GetPackageStorageCredential
pub(crate) async fn storage_credential(call: Arc<Call>) -> Result<GetPackageStorageCredential, Failure> {
    let service = service(&call)?;
    let endpoint = endpoint(public_url(service)?);
    let keys = service.keys(call.records()).await?;
    let id = format!("STS.{}", call.engine().ports().ids.fresh().simple());
    let temporary = credential::issue(keys, id, &call.caller, call.now())?;
    let expires = jiff::Timestamp::from_second(temporary.claims.expires).unwrap_or_else(|_| call.now());
    Ok(GetPackageStorageCredential {
        credential: Credential {
            access_key_id: temporary.claims.id,
            access_key_secret: temporary.secret,
            bucket: keys.bucket(),
            expiration: expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            key_prefix: temporary.claims.prefix,
            oss_internal_endpoint: endpoint.clone(),
            oss_public_endpoint: endpoint.clone(),
            oss_vpc_endpoint: endpoint,
            region_id: call.region.clone(),
            security_token: temporary.token,
        },
    })
}

/// As EDAS has it: without a scheme, which clients take for http.
fn endpoint(url: &str) -> String {
    url.strip_prefix("http://").unwrap_or(url).to_owned()
}

/// ListBuildPack
pub(crate) async fn build_packs(call: Arc<Call>) -> Result<ListBuildPack, Failure> {
    let runtimes = &service(&call)?.settings.runtimes;
    let build_pack_list = runtimes.numbered().map(|(number, container)| BuildPack {
        config_id: number.into(),
        image_id: container.images.values().next().cloned().unwrap_or_default(),
        pack_version: container.version.clone(),
        support_features: images(&container.images),
        tomcat_desc: container.name.clone(),
        tomcat_version: container.version.clone(),
        ..BuildPack::default()
    });
    Ok(ListBuildPack { build_pack_list: build_pack_list.collect() })
}

/// ListComponents
pub(crate) async fn components(call: Arc<Call>) -> Result<ListComponents, Failure> {
    let runtimes = &service(&call)?.settings.runtimes;
    let jdks = runtimes.jdk.iter().map(|jdk| component(JDK, &jdk.name, &jdk.version, jdk.image.clone()));
    let containers = runtimes.web_container.iter().map(|container: &WebContainer| {
        component(TOMCAT, &container.name, &container.version, images(&container.images))
    });
    Ok(ListComponents { component_list: jdks.chain(containers).collect() })
}

/// EDAS's types of components.
pub(crate) const JDK: &str = "JDK";
pub(crate) const TOMCAT: &str = "TOMCAT";

fn component(kind: &str, name: &str, version: &str, desc: String) -> RuntimeComponent {
    RuntimeComponent {
        component_id: name.to_owned(),
        component_key: name.to_owned(),
        desc,
        expired: false,
        r#type: kind.to_owned(),
        version: version.to_owned(),
    }
}

/// `Open JDK 8: tomcat:9.0-jre8, ...`
fn images(images: &BTreeMap<String, String>) -> String {
    let images: Vec<_> = images.iter().map(|(jdk, image)| format!("{jdk}: {image}")).collect();
    images.join(", ")
}
