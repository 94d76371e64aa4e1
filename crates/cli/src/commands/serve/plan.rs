//! What a server is to be: options and environment before the file of settings, that before the defaults; checked once.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use config::{Config, File, FileFormat};
use serde::Deserialize;
use sternway_notifications::Reach;
use sternway_server::{Network, TlsFiles};

use super::{Arguments, packages};
use crate::arguments::{DEFAULT_DATA, DEFAULT_LISTEN};
use crate::compose::{PackageOptions, WebhookOptions};
use crate::exit::Usage;
use crate::logging::Format;

const DEFAULT_REGION: &str = "cn-hangzhou";
const DEFAULT_LOG: &str = "info";
/// Any free port: nobody needs to know it beforehand, the kubeconfig names it.
const DEFAULT_SANDBOX_LISTEN: &str = "127.0.0.1:0";

/// A server to start.
#[derive(Debug)]
pub(super) struct Plan {
    /// Where to serve HTTP, unless it is switched off.
    pub(super) listen: Option<String>,
    pub(super) tls: Option<Tls>,
    pub(super) data: PathBuf,
    pub(super) region: String,
    pub(super) cluster: ClusterSource,
    pub(super) trust_kubeconfigs: bool,
    pub(super) packages: PackageOptions,
    pub(super) webhooks: WebhookOptions,
    pub(super) rate_limit: Option<u32>,
    pub(super) lock_after: Option<u32>,
    pub(super) trusted_proxies: Vec<Network>,
    pub(super) audit_reads: bool,
    pub(super) log: String,
    pub(super) log_format: Format,
}

/// HTTPS beside HTTP.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) listen: String,
    pub(super) files: TlsFiles,
}

/// The cluster to import at the start.
#[derive(Debug)]
pub(super) enum ClusterSource {
    /// A sandbox in this process.
    Sandbox { listen: String, options: sternway_sandbox::Options },
    /// The one of a kubeconfig.
    Kubeconfig { path: PathBuf, context: Option<String> },
    /// The one that this process runs in, if it does; those that were imported before in any case.
    Surroundings,
}

/// The file of settings. Names are those of the options.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Settings {
    listen: Option<String>,
    listen_tls: Option<String>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_client_ca: Option<PathBuf>,
    no_http: bool,
    rate_limit: Option<u32>,
    lock_after: Option<u32>,
    #[serde(rename = "trusted-proxy")]
    trusted_proxies: Vec<String>,
    audit_reads: bool,
    data: Option<PathBuf>,
    region: Option<String>,
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
    trust_kubeconfigs: bool,
    sandbox: bool,
    sandbox_listen: Option<String>,
    webhook_loopback: bool,
    log: Option<String>,
    log_format: Option<Format>,
    #[serde(flatten)]
    packages: packages::PackageArguments,
}

impl Settings {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let file = File::from(path).format(FileFormat::Toml);
        let settings = Config::builder().add_source(file).build().and_then(Config::try_deserialize);
        settings.with_context(|| format!("the settings in {} cannot be used", path.display()))
    }
}

impl Plan {
    /// Reads the file of settings, if there is one, and checks everything.
    pub(super) fn of(arguments: Arguments) -> anyhow::Result<Self> {
        let settings = match &arguments.config {
            Some(path) => Settings::read(path)?,
            None => Settings::default(),
        };
        Ok(Self::merge(arguments, settings)?)
    }

