//! Where packages are kept, what they run in, and where pods get them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use config::{Config, File, FileFormat};
use serde::Deserialize;
use sternway_packages::{Place, Reach};
use sternway_server::{Listener, PackageSettings, Runtimes};

use crate::compose::{LARGEST_PACKAGE, PackageOptions};

/// The options about packages; in the file of settings they have the same names.
#[derive(Debug, Default, Args, Deserialize)]
#[command(next_help_heading = "Packages")]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct PackageArguments {
    /// Where pods and upload plug-ins reach this server [default: the address of --listen, if it is one]
    #[arg(long, value_name = "URL", env = "STERNWAY_PUBLIC_URL", hide_env_values = true)]
    public_url: Option<String>,
    /// Where JAR and WAR packages are kept: a directory, or s3://BUCKET/PREFIX with AWS_* variables [default: DATA/packages]
    #[arg(long, value_name = "PLACE", env = "STERNWAY_PACKAGES", hide_env_values = true)]
    packages: Option<String>,
    /// The most MiB that a package may have [default: 1024]
    #[arg(long, value_name = "MIB")]
    package_limit: Option<u64>,
    /// Let packages be fetched from this machine's own addresses too
    #[arg(long)]
    package_loopback: bool,
    /// The image that downloads a package in its pod: with sh, curl and sha256sum
    #[arg(long, value_name = "IMAGE")]
    package_image: Option<String>,
    /// A TOML file with the JDK and Tomcat images that packages run in, in place of the built-in list
    #[arg(long, value_name = "FILE")]
    runtimes: Option<PathBuf>,
}

impl PackageArguments {
    /// These, and those of the file where these say nothing.
    pub(super) fn or(self, file: Self) -> Self {
        Self {
            public_url: self.public_url.or(file.public_url),
            packages: self.packages.or(file.packages),
            package_limit: self.package_limit.or(file.package_limit),
            package_loopback: self.package_loopback || file.package_loopback,
            package_image: self.package_image.or(file.package_image),
            runtimes: self.runtimes.or(file.runtimes),
        }
    }

    /// Checks them, and reads what they name.
    pub(super) fn options(self) -> anyhow::Result<PackageOptions> {
        let mut settings = PackageSettings { public_url: self.public_url, ..PackageSettings::default() };
        if let Some(image) = self.package_image {
            settings.download_image = image;
        }
        if let Some(path) = self.runtimes {
            settings.runtimes = runtimes(&path)?;
        }
        Ok(PackageOptions {
            place: self.packages.as_deref().map(Place::parse).transpose()?,
            largest: self.package_limit.map_or(LARGEST_PACKAGE, |mebibytes| mebibytes.saturating_mul(1 << 20)),
            reach: Reach { loopback: self.package_loopback },
            settings,
        })
    }
}

fn runtimes(path: &Path) -> anyhow::Result<Runtimes> {
    let file = File::from(path).format(FileFormat::Toml);
    let runtimes = Config::builder().add_source(file).build().and_then(Config::try_deserialize);
    runtimes.with_context(|| format!("the runtimes in {} cannot be used", path.display()))
}

/// The address that is listened on, if it is a single one: nobody can be sent to "all of them".
pub(super) fn own_url(listeners: &[Listener]) -> anyhow::Result<Option<String>> {
    let Some(listener) = listeners.first() else {
        return Ok(None);
    };
    let address = listener.local_address().context("cannot tell an own address")?;
    let scheme = if matches!(listener, Listener::Https(..)) { "https" } else { "http" };
    Ok((!address.ip().is_unspecified()).then(|| format!("{scheme}://{address}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_goes_before_the_file() {
        let line = PackageArguments { packages: Some("s3://b/p".into()), ..PackageArguments::default() };
        let file =
            PackageArguments { packages: Some("d".into()), package_limit: Some(2), ..PackageArguments::default() };
        let options = line.or(file).options().unwrap();
        assert_eq!(options.place, Some(Place::Bucket { bucket: "b".into(), prefix: "p".into() }));
        assert_eq!(options.largest, 2 << 20);
        assert!(PackageArguments { packages: Some("s3://".into()), ..PackageArguments::default() }.options().is_err());
    }

    #[test]
    fn runtimes_are_read_from_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("runtimes.toml");
        let text = "[[jdk]]\nname = 'Dragonwell JDK 8'\nversion = '8'\nimage = 'own/dragonwell:8'\n\n\
                    [[web-container]]\nname = 'apache-tomcat-9.0'\nversion = '9.0'\n\
                    images = { 'Dragonwell JDK 8' = 'own/tomcat:9' }\n";
        std::fs::write(&path, text).unwrap();
        let read = runtimes(&path).unwrap();
        assert_eq!(read.jdk[0].image, "own/dragonwell:8");
        assert_eq!(read.web_container[0].images["Dragonwell JDK 8"], "own/tomcat:9");
        std::fs::write(&path, "jdk = 1").unwrap();
        assert!(runtimes(&path).is_err());
    }
}
