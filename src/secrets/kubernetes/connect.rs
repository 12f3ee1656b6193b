//! From a context of a kubeconfig to a connection.

use std::time::Duration;

use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::settings::Settings;
use crate::redact::{Redactor, Secret};
use crate::secrets::{Error, ErrorKind};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the context's login program may run.
const LOGIN: Duration = Duration::from_secs(30);
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
    learn_file(&config.auth_info, redactor).await;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(ANSWER);
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let namespace = settings
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let client = client(config, settings, LOGIN).await?;
    Ok(Connection {
        client,
        server,
        namespace,
    })
}

/// Makes the client where it holds up nobody else: for that kube runs the context's login program, and waits for it.
///
/// One that does not end in time is left behind: there is no way to end it. What it prints does not leave kube, so the redactor cannot
/// learn it.
async fn client(config: Config, settings: &Settings, limit: Duration) -> Result<Client, Error> {
    let made = tokio::task::spawn_blocking(move || Client::try_from(config));
    let context = &settings.context;
    let Ok(made) = tokio::time::timeout(limit, made).await else {
        let what = format!(
            "the login program of its context `{context}` did not end within {}s",
            limit.as_secs()
        );
        return Err(
            Error::new(ErrorKind::TooLong, format!("store {}: {what}", settings.name)).hint(format!(
                "does it wait for somebody to log in? Do that before: `kubectl --context {context} version`"
            )),
        );
    };
    made.ok().and_then(Result::ok).ok_or_else(|| {
        wrong(
            settings,
            format!("no connection can be made by the context `{context}`"),
        )
        .hint(format!(
            "check the certificates and the login of the context: `kubectl --context {context} version`"
        ))
    })
}

/// Learns the token that is in a file now. kube reads the file again once a minute; whether it can be read is for kube to say.
async fn learn_file(login: &AuthInfo, redactor: &Redactor) {
    let Some(path) = &login.token_file else {
        return;
    };
    if let Ok(token) = tokio::fs::read(path).await {
        redactor.learn(&Secret::new(token));
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::redact::MASK;

    /// Reads a kubeconfig with one user.
    async fn config(user: &serde_json::Value) -> (Config, Settings) {
        let kubeconfig = json!({
            "clusters": [{"name": "mgmt", "cluster": {"server": "http://127.0.0.1:1"}}],
            "users": [{"name": "mgmt", "user": user}],
            "contexts": [{"name": "mgmt", "context": {"cluster": "mgmt", "user": "mgmt"}}],
        });
        let options = KubeConfigOptions {
            context: Some("mgmt".into()),
            ..KubeConfigOptions::default()
        };
        let kubeconfig = serde_json::from_value(kubeconfig).unwrap();
        let settings = Settings {
            name: "mgmt".into(),
            context: "mgmt".into(),
            kubeconfig: None,
            namespace: None,
        };
        (
            Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap(),
            settings,
        )
    }

    #[tokio::test]
    async fn a_login_program_that_does_not_end_is_waited_for_no_longer_than_it_may_take() {
        let (config, settings) = config(&json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
            "command": "sleep", "args": ["3"],
        }}))
        .await;
        let Err(error) = client(config, &settings, Duration::from_millis(50)).await else {
            panic!("a client without a login")
        };
        assert_eq!(error.kind(), ErrorKind::TooLong, "{error}");
        assert!(
            error
                .to_string()
                .contains("the login program of its context `mgmt` did not end"),
            "{error}"
        );
        assert!(error.hints()[0].contains("kubectl --context mgmt version"), "{error:?}");
    }

    #[tokio::test]
    async fn a_token_in_a_file_is_masked_wherever_it_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "hunter2hunter2\n").unwrap();
        let (config, _) = config(&json!({"tokenFile": path})).await;
        let redactor = Redactor::default();
        learn_file(&config.auth_info, &redactor).await;
        assert_eq!(redactor.redact("it is hunter2hunter2"), format!("it is {MASK}"));
    }
}
