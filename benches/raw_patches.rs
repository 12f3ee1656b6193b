//! The fastest that an API server can be asked: applies that were made beforehand, over connections that are kept.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use gitops_dr::yaml;
use reqwest::{Certificate, Client, Identity};
use serde_json::Value;

use crate::Trouble;
use crate::apply_5000::Applied;
use crate::part::answer;

/// How many connections: more do not make the API server of a small machine faster.
const CONNECTIONS: usize = 16;

/// The part: sends one PATCH for each ConfigMap of a file.
///
/// It can only hit the cluster that its arguments name, which the bench has started for itself.
pub(crate) async fn play(kubeconfig: &Path, file: &Path, told: &Path) -> Result<(), Trouble> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let (server, client) = connect(kubeconfig)?;
    let requests = Arc::new(requests(&server, file)?);
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let lines: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (client, requests, next) = (client.clone(), Arc::clone(&requests), Arc::clone(&next));
            tokio::spawn(async move {
                while let Some((url, body)) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let request = client
                        .patch(url)
                        .header("content-type", "application/apply-patch+yaml")
                        .body(body.clone());
                    request.send().await?.error_for_status()?.bytes().await?;
                }
                Ok::<_, reqwest::Error>(())
            })
        })
        .collect();
    for line in lines {
        line.await??;
    }
    let seconds = began.elapsed().as_secs_f64();
    let sent = requests.len();
    answer(told, &Applied { seconds, sent })
}

/// Returns the address of the server and a client with the user's certificate.
fn connect(kubeconfig: &Path) -> Result<(String, Client), Trouble> {
    let text = std::fs::read_to_string(kubeconfig)?;
    let document: Value = yaml::manifests(&text)
        .map_err(|error| format!("{error:?}"))?
        .into_iter()
        .map(|(_, value)| value)
        .next()
        .ok_or("the kubeconfig is empty")?;
    let field = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let pem = |pointer: &str| BASE64_STANDARD.decode(field(pointer));
    let authority = pem("/clusters/0/cluster/certificate-authority-data")?;
    let mut identity = pem("/users/0/user/client-certificate-data")?;
    identity.extend(pem("/users/0/user/client-key-data")?);
    let client = Client::builder()
        .tls_certs_only([Certificate::from_pem(&authority)?])
        .identity(Identity::from_pem(&identity)?)
        .http1_only()
        .pool_max_idle_per_host(CONNECTIONS)
        .build()?;
    Ok((field("/clusters/0/cluster/server").to_owned(), client))
}

/// Returns the address and the body of each apply.
fn requests(server: &str, file: &Path) -> Result<Vec<(String, String)>, Trouble> {
    let text = std::fs::read_to_string(file)?;
    let objects = yaml::manifests(&text).map_err(|error| format!("{error:?}"))?;
    let request = |(_, object): (usize, Value)| {
        let field = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
        let path = format!("/api/v1/namespaces/{}/configmaps/{}", field("namespace"), field("name"));
        (format!("{server}{path}?fieldManager=raw"), object.to_string())
    };
    Ok(objects.into_iter().map(request).collect())
}
