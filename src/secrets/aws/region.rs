//! One region, and the way to it.

use std::time::Duration;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, IdentityCache};
use aws_sdk_secretsmanager::{Client, Config};
use tokio::sync::OnceCell;
use url::Url;

use super::client::Aws;
use super::login::provider;
use super::settings::Place;

const CONNECT: Duration = Duration::from_secs(5);
/// One try, from the first byte sent to the last one read.
const ATTEMPT: Duration = Duration::from_secs(10);
/// All tries of one request together: what a region that is down costs, once.
const WHOLE: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 4;
/// Credentials may take a request to a role's service, by credentials that take one to the machine's own.
const LOGIN: Duration = Duration::from_secs(20);

/// A region of a store.
pub(super) struct Region {
    /// Its name.
    pub(super) name: String,
    endpoint: Option<Url>,
    client: OnceCell<Client>,
}

impl Region {
    pub(super) fn new(place: &Place) -> Self {
        Self {
            name: place.region.clone(),
            endpoint: place.endpoint.clone(),
            client: OnceCell::new(),
        }
    }

    /// Returns host and port of the address that is asked, without anything else that an address may hold.
    pub(super) fn host(&self) -> String {
        let Some(endpoint) = &self.endpoint else {
            let end = if self.name.starts_with("cn-") { ".cn" } else { "" };
            return format!("secretsmanager.{}.amazonaws.com{end}", self.name);
        };
        let host = endpoint.host_str().unwrap_or_default();
        match endpoint.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Returns the client for it. Each region has its own, and logs in by itself: where one is down, so is its login.
    pub(super) async fn client(&self, store: &Aws) -> &Client {
        self.client.get_or_init(|| self.connect(store)).await
    }

    /// Returns the id of a secret as this region knows it. The ARN of a replica is that of its original with its own region in it.
    pub(super) fn id(&self, path: &str) -> String {
        let mut parts: Vec<&str> = path.splitn(7, ':').collect();
        if path.starts_with("arn:") && parts.len() == 7 {
            parts[3] = &self.name;
        }
        parts.join(":")
    }

    async fn connect(&self, store: &Aws) -> Client {
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(super::login::region(&self.name))
            .credentials_provider(provider(&store.login, store.role.as_ref(), &self.name, &store.redactor).await)
            .identity_cache(IdentityCache::lazy().load_timeout(LOGIN).build())
            .timeout_config(timeouts())
            .retry_config(retries());
        if let Some(endpoint) = &self.endpoint {
            config = config.endpoint_url(endpoint.as_str());
        }
        Client::from_conf(config.build())
    }
}

pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(ATTEMPT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(WHOLE)
        .build()
}

/// The pauses are random up to a bound that doubles, and a client that fails again and again stops trying again.
pub(super) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(500))
        .with_max_backoff(Duration::from_secs(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str, endpoint: Option<&str>) -> Region {
        Region::new(&Place {
            region: name.to_owned(),
            endpoint: endpoint.map(|text| Url::parse(text).unwrap()),
        })
    }

    #[test]
    fn a_replica_goes_by_the_same_name_and_by_the_arn_with_its_own_region() {
        let region = region("eu-central-1", None);
        assert_eq!(region.id("prod/repo"), "prod/repo");
        assert_eq!(
            region.id("arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/repo-AbCdEf"),
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/repo-AbCdEf"
        );
    }

    #[test]
    fn the_address_that_is_asked_is_told_without_what_else_it_holds() {
        assert_eq!(
            region("eu-west-1", None).host(),
            "secretsmanager.eu-west-1.amazonaws.com"
        );
        assert_eq!(
            region("cn-north-1", None).host(),
            "secretsmanager.cn-north-1.amazonaws.com.cn"
        );
        assert_eq!(
            region("eu-west-1", Some("https://vpce.example.com/a")).host(),
            "vpce.example.com:443"
        );
    }
}
