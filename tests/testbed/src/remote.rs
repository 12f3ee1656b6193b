//! Another cluster that an agent drives: a control plane and simulated nodes, without a host node, since no agent runs there.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;

use crate::bed::{ADMINISTRATOR, bind};
use crate::control_plane::{AuditEvent, ControlPlane};
use crate::kwok::Kwok;
use crate::{Error, Programs, Result};

/// The group of the tool's user.
const ADMINISTRATORS: &str = "recovery-admins";
/// The account that `argocd cluster add` makes.
const ACCOUNT: &str = "argocd-manager";

/// A running cluster without an agent. Dropping it ends it.
pub struct Remote {
    _kwok: Kwok,
    plane: ControlPlane,
    admin: Client,
    client: Client,
    kubeconfig: PathBuf,
}

impl Remote {
    /// Starts it; `context` is the name of the context in its kubeconfig.
    pub async fn start(context: &str) -> Result<Self> {
        let programs = Programs::find()?;
        let plane = ControlPlane::start(&programs).await?;
        let admin = plane.master("testbed:admin")?.client().await?;
        bind(&admin, ADMINISTRATORS, "Group", "cluster-admin").await?;
        let kubeconfig = plane.folder().join("kubeconfig");
        let administrator = plane.user(ADMINISTRATOR, &[ADMINISTRATORS])?;
        administrator.write_kubeconfig(&kubeconfig, context)?;
        let client = administrator.client().await?;
        let kwok = Kwok::start(&programs, &plane, 1).await?;
        Ok(Self {
            _kwok: kwok,
            plane,
            admin,
            client,
            kubeconfig,
        })
    }

    /// The tool's kubeconfig, of an administrator to whom RBAC applies.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The address of the API server.
    pub fn server(&self) -> String {
        self.plane.server()
    }

    /// A client for what a test prepares and looks up, beyond RBAC.
    pub fn admin(&self) -> Client {
        self.admin.clone()
    }

    /// Makes the account that an agent has here, and returns the `config` of its cluster secret.
    pub async fn register(&self) -> Result<String> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.admin(), "kube-system");
        let account = ServiceAccount {
            metadata: kube::api::ObjectMeta {
                name: Some(ACCOUNT.to_owned()),
                ..kube::api::ObjectMeta::default()
            },
            ..ServiceAccount::default()
        };
        accounts
            .create(&PostParams::default(), &account)
            .await
            .map_err(Error::kube("make the agent's account"))?;
        // To RBAC an account is a user of this name.
        bind(
            &self.admin,
            &format!("system:serviceaccount:kube-system:{ACCOUNT}"),
            "User",
            "cluster-admin",
        )
        .await?;
        let request = TokenRequest {
            spec: TokenRequestSpec {
                expiration_seconds: Some(86_400),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let token = accounts
            .create_token_request(ACCOUNT, &PostParams::default(), &request)
            .await
            .map_err(Error::kube("ask for the account's token"))?;
        let token = token.status.map(|status| status.token).unwrap_or_default();
        let authority = STANDARD.encode(self.plane.authority());
        Ok(json!({"bearerToken": token, "tlsClientConfig": {"caData": authority}}).to_string())
    }

    /// All requests answered before this call; see [`crate::control_plane::AuditLog::up_to_now`].
    pub async fn audit(&self) -> Result<Vec<AuditEvent>> {
        self.plane.audit_log().up_to_now(&self.client).await
    }

    /// Changes by anybody but the cluster's own parts and the test.
    pub async fn mutations(&self) -> Result<Vec<AuditEvent>> {
        let mut events = self.audit().await?;
        let is_own = |user: &str| {
            user.starts_with("testbed:")
                || user.starts_with("system:kube-")
                || user.starts_with("system:apiserver")
                || user.starts_with("system:serviceaccount:kube-system:") && !user.ends_with(ACCOUNT)
        };
        events.retain(|event| event.is_mutation() && !is_own(&event.user));
        Ok(events)
    }
}
