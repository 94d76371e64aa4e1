//! What the deploying operations say of JAR and WAR packages, and of the runtime they are put into.

use serde_json::{Map, Value};

use super::structure::{Node, emptiness};
use super::{Given, Parameters};
use crate::error::GatewayError;

/// Our extension: the SHA-256 that the package must have.
pub const DIGEST: &str = "PackageDigest";
/// Tomcat's, by EDAS's documentation.
const ENCODINGS: [&str; 4] = ["UTF-8", "ISO-8859-1", "GBK", "GB2312"];
/// As EDAS has it: below are ports that need rights a container should not have.
const LOWEST_PORT: i64 = 1024;
const MOST_THREADS: i64 = 10_000;
const LONGEST_URL: usize = 4096;
const LONGEST_CONTEXT: usize = 255;
/// It becomes an annotation, and all annotations of a pod may have 256 KiB.
const LONGEST_SERVER_XML: usize = 128 << 10;

/// `PackageUrl`: only http and https.
pub fn url(parameters: &Parameters) -> Result<Option<&str>, GatewayError> {
    const NAME: &str = "PackageUrl";
    let Some(url) = parameters.text(NAME, LONGEST_URL)? else {
        return Ok(None);
    };
    let lower = url.to_ascii_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") {
        return Ok(Some(url));
    }
    let problem = "Give a URL with http or https: of a repository, or of an upload with GetPackageStorageCredential.";
    Err(GatewayError::invalid_parameter(NAME, problem))
}

/// `PackageDigest`: `sha256:<hex>`, or the digits alone.
pub fn digest(parameters: &Parameters) -> Result<Option<&str>, GatewayError> {
    let Some(text) = parameters.optional(DIGEST)? else {
        return Ok(None);
    };
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(digits));
    }
    Err(GatewayError::invalid_parameter(DIGEST, "Give the SHA-256 of the package: 64 hexadecimal digits."))
}

/// `JavaStartUpConfig`: `{"MaxHeapSize":{"original":512,"startup":"-Xmx512m"},...}`.
pub fn java_start_up(parameters: &Parameters) -> Result<Given<Map<String, Value>>, GatewayError> {
    const NAME: &str = "JavaStartUpConfig";
    parameters.json(NAME)?.try_map(|value| {
        let root = Node::root(NAME, &value);
        let options = root.any_object()?;
        for name in options.keys() {
            let option = root.member(name).ok_or_else(|| root.error("An option is missing."))?;
            option.object(&["original", "startup"])?;
            option.required_text("startup")?;
        }
        Ok(options.clone())
    })
}

/// `WebContainerConfig`: Tomcat's settings by EDAS's names, each of the right kind and within its bounds.
pub fn web_container_config(parameters: &Parameters) -> Result<Given<Value>, GatewayError> {
    const NAME: &str = "WebContainerConfig";
    parameters.json(NAME)?.try_map(|value| {
        let root = Node::root(NAME, &value);
        root.object(&[
            "useDefaultConfig",
            "contextInputType",
            "contextPath",
            "httpPort",
            "maxThreads",
            "uriEncoding",
            "useBodyEncoding",
            "useAdvancedServerXml",
            "serverXml",
        ])?;
        for flag in ["useDefaultConfig", "useBodyEncoding", "useAdvancedServerXml"] {
            root.member(flag).map(|flag| flag.boolean()).transpose()?;
        }
        root.member("httpPort").map(|port| port.integer(LOWEST_PORT, 65_535)).transpose()?;
        root.member("maxThreads").map(|threads| threads.integer(1, MOST_THREADS)).transpose()?;
        if let Some(encoding) = root.member("uriEncoding") {
            known_encoding(encoding.text()?).ok_or_else(|| encoding.error(&one_of(&ENCODINGS)))?;
        }
        let context = root.member("contextPath").map(|path| path.text()).transpose()?.unwrap_or_default();
        match root.member("contextInputType").map(|kind| kind.text().map(|text| (kind, text))).transpose()? {
            None | Some((_, "root" | "war")) => {}
            Some((kind, "custom")) if !is_context(context) => {
                return Err(kind.error("\"custom\" needs a \"contextPath\" of letters, digits and \"-_./\"."));
            }
            Some((_, "custom")) => {}
            Some((kind, _)) => return Err(kind.error(&one_of(&["root", "war", "custom"]))),
        }
        let advanced = root.member("useAdvancedServerXml").map(|flag| flag.boolean()).transpose()?.unwrap_or(false);
        let own = root.member("serverXml").map(|xml| xml.text()).transpose()?.unwrap_or_default();
        if advanced && (own.trim().is_empty() || own.len() > LONGEST_SERVER_XML) {
            return Err(root.error("\"useAdvancedServerXml\" needs a \"serverXml\" of at most 128 KiB."));
        }
        Ok(emptiness(value.clone()).value().unwrap_or(Value::Null))
    })
}

