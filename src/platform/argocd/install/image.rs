//! The version of an agent, as its images and labels tell.

use serde_json::Value;

use super::role::Role;

/// Returns the version of Argo CD that live objects run, such as `3.2.11`; `None` where no application-controller is
/// among them or it does not tell.
pub fn installed_version<'object>(live: impl IntoIterator<Item = &'object Value>) -> Option<String> {
    live.into_iter()
        .find(|object| Role::of(object) == Some(Role::ApplicationController))
        .and_then(version_of)
}

/// Returns the version that a workload of Argo CD runs: from its image's tag, else from its label.
pub fn version_of(workload: &Value) -> Option<String> {
    let label = || workload["metadata"]["labels"]["app.kubernetes.io/version"].as_str();
    images(workload)
        .filter_map(tag)
        .chain(label())
        .find_map(|tag| number(tag).map(str::to_owned))
}

/// Returns the images of a workload's containers.
pub(super) fn images(workload: &Value) -> impl Iterator<Item = &str> {
    workload
        .pointer("/spec/template/spec/containers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|container| container["image"].as_str())
}

/// Whether an image is always the same one: named by a digest or by a version.
pub(super) fn is_pinned(image: &str) -> bool {
    image.contains("@sha256:") || tag(image).and_then(number).is_some()
}

/// Returns the tag of an image.
fn tag(image: &str) -> Option<&str> {
    let bare = image.split('@').next()?;
    // A colon before the last slash is that of the registry's port.
    bare.rsplit('/').next()?.split_once(':').map(|(_, tag)| tag)
}

/// Returns a version without its `v`; `None` for what is no version, such as `latest`.
fn number(tag: &str) -> Option<&str> {
    let bare = tag.strip_prefix('v').unwrap_or(tag);
    (bare.starts_with(|first: char| first.is_ascii_digit()) && bare.contains('.')).then_some(bare)
}

/// Says what is wrong with a version; `None` where it is one that is known.
pub(super) fn unsupported(version: &str) -> Option<&'static str> {
    let mut parts = version.split(['.', '-', '+']).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return None;
    };
    match (major, minor) {
        (major, minor) if (major, minor) < (2, 14) => Some("is older than 2.14, the oldest that is known"),
        (major, minor) if (major, minor) > (3, 6) => Some("is newer than 3.6, the newest that is known"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_version_is_that_of_the_image_else_of_the_label() {
        let controller = |image: &str, label: &str| {
            json!({
                "kind": "StatefulSet",
                "metadata": {"name": "argocd-application-controller", "labels": {"app.kubernetes.io/version": label}},
                "spec": {"template": {"spec": {"containers": [{"image": image}]}}},
            })
        };
        for (image, label, expected) in [
            ("quay.io/argoproj/argocd:v3.2.11", "", Some("3.2.11")),
            (
                "registry.example.com:5000/argocd:v3.2.11@sha256:abc",
                "",
                Some("3.2.11"),
            ),
            ("registry.example.com:5000/argocd@sha256:abc", "v3.1.0", Some("3.1.0")),
            ("quay.io/argoproj/argocd:latest", "", None),
        ] {
            assert_eq!(
                installed_version([&controller(image, label)]).as_deref(),
                expected,
                "{image}"
            );
        }
        assert_eq!(
            installed_version([&json!({"kind": "Deployment", "metadata": {"name": "argocd-server"}})]),
            None
        );
    }

    #[test]
    fn only_a_version_or_a_digest_pins_an_image() {
        for (image, pinned) in [
            ("redis:8.2.3-alpine", true),
            ("quay.io/argoproj/argocd@sha256:abc", true),
            ("quay.io/argoproj/argocd:latest", false),
            ("quay.io/argoproj/argocd:stable", false),
            ("registry.example.com:5000/argocd", false),
        ] {
            assert_eq!(is_pinned(image), pinned, "{image}");
        }
    }

    #[test]
    fn versions_beyond_what_is_known_are_said_to_be_so() {
        for (version, known) in [
            ("2.13.9", false),
            ("2.14.0", true),
            ("3.2.11", true),
            ("3.6.1", true),
            ("3.7.0-rc1", false),
            ("4.0.0", false),
        ] {
            assert_eq!(unsupported(version).is_none(), known, "{version}");
        }
    }
}
