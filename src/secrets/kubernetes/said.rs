//! What went wrong between us and the API server, and what mends it.

use std::io;

use kube::core::Status;

use super::connect::Connection;
use super::settings::Settings;
use crate::redact::Redactor;
use crate::secrets::chain::find;
use crate::secrets::{Error, ErrorKind};

/// Longest text of the server's that goes into an error.
const QUOTE: usize = 300;

/// What was asked for: a Secret, or nothing but an answer.
pub(super) struct Asked<'path> {
    pub(super) namespace: &'path str,
    pub(super) name: &'path str,
}

/// Puts an error into words.
pub(super) fn explain(
    error: &kube::Error,
    settings: &Settings,
    connection: &Connection,
    asked: Option<&Asked<'_>>,
    redactor: &Redactor,
) -> Error {
    let (store, context) = (&settings.name, &settings.context);
    let place = &connection.server;
    match error {
        kube::Error::Api(status) => refused(status, settings, asked, redactor),
        // The text of a decoding error quotes what was decoded.
        kube::Error::SerdeError(_) => Error::new(
            ErrorKind::Answer,
            format!("store {store} at {place} answers, and not as an API server does"),
        )
        .hint("check the address of its context, and any proxy or load balancer in front of it"),
        kube::Error::Auth(_) => Error::new(
            ErrorKind::Login,
            format!("store {store}: the login of the context {context} could not be used"),
        )
        .hint(format!("log in again: `kubectl --context {context} version` says what it needs")),
        other => match find::<rustls::Error>(other) {
            Some(_) => Error::new(ErrorKind::Untrusted, format!("store {store} at {place} cannot be trusted"))
                .because("its certificate is not signed by the authority that its context names, is for another name, or has ended")
                .hint(format!("name the right `certificate-authority` in the kubeconfig: `kubectl --context {context} version` says the same")),
            None => Error::new(ErrorKind::Unreachable, format!("store {store} at {place} does not answer"))
                .because(match find::<io::Error>(other).map(io::Error::kind) {
                    Some(io::ErrorKind::ConnectionRefused) => "connection refused: nothing listens there".to_owned(),
                    Some(io::ErrorKind::TimedOut) => "no answer came in time".to_owned(),
                    _ => "no connection could be made, or it broke".to_owned(),
                })
                .hint("is that cluster up, and does the address lead there from this machine?"),
        },
    }
}

fn refused(status: &Status, settings: &Settings, asked: Option<&Asked<'_>>, redactor: &Redactor) -> Error {
    let (store, context) = (&settings.name, &settings.context);
    let said: String = redactor.redact(&status.message).chars().take(QUOTE).collect();
    let said = format!("it answered {}: {said}", status.code);
    let secret = asked.map_or_else(
        || "it".to_owned(),
        |asked| format!("{}/{}", asked.namespace, asked.name),
    );
    match (status.code, asked) {
        (401, _) => Error::new(ErrorKind::Login, format!("store {store} does not accept the login of its context {context}"))
            .because(said)
            .hint(format!("the token or certificate has ended, or is of another cluster: log in again, and try `kubectl --context {context} auth whoami`")),
        (403, Some(asked)) => Error::new(ErrorKind::Denied, format!("store {store} does not allow us to read the Secret {secret}"))
            .because(said)
            .hint(grant(context, asked, user(&status.message))),
        (404, Some(asked)) => Error::new(ErrorKind::MissingPath, format!("store {store} has no Secret {secret}"))
            .because(format!("its cluster is that of the context {context}"))
            .hint(format!("see what is there: `kubectl --context {context} -n {} get secrets`", asked.namespace)),
        (429, _) => Error::new(ErrorKind::Throttled, format!("store {store} asks to slow down and did not stop asking"))
            .because(said)
            .hint("look at the load of its API server"),
        _ => Error::new(ErrorKind::Answer, format!("store {store} fails to answer for {secret}"))
            .because(said)
            .hint("look at the log of its API server, and any proxy in front of it"),
    }
}

/// Returns the commands that let somebody read one Secret and nothing else.
fn grant(context: &str, asked: &Asked<'_>, user: Option<&str>) -> String {
    let Asked { namespace, name } = asked;
    let whom = match user.map(|user| user.strip_prefix("system:serviceaccount:").ok_or(user)) {
        Some(Ok(account)) => format!("--serviceaccount={account}"),
        Some(Err(user)) => format!("--user={user}"),
        None => "--user=USER".to_owned(),
    };
    let kubectl = format!("kubectl --context {context} -n {namespace} create");
    format!(
        "as an administrator there: `{kubectl} role gitops-dr-{name} --verb=get --resource=secrets --resource-name={name}` and `{kubectl} rolebinding gitops-dr-{name} --role=gitops-dr-{name} {whom}`"
    )
}

/// Returns as whom the server knows us: `secrets "a" is forbidden: User "ann" cannot get …`.
fn user(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("User \"")?;
    rest.split_once('"').map(|(user, _)| user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            name: "mgmt".into(),
            context: "mgmt-admin".into(),
            kubeconfig: None,
            namespace: None,
        }
    }

    fn said(code: u16, message: &str) -> Error {
        let mut status = Status::failure(message, "");
        status.code = code;
        let asked = Asked {
            namespace: "dr",
            name: "repo",
        };
        refused(&status, &settings(), Some(&asked), &Redactor::default())
    }

    #[test]
    fn what_is_forbidden_comes_with_the_commands_that_grant_it() {
        for (user, whom) in [
            ("ann", "--user=ann"),
            ("system:serviceaccount:dr:restorer", "--serviceaccount=dr:restorer"),
        ] {
            let message =
                format!(r#"secrets "repo" is forbidden: User "{user}" cannot get resource "secrets" in API group """#);
            let error = said(403, &message);
            assert_eq!(error.kind(), ErrorKind::Denied);
            assert_eq!(
                error.to_string(),
                "store mgmt does not allow us to read the Secret dr/repo"
            );
            assert_eq!(
                error.hints(),
                [format!(
                    "as an administrator there: `kubectl --context mgmt-admin -n dr create role gitops-dr-repo --verb=get --resource=secrets --resource-name=repo` and `kubectl --context mgmt-admin -n dr create rolebinding gitops-dr-repo --role=gitops-dr-repo {whom}`"
                )]
            );
        }
    }

    #[test]
    fn each_answer_has_its_words_and_a_way_to_mend_it() {
        for (code, kind, words) in [
            (
                401,
                ErrorKind::Login,
                "does not accept the login of its context mgmt-admin",
            ),
            (404, ErrorKind::MissingPath, "has no Secret dr/repo"),
            (429, ErrorKind::Throttled, "asks to slow down"),
            (500, ErrorKind::Answer, "fails to answer for dr/repo"),
        ] {
            let error = said(code, "words");
            assert_eq!(error.kind(), kind, "{code}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.hints().is_empty(), "{code}");
        }
    }
}
