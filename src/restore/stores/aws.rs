//! AWS Secrets Manager.

use crate::event::Failure;
use crate::redact::Redactor;
use crate::runbook::Aws;
use crate::secrets::Store;
use crate::secrets::aws::{self, Login, Place, Role, Settings};

/// Makes the store.
pub(super) fn make(name: &str, of: &Aws, redactor: &Redactor) -> Result<Box<dyn Store>, Failure> {
    let settings = Settings {
        name: name.to_owned(),
        place: Place {
            region: of.region.clone(),
            endpoint: of.endpoint.clone(),
        },
        replicas: of
            .replicas
            .iter()
            .map(|replica| Place {
                region: replica.region.clone(),
                endpoint: replica.endpoint.clone(),
            })
            .collect(),
        login: match &of.profile {
            Some(profile) => Login::Profile(profile.clone()),
            None => Login::Found,
        },
        role: of.role.as_ref().map(|role| Role {
            arn: role.arn.clone(),
            session_name: role.session_name.clone(),
            external_id: role.external_id.clone(),
            endpoint: role.endpoint.clone(),
        }),
    };
    Ok(Box::new(aws::Aws::new(settings, redactor)?))
}
