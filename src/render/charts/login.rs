//! What Helm needs to know of repositories, in files of its own: a password in its arguments could be read by every user of
//! this machine.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::super::{Error, Repository, Settings};
use super::store::write;
use crate::recipe::covers;

/// A repository that Helm is told, under a name of its own.
pub(super) struct Known {
    pub(super) name: String,
    pub(super) url: String,
    login: Option<Repository>,
    pass_credentials: bool,
}

impl Known {
    /// Returns a repository with the login that fits it best: that of its own address, or else of those for all below an
    /// address the one with the longest. Nobody else may be told a password ([`covers`]).
    pub(super) fn new(settings: &Settings, name: &str, url: &str, pass_credentials: bool) -> Self {
        let bare = |url: &str| url.trim_start_matches("oci://").trim_end_matches('/').to_owned();
        let wanted = bare(url);
        let fitting = settings.repositories.iter().filter(|known| {
            let known_as = bare(&known.url);
            known_as == wanted || (known.is_shared && covers(&known_as, &wanted))
        });
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            login: fitting.max_by_key(|known| (!known.is_shared, known.url.len())).cloned(),
            pass_credentials,
        }
    }

    /// Whether it is a registry. An address without a scheme is one for Argo CD.
    pub(super) fn is_registry(&self) -> bool {
        self.url.starts_with("oci://") || !self.url.contains("://")
    }

    /// Returns the address of a chart in a registry.
    pub(super) fn chart(&self, name: &str) -> String {
        let bare = self.url.trim_start_matches("oci://").trim_end_matches('/');
        format!("oci://{bare}/{name}")
    }

    /// Returns what Helm is told of a registry that is not told by a file.
    pub(super) fn flags(&self, home: &Path) -> Result<Vec<String>, Error> {
        let Some(login) = self.login.as_ref().filter(|_| self.is_registry()) else {
            return Ok(Vec::new());
        };
        let mut flags = Vec::new();
        if let Some(file) = authority(login, &self.name, home)? {
            flags.push(format!("--ca-file={file}"));
        }
        flags.extend(login.insecure.then(|| "--insecure-skip-tls-verify".to_owned()));
        flags.extend(login.plain_http.then(|| "--plain-http".to_owned()));
        Ok(flags)
    }
}

/// Writes the files in which Helm looks for repositories and logins, below the home folder that it is given.
pub(super) fn tell(known: &[Known], home: &Path) -> Result<(), Error> {
    let (mut repositories, mut registries) = (Vec::new(), Map::new());
    for Known {
        name,
        url,
        login,
        pass_credentials,
    } in known
    {
        let (user, password) = login.as_ref().map_or(("", ""), |login| {
            (
                login.username.as_str(),
                login
                    .password
                    .as_ref()
                    .and_then(|password| password.expose_str())
                    .unwrap_or_default(),
            )
        });
        let is_registry = !url.contains("://") || url.starts_with("oci://");
        if is_registry {
            let host = url.trim_start_matches("oci://").split('/').next().unwrap_or_default();
            if !user.is_empty() {
                registries.insert(
                    host.to_owned(),
                    json!({"auth": BASE64_STANDARD.encode(format!("{user}:{password}"))}),
                );
            }
            continue;
        }
        let mut entry = json!({"name": name, "url": url, "username": user, "password": password,
            "pass_credentials_all": pass_credentials});
        if let Some(login) = login {
            entry["insecure_skip_tls_verify"] = login.insecure.into();
            if let Some(file) = authority(login, name, home)? {
                entry["caFile"] = file.into();
            }
        }
        repositories.push(entry);
    }
    // JSON is YAML.
    let file =
        json!({"apiVersion": "v1", "generated": "2000-01-01T00:00:00Z", "repositories": Value::Array(repositories)});
    write(&home.join("config/repositories.yaml"), file.to_string().as_bytes())?;
    let file = json!({"auths": Value::Object(registries)});
    write(&home.join("config/registry/config.json"), file.to_string().as_bytes())
}

fn authority(login: &Repository, name: &str, home: &Path) -> Result<Option<String>, Error> {
    let Some(pem) = &login.authority else { return Ok(None) };
    let file = home.join(format!("{name}.pem"));
    write(&file, pem.as_bytes())?;
    Ok(Some(file.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_to_no_repository_that_merely_begins_alike() {
        let known = |url: &str, is_shared| Repository {
            url: url.to_owned(),
            username: url.to_owned(),
            is_shared,
            ..Repository::default()
        };
        let settings = Settings {
            repositories: vec![
                known("https://charts.example.com", false),
                known("https://team.example.com/charts", true),
                known("https://team.example.com/charts/own/", false),
                known("oci://registry.example.com/charts", true),
            ],
            ..Settings::default()
        };
        for (url, expected) in [
            ("https://charts.example.com/", Some("https://charts.example.com")),
            ("https://charts.example.com/x", None),
            ("https://charts.example.com.evil.net/x", None),
            (
                "https://team.example.com/charts/x",
                Some("https://team.example.com/charts"),
            ),
            (
                "https://team.example.com/charts/own",
                Some("https://team.example.com/charts/own/"),
            ),
            ("https://team.example.com/charts-of-others", None),
            (
                "registry.example.com/charts/x",
                Some("oci://registry.example.com/charts"),
            ),
            ("oci://registry.example.com.evil.net/charts", None),
        ] {
            let login = Known::new(&settings, "charts", url, false).login;
            assert_eq!(login.map(|login| login.username).as_deref(), expected, "{url}");
        }
    }
}
