//! `AppRole`: a role's id and a secret id, for machines.

use vaultrs::api::auth::approle::requests::LoginWithApproleRequest;

use super::super::client::Vault;
use super::super::transport::Call;
use super::refused::Method;
use super::wrapping::Content;
use crate::redact::Secret;
use crate::secrets::Error;

impl Vault {
    pub(super) async fn by_approle(
        &self,
        mount: &str,
        role_id: &Secret,
        secret_id: &Secret,
        is_wrapped: bool,
    ) -> Result<Secret, Error> {
        let secret_id = if is_wrapped {
            self.unwrapped(&Content::SecretId { mount }, secret_id).await?
        } else {
            secret_id.clone()
        };
        let call = Call::of(&LoginWithApproleRequest {
            mount: mount.to_owned(),
            role_id: role_id.expose_str().unwrap_or_default().to_owned(),
            secret_id: secret_id.expose_str().unwrap_or_default().to_owned(),
        });
        let method = Method {
            name: "AppRole",
            mount,
            known: Vec::new(),
            hints: vec![
                format!("the secret id is wrong, has expired or is used up (its `secret_id_num_uses`; each run logs in anew): export a fresh {}, made by `bao write -f auth/{mount}/role/NAME/secret-id`", self.credential),
                format!("the role id is another role's: compare with `bao read auth/{mount}/role/NAME/role-id`"),
                "the role or secret id is bound to other addresses: its `secret_id_bound_cidrs` must hold this machine's".to_owned(),
            ],
        };
        self.log_in_by(&method, &call).await
    }
}
