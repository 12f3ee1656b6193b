//! One secret.

use super::client::Aws;
use super::explain::{Asked, Trouble};
use super::held::Held;
use super::region::Region;
use super::version::Version;
use crate::secrets::{Error, Stored};

/// The right to read a secret.
pub(super) const READ: &str = "secretsmanager:GetSecretValue";

impl Aws {
    /// Reads a secret in one region.
    pub(super) async fn read_in(&self, region: &Region, path: &str, version: Option<&str>) -> Result<Stored, Trouble> {
        let wanted = Version::of(version);
        let request = region
            .client(self)
            .await
            .get_secret_value()
            .secret_id(region.id(path))
            .set_version_id(wanted.id())
            .set_version_stage(wanted.stage());
        let asked = Asked {
            action: READ,
            path,
            version,
            holds: None,
        };
        match request.send().await {
            Ok(output) => self
                .stored(path, output.into())
                .map_err(|error| Trouble { error, passing: false }),
            Err(error) => Err(self.explain(region, asked, &error).await),
        }
    }

    /// Takes a value in.
    pub(super) fn stored(&self, path: &str, held: Held) -> Result<Stored, Error> {
        held.stored().map_err(|odd| self.odd(path, &odd))
    }
}
