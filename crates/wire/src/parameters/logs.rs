//! What of an application's logs is collected: `Configs` of UpdateSlsLogStore, `SlsConfigs` of the operations that deploy; and directories of logs.
//!
//! ```json
//! [{"type":"stdout","logstore":"web-out","logDir":"stdout.log"},{"type":"file","logstore":"","logDir":"/var/log/web/*"}]
//! ```

use super::structure::Node;
use super::{Given, Parameters};
use crate::error::GatewayError;

/// What stands for what a container prints, where a path is expected.
pub const STDOUT_PATH: &str = "stdout.log";
const LONGEST_STORE: usize = 63;
const SHORTEST_STORE: usize = 3;
const MOST_SOURCES: usize = 50;
const LONGEST_PATH: usize = 256;

/// How logs are collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogType {
    File,
    Stdout,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// The store's name; `None` if one is to be made.
    pub store: Option<String>,
    /// The files; `None` for what the container prints.
    pub files: Option<String>,
}

/// The sources that a parameter names.
pub fn configs(parameters: &Parameters, name: &str) -> Result<Given<Vec<LogConfig>>, GatewayError> {
    parameters.flattened(name)?.try_map(|value| {
        let root = Node::root(name, &value);
        let items = root.items()?;
        if items.len() > MOST_SOURCES {
            return Err(root.error(&format!("Give at most {MOST_SOURCES}.")));
        }
        let mut configs = Vec::with_capacity(items.len());
        for item in &items {
            let config = config(item)?;
            let same = |other: &LogConfig| other.store.is_some() && other.store == config.store;
            if configs.iter().any(same) {
                return Err(item.error("Another one has the same logstore; each needs one of its own."));
            }
            configs.push(config);
        }
        Ok(configs)
    })
}

fn config(item: &Node<'_>) -> Result<LogConfig, GatewayError> {
    item.object(&["type", "logstore", "Logstore", "logDir", "LogDir"])?;
    let kind = log_type(item.required_text("type")?).ok_or_else(|| item.error("\"type\" is file or stdout."))?;
    let text = |lower: &str, upper: &str| {
        let member = item.member(lower).or_else(|| item.member(upper));
        member.map(|member| member.text()).transpose().map(Option::unwrap_or_default)
    };
    let store = text("logstore", "Logstore")?;
    let path = text("logDir", "LogDir")?;
    if !store.is_empty() && !is_store(store) {
        return Err(item.error(
            "\"logstore\" has 3 to 63 lower-case letters, digits, \"-\" and \"_\", the first and last a letter or digit.",
        ));
    }
    let files = match kind {
        LogType::Stdout if path.is_empty() || path == STDOUT_PATH => None,
        LogType::Stdout => return Err(item.error("\"logDir\" of stdout is stdout.log.")),
        LogType::File if is_files(path) => Some(path.to_owned()),
        LogType::File => {
            return Err(
                item.error("\"logDir\" is an absolute path of files in a directory, such as /var/log/web/*.log.")
            );
        }
    };
    Ok(LogConfig { store: (!store.is_empty()).then(|| store.to_owned()), files })
}

/// `Type`
pub fn required_type(parameters: &Parameters) -> Result<LogType, GatewayError> {
    const NAME: &str = "Type";
    let word = parameters.required(NAME, "file or stdout")?;
    log_type(word).ok_or_else(|| GatewayError::invalid_parameter(NAME, "Give file or stdout."))
}

/// `Path`: an absolute directory, with `/log` or `/logs` in it, and a slash at its end.
pub fn directory(parameters: &Parameters) -> Result<&str, GatewayError> {
    const NAME: &str = "Path";
    let path = parameters.required(NAME, "the directory, such as /home/admin/web/logs/")?;
    let plain =
        !path.contains([',', ':']) && !path.chars().any(char::is_control) && !path.split('/').any(|part| part == "..");
    if path.len() <= LONGEST_PATH && path.starts_with('/') && path.ends_with('/') && path.contains("/log") && plain {
        return Ok(path);
    }
    let problem = "Give an absolute directory with \"/log\" or \"/logs\" in it and \"/\" at its end, without \",\", \":\" and \"..\".";
    Err(GatewayError::invalid_parameter(NAME, problem))
}