    fn merge(arguments: Arguments, settings: Settings) -> Result<Self, Usage> {
        let listen_tls = arguments.listen_tls.or(settings.listen_tls);
        let certificate = arguments.tls_cert.or(settings.tls_cert);
        let key = arguments.tls_key.or(settings.tls_key);
        let sandbox_listen = arguments.sandbox_listen.or(settings.sandbox_listen);
        let options = arguments.nature.options();
        // The command line names one cluster, or leaves it to the file: never half of each.
        let on_command_line = arguments.sandbox || arguments.kubeconfig.is_some();
        let (sandbox, kubeconfig, context) = if on_command_line {
            (arguments.sandbox, arguments.kubeconfig, arguments.context)
        } else {
            (settings.sandbox, settings.kubeconfig, arguments.context.or(settings.context))
        };
        let cluster = match (sandbox, kubeconfig) {
            (true, Some(_)) => {
                return Err(Usage("settings: sandbox and kubeconfig exclude each other".to_owned()));
            }
            (false, _) if sandbox_listen.is_some() => {
                return Err(Usage("--sandbox-listen needs --sandbox".to_owned()));
            }
            (true, None) => ClusterSource::Sandbox {
                listen: sandbox_listen.unwrap_or_else(|| DEFAULT_SANDBOX_LISTEN.to_owned()),
                options,
            },
            (false, Some(path)) => ClusterSource::Kubeconfig { path, context },
            (false, None) if context.is_some() => {
                return Err(Usage("--context needs --kubeconfig".to_owned()));
            }
            (false, None) => ClusterSource::Surroundings,
        };
        let tls = tls(listen_tls, certificate, key, arguments.tls_client_ca.or(settings.tls_client_ca))?;
        // The command line decides whether there is HTTP, if it says anything about it.
        let no_http = arguments.no_http || settings.no_http && arguments.listen.is_none();
        if no_http && tls.is_none() {
            return Err(Usage("--no-http needs --listen-tls: otherwise nobody could ask for anything".to_owned()));
        }
        let listen = arguments.listen.or(settings.listen).unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        Ok(Self {
            listen: (!no_http).then_some(listen),
            tls,
            data: arguments.data.or(settings.data).unwrap_or_else(|| DEFAULT_DATA.into()),
            region: arguments.region.or(settings.region).unwrap_or_else(|| DEFAULT_REGION.to_owned()),
            cluster,
            packages: arguments
                .packages
                .or(settings.packages)
                .options()
                .map_err(|error| Usage(format!("{error:#}")))?,
            webhooks: WebhookOptions {
                reach: Reach { loopback: arguments.webhook_loopback || settings.webhook_loopback },
            },
            rate_limit: arguments.rate_limit.or(settings.rate_limit),
            lock_after: arguments.lock_after.or(settings.lock_after),
            trusted_proxies: trusted_proxies(arguments.trusted_proxies, &settings.trusted_proxies)?,
            audit_reads: arguments.audit_reads || settings.audit_reads,
            trust_kubeconfigs: arguments.trust_kubeconfigs || settings.trust_kubeconfigs,
            log: arguments.log.log.or(settings.log).unwrap_or_else(|| DEFAULT_LOG.to_owned()),
            log_format: arguments.log.log_format.or(settings.log_format).unwrap_or_default(),
        })
    }
}

/// Those of the command line, or without any those of the file.
fn trusted_proxies(given: Vec<Network>, of_file: &[String]) -> Result<Vec<Network>, Usage> {
    if !given.is_empty() {
        return Ok(given);
    }
    let read = |text: &String| text.parse().map_err(|error| Usage(format!("settings: trusted-proxy {text}: {error}")));
    of_file.iter().map(read).collect()
}

