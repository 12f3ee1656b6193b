//! The volumes of a pod as folders on disk.

use std::collections::BTreeMap;
use std::path::Path;

use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{
    DownwardAPIVolumeFile, KeyToPath, Pod, ProjectedVolumeSource, ServiceAccount, ServiceAccountTokenProjection, Volume,
};
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt};

use super::environment::{Unresolved, field, not_found};
use super::source::{self, Kind};

/// Relative path → content.
type Files = BTreeMap<String, Vec<u8>>;

/// Writes `volume` of `pod` into the existing folder `folder`, or brings it up to date there: each file is replaced at once, so
/// that a reader sees the old or the new.
pub(super) async fn write(client: &Client, pod: &Pod, volume: &Volume, folder: &Path) -> Result<(), Unresolved> {
    let failed = |what: String| {
        Unresolved::Missing(format!(
            "MountVolume.SetUp failed for volume {:?} : {what}",
            volume.name
        ))
    };
    let files = match files(client, pod, volume).await {
        Ok(Some(files)) => files,
        // An empty folder belongs to the pod from the first moment.
        Ok(None) => return Ok(()),
        Err(Unresolved::Missing(what)) => return Err(failed(what)),
        Err(other) => return Err(other),
    };
    store(&files, folder).map_err(|error| failed(error.to_string()))
}

fn store(files: &Files, folder: &Path) -> std::io::Result<()> {
    for (path, content) in files {
        let file = folder.join(path);
        if std::fs::read(&file).is_ok_and(|old| old == *content) {
            continue;
        }
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let new = file.with_extension("new~");
        std::fs::write(&new, content)?;
        std::fs::rename(&new, &file)?;
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_listed = files
            .keys()
            .any(|path| *path == name || path.starts_with(&format!("{name}/")));
        if !is_listed && entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

async fn files(client: &Client, pod: &Pod, volume: &Volume) -> Result<Option<Files>, Unresolved> {
    if volume.empty_dir.is_some() {
        return Ok(None);
    }
    if let Some(map) = &volume.config_map {
        let chosen = Chosen {
            kind: Kind::ConfigMap,
            name: &map.name,
            items: map.items.as_deref(),
            optional: map.optional,
        };
        return chosen.files(client, pod).await.map(Some);
    }
    if let Some(secret) = &volume.secret {
        let name = secret.secret_name.as_deref().unwrap_or_default();
        let chosen = Chosen {
            kind: Kind::Secret,
            name,
            items: secret.items.as_deref(),
            optional: secret.optional,
        };
        return chosen.files(client, pod).await.map(Some);
    }
    if let Some(projected) = &volume.projected {
        return projection(client, pod, projected).await.map(Some);
    }
    if let Some(downward) = &volume.downward_api {
        return fields(pod, downward.items.as_deref()).map(Some);
    }
    Err(Unresolved::Missing(
        "the host node has no volumes of this kind".to_owned(),
    ))
}

/// A `ConfigMap` or Secret, or some of its keys.
struct Chosen<'a> {
    kind: Kind,
    name: &'a str,
    items: Option<&'a [KeyToPath]>,
    optional: Option<bool>,
}

impl Chosen<'_> {
    async fn files(&self, client: &Client, pod: &Pod) -> Result<Files, Unresolved> {
        let optional = self.optional == Some(true);
        let namespace = pod.namespace().unwrap_or_default();
        let Some(mut values) = source::values(client, &namespace, self.kind, self.name).await? else {
            return if optional {
                Ok(Files::new())
            } else {
                Err(not_found(self.kind, self.name))
            };
        };
        let Some(items) = self.items.filter(|items| !items.is_empty()) else {
            return Ok(values);
        };
        let mut files = Files::new();
        for item in items {
            match values.remove(&item.key) {
                Some(value) => {
                    files.insert(item.path.clone(), value);
                }
                None if optional => {}
                None => {
                    let kind = if self.kind == Kind::Secret { "secret" } else { "config" };
                    return Err(Unresolved::Missing(format!(
                        "references non-existent {kind} key: {}",
                        item.key
                    )));
                }
            }
        }
        Ok(files)
    }
}

async fn projection(client: &Client, pod: &Pod, projected: &ProjectedVolumeSource) -> Result<Files, Unresolved> {
    let mut files = Files::new();
    for source in projected.sources.iter().flatten() {
        if let Some(map) = &source.config_map {
            let chosen = Chosen {
                kind: Kind::ConfigMap,
                name: &map.name,
                items: map.items.as_deref(),
                optional: map.optional,
            };
            files.extend(chosen.files(client, pod).await?);
        }
        if let Some(secret) = &source.secret {
            let chosen = Chosen {
                kind: Kind::Secret,
                name: &secret.name,
                items: secret.items.as_deref(),
                optional: secret.optional,
            };
            files.extend(chosen.files(client, pod).await?);
        }
        if let Some(downward) = &source.downward_api {
            files.extend(fields(pod, downward.items.as_deref())?);
        }
        if let Some(account) = &source.service_account_token {
            files.insert(account.path.clone(), token(client, pod, account).await?);
        }
    }
    Ok(files)
}

fn fields(pod: &Pod, items: Option<&[DownwardAPIVolumeFile]>) -> Result<Files, Unresolved> {
    let with_field = items
        .into_iter()
        .flatten()
        .filter_map(|item| Some((item, item.field_ref.as_ref()?)));
    with_field
        .map(|(item, from)| Ok((item.path.clone(), field(pod, &from.field_path)?.into_bytes())))
        .collect()
}

/// A token of the pod's own `ServiceAccount`, which ends with the pod.
async fn token(client: &Client, pod: &Pod, from: &ServiceAccountTokenProjection) -> Result<Vec<u8>, Unresolved> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: from.audience.iter().cloned().collect(),
            expiration_seconds: from.expiration_seconds,
            bound_object_ref: Some(BoundObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: Some(pod.name_any()),
                uid: pod.uid(),
            }),
        },
        ..TokenRequest::default()
    };
    let account = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.service_account_name.as_deref())
        .unwrap_or("default");
    let answer = accounts
        .create_token_request(account, &PostParams::default(), &request)
        .await?;
    Ok(answer
        .status
        .map(|status| status.token.into_bytes())
        .unwrap_or_default())
}
