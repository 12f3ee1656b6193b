//! Credentials: by the SDK's own ways, each value learnt by the redactor as soon as it is known.

use std::fmt;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use super::region::{retries, timeouts};
use super::settings::{Login, Role};
use crate::redact::{Redactor, Secret};

/// Returns the SDK's name of a region.
pub(super) fn region(name: &str) -> Region {
    Region::new(name.to_owned())
}

/// Makes what gives credentials for one region. Nothing is sent yet.
pub(super) async fn provider(
    login: &Login,
    role: Option<&Role>,
    name: &str,
    redactor: &Redactor,
) -> SharedCredentialsProvider {
    let learning = |inner| {
        SharedCredentialsProvider::new(Learning {
            inner,
            redactor: redactor.clone(),
        })
    };
    let base = learning(match login {
        Login::Found => {
            let chain = DefaultCredentialsChain::builder().region(region(name)).build().await;
            SharedCredentialsProvider::new(chain)
        }
        Login::Profile(profile) => {
            let config = ProviderConfig::without_region().with_region(Some(region(name)));
            let provider = ProfileFileCredentialsProvider::builder()
                .configure(&config)
                .profile_name(profile);
            SharedCredentialsProvider::new(provider.build())
        }
        Login::Key { id, secret, token } => {
            let text = |secret: &Secret| secret.expose_str().unwrap_or_default().to_owned();
            let token = token.as_ref().map(text);
            SharedCredentialsProvider::new(Credentials::new(id, text(secret), token, None, "gitops-dr"))
        }
    });
    match role {
        None => base,
        Some(role) => learning(assumed(role, base, name).await),
    }
}

async fn assumed(role: &Role, base: SharedCredentialsProvider, name: &str) -> SharedCredentialsProvider {
    let mut config = aws_config::defaults(BehaviorVersion::latest())
        .no_credentials()
        .region(region(name))
        .timeout_config(timeouts())
        .retry_config(retries());
    if let Some(endpoint) = &role.endpoint {
        config = config.endpoint_url(endpoint.as_str());
    }
    let mut provider = AssumeRoleProvider::builder(&role.arn)
        .configure(&config.load().await)
        .region(region(name))
        .session_name(role.session_name.as_deref().unwrap_or("gitops-dr"));
    if let Some(id) = &role.external_id {
        provider = provider.external_id(id);
    }
    SharedCredentialsProvider::new(provider.build_from_provider(base).await)
}

/// Hands on credentials, and teaches the redactor what of them is secret. They may be others each time.
struct Learning {
    inner: SharedCredentialsProvider,
    redactor: Redactor,
}

impl ProvideCredentials for Learning {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials = self.inner.provide_credentials().await?;
            self.redactor.learn(&Secret::from(credentials.secret_access_key()));
            if let Some(token) = credentials.session_token() {
                self.redactor.learn(&Secret::from(token));
            }
            Ok(credentials)
        })
    }
}

impl fmt::Debug for Learning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Learning")
    }
}
