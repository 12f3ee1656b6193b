//! Kubernetes: the token of a pod's ServiceAccount, which the server has reviewed by that pod's cluster.
//!
//! On a cluster that was built anew the server still asks the old one, by its address, CA and issuer. A pod of another cluster, one
//! that lives on, can log in so. Source: <https://openbao.org/docs/auth/kubernetes/>.

use super::super::auth::Bearer;
use super::super::client::Vault;
use super::super::transport::Call;
use super::claims;
use super::refused::Method;
use crate::redact::Secret;
use crate::secrets::Error;

impl Vault {
    pub(super) async fn by_kubernetes(&self, mount: &str, role: &str, token: &Bearer) -> Result<Secret, Error> {
        let token = self.bearer(token).await?;
        let body = [("role", role), ("jwt", token.expose_str().unwrap_or_default())];
        let call = Call::login(format!("auth/{mount}/login"), &body);
        let method = Method {
            name: "Kubernetes",
            mount,
            known: claims::told(&token),
            hints: vec![
                format!(
                    "the server still asks the cluster that is lost: write the address, CA and issuer of the one that this token is of (`bao write auth/{mount}/config kubernetes_host=… kubernetes_ca_cert=@ca.crt`)"
                ),
                format!(
                    "the role {role} is bound to other accounts: `bao read auth/{mount}/role/{role}` names its `bound_service_account_names`, `bound_service_account_namespaces` and `audience`"
                ),
                "in an outage log in by what does not depend on a cluster, such as `auth: {approle: …}`".to_owned(),
            ],
        };
        self.log_in_by(&method, &call).await
    }
}
