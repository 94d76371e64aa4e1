//! Names that a cluster will have to take: of applications, namespaces, images; and what a package is.

use super::Parameters;
use crate::codes::PackageType;
use crate::error::GatewayError;

/// EDAS's bound; it leaves room for what Kubernetes appends to the names of pods.
const LONGEST_APPLICATION_NAME: usize = 36;

/// The longest reference that container runtimes take.
const LONGEST_IMAGE: usize = 512;

/// Whether the text is a label of RFC 1123, as Kubernetes's names are.
pub fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && !bytes.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

/// Whether the text is a series of such labels with dots between.
pub fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// `AppName`: begins with a letter, has letters, digits and hyphens, ends with a letter or digit.
///
/// Upper case is EDAS's to allow and Kubernetes's to refuse, so the Deployment's name is this one in lower case.
pub fn application_name(parameters: &Parameters) -> Result<&str, GatewayError> {
    const NAME: &str = "AppName";
    let name = parameters.required(NAME, "a name for the application")?;
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins && name.len() <= LONGEST_APPLICATION_NAME && is_label(&name.to_ascii_lowercase()) {
        return Ok(name);
    }
    let problem = format!(
        "It begins with a letter, has letters, digits and hyphens, does not end with a hyphen, and is at most {LONGEST_APPLICATION_NAME} characters long."
    );
    Err(GatewayError::invalid_parameter(NAME, &problem))
}

/// `Namespace` of Kubernetes; `default` if none is given.
pub fn namespace(parameters: &Parameters) -> Result<&str, GatewayError> {
    const NAME: &str = "Namespace";
    let namespace = parameters.optional(NAME)?.unwrap_or("default");
    match is_label(namespace) {
        true => Ok(namespace),
        false => {
            let problem = "It has up to 63 lower-case letters, digits and hyphens, no hyphen first or last.";
            Err(GatewayError::invalid_parameter(NAME, problem))
        }
    }
}

/// `PackageType`, in any case; `Image` if none is given.
pub fn package_type(parameters: &Parameters) -> Result<PackageType, GatewayError> {
    const NAME: &str = "PackageType";
    match parameters.optional(NAME)? {
        None => Ok(PackageType::Image),
        Some(word) => PackageType::from_code(word)
            .ok_or_else(|| GatewayError::invalid_parameter(NAME, "Give Image, FatJar or War.")),
    }
}

/// A reference to an image, under whatever name the operation has for it.
pub fn image<'a>(parameters: &'a Parameters, name: &str) -> Result<Option<&'a str>, GatewayError> {
    let image = parameters.optional(name)?;
    match image.is_none_or(is_image) {
        true => Ok(image),
        false => {
            let problem = "Give a reference to an image, \"registry:port/path/name:tag\" or with \"@sha256:digest\".";
            Err(GatewayError::invalid_parameter(name, problem))
        }
    }
}

/// `ImageTag`.
pub fn image_tag(parameters: &Parameters) -> Result<Option<&str>, GatewayError> {
    const NAME: &str = "ImageTag";
    let tag = parameters.optional(NAME)?;
    match tag.is_none_or(is_tag) {
        true => Ok(tag),
        false => {
            let problem =
                "It has up to 128 letters, digits, \"_\", \".\" and \"-\", the first a letter, digit or \"_\".";
            Err(GatewayError::invalid_parameter(NAME, problem))
        }
    }
}

/// Whether a container runtime would take the text as a reference to an image.
pub fn is_image(text: &str) -> bool {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    // A colon after the last slash begins a tag; before it, a port.
    let after_slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (path, tag) = match rest[after_slash..].find(':') {
        Some(at) => (&rest[..after_slash + at], Some(&rest[after_slash + at + 1..])),
        None => (rest, None),
    };
    let (registry, path) = match path.split_once('/') {
        Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), path),
        _ => (None, path),
    };
    text.len() <= LONGEST_IMAGE
        && digest.is_none_or(is_digest)
        && tag.is_none_or(is_tag)
        && registry.is_none_or(is_registry)
        && path.split('/').all(is_path_component)
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty()
            && algorithm.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+._-".contains(&byte))
            && hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn is_tag(tag: &str) -> bool {
    tag.len() <= 128
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_registry(registry: &str) -> bool {
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (registry, None),
    };
    port.is_none_or(|port| port.parse::<u16>().is_ok()) && is_subdomain(&host.to_ascii_lowercase())
}

/// Lower-case words, with one dot, one or two underscores, or any number of hyphens between.
fn is_path_component(component: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    ends(component.chars().next())
        && ends(component.chars().last())
        && component
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|between| matches!(between, "" | "." | "_" | "__") || between.bytes().all(|byte| byte == b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::*;

    fn parse(name: &str, value: &str) -> Parameters {
        Parameters::from_pairs(vec![(name.into(), value.into())]).unwrap()
    }

    #[test]
    fn application_names() {
        for good in ["a", "shop-cart", "DemoApplication", &"a".repeat(36)] {
            assert_eq!(application_name(&parse("AppName", good)).unwrap(), good);
        }
        for bad in ["1a", "-a", "a-", "a_b", "a.b", "a b", "应用", &"a".repeat(37)] {
            assert_eq!(application_name(&parse("AppName", bad)).unwrap_err().code, "InvalidParameter", "{bad}");
        }
        assert_eq!(application_name(&parse("AppName", "")).unwrap_err().code, "MissingParameter");
    }

    #[test]
    fn namespaces() {
        assert_eq!(namespace(&Parameters::default()).unwrap(), "default");
        for bad in ["A", "a.b", "-", &"a".repeat(64)] {
            assert_eq!(namespace(&parse("Namespace", bad)).unwrap_err().code, "InvalidParameter", "{bad}");
        }
    }

    #[test]
    fn images() {
        let digest = format!("a/b@sha256:{}", "0".repeat(64));
        for good in [
            "nginx",
            "nginx:1.25",
            "library/nginx:1.25-alpine",
            "registry-vpc.cn-beijing.aliyuncs.com/edas-demo-image/consumer:1.0",
            "localhost/x:V1",
            "host:5000/x",
            "host:5000/x/y__z/a-b.c:tag_1",
            &digest,
        ] {
            assert!(is_image(good), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "Nginx",
            "nginx:",
            ":tag",
            "nginx:a/b:c",
            "a//b",
            "/a",
            "a/",
            "http://a/b",
            "a@sha256:12",
            "a@",
            "host:99999/x",
            "a..b",
            "-a",
            "a:tag with space",
            "x:\u{1}",
            &"a/".repeat(400),
        ] {
            assert!(!is_image(bad), "{bad}");
        }
        assert_eq!(image(&parse("Image", "not an image"), "Image").unwrap_err().code, "InvalidParameter");
        assert_eq!(image(&Parameters::default(), "Image").unwrap(), None);
    }

    #[test]
    fn tags_and_packages() {
        assert_eq!(image_tag(&parse("ImageTag", "v1.2")).unwrap(), Some("v1.2"));
        assert_eq!(image_tag(&parse("ImageTag", "a:b")).unwrap_err().code, "InvalidParameter");
        assert_eq!(package_type(&parse("PackageType", "fatjar")).unwrap(), PackageType::FatJar);
        assert_eq!(package_type(&parse("PackageType", "zip")).unwrap_err().code, "InvalidParameter");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-z/:@._ é-]{0,40}") {
            let _ = is_image(&text);
        }
    }
}