/// All three parts of HTTPS, or none.
fn tls(
    listen: Option<String>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_authorities: Option<PathBuf>,
) -> Result<Option<Tls>, Usage> {
    match (listen, certificate, key) {
        (None, None, None) if client_authorities.is_none() => Ok(None),
        (Some(listen), Some(certificate), Some(key)) => {
            Ok(Some(Tls { listen, files: TlsFiles { certificate, key, client_authorities } }))
        }
        _ => Err(Usage("HTTPS needs --listen-tls, --tls-cert and --tls-key together".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments as All, Command};

    fn arguments(line: &[&str]) -> Arguments {
        let line = ["sternway", "serve"].iter().chain(line);
        match All::parse_from(line).command {
            Command::Serve(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    fn settings(text: &str) -> Result<Settings, config::ConfigError> {
        Config::builder().add_source(File::from_str(text, FileFormat::Toml)).build()?.try_deserialize()
    }

    #[test]
    fn nothing_at_all_is_a_plan() {
        let plan = Plan::merge(arguments(&[]), Settings::default()).unwrap();
        assert_eq!((plan.listen.as_deref(), plan.data), (Some(DEFAULT_LISTEN), PathBuf::from(DEFAULT_DATA)));
        assert!(plan.tls.is_none() && matches!(plan.cluster, ClusterSource::Surroundings));
    }

    #[test]
    fn options_go_before_the_file() {
        let file = "listen = '0.0.0.0:80'\nlog = 'debug'\nlog-format = 'json'\nsandbox = true";
        let plan =
            Plan::merge(arguments(&["--listen", "[::1]:1", "--kubeconfig", "k"]), settings(file).unwrap()).unwrap();
        assert_eq!(
            (plan.listen.as_deref(), plan.log.as_str(), plan.log_format),
            (Some("[::1]:1"), "debug", Format::Json)
        );
        assert!(
            matches!(plan.cluster, ClusterSource::Kubeconfig { .. }),
            "the command line's cluster goes before the file's"
        );
        let plan = Plan::merge(arguments(&[]), settings(file).unwrap()).unwrap();
        assert!(matches!(plan.cluster, ClusterSource::Sandbox { .. }));
    }

    #[test]
    fn http_can_be_switched_off_where_there_is_https() {
        let tls = ["--listen-tls", "a:1", "--tls-cert", "c", "--tls-key", "k"];
        let plan = Plan::merge(arguments(&[&tls[..], &["--no-http"]].concat()), Settings::default()).unwrap();
        assert_eq!(plan.listen, None);
        let off = || settings("no-http = true").unwrap();
        assert_eq!(Plan::merge(arguments(&tls), off()).unwrap().listen, None);
        let on = Plan::merge(arguments(&[&tls[..], &["--listen", "b:2"]].concat()), off()).unwrap();
        assert_eq!(on.listen.as_deref(), Some("b:2"), "the command line goes before the file");
    }

    #[test]
    fn nobody_is_a_trusted_proxy_who_is_not_named() {
        let proxies = |line: &[&str], file: &str| {
            Plan::merge(arguments(line), settings(file).unwrap()).map(|plan| plan.trusted_proxies)
        };
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Network>>();
        assert_eq!(proxies(&[], "").unwrap(), []);
        let file = "trusted-proxy = ['10.0.0.0/8', 'fd00::1']";
        assert_eq!(proxies(&[], file).unwrap(), networks(&["10.0.0.0/8", "fd00::1"]));
        let line = ["--trusted-proxy", "192.0.2.1", "--trusted-proxy", "192.0.2.0/24"];
        assert_eq!(proxies(&line, file).unwrap(), networks(&["192.0.2.1", "192.0.2.0/24"]));
        assert!(proxies(&[], "trusted-proxy = ['proxy']").unwrap_err().to_string().contains("10.0.0.0/8"));
    }

    #[test]
    fn half_of_something_is_refused() {
        for (line, file) in [
            (&["--tls-cert", "c"][..], ""),
            (&["--listen-tls", "a:1", "--tls-key", "k"], ""),
            (&["--context", "c"], ""),
            (&["--tls-client-ca", "c"], ""),
            (&["--no-http"], ""),
            (&[], "no-http = true"),
            (&["--sandbox-listen", "a:1"], ""),
            (&[], "sandbox = true\nkubeconfig = 'k'"),
        ] {
            let plan = Plan::merge(arguments(line), settings(file).unwrap());
            assert!(plan.is_err(), "{line:?} {file}");
        }
        assert!(settings("lisen = 'a'").unwrap_err().to_string().contains("lisen"));
    }
}