/// `UriEncoding`.
pub fn uri_encoding(parameters: &Parameters) -> Result<Given<&'static str>, GatewayError> {
    const NAME: &str = "UriEncoding";
    parameters
        .given(NAME)?
        .try_map(|text| known_encoding(text).ok_or_else(|| GatewayError::invalid_parameter(NAME, &one_of(&ENCODINGS))))
}

fn known_encoding(text: &str) -> Option<&'static str> {
    ENCODINGS.into_iter().find(|encoding| encoding.eq_ignore_ascii_case(text))
}

fn one_of(words: &[&str]) -> String {
    format!("Give one of {}.", words.join(", "))
}

/// A path of names; none of them may lead elsewhere.
fn is_context(path: &str) -> bool {
    let path = path.trim_matches('/');
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    !path.is_empty()
        && path.len() <= LONGEST_CONTEXT
        && path.chars().all(plain)
        && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Parameters {
        Parameters::from_pairs(vec![(name.to_owned(), value.to_owned())]).unwrap()
    }

    #[test]
    fn tomcats_settings_are_checked() {
        let read = |text: &str| web_container_config(&parse("WebContainerConfig", text));
        for right in [
            r#"{"useDefaultConfig":false,"contextInputType":"custom","contextPath":"hello","httpPort":8088,"maxThreads":400,"uriEncoding":"UTF-8","useBodyEncoding":true,"useAdvancedServerXml":false}"#,
            r#"{"contextInputType":"war"}"#,
            r#"{"useAdvancedServerXml":true,"serverXml":"<Server/>"}"#,
        ] {
            assert!(matches!(read(right), Ok(Given::Value(_))), "{right}");
        }
        assert_eq!(read("{}").unwrap(), Given::Cleared);
        for wrong in [
            "[1]",
            r#"{"httpPort":80}"#,
            r#"{"httpPort":"x"}"#,
            r#"{"maxThreads":0}"#,
            r#"{"uriEncoding":"UTF-8\" evil=\""}"#,
            r#"{"contextInputType":"custom"}"#,
            r#"{"contextInputType":"custom","contextPath":"../x"}"#,
            r#"{"contextInputType":"other"}"#,
            r#"{"useAdvancedServerXml":true}"#,
            r#"{"unknown":1}"#,
        ] {
            assert_eq!(read(wrong).unwrap_err().code, "InvalidParameter", "{wrong}");
        }
    }

    #[test]
    fn options_of_the_jvm_are_checked() {
        let read = |text: &str| java_start_up(&parse("JavaStartUpConfig", text));
        let given = read(r#"{"MaxHeapSize":{"original":512,"startup":"-Xmx512m"}}"#).unwrap();
        assert_eq!(given.value().unwrap()["MaxHeapSize"]["startup"], "-Xmx512m");
        assert_eq!(read("{}").unwrap(), Given::Cleared);
        for wrong in [r#"{"MaxHeapSize":"-Xmx512m"}"#, r#"{"MaxHeapSize":{"original":1}}"#, "-Xmx512m"] {
            assert_eq!(read(wrong).unwrap_err().code, "InvalidParameter", "{wrong}");
        }
    }

    #[test]
    fn urls_digests_and_encodings_are_checked() {
        assert_eq!(url(&parse("PackageUrl", "HTTPS://ci/a.jar")).unwrap(), Some("HTTPS://ci/a.jar"));
        for wrong in ["file:///etc/passwd", "oss://b/k", "a.jar"] {
            assert!(url(&parse("PackageUrl", wrong)).is_err(), "{wrong}");
        }
        let digits = "0f".repeat(32);
        assert_eq!(digest(&parse(DIGEST, &format!("sha256:{digits}"))).unwrap(), Some(digits.as_str()));
        assert!(digest(&parse(DIGEST, "abc")).is_err());
        assert_eq!(uri_encoding(&parse("UriEncoding", "utf-8")).unwrap(), Given::Value("UTF-8"));
        assert_eq!(uri_encoding(&parse("UriEncoding", "")).unwrap(), Given::Cleared);
        assert!(uri_encoding(&parse("UriEncoding", "x")).is_err());
    }
}
