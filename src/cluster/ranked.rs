//! Objects that stand on each other, applied in an order that works on an empty cluster.

use futures::future::try_join_all;

use super::apply::Mode;
use super::connect::Cluster;
use super::error::Error;
use crate::health;
use crate::object::Manifest;

impl Cluster {
    /// Applies Namespaces, then CRDs until they are served, then all else. Returns how many objects were sent and how many
    /// were already so.
    pub async fn apply_ranked(
        &self,
        manifests: &[Manifest],
        namespace: &str,
        mode: Mode,
    ) -> Result<(usize, usize), Error> {
        let (mut sent, mut same) = (0, 0);
        for rank in 0..3 {
            let of_rank: Vec<Manifest> = manifests
                .iter()
                .filter(|manifest| rank_of(manifest) == rank)
                .cloned()
                .collect();
            let counts = self.apply_all(&of_rank, namespace, mode).await?;
            self.until_crds_served(&of_rank).await?;
            (sent, same) = (sent + counts.0, same + counts.1);
        }
        Ok((sent, same))
    }

    /// Waits until the CRDs among these objects are Established, and discovery lists what they bring.
    pub async fn until_crds_served(&self, manifests: &[Manifest]) -> Result<(), Error> {
        let crds: Vec<&Manifest> = manifests.iter().filter(|manifest| rank_of(manifest) == 1).collect();
        if crds.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = crds.iter().map(|crd| crd.id()).collect();
        try_join_all(ids.iter().map(|id| self.until(id, health::established, |_| ()))).await?;
        let text = |crd: &Manifest, pointer: &str| crd.text(pointer).to_owned();
        let kinds: Vec<_> = crds
            .iter()
            .map(|crd| (text(crd, "/spec/group"), text(crd, "/spec/names/kind")))
            .collect();
        self.until_served(&kinds).await
    }
}

fn rank_of(manifest: &Manifest) -> usize {
    if manifest.is("", "Namespace") {
        0
    } else if manifest.is("apiextensions.k8s.io", "CustomResourceDefinition") {
        1
    } else {
        2
    }
}
