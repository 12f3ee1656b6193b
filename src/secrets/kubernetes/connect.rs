//! From a context of a kubeconfig to a connection.

use std::time::Duration;

use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::settings::Settings;
use crate::redact::{Redactor, Secret};
use crate::secrets::{Error, ErrorKind};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(20);

/// A connection to a cluster.
pub(super) struct Connection {
    pub(super) client: Client,
    /// The address of the API server, without a slash at its end.
    pub(super) server: String,
    /// The namespace of paths that name none.
    pub(super) namespace: String,
}

/// Connects. Nothing is sent yet; the redactor learns the credentials.
pub(super) async fn connect(settings: &Settings, redactor: &Redactor) -> Result<Connection, Error> {
    let kubeconfig = match &settings.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    }
    .map_err(|error| unusable(&error, settings))?;
    let known: Vec<_> = kubeconfig
        .contexts
        .iter()
        .map(|context| context.name.as_str())
        .collect();
    if !known.contains(&settings.context.as_str()) {
        let error = wrong(settings, format!("there is no context `{}`", settings.context));
        return Err(if known.is_empty() {
            error.hint("its kubeconfig has no contexts at all: name another file as `kubeconfig`, or in KUBECONFIG")
        } else {
            error.hint(format!("its kubeconfig has: {}", known.join(", ")))
        });
    }
    let options = KubeConfigOptions {
        context: Some(settings.context.clone()),
        ..KubeConfigOptions::default()
    };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| unusable(&error, settings))?;
    learn(&config.auth_info, redactor);
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(ANSWER);
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let namespace = settings
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).map_err(|_| {
        wrong(
            settings,
            format!("no connection can be made by the context `{}`", settings.context),
        )
        .hint(format!(
            "check the certificates and the login of the context: `kubectl --context {} version`",
            settings.context
        ))
    })?;
    Ok(Connection {
        client,
        server,
        namespace,
    })
}

/// Learns what logs in. Its text is to be had only by writing it out, as a kubeconfig is.
fn learn(login: &AuthInfo, redactor: &Redactor) {
    let Ok(mut written) = serde_json::to_value(login) else {
        return;
    };
    for key in ["token", "password", "client-key-data"] {
        if let Some(serde_json::Value::String(text)) = written.get_mut(key).map(serde_json::Value::take) {
            redactor.learn(&Secret::new(text));
        }
    }
}

fn wrong(settings: &Settings, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Configuration, format!("store {}: {what}", settings.name))
}

/// Says why a kubeconfig cannot be used, without the lines around the trouble: they may hold a key or a token.
fn unusable(error: &KubeconfigError, settings: &Settings) -> Error {
    let cause = match error {
        KubeconfigError::Parse(inner) => {
            let place = inner.location();
            let place = place.map(|place| format!(" at line {}, column {}", place.line(), place.column()));
            format!("it is not valid YAML{}", place.unwrap_or_default())
        }
        KubeconfigError::ReadConfig(io, path) => format!("{}: {}", path.display(), io.kind()),
        KubeconfigError::FindPath => "there is none".to_owned(),
        _ => "a certificate, a key or an address in it is missing or malformed".to_owned(),
    };
    wrong(settings, "its kubeconfig cannot be used")
        .because(cause)
        .hint("name the file as `kubeconfig`, or in KUBECONFIG")
}