fn log_type(word: &str) -> Option<LogType> {
    match word {
        _ if word.eq_ignore_ascii_case("file") => Some(LogType::File),
        _ if word.eq_ignore_ascii_case("stdout") => Some(LogType::Stdout),
        _ => None,
    }
}

fn is_store(store: &str) -> bool {
    let bytes = store.as_bytes();
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = |at: Option<&u8>| at.is_some_and(is_word);
    (SHORTEST_STORE..=LONGEST_STORE).contains(&store.len())
        && ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| is_word(byte) || b"-_".contains(byte))
}

/// EDAS's `^/(.+)/(.*)[^/]$`, in a mount that Kubernetes takes.
fn is_files(path: &str) -> bool {
    let Some((directory, pattern)) = path.strip_prefix('/').and_then(|path| path.rsplit_once('/')) else {
        return false;
    };
    let plain = !path.contains(':') && !path.chars().any(char::is_control) && !directory.contains('*');
    path.len() <= LONGEST_PATH
        && plain
        && !directory.is_empty()
        && !directory.ends_with('/')
        && !directory.split('/').any(|part| part == "..")
        && !pattern.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Parameters {
        Parameters::from_pairs(vec![(name.into(), value.into())]).unwrap()
    }

    #[test]
    fn the_documented_sources_are_taken() {
        let text = r#"[{"logstore":"thisisafilelog","type":"file","logDir":"/var/log/*"},
            {"logstore":"","type":"stdout","logDir":"stdout.log"},{"Logstore":"c-d","type":"File","LogDir":"/tmp/log/a.log"}]"#;
        let expected = vec![
            LogConfig { store: Some("thisisafilelog".into()), files: Some("/var/log/*".into()) },
            LogConfig { store: None, files: None },
            LogConfig { store: Some("c-d".into()), files: Some("/tmp/log/a.log".into()) },
        ];
        assert_eq!(configs(&parse("Configs", text), "Configs").unwrap(), Given::Value(expected));
        assert_eq!(configs(&parse("Configs", "[]"), "Configs").unwrap(), Given::Cleared);
        let flat = Parameters::from_pairs(vec![("Configs.1.type".into(), "stdout".into())]).unwrap();
        assert_eq!(configs(&flat, "Configs").unwrap().value().unwrap().len(), 1);
    }

    #[test]
    fn sources_that_cannot_be() {
        for text in [
            r#"{"type":"file"}"#,
            r#"[{"type":"socket"}]"#,
            r#"[{"logDir":"/var/log/*"}]"#,
            r#"[{"type":"file"}]"#,
            r#"[{"type":"file","logDir":"var/log/*"}]"#,
            r#"[{"type":"file","logDir":"/a.log"}]"#,
            r#"[{"type":"file","logDir":"/var/log/"}]"#,
            r#"[{"type":"file","logDir":"/var/../etc/*"}]"#,
            r#"[{"type":"file","logDir":"/var/*/a"}]"#,
            r#"[{"type":"stdout","logDir":"/var/log/*"}]"#,
            r#"[{"type":"stdout","logstore":"ab"}]"#,
            r#"[{"type":"stdout","logstore":"Abc"}]"#,
            r#"[{"type":"stdout","logstore":"abc-"}]"#,
            r#"[{"type":"stdout","project":"abc"}]"#,
            r#"[{"type":"stdout","logstore":"abc"},{"type":"file","logstore":"abc","logDir":"/a/b"}]"#,
        ] {
            assert_eq!(configs(&parse("Configs", text), "Configs").unwrap_err().code, "InvalidParameter", "{text}");
        }
    }

    #[test]
    fn directories_are_as_documented() {
        for path in ["/home/admin/edas-container/logs/", "/log/"] {
            assert_eq!(directory(&parse("Path", path)).unwrap(), path);
        }
        for path in ["logs/", "/logs", "/var/", "/a/../log/", "/log/a,b/"] {
            assert_eq!(directory(&parse("Path", path)).unwrap_err().code, "InvalidParameter", "{path}");
        }
    }
}
