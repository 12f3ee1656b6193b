//! Builds a folder as kustomize-controller does.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::super::collect::Collection;
use super::super::renderer::Ground;
use super::super::turn::Turn;
use super::super::workspace::Workspace;
use super::super::{Error, kustomize, programs, values};
use crate::recipe::{Flux, Metadata};

/// How the names of manifests end.
const MANIFESTS: [&str; 2] = [".yaml", ".yml"];
/// Files that source-controller leaves out of what it hands on (`sourceignore`).
const LEFT_OUT: [&str; 10] = [
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    ".goreleaser.yml",
    ".sops.yaml",
    ".flux.yaml",
];

/// Builds the folder, with what the Kustomization adds to it. Where the folder is no kustomization, all manifests in it and below
/// it are one.
pub(in crate::render) async fn build(
    turn: &Turn<'_>,
    ground: &Ground,
    flux: &Flux,
    collection: &mut Collection,
) -> Result<(), Error> {
    if let Some(folder) = [&ground.root, &ground.place]
        .into_iter()
        .find(|folder| folder.join(".sourceignore").exists())
    {
        let file = folder
            .strip_prefix(&ground.root)
            .unwrap_or(folder)
            .join(".sourceignore");
        return Err(Error::Unknown(format!(
            "`{}`, which only the agent heeds",
            file.display()
        )));
    }
    let original = ground;
    let workspace = Workspace::of_folder(turn, ground).await?;
    let ground = &workspace.ground;
    if kustomize::file(&ground.place).is_none() {
        generate(ground)?;
    }
    kustomize::change(ground, |kustomization| add(original, kustomization, flux))?;
    let home = programs::home()?;
    kustomize::run(turn, original, ground, home.path(), &[], collection).await?;
    for manifest in &mut collection.manifests {
        mark(manifest.value_mut(), &flux.common_metadata);
    }
    Ok(())
}

/// Writes a kustomization of all manifests (`scanManifests`). A folder below that is a kustomization is one resource.
fn generate(ground: &Ground) -> Result<(), Error> {
    let mut resources = Vec::new();
    scan(&ground.place, "./", &mut resources)?;
    let mut kustomization = json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"});
    if resources.is_empty() {
        // kustomize does not build what says nothing.
        kustomization["namespace"] = "_placeholder".into();
    } else {
        kustomization["resources"] = resources.into();
    }
    let file = ground.place.join("kustomization.yaml");
    fs::write(&file, kustomization.to_string()).map_err(|source| Error::Unreadable { path: file, source })
}

fn scan(folder: &Path, before: &str, resources: &mut Vec<String>) -> Result<(), Error> {
    let unreadable = |source| Error::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(unreadable)?.collect();
    let mut entries = entries.map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{before}{name}");
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            if [".git", ".github", ".circleci"].contains(&name.as_str()) {
                continue;
            }
            if kustomize::file(&entry.path()).is_some() {
                resources.push(path);
            } else {
                scan(&entry.path(), &format!("{path}/"), resources)?;
            }
        } else if MANIFESTS.iter().any(|end| name.ends_with(end)) && !LEFT_OUT.contains(&name.as_str()) {
            resources.push(path);
        }
    }
    Ok(())
}

/// Adds to a kustomization what the Kustomization says (`GenerateManifest`).
fn add(ground: &Ground, kustomization: &mut Value, flux: &Flux) -> Result<(), Error> {
    for (field, said) in [
        ("namespace", &flux.target_namespace),
        ("namePrefix", &flux.name_prefix),
        ("nameSuffix", &flux.name_suffix),
    ] {
        if !said.is_empty() {
            kustomization[field] = said.as_str().into();
        }
    }
    list(kustomization, "patches")?.extend_from_slice(&flux.patches);
    let components = list(kustomization, "components")?;
    for component in &flux.components {
        let found = values::inside(&ground.root, &ground.place, component)?;
        if !flux.ignore_missing_components || found.exists() {
            components.push(component.as_str().into());
        }
    }
    let images = list(kustomization, "images")?;
    for image in &flux.images {
        match images.iter_mut().find(|own| own["name"] == image["name"]) {
            None => images.push(image.clone()),
            Some(own) => replace(own, image),
        }
    }
    for field in ["patches", "components", "images"] {
        if list(kustomization, field)?.is_empty()
            && let Some(fields) = kustomization.as_object_mut()
        {
            fields.shift_remove(field);
        }
    }
    let is_bare = kustomization["resources"].as_array().is_none_or(Vec::is_empty);
    if is_bare && kustomization["namespace"] != "_placeholder" {
        // A build that says nothing else is refused by kustomize.
        kustomization["buildMetadata"] = json!(["originAnnotations"]);
    }
    Ok(())
}

/// Merges an image into one of the kustomization: tag and digest go together.
fn replace(own: &mut Value, image: &Value) {
    let said = |field: &str| image[field].as_str().is_some_and(|text| !text.is_empty());
    if said("newName") {
        own["newName"] = image["newName"].clone();
    }
    if (said("newTag") || said("digest"))
        && let Some(fields) = own.as_object_mut()
    {
        for field in ["newTag", "digest"] {
            match image.get(field) {
                Some(value) if said(field) => fields.insert(field.to_owned(), value.clone()),
                _ => fields.shift_remove(field),
            };
        }
    }
}

fn list<'kustomization>(
    kustomization: &'kustomization mut Value,
    field: &str,
) -> Result<&'kustomization mut Vec<Value>, Error> {
    let own = &mut kustomization[field];
    if own.is_null() {
        *own = Value::Array(Vec::new());
    }
    own.as_array_mut()
        .ok_or_else(|| Error::Refused(format!("`{field}` of the kustomization is not a list")))
}

/// Sets labels and annotations over what is there.
fn mark(object: &mut Value, metadata: &Metadata) {
    for (field, marks) in [("labels", &metadata.labels), ("annotations", &metadata.annotations)] {
        if marks.is_empty() {
            continue;
        }
        let own = &mut object["metadata"][field];
        if !own.is_object() {
            *own = Value::Object(Map::new());
        }
        for (name, value) in marks {
            own[name] = value.as_str().into();
        }
    }
}
