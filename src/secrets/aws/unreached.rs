//! Why no answer came, in words.

use std::error::Error as StdError;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;

use super::cause::{Cause, Refused};
use super::client::Aws;
use super::denied::statement;
use super::explain::Trouble;
use super::region::Region;
use super::settings::Login;
use crate::secrets::chain::{find, holds, says};
use crate::secrets::{Error, ErrorKind};

impl Aws {
    /// Puts a request that got no answer into words.
    pub(super) fn unreached<E>(&self, region: &Region, error: &SdkError<E, HttpResponse>) -> Trouble
    where
        E: StdError + Send + Sync + 'static,
    {
        if let Some(credentials) = find::<CredentialsError>(error) {
            return self.no_credentials(region, credentials);
        }
        let is_late = matches!(error, SdkError::TimeoutError(_))
            || matches!(error, SdkError::DispatchFailure(failure) if failure.is_timeout());
        silent(&self.store_in(region), &region.host(), is_late, error)
    }

    /// Says why there are no credentials. What the SDK says of it may quote a file, so only what we know of it is told.
    fn no_credentials(&self, region: &Region, credentials: &CredentialsError) -> Trouble {
        if let Some(trouble) = self.refused_role(region, credentials) {
            return trouble;
        }
        let wrong = |words: String| Error::new(ErrorKind::Login, words);
        let store = format!("store {}", self.name);
        let error = match (credentials, &self.login) {
            (CredentialsError::ProviderTimedOut(_), _) => wrong(format!("{store}: no credentials came in time"))
                .because("what was asked for them did not answer")
                .hint(self.renew()),
            (CredentialsError::CredentialsNotLoaded(_), Login::Found) => {
                wrong(format!("{store}: there are no credentials"))
                    .because("looked at: AWS_ACCESS_KEY_ID, the profile of AWS_PROFILE (or `default`), AWS_WEB_IDENTITY_TOKEN_FILE, the role of the container and that of the instance")
                    .hint(self.renew())
            }
            (_, Login::Profile(profile)) => {
                let error = wrong(format!("{store}: the profile {profile} gives no credentials"));
                if matches!(credentials, CredentialsError::CredentialsNotLoaded(_)) {
                    error
                        .because("~/.aws/config and ~/.aws/credentials (or what AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name) have no such profile, or none with credentials")
                        .hint("`aws configure list-profiles` prints those that are there")
                } else if holds(credentials, "feature(s) enabled") {
                    error
                        .because("it logs in by IAM Identity Center (SSO), which is not supported")
                        .hint(format!(
                            "export what it gives, and leave `profile` out: `eval \"$(aws configure export-credentials --profile {profile} --format env)\"`"
                        ))
                } else {
                    error.because("it is incomplete, or what it leads to gave none").hint(self.renew())
                }
            }
            _ => wrong(format!("{store}: what should give credentials failed"))
                .because("a profile is incomplete, a token's file cannot be read, or what is asked for them refused")
                .hint(self.renew()),
        };
        Trouble { error, passing: false }
    }

    /// Says why a role was not given to us, where that is the trouble.
    fn refused_role(&self, region: &Region, credentials: &CredentialsError) -> Option<Trouble> {
        type Assume = SdkError<AssumeRoleError, HttpResponse>;
        type ByToken = SdkError<AssumeRoleWithWebIdentityError, HttpResponse>;
        let (assume, by_token) = (find::<Assume>(credentials), find::<ByToken>(credentials));
        let refused = assume
            .and_then(|error| Refused::of(error, &self.redactor))
            .or_else(|| Refused::of(by_token?, &self.redactor));
        let role = self.role.as_ref().map_or("the role", |role| role.arn.as_str());
        let Some(refused) = refused else {
            let dispatched = match (assume, by_token) {
                (Some(SdkError::DispatchFailure(failure)), _) | (_, Some(SdkError::DispatchFailure(failure))) => {
                    failure.is_timeout()
                }
                (Some(SdkError::TimeoutError(_)), _) | (_, Some(SdkError::TimeoutError(_))) => true,
                _ => return None,
            };
            let what = format!("the Security Token Service for {}", self.store_in(region));
            return Some(silent(&what, &self.token_service(region), dispatched, credentials));
        };
        let error = Error::new(
            ErrorKind::Login,
            format!("store {} is not given {role} to assume", self.name),
        )
        .because(refused.quote());
        let error = match refused.cause {
            Cause::Denied if by_token.is_none() => error
                .hint(format!("add to one of our policies: {}", statement(&["sts:AssumeRole"], role)))
                .hint("and let the role's trust policy name us; where it asks for sts:ExternalId, write that as `external-id`"),
            Cause::Denied => error.hint("let the role's trust policy name the issuer and the subject of the token; that of a cluster that was rebuilt is another"),
            _ => error.hint(self.renew()),
        };
        Some(Trouble {
            error,
            passing: refused.cause.is_passing(),
        })
    }

    fn token_service(&self, region: &Region) -> String {
        let endpoint = self.role.as_ref().and_then(|role| role.endpoint.as_ref());
        match endpoint.and_then(|endpoint| Some((endpoint.host_str()?, endpoint.port_or_known_default()?))) {
            Some((host, port)) => format!("{host}:{port}"),
            None => format!("sts.{}.amazonaws.com", region.name),
        }
    }

    /// Says how to come by credentials that work.
    pub(super) fn renew(&self) -> String {
        match &self.login {
            Login::Found => "export AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for a session, AWS_SESSION_TOKEN anew, or name a `profile`; `aws sts get-caller-identity` shows what they are worth".to_owned(),
            Login::Profile(profile) => format!(
                "log in anew with profile {profile}; `aws sts get-caller-identity --profile {profile}` shows what it is worth"
            ),
            Login::Key { id, .. } => format!("give another access key than {id}"),
        }
    }
}

/// Tells apart why no connection came to anything. `what` answers at `place`.
fn silent(what: &str, place: &str, is_late: bool, error: &(dyn StdError + 'static)) -> Trouble {
    if find::<rustls::Error>(error).is_some() {
        return Trouble {
            error: Error::new(ErrorKind::Untrusted, format!("{what} at {place} cannot be trusted"))
                .because("its certificate is not one that this machine trusts for that name, or it does not speak TLS")
                .hint("have the CA that signed it among this machine's own (or name its file in SSL_CERT_FILE), and check `endpoint`"),
            passing: false,
        };
    }
    let io_kind = find::<io::Error>(error).map(io::Error::kind);
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
    let (cause, hint) = if says(error, "dns error") {
        (
            format!("the host name {host} is not known"),
            format!(
                "check `region` and `endpoint`, and that this machine's DNS knows the name (`getent hosts {host}`)"
            ),
        )
    } else if io_kind == Some(io::ErrorKind::ConnectionRefused) {
        (
            format!("connection refused: nothing listens at {place}"),
            "check `endpoint`, and whether HTTPS_PROXY or HTTP_PROXY sends us elsewhere".to_owned(),
        )
    } else if is_late || io_kind == Some(io::ErrorKind::TimedOut) {
        (
            "no answer came in time".to_owned(),
            format!(
                "check that the network and firewalls let this machine reach {place}; if the region is down, name one with replicas in `replicas`"
            ),
        )
    } else {
        (
            "the connection broke before the answer was complete".to_owned(),
            "check any proxy in front of it; if the region is down, name one with replicas in `replicas`".to_owned(),
        )
    };
    Trouble {
        error: Error::new(ErrorKind::Unreachable, format!("{what} at {place} does not answer"))
            .because(cause)
            .hint(hint),
        passing: true,
    }
}
