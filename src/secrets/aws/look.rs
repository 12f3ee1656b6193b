//! What is known of a secret without its value.

use super::absent::id_of;
use super::client::Aws;
use super::explain::{Asked, Trouble};
use super::held::moment;
use super::region::Region;
use super::version::{CURRENT, Version};
use crate::secrets::{Error, Seen};

/// The right to look at a secret.
const LOOK: &str = "secretsmanager:DescribeSecret";

impl Aws {
    /// Looks at a secret in one region.
    pub(super) async fn look_in(&self, region: &Region, path: &str, version: Option<&str>) -> Result<Seen, Trouble> {
        let request = region.client(self).await.describe_secret().secret_id(region.id(path));
        let asked = Asked {
            action: LOOK,
            path,
            version,
            holds: None,
        };
        let described = match request.send().await {
            Ok(described) => described,
            Err(error) => return Err(self.explain(region, asked, &error).await),
        };
        let final_word = |error: Error| Trouble { error, passing: false };
        if described.deleted_date().is_some() {
            return Err(final_word(self.deleted_as(region, path, Some(&described))));
        }
        let wanted = Version::of(version);
        let Some(id) = id_of(&described, wanted) else {
            return Err(final_word(self.no_version(region, asked, Some(&described))));
        };
        // What was written last is the newest version, unless only words about it were.
        let is_newest = id_of(&described, Version::Stage(CURRENT)).as_deref() == Some(id.as_str());
        let changed = described.last_changed_date().filter(|_| is_newest);
        Ok(Seen {
            version: Some(id),
            written: changed.and_then(moment),
            keys: None,
            readable: false,
        })
    }
}
