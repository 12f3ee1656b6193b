//! What tests write into OpenBao: secrets, policies, roles and tokens, within one namespace.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use crate::{Error, Result};

/// How long a new KV version 2 mount may take to get ready; well under a second is usual.
const PATIENCE: Duration = Duration::from_secs(20);

/// One namespace of an OpenBao, entered with a token that may do everything.
#[derive(Clone)]
pub struct Namespace {
    client: Client,
    address: String,
    token: String,
    name: String,
}

/// What a program needs to log in by AppRole.
#[derive(Clone, Debug)]
pub struct AppRole {
    /// Names the role; not secret.
    pub role_id: String,
    /// The password of the role.
    pub secret_id: String,
}

impl Namespace {
    /// Its full name, such as `dr/prod`; empty for the root namespace.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The token that may do everything here.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Writes a secret at `path`, which starts with its mount (`secret/dr/repo`, `kv1/dr/repo`). Returns the version it
    /// became; a mount of KV version 1 keeps none.
    pub async fn put<K, V>(&self, path: &str, data: impl IntoIterator<Item = (K, V)>) -> Result<Option<u64>>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let data: Map<String, Value> = data
            .into_iter()
            .map(|(key, value)| (key.into(), Value::String(value.into())))
            .collect();
        match self.mount_of(path).await? {
            (mount, rest, 2) => {
                let body = json!({ "data": data });
                let answer = self.post(&format!("{mount}data/{rest}"), &body).await?;
                Ok(answer["data"]["version"].as_u64())
            }
            _ => self.post(path, &json!(data)).await.map(|_| None),
        }
    }

    /// Deletes the newest version of a secret; KV version 2 answers for it with 404 and metadata from then on.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let path = match self.mount_of(path).await? {
            (mount, rest, 2) => format!("{mount}data/{rest}"),
            _ => path.to_owned(),
        };
        self.send(Method::DELETE, &path, &Value::Null).await?;
        Ok(())
    }

    /// Mounts the KV engine of `version` at `path`.
    pub async fn mount_kv(&self, path: &str, version: u8) -> Result<()> {
        let options = json!({"type": "kv", "options": {"version": version.to_string()}});
        self.post(&format!("sys/mounts/{path}"), &options).await?;
        if version == 2 {
            // It answers "upgrading from non-versioned to versioned data" for a moment.
            let deadline = Instant::now() + PATIENCE;
            let config = format!("{path}/config");
            while let Err(error) = self.get(&config).await {
                if Instant::now() > deadline {
                    return Err(error);
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(())
    }

    /// Writes the policy `name`, in OpenBao's own language: `path "secret/data/dr/*" { capabilities = ["read"] }`.
    pub async fn policy(&self, name: &str, rules: &str) -> Result<()> {
        let body = json!({"policy": rules});
        self.post(&format!("sys/policies/acl/{name}"), &body).await?;
        Ok(())
    }

    /// Creates an AppRole whose logins have `policies` and last for `ttl`, a second at least.
    pub async fn app_role(&self, name: &str, policies: &[&str], ttl: Duration) -> Result<AppRole> {
        let role = format!("auth/approle/role/{name}");
        let body = json!({"token_policies": policies, "token_ttl": seconds(ttl), "token_max_ttl": seconds(ttl)});
        self.post(&role, &body).await?;
        let id = self.get(&format!("{role}/role-id")).await?;
        let secret = self.post(&format!("{role}/secret-id"), &json!({})).await?;
        Ok(AppRole {
            role_id: text(&id["data"]["role_id"]),
            secret_id: text(&secret["data"]["secret_id"]),
        })
    }

    /// Creates a token that has `policies`, lasts for `ttl`, a second at least, and cannot be renewed.
    pub async fn create_token(&self, policies: &[&str], ttl: Duration) -> Result<String> {
        let body = json!({
            "policies": policies, "ttl": seconds(ttl), "explicit_max_ttl": seconds(ttl), "no_parent": true,
        });
        let answer = self.post("auth/token/create", &body).await?;
        Ok(text(&answer["auth"]["client_token"]))
    }

    /// Revokes a token: from now on it is refused.
    pub async fn revoke(&self, token: &str) -> Result<()> {
        let body = json!({ "token": token });
        self.post("auth/token/revoke", &body).await?;
        Ok(())
    }

    /// Writes `body` to `path` of the API and returns, in place of the answer, a token that opens it once, within an hour.
    pub async fn wrapped(&self, path: &str, body: &Value) -> Result<String> {
        let answer = self.request(Method::POST, path, body, Some("1h")).await?;
        Ok(text(&answer["wrap_info"]["token"]))
    }

    /// Creates the namespace `name` within this one, with mounts `secret/` (version 2) and `kv1/` (version 1) and AppRoles.
    pub async fn create_namespace(&self, name: &str) -> Result<Self> {
        self.post(&format!("sys/namespaces/{name}"), &json!({})).await?;
        let inner = Self {
            name: format!("{}/{name}", self.name).trim_start_matches('/').to_owned(),
            ..self.clone()
        };
        inner.mount_kv("secret", 2).await?;
        inner.mount_kv("kv1", 1).await?;
        inner.enable_app_roles().await?;
        Ok(inner)
    }

    pub(super) fn root(address: &str, authority: Option<&Path>) -> Result<Self> {
        let mut builder = Client::builder().no_proxy();
        if let Some(file) = authority {
            let pem = std::fs::read(file).map_err(Error::io("read an authority"))?;
            let authority = Certificate::from_pem(&pem).map_err(failed("read an authority"))?;
            builder = builder.tls_certs_only([authority]);
        }
        Ok(Self {
            client: builder.build().map_err(failed("make an HTTP client"))?,
            address: address.to_owned(),
            token: String::new(),
            name: String::new(),
        })
    }

    pub(super) fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    pub(super) async fn enable_app_roles(&self) -> Result<()> {
        let body = json!({"type": "approle"});
        self.post("sys/auth/approle", &body).await?;
        Ok(())
    }

    /// The status of the health page, or nothing if there is no answer.
    pub(super) async fn health(&self) -> Option<u16> {
        let url = format!("{}/v1/sys/health", self.address);
        let answer = self.client.get(url).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    /// Writes `body` to `path` of the API and returns the answer, null if it is empty.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(Method::POST, path, body).await
    }

    /// Reads `path` of the API.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, &Value::Null).await
    }

    /// The mount that `path` lies in, with its slash; the rest of the path; and the version of its KV engine.
    async fn mount_of(&self, path: &str) -> Result<(String, String, u8)> {
        let answer = self.get(&format!("sys/internal/ui/mounts/{path}")).await?;
        let mount = text(&answer["data"]["path"]);
        let rest = path.strip_prefix(&mount).unwrap_or(path).to_owned();
        let version = if answer["data"]["options"]["version"] == "2" {
            2
        } else {
            1
        };
        Ok((mount, rest, version))
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        self.request(method, path, body, None).await
    }

    async fn request(&self, method: Method, path: &str, body: &Value, wrap: Option<&str>) -> Result<Value> {
        let action = format!("{method} {path} of OpenBao");
        let mut request = self.client.request(method, format!("{}/v1/{path}", self.address));
        if !self.token.is_empty() {
            request = request.header("X-Vault-Token", &self.token);
        }
        if !self.name.is_empty() {
            request = request.header("X-Vault-Namespace", &self.name);
        }
        if let Some(ttl) = wrap {
            request = request.header("X-Vault-Wrap-TTL", ttl);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(failed(&action))?;
        let status = answer.status();
        let text = answer.text().await.map_err(failed(&action))?;
        if !status.is_success() {
            return Err(Error::Other(format!("{action}: {status}: {text}")));
        }
        if status == StatusCode::NO_CONTENT || text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| Error::Other(format!("{action}: no JSON in the answer: {error}")))
    }
}

fn failed(action: &str) -> impl FnOnce(reqwest::Error) -> Error {
    move |error| Error::Other(format!("{action}: {error}"))
}

/// Never 0, which OpenBao takes for its own default of 32 days.
fn seconds(ttl: Duration) -> String {
    format!("{}s", ttl.as_secs().max(1))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
