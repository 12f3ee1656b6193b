//! What a store is told about its regions and its login.

use url::Url;

use crate::redact::Secret;
use crate::secrets::{Error, ErrorKind};

/// Where secrets are read, and as whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store's name in the runbook.
    pub name: String,
    /// Where secrets are read.
    pub place: Place,
    /// Regions with replicas of the secrets, in the order in which they are asked when no earlier one serves.
    pub replicas: Vec<Place>,
    /// As whom.
    pub login: Login,
    /// The role to assume, by that login.
    pub role: Option<Role>,
}

/// One region.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its name, such as `eu-west-1`.
    pub region: String,
    /// The address to ask there; AWS's own unless given.
    pub endpoint: Option<Url>,
}

/// As whom secrets are read.
#[derive(Debug, Clone)]
pub enum Login {
    /// By what the SDK finds first: the usual variables, the profile that they name, a web identity, the container's role, the
    /// instance's role.
    Found,
    /// By a profile of the user's own configuration of AWS.
    Profile(String),
    /// By an access key that whoever makes the store holds.
    Key {
        /// Its id.
        id: String,
        /// Its secret.
        secret: Secret,
        /// The token of a session, where the key is one of a session.
        token: Option<Secret>,
    },
}

/// A role to assume.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// What the session is called in AWS's own audit log.
    pub session_name: Option<String>,
    /// What the role's owner has asked to be told. It is no secret.
    pub external_id: Option<String>,
    /// The address of the Security Token Service; AWS's own unless given.
    pub endpoint: Option<Url>,
}

impl Settings {
    /// Finds what could not work or would leak, before anything is sent.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |what: &str| Error::new(ErrorKind::Configuration, format!("store {}: {what}", self.name));
        let places = || std::iter::once(&self.place).chain(&self.replicas);
        let endpoints = places().map(|place| place.endpoint.as_ref());
        let of_role = self.role.as_ref().and_then(|role| role.endpoint.as_ref());
        for endpoint in endpoints.chain([of_role]).flatten() {
            if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host().is_none() {
                return Err(wrong("its endpoint is no http or https address").hint("write it as https://HOST"));
            }
            if !endpoint.username().is_empty() || endpoint.password().is_some() || endpoint.query().is_some() {
                return Err(wrong("its endpoint holds a user, a password or a query").hint("write it as https://HOST"));
            }
        }
        for (index, place) in places().enumerate() {
            if !is_region(&place.region) {
                return Err(wrong("a region's name is not one").hint("write it as eu-west-1"));
            }
            if places().take(index).any(|before| before.region == place.region) {
                return Err(wrong(&format!("region {} is named twice", place.region))
                    .hint("`replicas` are the regions beside `region`"));
            }
        }
        match (&self.login, &self.role) {
            (_, Some(role)) if !(role.arn.starts_with("arn:") && role.arn.contains(":role/")) => {
                Err(wrong("the role to assume is no role's ARN")
                    .hint("write it as arn:aws:iam::123456789012:role/NAME"))
            }
            (Login::Key { id, secret, .. }, _) if id.is_empty() || secret.is_empty() => {
                Err(wrong("its access key is empty").hint("give its id and its secret"))
            }
            _ => Ok(()),
        }
    }
}

fn is_region(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(change: impl Fn(&mut Settings)) -> Settings {
        let place = |region: &str| Place {
            region: region.to_owned(),
            endpoint: None,
        };
        let mut settings = Settings {
            name: "aws".to_owned(),
            place: place("eu-west-1"),
            replicas: vec![place("eu-central-1")],
            login: Login::Found,
            role: None,
        };
        change(&mut settings);
        settings
    }

    fn role(arn: &str) -> Role {
        Role {
            arn: arn.to_owned(),
            session_name: None,
            external_id: None,
            endpoint: None,
        }
    }

    #[test]
    fn what_could_not_work_is_refused_without_quoting_a_credential() {
        let at = |address: &str| Some(Url::parse(address).unwrap());
        for (settings, words) in [
            (settings(|all| all.place.endpoint = at("ftp://h/")), "no http or https"),
            (
                settings(|all| all.replicas[0].endpoint = at("https://u:canary@h/")),
                "a password",
            ),
            (settings(|all| all.place.region = "Ireland".into()), "not one"),
            (
                settings(|all| all.replicas[0].region = "eu-west-1".into()),
                "named twice",
            ),
            (settings(|all| all.role = Some(role("recovery"))), "no role's ARN"),
            (
                settings(|all| {
                    all.login = Login::Key {
                        id: String::new(),
                        secret: Secret::from("canary"),
                        token: None,
                    };
                }),
                "access key is empty",
            ),
        ] {
            let error = settings.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains(words), "{error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        let good = settings(|all| all.role = Some(role("arn:aws:iam::123456789012:role/recovery")));
        assert_eq!(good.check(), Ok(()));
    }
}
